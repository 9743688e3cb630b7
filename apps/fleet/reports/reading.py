"""Reads the figures of a fleet's day: the statements of `queries.py`, all of one revision of the summaries."""

import datetime as dt

from apps.accounts.calendar import ONE_DAY, as_utc, day_bounds
from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.ledger.spreading import missing_on
from apps.fleet.reports.figures import Cost, DailyFigures, FleetFigures, Sums, TruckFigures, Unspread
from apps.fleet.whose import fleet_sums_sync
from apps.mysql import Row, fetch_all_sync
from apps.trucks.models import DirtyDay, SummaryRevision, Truck

DAYS_SHOWN = 14
_READS = 5


class FiguresChanging(Exception):
    """The fleet's summaries changed during every one of several reads; a later attempt will find them at rest."""


def daily_figures(fleet: Fleet, day: dt.date) -> DailyFigures:
    """The figures of one local day, the day before and the trend up to it, all of one revision.

    The statements run one by one, so they are repeated if the summaries changed in between: a mail never mixes two
    revisions. Raises FiguresChanging if they never came to rest.
    """
    for _ in range(_READS):
        revision = _revision(fleet)
        figures = _read(fleet, day, revision)
        if _revision(fleet) == revision:
            return figures
    raise FiguresChanging(f"the summaries of fleet {fleet.pk} changed during each of {_READS} reads")


def _read(fleet: Fleet, day: dt.date, revision: int) -> DailyFigures:
    return DailyFigures(
        fleet=_fleet_figures(fleet, day),
        before=_fleet_figures(fleet, day - ONE_DAY),
        days=_fleet_days(fleet, day),
        trucks=_truck_figures(fleet, day),
        day_end=as_utc(day_bounds(day, fleet.zone)[1]),
        outdated=DirtyDay.objects.filter(fleet_id=fleet.pk, day=day).count(),
        revision=revision,
        unspread=Unspread(**missing_on(fleet.pk, day)),
    )


def _fleet_figures(fleet: Fleet, day: dt.date) -> FleetFigures:
    found = fleet_sums_sync(queries.period(fleet.pk, day, day))
    amount, sources = found.costs.total, found.costs.by_source()
    return FleetFigures(day, Sums.of(found.totals), None if amount is None else Cost(amount, frozenset(sources)))


def _fleet_days(fleet: Fleet, last: dt.date) -> list[FleetFigures]:
    first = last - (DAYS_SHOWN - 1) * ONE_DAY
    rows = fetch_all_sync(queries.FLEET_DAYS, queries.period(fleet.pk, first, last))
    sums = {row["day"]: Sums.of(row) for row in rows}
    days = [first + number * ONE_DAY for number in range(DAYS_SHOWN)]
    return [FleetFigures(day, sums.get(day)) for day in days]


def _truck_figures(fleet: Fleet, day: dt.date) -> list[TruckFigures]:
    """Every truck with that day, and every active one without."""
    rows = fetch_all_sync(queries.TRUCK_TOTALS, queries.period(fleet.pk, day, day))
    suspected = fetch_all_sync(queries.SUSPECTED_DRAINS, {"fleet": fleet.pk, "day": day})
    drains = {row["truck_id"]: row["suspected_drains"] for row in suspected}
    trucks = [_truck({**row, "suspected_drains": drains.get(row["truck_id"])}) for row in rows]
    known = {truck.code for truck in trucks}
    active = Truck.objects.filter(fleet=fleet, is_active=True).values_list("code", "name")
    silent = [TruckFigures(code, name, None) for code, name in active if code not in known]
    return sorted(trucks + silent, key=lambda truck: truck.code)


def _truck(row: Row) -> TruckFigures:
    as_of = row["as_of"]
    known_until = None if as_of is None else as_of.replace(tzinfo=dt.UTC)
    return TruckFigures(row["truck_id"], row["name"], Sums.of(row), row["max_speed_kmh"], known_until)


def _revision(fleet: Fleet) -> int:
    return SummaryRevision.objects.filter(fleet_id=fleet.pk).values_list("revision", flat=True).first() or 0
