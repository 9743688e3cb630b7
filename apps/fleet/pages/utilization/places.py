"""Where trucks idle."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.fleet.idling import figures as idling_figures
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number
from apps.mysql import Row


def places(chosen: Selection, rows: Sequence[Row]) -> dict[str, Any] | None:
    """The places with the most unproductive idling; none where nobody idled."""
    if not rows:
        return None
    units, currency = chosen.units, chosen.fleet.currency
    lines = [
        [
            _place(each),
            number(each["idle_nonproductive_s"] / 3600, 1),
            number(each["idle_s"] / 3600, 1),
            number(each["idle_events"]),
            number(units.volume(each["nonproductive_litres"]), 1),
            number(each["nonproductive_cost"], 2),
        ]
        for each in (idling_figures.place(row, {}) for row in rows)
    ]
    heads = [
        "Place",
        "Not productive (h)",
        "Idling (h)",
        "Idle events",
        f"Fuel ({units.volume_label})",
        f"Cost ({currency})",
    ]
    return {
        "table": Numbers(heads, lines, caption="Where trucks idle"),
        "count": idling_figures.number_of(rows),
        "shown": len(lines),
    }


def _place(each: Mapping[str, Any]) -> str:
    if each["place"]:
        return str(each["place"])
    return "Position not known" if each["lat"] is None else f"{each['lat']:.4f}, {each['lon']:.4f}"
