"""Shares of invoices that are others than those stored: what differs, its rows, and the sums above them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from django.db import connection

from apps.fleet.costs.allocation import NO_TRUCK, Share
from apps.fleet.models import UNALLOCATED, CostAllocation, CostEntry, CostSource
from apps.fleet.summaries import driver_shares, sums, writing

_ROWS = 2_000  # of a statement
_FEW_TRUCKS = 50  # of a day, whose costs are replaced one by one; of more, those of all its trucks

# The ORM would make an object of each row, and not replace one that stands there.
_WRITE = """
INSERT INTO cost_allocation (fleet_id, entry_id, day, truck_id, line, source, amount)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE line = VALUES(line), source = VALUES(source), amount = VALUES(amount)
"""
_SUM_UP = (
    "DELETE FROM truck_day_cost WHERE fleet_id = %(fleet)s AND day IN %(days)s AND source <> 'estimated' AND {only}",
    """
INSERT INTO truck_day_cost (fleet_id, day, truck_id, line, source, amount)
SELECT fleet_id, day, truck_id, line, source, SUM(amount) FROM cost_allocation
WHERE fleet_id = %(fleet)s AND day IN %(days)s AND {only} GROUP BY fleet_id, day, truck_id, line, source
""",
)

TruckDayKey: TypeAlias = tuple[int, dt.date]  # truck, day
T = TypeVar("T")


@dataclass(slots=True)
class Difference:
    """Shares that are others than those that stand there, and those that are no more."""

    written: list[tuple[Any, ...]] = field(default_factory=list)  # entry, day, truck, line, source, amount
    gone: dict[tuple[int, dt.date], list[int]] = field(default_factory=dict)  # entry, day → trucks
    truck_days: set[TruckDayKey] = field(default_factory=set)
    entries: set[int] = field(default_factory=set)

    def add(self, entry_id: int, entry: CostEntry | None, stored: Iterable[Any], shares: Iterable[Share]) -> None:
        """Puts in what differs of an entry; None: it is gone."""
        line, source = ("", "") if entry is None else (entry.line, _source(entry))
        kinds = {True: (line, source), False: (UNALLOCATED, CostSource.ALLOCATED.value)}
        after = {(share.day, share.truck_id): share.cents for share in shares}
        for day, truck_id, *kind, amount in stored:
            now = after.get((day, truck_id))
            if now is None:
                self.gone.setdefault((entry_id, day), []).append(truck_id)
                self._touch(entry_id, truck_id, day)
            elif now == amount and tuple(kind) == kinds[truck_id != NO_TRUCK]:
                del after[day, truck_id]
        for (day, truck_id), amount in after.items():
            self.written.append((entry_id, day, truck_id, *kinds[truck_id != NO_TRUCK], Decimal(amount).scaleb(-2)))
            self._touch(entry_id, truck_id, day)

    def _touch(self, entry_id: int, truck_id: int, day: dt.date) -> None:
        self.entries.add(entry_id)
        self.truck_days.add((truck_id, day))

    def write(self, fleet_id: int) -> None:
        for (entry_id, day), trucks in sorted(self.gone.items()):
            rows = CostAllocation.objects.filter(fleet_id=fleet_id, entry_id=entry_id, day=day, truck_id__in=trucks)
            rows.delete()
        with connection.cursor() as cursor:
            for rows_ in chunks(sorted(self.written), _ROWS):
                cursor.executemany(_WRITE, [(fleet_id, *row) for row in rows_])
        if self.truck_days:
            _replace_costs(fleet_id, self.truck_days)


def _source(entry: CostEntry) -> str:
    is_actual = entry.truck_id is not None and entry.covers_from == entry.covers_to
    return (CostSource.ACTUAL if is_actual else CostSource.ALLOCATED).value


def _replace_costs(fleet_id: int, changed: Collection[TruckDayKey]) -> None:
    """Sums up the shares of all entries of these truck-days, by line, and what is above them."""
    revision = writing.next_revision(fleet_id)
    with connection.cursor() as cursor:
        for trucks, days in sorted(_by_trucks(changed).items(), key=lambda each: sorted(each[1])):
            only = "truck_id IN %(trucks)s" if trucks else "TRUE"
            for statement in _SUM_UP:
                values: dict[str, Any] = {
                    "fleet": fleet_id,
                    "days": tuple(sorted(days)),
                    "trucks": tuple(sorted(trucks)),
                }
                cursor.execute(statement.format(only=only), values)
            driver_shares.replace(fleet_id, days, trucks)
    sums.of_costs(fleet_id, changed, revision)


def _by_trucks(changed: Iterable[TruckDayKey]) -> dict[frozenset[int], list[dt.date]]:
    """The days by their trucks; those of many trucks under none, which stands for all."""
    trucks: defaultdict[dt.date, set[int]] = defaultdict(set)
    for truck_id, day in changed:
        trucks[day].add(truck_id)
    days: defaultdict[frozenset[int], list[dt.date]] = defaultdict(list)
    for day, each in trucks.items():
        days[frozenset(each) if len(each) <= _FEW_TRUCKS else frozenset()].append(day)
    return days


def chunks(values: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    each = iter(values)
    while chunk := tuple(islice(each, size)):
        yield chunk
