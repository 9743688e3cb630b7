"""Fuel used and bought, the balance of the tanks, and what idling took."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.fleet.costs import figures as cost_figures
from apps.fleet.costs import purchases
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number
from apps.fleet.pages.costs.words import amount, of_money


def fuel(
    chosen: Selection, totals: Mapping[str, Any], tanks: Mapping[str, Any], outside: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Fuel used and bought, purchases without a day, and the balance of the tanks with its unexplained rest."""
    found = cost_figures.fuel(totals, tanks, chosen.fleet.currency)
    units, currency = chosen.units, chosen.fleet.currency
    volume, prices = units.volume_label, cost_figures.prices(totals)
    heads = ["", f"Volume ({volume})", f"Amount ({currency})", f"{currency}/{volume}"]
    rows = [
        [
            title,
            number(units.volume(found[name]["litres"]), 1),
            number(of_money(found[name]["amount"]), 2),
            number(units.per_volume(prices.get(name)), 3),
        ]
        for name, title in (("used", "Used"), ("bought", "Bought"), ("difference", "Bought less used"))
    ]
    return {
        "table": Numbers(heads, rows, caption="Fuel used and fuel bought"),
        "purchases": found["bought"]["purchases"],
        "unpriced": _unpriced(chosen, found["used"]),
        "without_day": _without_day(chosen, outside),
        "balance": _balance(chosen, found["balance"]),
    }


def _unpriced(chosen: Selection, used: Mapping[str, Any]) -> str:
    """How much of what was used had no price, or nothing."""
    if used["litres"] is None:
        return ""
    rest = used["litres"] - (used["priced_litres"] or 0)
    return number(chosen.units.volume(rest), 1, chosen.units.volume_label) if rest > 0.05 else ""


def _without_day(chosen: Selection, outside: Sequence[Mapping[str, Any]]) -> str:
    """How much was bought on days that the truck does not have, or nothing."""
    found = purchases.without_day(outside, chosen.period.zone)
    if not found["purchases"]:
        return ""
    noun = "purchase" if found["purchases"] == 1 else "purchases"
    return (
        f"{found['purchases']:,} {noun} of {number(chosen.units.volume(found['litres']), 1, chosen.units.volume_label)}"
    )


def _balance(chosen: Selection, found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    units = chosen.units
    is_compared, more_l = found["reason"] is None, found["tank_change_l"]
    lines = [
        ("Bought", found["bought_l"]) if is_compared else ("Refuelled", found["refuelled_l"]),
        ("Drained from tanks", -found["drained_l"]),
        ("Used by the counters", -found["used_l"]),
        (f"{'Less' if more_l < 0 else 'More'} in the tanks at the end", -more_l),
    ]
    rows = [[title, number(units.volume(litres), 1)] for title, litres in lines]
    rest = ["Unexplained", number(units.volume(found["unexplained_l"]), 1)] if is_compared else []
    return {
        "is_compared": is_compared,
        "truck_days": f"{found['truck_days']:,}",
        "not_in_tank": _not_in_tank(chosen, found["not_in_tank_l"]),
        "table": Numbers(["", units.volume_label], rows, rest, caption="Balance of the tanks"),
    }


def _not_in_tank(chosen: Selection, litres: float | None) -> str:
    """What was paid for and not seen in a tank, or the other way round."""
    what = "Seen in a tank and not bought" if litres is not None and litres < 0 else "Bought and not seen in a tank"
    volume = None if litres is None else chosen.units.volume(abs(litres))
    return f"{what}: {number(volume, 1, chosen.units.volume_label)}"


def idling(chosen: Selection, totals: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = cost_figures.idling(dict(totals), chosen.fleet.currency)
    units = chosen.units
    return [
        ("Fuel used idling", number(units.volume(found["litres"]), 1, units.volume_label)),
        ("What it cost", amount(of_money(found["amount"]), chosen)),
        ("Of it productive", amount(of_money(found["productive_amount"]), chosen)),
        ("The rest", amount(of_money(found["nonproductive_amount"]), chosen)),
    ]
