"""The sums of a fleet as packed rows, and what a period's rows add up to. Pure.

A row is a day, a pentad or a month. `figures` are doubles in the order of FIGURES, NaN where null (see `blocks`);
`costs` a JSON array of [line, source, cents]; `used` two columns of whole numbers: blocks of trucks, and a bit for each
of a block's trucks that was used.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import orjson

from apps.fleet.figures import Costs
from apps.fleet.queries import FUEL_MONEY, TRUCK_SUMS
from apps.fleet.spans import start_of
from apps.fleet.sums.blocks import NUMBER, PLACES, is_fraction, pack, starts_of

FIGURES = ("days", *TRUCK_SUMS, *FUEL_MONEY)
_CALLED = {"trucks": "truck_days", "trucks_used": "truck_days_used"}
_BITS = np.dtype("<u8")
Row: TypeAlias = dict[str, Any]
Bucket: TypeAlias = tuple[dt.date, Row, Costs]  # a day, week or month: its first day, sums and costs


# --- packing --------------------------------------------------------------------------------------------------------


def pack_figures(values: Sequence[Any]) -> bytes:
    """The FIGURES of a day or span, decimals as whole numbers of their last place."""
    return pack([values])


def pack_costs(costs: Iterable[tuple[str, str, int]]) -> bytes:
    """Lines, sources and cents; nothing of none."""
    rows = sorted(costs)
    return orjson.dumps(rows) if rows else b""


def pack_used(used: Mapping[int, int]) -> bytes:
    """By block the bits of its trucks that were used; blocks without any are left out."""
    pairs = sorted((block, bits) for block, bits in used.items() if bits)
    return np.array(pairs, _BITS).T.tobytes() if pairs else b""


def unpacked_used(packed: bytes) -> dict[int, int]:
    return dict(zip(*np.frombuffer(packed, _BITS).reshape(2, -1).tolist(), strict=True))


# --- adding up ------------------------------------------------------------------------------------------------------


class FleetSums:
    """What rows of days, pentads and months of a fleet, no day in two of them, add up to."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Rows with `first_day`, `figures`, `costs` and `used`, in any order."""
        self._rows = sorted(rows, key=itemgetter("first_day"))

    @cached_property
    def totals(self) -> Row:
        """The sums; null where nothing is measured, `days` 0 where no day has a truck-day."""
        return _totals(self._rows)

    @cached_property
    def costs(self) -> Costs:
        return _costs(self._rows)

    @cached_property
    def trucks_used(self) -> int:
        """How many trucks were used on at least one day."""
        packed = [np.frombuffer(row["used"], _BITS).reshape(2, -1) for row in self._rows if row["used"]]
        if not packed:
            return 0
        blocks, bits = np.concatenate(packed, axis=1)
        order = np.argsort(blocks)
        of_blocks = np.bitwise_or.reduceat(bits[order], starts_of(blocks[order]))
        return int(np.bitwise_count(of_blocks).sum())

    def by_month(self) -> list[Bucket]:
        """No row reaches over a month's end."""
        return self.by("month")

    def by(self, by: str) -> list[Bucket]:
        """Of each day, week or month that has truck-days, or costs that no truck bears; no row lies in two of them."""
        buckets = groupby(self._rows, key=lambda row: start_of(by, row["first_day"]))
        found = [(first, list(rows)) for first, rows in buckets]
        return [
            (first, _totals(rows), _costs(rows))
            for first, rows in found
            if any(row["figures"] or row["costs"] for row in rows)
        ]


def _served(name: str) -> Callable[[float], Any]:
    """What a figure is served as."""
    if is_fraction(name):
        return float
    places = PLACES.get(name)
    return int if places is None else lambda number: Decimal(int(number)).scaleb(-places)


_SERVED = tuple((_CALLED.get(name, name), _served(name)) for name in FIGURES)
NOTHING: Row = {"days": 0, **dict.fromkeys(name for name, _ in _SERVED[1:])}


def _totals(rows: Sequence[Row]) -> Row:
    packed = [row["figures"] for row in rows if row["figures"]]
    if not packed:
        return NOTHING
    table = np.frombuffer(b"".join(packed), NUMBER).reshape(-1, len(FIGURES))
    known = ~np.isnan(table)
    sums: list[float] = np.where(known, table, 0.0).sum(axis=0).tolist()
    measured: list[bool] = np.any(known, axis=0).tolist()
    each = zip(_SERVED, sums, measured, strict=True)
    return {name: served(value) if is_known else None for (name, served), value, is_known in each}


def _costs(rows: Sequence[Row]) -> Costs:
    cents: dict[tuple[str, str], int] = {}
    for row in rows:
        for line, source, amount in orjson.loads(row["costs"] or b"[]"):
            cents[line, source] = cents.get((line, source), 0) + amount
    return Costs({key: Decimal(cents[key]).scaleb(-2) for key in sorted(cents)})
