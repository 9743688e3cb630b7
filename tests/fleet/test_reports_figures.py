import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from apps.fleet import queries
from apps.fleet.reports.reading import FiguresChanging, daily_figures
from apps.fleet.whose import fleet_sums_sync
from apps.mysql import fetch_all_sync
from apps.trucks.models import SummaryRevision
from tests import rows
from tests.fleet import report_rows
from tests.fleet.report_rows import DAY

pytestmark = pytest.mark.django_db
YESTERDAY = DAY - dt.timedelta(days=1)


def test_the_figures_are_those_of_the_statements() -> None:
    fleet = report_rows.working_fleet(trucks=5, days=3)
    figures = daily_figures(fleet, DAY)
    period = queries.period(fleet.pk, DAY, DAY)
    found = fleet_sums_sync(period)
    assert figures.fleet.sums is not None
    for name in ("distance_m", "fuel_used_l", "moving_s", "idle_s", "speeding_severe", "refuel_l", "truck_days_used"):
        assert getattr(figures.fleet.sums, name) == found.totals[name], name
    by_truck = {row["truck_id"]: row["distance_m"] for row in fetch_all_sync(queries.TRUCK_TOTALS, period)}
    assert {truck.code: truck.sums.distance_m for truck in figures.trucks if truck.sums} == by_truck
    assert figures.fleet.cost is not None
    assert figures.fleet.cost.amount == found.costs.total


def test_the_trend_ends_with_the_day_itself_and_shows_missing_days() -> None:
    fleet = report_rows.working_fleet(trucks=2, days=3)
    figures = daily_figures(fleet, DAY)
    assert [day.day for day in figures.days] == [DAY - dt.timedelta(days=back) for back in range(13, -1, -1)]
    assert [day.sums is None for day in figures.days] == [True] * 11 + [False] * 3
    assert figures.days[-1].sums == figures.fleet.sums
    assert figures.days[-2].sums == figures.before.sums


def test_another_fleets_trucks_are_never_in_it() -> None:
    report_rows.working_fleet(trucks=3, days=2)
    fleet = rows.fleet("Other")
    report_rows.truck_day(rows.truck(fleet, "X-1"), distance_m=1000)
    report_rows.fleet_day(fleet)
    figures = daily_figures(fleet, DAY)
    assert [truck.code for truck in figures.trucks] == ["X-1"]
    assert figures.fleet.sums is not None
    assert (figures.fleet.sums.distance_m, figures.fleet.cost) == (1000, None)


def test_a_truck_that_left_is_listed_only_on_the_days_it_had() -> None:
    fleet = rows.fleet()
    left, silent = rows.truck(fleet, "left", is_active=False), rows.truck(fleet, "silent")
    report_rows.truck_day(left)
    report_rows.fleet_day(fleet)
    assert [truck.code for truck in daily_figures(fleet, DAY).trucks] == ["left", "silent"]
    assert [truck.code for truck in daily_figures(fleet, YESTERDAY).trucks] == [silent.code]


def test_a_truck_without_a_known_second_has_no_data_and_a_parked_one_has() -> None:
    fleet = rows.fleet()
    idle = {"distance_m": 0, "moving_s": 0, "idle_s": 0, "engine_on_s": 0, "messages": 0}
    report_rows.truck_day(rows.truck(fleet, "lost"), **idle, parked_s=0)
    report_rows.truck_day(rows.truck(fleet, "parked"), **idle, parked_s=86_400)
    rows.truck(fleet, "silent")
    report_rows.fleet_day(fleet)
    assert [truck.code for truck in daily_figures(fleet, DAY).trucks_without_data] == ["lost", "silent"]


def test_trucks_known_only_to_before_the_end_of_the_day_are_behind() -> None:
    fleet = rows.fleet()
    end = report_rows.end_of(DAY, fleet)
    report_rows.truck_day(rows.truck(fleet, "behind"), as_of=end - dt.timedelta(seconds=1))
    report_rows.truck_day(rows.truck(fleet, "known"), as_of=end)
    report_rows.fleet_day(fleet)
    assert [truck.code for truck in daily_figures(fleet, DAY).trucks_behind] == ["behind"]


def test_costs_of_all_lines_are_added_and_their_sources_kept() -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    report_rows.truck_day(truck)
    rows.cost(truck, "fuel", "120.50", DAY, source="actual")
    rows.cost(truck, "tires", "9.25", DAY)
    report_rows.fleet_day(fleet)
    cost = daily_figures(fleet, DAY).fleet.cost
    assert cost is not None
    assert (cost.amount, cost.sources) == (Decimal("129.75"), {"actual", "estimated"})


def changing(fleet_id: int, times: int) -> Callable[..., Any]:
    """Raises the fleet's revision before a statement that reads its trucks, so many times."""
    left = [times]

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql == queries.TRUCK_TOTALS and left[0]:
            left[0] -= 1
            SummaryRevision.objects.filter(fleet_id=fleet_id).update(revision=F("revision") + 1)
        return execute(sql, params, many, context)

    return wrapper


def test_figures_are_read_again_when_the_summaries_change_in_between() -> None:
    fleet = report_rows.working_fleet(trucks=2, days=1)
    with connection.execute_wrapper(changing(fleet.pk, times=2)):
        assert daily_figures(fleet, DAY).revision == 4713


def test_figures_that_never_come_to_rest_are_not_mixed() -> None:
    fleet = report_rows.working_fleet(trucks=2, days=1)
    with connection.execute_wrapper(changing(fleet.pk, times=99)), pytest.raises(FiguresChanging):
        daily_figures(fleet, DAY)
