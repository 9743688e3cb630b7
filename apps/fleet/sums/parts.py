"""A group's trucks, a truck or a driver as if they were all of a fleet: packed rows, one a part of a period. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from apps.fleet.sums.blocks import TRUCKS, block_of, by_line_of_bits, of_bits, unpacked
from apps.fleet.sums.fleet import FIGURES, pack_costs, pack_figures, pack_used

Row = dict[str, Any]
_NAMES = FIGURES[1:]  # on how many days a group has trucks is not known of a pentad: `days` is null


def of_group(rows: Iterable[Row]) -> list[Row]:
    """From rows of `GROUP_PARTS`."""
    return [
        {
            "first_day": first,
            "figures": _figures(blocks),
            "costs": _costs(blocks),
            "used": pack_used({row["block"]: row["used"] & row["mask"] for row in blocks}),
        }
        for first, blocks in _by_first_day(rows).items()
    ]


def _figures(blocks: Sequence[Row]) -> bytes:
    tables = [of_bits(unpacked(row["figures"], 1 + len(_NAMES)), row["mask"])[1:] for row in blocks if row["figures"]]
    if not any(table.size for table in tables):
        return b""
    table = np.concatenate(tables, axis=1)
    known = ~np.isnan(table)
    sums = np.where(known.any(axis=1), np.where(known, table, 0.0).sum(axis=1), np.nan)
    return pack_figures([None, *sums.tolist()])


def _costs(blocks: Sequence[Row]) -> bytes:
    lines = by_line_of_bits((row["costs"], row["mask"]) for row in blocks)
    return pack_costs((line, source, int(known[1].sum())) for (line, source), known in lines)


def of_truck(truck_id: int, rows: Iterable[Row], costs: Iterable[Row]) -> list[Row]:
    """From rows of `TRUCK_PARTS` and of `TRUCK_COST_PARTS`: a truck has no costs without days."""
    used = {block_of(truck_id): 1 << truck_id % TRUCKS}
    return [{**part, "used": pack_used(used if row["trucks_used"] else {})} for row, part in _of_rows(rows, costs)]


def of_driver(rows: Iterable[Row], costs: Iterable[Row]) -> list[Row]:
    """From rows of `PARTS_OF_DRIVER` and of `COST_PARTS_OF_DRIVER`: what these do not have is null."""
    nothing = dict.fromkeys(_NAMES)
    figures = ({**nothing, **row, "trucks": row["days"]} for row in rows)
    return [{**part, "used": b""} for _, part in _of_rows(figures, costs)]


def _of_rows(rows: Iterable[Row], costs: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Each row with what is packed of it, and of the costs of its first day."""
    lines = _by_first_day(costs)
    for row in rows:
        first = row["first_day"]
        cents = ((each["line"], each["source"], each["cents"]) for each in lines.get(first, []))
        figures = pack_figures([None, *(row[name] for name in _NAMES)])
        yield row, {"first_day": first, "figures": figures, "costs": pack_costs(cents)}


def _by_first_day(rows: Iterable[Row]) -> dict[dt.date, list[Row]]:
    found: dict[dt.date, list[Row]] = {}
    for row in rows:
        found.setdefault(row["first_day"], []).append(row)
    return found
