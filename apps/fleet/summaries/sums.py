"""The sums above the trucks' days: the fleet's days, and the spans of trucks and fleet. Replaced whole.

All of it under the lock of the fleet's revision, which makes the sums see every day that they are of.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from apps.fleet import queries
from apps.fleet.drivers import queries as driver_queries
from apps.fleet.spans import Span, month_of, pentad_of
from apps.fleet.summaries import blocks, fleet_blocks, rankings
from apps.trucks.models import SummaryRevision

TruckDays = Collection[tuple[int, dt.date]]
Statements = Mapping[str, Iterable[str]]  # by kind of span
_ALL = (
    queries.SUM_UP_TRUCKS,
    queries.SUM_UP_TRUCK_COSTS,
    queries.SUM_UP_TRUCK_FUEL,
    driver_queries.SUM_UP_DRIVERS,
    driver_queries.SUM_UP_DRIVER_COSTS,
)
_COSTS = (queries.SUM_UP_TRUCK_COSTS, driver_queries.SUM_UP_DRIVER_COSTS)


def of_days(fleet_id: int, changed: TruckDays, revision: SummaryRevision) -> None:
    """Of days (truck, day) whose figures or costs have been replaced."""
    _fleet_days(fleet_id, changed, revision)
    of_spans(fleet_id, changed)


def of_costs(fleet_id: int, changed: TruckDays, revision: SummaryRevision) -> None:
    """Of days (truck, day) whose costs alone have been replaced."""
    days = tuple(sorted({day for _, day in changed}))
    values = {"fleet": fleet_id, "days": days, "revision": revision.revision, "computed_at": revision.changed_at}
    _run(queries.SUM_UP_DAY_COSTS, values)
    _spans(fleet_id, changed, _COSTS, queries.SUM_UP_FLEET_COSTS)
    blocks.replace(fleet_id, changed, costs_alone=True)
    fleet_blocks.replace(fleet_id, changed)


def of_spans(fleet_id: int, changed: TruckDays) -> None:
    """The spans around these days, and the packed sums, of trucks and fleet."""
    _spans(fleet_id, changed, _ALL, queries.SUM_UP_FLEET)
    blocks.replace(fleet_id, changed)
    fleet_blocks.replace(fleet_id, changed)
    rankings.replace(fleet_id, changed)


def _spans(fleet_id: int, changed: TruckDays, of_trucks: Iterable[Statements], of_fleet: Statements) -> None:
    """Pentads from days, then months from pentads."""
    for span_of in (pentad_of, month_of):
        for span, trucks in _trucks_by_span(changed, span_of).items():
            values = {"fleet": fleet_id, "first_day": span.first, "pieces": tuple(span.pieces())}
            for statements in of_trucks:
                _run(statements[span.kind], {**values, "trucks": tuple(sorted(trucks))})
            _run(of_fleet[span.kind], values)


def _fleet_days(fleet_id: int, changed: TruckDays, revision: SummaryRevision) -> None:
    values = {"fleet": fleet_id, "revision": revision.revision, "computed_at": revision.changed_at}
    for day in sorted({day for _, day in changed}):
        _run(queries.SUM_UP_DAY, {**values, "day": day})


def _trucks_by_span(changed: TruckDays, span_of: Callable[[dt.date], Span]) -> dict[Span, set[int]]:
    found: dict[Span, set[int]] = {}
    for truck_id, day in changed:
        found.setdefault(span_of(day), set()).add(truck_id)
    return dict(sorted(found.items()))


def _run(statements: Iterable[str], values: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)
