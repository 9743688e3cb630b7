"""How the time was used: by truck, group, weekday and hour, each with its own denominator."""

import csv
import datetime as dt
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.fleet.models import FleetDay, GroupTarget, TruckDayHours
from apps.fleet.summaries.sums import of_spans
from apps.trucks.models import TruckDay
from tests import rows
from tests.fleet import hours_twin

Get = Callable[..., httpx.Response]
MONDAY = dt.date(2026, 3, 2)
WEEK = [MONDAY + dt.timedelta(days=number) for number in range(7)]
PERIOD = "from=2026-03-02&to=2026-03-08"


def get(api_get: Get, fleet: Fleet, query: str = "") -> dict[str, Any]:
    answer = api_get(f"/api/v2/fleet/utilization?{PERIOD}{query and '&'}{query}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Two trucks; the second has no engine evidence, drives on weekdays alone, and is known on three days."""
    made = rows.fleet()
    first, second = rows.truck(made, "A"), rows.truck(made, "B")
    for number, day in enumerate(WEEK):
        rows.truck_day(first, day)
        blind = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None, "moving_s": 14_400}
        dark = {**blind, "moving_s": 0, "parked_s": 0, "is_used": False}
        rows.truck_day(second, day, **(blind | {"parked_s": 72_000} if number < 3 else dark))
        rows.fleet_day(made, day)
    rows.known(first)
    return made


def ratios(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("asset_utilization_pct", "engine_utilization_pct", "idle_pct", "coverage_pct"))


def test_trucks_by_code_say_whether_they_can_be_ranked(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet)
    first, second = answer["data"]
    assert (first["truck_id"], first["is_ranked"], ratios(first)) == ("A", True, (68.06, 90.74, 11.11, 95.83))
    # 3 × 14,400 ÷ 7 × 43,200; 3 of 7 days are known
    assert (second["truck_id"], second["is_ranked"], ratios(second)) == ("B", False, (14.29, None, None, 42.86))
    assert answer["summary"]["not_ranked"] is None


@pytest.mark.parametrize("sort", ["asset_utilization_pct", "-idle_pct", "day_utilization_pct"])
def test_a_ranking_names_who_is_left_out_with_its_coverage(api_get: Get, fleet: Fleet, sort: str) -> None:
    answer = get(api_get, fleet, f"sort={sort}")
    assert [truck["truck_id"] for truck in answer["data"]] == ["A"]
    assert answer["summary"]["not_ranked"] == {
        "count": 1, "trucks": [{"truck_id": "B", "name": "Truck B", "coverage_pct": 42.86}],
    }  # fmt: skip


def test_the_file_of_a_ranking_ends_with_those_it_leaves_out(api_get: Get, fleet: Fleet) -> None:
    """A file has all rows: who opens it sees that a truck is not among those that are compared, and why."""
    hardly_known = rows.truck(fleet, "0")
    rows.truck_day(hardly_known, MONDAY, parked_s=0)
    file = api_get(f"/api/v2/fleet/utilization?{PERIOD}&sort=-idle_pct&format=csv", rows.api_key(fleet)).text
    found = list(csv.DictReader(StringIO(file, newline="")))
    assert [(row["truck_id"], row["is_ranked"], row["coverage_pct"]) for row in found] == [
        ("A", "true", "95.83"), ("0", "false", "37.5"), ("B", "false", "42.86"),
    ]  # fmt: skip


def test_a_truck_is_ranked_from_a_coverage_of_50_per_cent_on(api_get: Get) -> None:
    fleet = rows.fleet()
    for code, parked_s in (("HALF", 43_200), ("LESS", 43_199)):
        rows.truck_day(rows.truck(fleet, code), MONDAY, moving_s=0, idle_s=0, engine_on_s=0, parked_s=parked_s)
    rows.fleet_day(fleet, MONDAY)
    answer = get(api_get, fleet, "sort=idle_pct")
    assert [truck["truck_id"] for truck in answer["data"]] == ["HALF"]
    assert [truck["truck_id"] for truck in answer["summary"]["not_ranked"]["trucks"]] == ["LESS"]
    assert [truck["is_ranked"] for truck in get(api_get, fleet)["data"]] == [True, False]


def test_a_ranking_goes_by_the_figure_then_the_code_and_ends_with_those_without_it(api_get: Get) -> None:
    fleet = rows.fleet()
    blind = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None}
    for code, changes in {
        "A": blind, "B": {"idle_s": 7_200, "engine_on_s": 36_000}, "C": {"idle_s": 0, "engine_on_s": 28_800},
        "D": {"idle_s": 0, "engine_on_s": 28_800},
    }.items():  # fmt: skip
        rows.truck_day(rows.truck(fleet, code), MONDAY, **changes)
    rows.fleet_day(fleet, MONDAY)
    order = [truck["truck_id"] for truck in get(api_get, fleet, "sort=idle_pct")["data"]]
    assert order == ["C", "D", "B", "A"]
    assert [truck["truck_id"] for truck in get(api_get, fleet, "sort=-idle_pct")["data"]] == ["B", "C", "D", "A"]
    paged, cursor = [], ""
    while cursor is not None:
        answer = get(api_get, fleet, f"sort=idle_pct&limit=1{cursor and '&cursor='}{cursor}")
        paged += [truck["truck_id"] for truck in answer["data"]]
        cursor = answer["page"]["next_cursor"]
    assert paged == order


def test_a_group_is_the_sum_of_its_trucks_and_who_is_in_none_is_not_forgotten(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    third = rows.truck(fleet, "C")
    rows.truck_day(third, MONDAY)
    rows.group(fleet, "South", first)
    rows.group(fleet, "North", first, second)
    rows.group(fleet, "Empty")
    found = get(api_get, fleet, "by=group")
    groups = {row["group"]: row for row in found["data"]}
    assert [row["group"] for row in found["data"]] == ["North", "South", None]
    assert [row["trucks"] for row in found["data"]] == [2, 1, 1]
    assert groups["North"]["moving_s"] == 7 * 28_800 + 3 * 14_400
    assert ratios(groups["North"]) == (41.17, 90.74, 11.11, 69.35)  # Σ ÷ Σ, not the mean of 68.06 and 14.29
    assert (groups["South"]["truck_days"], groups[None]["moving_s"]) == (7, 28_800)
    assert found["page"] == {"next_cursor": None, "has_more": False}


def test_the_weekdays_add_up_to_the_period(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, "by=weekday")
    days = {row["weekday"]: row for row in answer["data"]}
    assert list(days) == ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    assert (days["monday"]["moving_s"], days["sunday"]["moving_s"]) == (43_200, 28_800)
    assert ratios(days["monday"]) == (50.69, 90.74, 11.11, 97.92)
    for name in ("length_s", "moving_s", "idle_s", "parked_s", "no_data_s", "truck_days", "truck_days_used"):
        assert sum(row[name] for row in answer["data"]) == answer["summary"][name]


def test_each_ratio_stands_beside_what_it_is_made_of(api_get: Get, fleet: Fleet) -> None:
    """The second truck has no engine evidence: it drives 3 × 4 h, which are none of an engine."""
    answer, weekdays = get(api_get, fleet), get(api_get, fleet, "by=weekday")["data"]
    for row in (*answer["data"], answer["summary"], *weekdays):
        productive = row["idle_productive_s"] or 0
        worked = None if row["engine_moving_s"] is None else row["engine_moving_s"] + productive
        assert row["engine_utilization_pct"] == share(worked, row["engine_on_s"])
        assert row["asset_utilization_pct"] == share(row["moving_s"] + productive, row["available_s"])
        assert row["idle_pct"] == share(row["idle_s"], row["engine_on_s"])
        assert row["day_utilization_pct"] == share(row["truck_days_used"], row["truck_days"])
    first, second = answer["data"]
    assert (first["engine_moving_s"], first["available_s"]) == (7 * 28_800, 7 * 43_200)
    assert (second["engine_moving_s"], second["moving_s"]) == (None, 3 * 14_400)
    assert answer["summary"]["engine_moving_s"] == 7 * 28_800


def share(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 2)


def test_a_weekday_that_the_period_does_not_have_is_null_not_zero(api_get: Get, fleet: Fleet) -> None:
    answer = api_get("/api/v2/fleet/utilization?by=weekday&from=2026-03-03&to=2026-03-03", rows.api_key(fleet)).json()
    monday, tuesday = answer["data"][:2]
    assert monday.pop("weekday") == "monday"
    assert set(monday.values()) == {None}
    assert tuesday["moving_s"] == 43_200


def test_the_hours_are_those_of_the_clock(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    rows.hours(first, MONDAY, moving=[8, 9], idle=[10], no_data=[23])
    rows.hours(second, MONDAY, moving=[9])
    hours = get(api_get, fleet, "by=hour")["data"]
    assert [hour["hour"] for hour in hours] == list(range(24))
    assert [hour["moving_s"] // 3_600 for hour in hours[7:12]] == [0, 1, 2, 0, 0]
    assert hours[9]["engine_utilization_pct"] == 100.0
    assert hours[10] == {
        "hour": 10, "length_s": 7_200, "moving_s": 0, "idle_s": 3_600, "idle_productive_s": 0, "parked_s": 3_600,
        "no_data_s": 0, "engine_on_s": 3_600, "engine_moving_s": 0, "engine_utilization_pct": 0.0, "idle_pct": 100.0,
        "idle_nonproductive_pct": 100.0, "coverage_pct": 100.0,
    }  # fmt: skip
    assert (hours[23]["coverage_pct"], hours[0]["idle_pct"]) == (50.0, None)
    assert sum(hour["length_s"] for hour in hours) == 2 * 86_400


def test_without_engines_that_are_measured_no_hour_knows_of_idling(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck, MONDAY, idle_s=None, idle_productive_s=None, engine_on_s=None)
    rows.fleet_day(fleet, MONDAY)
    rows.hours(truck, MONDAY, moving=[8])
    hour = get(api_get, fleet, "by=hour")["data"][8]
    assert (hour["moving_s"], hour["idle_s"], hour["engine_on_s"], hour["idle_pct"]) == (3_600, None, None, None)


@pytest.mark.parametrize("by", ["hour", "weekday"])
def test_where_there_are_no_days_nothing_is_zero(api_get: Get, by: str) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    for row in get(api_get, fleet, f"by={by}")["data"]:
        assert {value for name, value in row.items() if name != by} == {None}
    assert get(api_get, fleet, "by=group")["data"] == []


def test_the_period_before_stands_beside_it(api_get: Get, fleet: Fleet) -> None:
    first = fleet.trucks.get(code="A")
    before = MONDAY - dt.timedelta(days=1)
    rows.truck_day(first, before, moving_s=14_400, idle_s=0, idle_productive_s=0, engine_on_s=14_400)
    rows.fleet_day(fleet, before)
    answer = get(api_get, fleet)
    assert answer["previous"]["period"] == {"from": "2026-02-23", "to": "2026-03-01", "timezone": "America/Chicago"}
    assert answer["previous"]["moving_s"] == 14_400
    assert answer["change_pct"]["moving_s"] == 1600.0  # 7 × 28,800 + 3 × 14,400 = 244,800
    assert answer["change_pct"]["idle_s"] is None  # from zero
    assert {*answer["change_pct"], *answer["change_points"]} == set(answer["previous"]) - {"period", "days"}
    assert answer["change_points"]["idle_pct"] == 11.11  # from nothing to a ninth
    reasons = {"parked": 0, "workshop": 0, "no_data": 0}
    assert answer["previous"]["days"] == {"working": {"used": 1, **reasons}, "off": {"used": 0, **reasons}}


@pytest.mark.parametrize("by", ["group", "weekday", "hour"])
def test_only_trucks_are_ranked(api_get: Get, fleet: Fleet, by: str) -> None:
    key = rows.api_key(fleet)
    answer = api_get(f"/api/v2/fleet/utilization?{PERIOD}&by={by}&sort=-idle_pct", key)
    assert answer.status_code == 422
    assert "sort ranks trucks" in answer.json()["detail"]
    assert api_get(f"/api/v2/fleet/utilization?{PERIOD}&by={by}&sort=truck_id", key).status_code == 200


def test_a_cursor_of_one_order_is_refused_in_another(api_get: Get, fleet: Fleet) -> None:
    cursor = get(api_get, fleet, "limit=1")["page"]["next_cursor"]
    answer = api_get(f"/api/v2/fleet/utilization?{PERIOD}&limit=1&sort=idle_pct&cursor={cursor}", rows.api_key(fleet))
    assert answer.status_code == 422


# --- of a group -----------------------------------------------------------------------------------------------------


def test_a_group_s_time_is_that_of_its_trucks_by_truck_and_by_weekday(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    third = rows.truck(fleet, "C")
    for number, day in enumerate(WEEK):
        rows.truck_day(third, day - dt.timedelta(days=7) * (number % 2), available_s=0 if number == 6 else 43_200)
    rows.group(fleet, "North", first, third)
    rows.group(fleet, "South", second)
    rows.group(fleet, "Empty")
    of_fleet, by_group = get(api_get, fleet), get(api_get, fleet, "by=group")["data"]
    for name, codes in (("North", ["A", "C"]), ("South", ["B"])):
        answer, weekdays = get(api_get, fleet, f"group={name}"), get(api_get, fleet, f"group={name}&by=weekday")
        assert answer["data"] == [truck for truck in of_fleet["data"] if truck["truck_id"] in codes]
        (row,) = (row for row in by_group if row["group"] == name)
        shown = {key: value for key, value in answer["summary"].items() if key in row and key != "days"}
        assert shown == {key: row[key] for key in shown}
        assert answer["summary"]["days"] == {kind: row["days"][kind] for kind in ("working", "off")}
        assert weekdays["summary"] == answer["summary"]
        for key in ("truck_days", "length_s", "moving_s", "parked_s", "available_s", "truck_days_used"):
            assert sum(day[key] or 0 for day in weekdays["data"]) == answer["summary"][key]
    file = api_get(f"/api/v2/fleet/utilization?{PERIOD}&group=North&format=csv&comment=true", rows.api_key(fleet)).text
    assert [line.partition(",")[0] for line in file.splitlines()[1:]] == ["truck_id", "A", "C"]
    assert "Group: North" in file.splitlines()[0]
    nobody = get(api_get, fleet, "group=Empty")
    assert (nobody["data"], nobody["summary"]["truck_days"], nobody["summary"]["days"]) == ([], None, None)


def test_the_period_before_and_the_ranking_of_a_group_are_its_own(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    before = MONDAY - dt.timedelta(days=1)
    for truck, moving_s in ((first, 7_200), (second, 3_600)):
        rows.truck_day(truck, before, moving_s=moving_s, idle_s=0, idle_productive_s=0, engine_on_s=moving_s)
    rows.group(fleet, "South", second)
    answer = get(api_get, fleet, "group=South&sort=-idle_pct")
    assert answer["previous"]["moving_s"] == 3_600
    assert answer["freshness"]["lagging"] == ["B"]
    assert (answer["data"], answer["summary"]["not_ranked"]["count"]) == ([], 1)
    assert get(api_get, fleet, "sort=-idle_pct")["data"][0]["truck_id"] == "A"


def test_the_hours_of_a_group_are_those_of_its_trucks(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    third = rows.truck(fleet, "C")
    before = MONDAY - dt.timedelta(days=1)
    rows.truck_day(second, before)
    for day, hour in ((MONDAY, 8), (WEEK[6], 9)):
        rows.truck_day(third, day)
        rows.hours(first, day, moving=[hour], idle=[10], no_data=[23])
        rows.hours(second, day, moving=[7, hour])
        rows.hours(third, day, moving=[11], idle=[12])
    rows.hours(second, before, moving=[3])
    rows.group(fleet, "North", first, third)
    rows.group(fleet, "South", second)
    days = list(TruckDayHours.objects.filter(day__range=(MONDAY, WEEK[6])))
    for name, members in (("North", (first, third)), ("South", (second,))):
        hours = get(api_get, fleet, f"group={name}&by=hour")["data"]
        its = [hours_twin.hours_of(bytes(day.hours)) for day in days if day.truck_id in {each.pk for each in members}]
        for state in ("moving_s", "parked_s", "no_data_s", *(["idle_s"] if name == "North" else [])):
            assert [hour[state] for hour in hours] == [sum(day[at][state] for day in its) for at in range(24)], state
    assert {hour["idle_s"] for hour in hours} == {None}, "the engine of South's truck is not measured"
    assert get(api_get, fleet, "group=North&by=hour")["data"][10]["idle_pct"] == 100.0


@pytest.mark.parametrize("query", ["group=West", "group=South&by=group"])
def test_a_group_that_is_none_or_rows_that_it_does_not_have_are_refused(api_get: Get, fleet: Fleet, query: str) -> None:
    rows.group(fleet, "South", *fleet.trucks.all())
    assert api_get(f"/api/v2/fleet/utilization?{PERIOD}&{query}", rows.api_key(fleet)).status_code == 422


# --- targets --------------------------------------------------------------------------------------------------------


def test_a_truck_s_targets_come_before_its_groups_and_these_before_the_fleet_s(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.order_by("code")
    rows.parameters(fleet, {"target_utilization_pct": 50, "target_idle_pct": 20})
    rows.parameters(fleet, {"target_idle_pct": 25}, truck=first)
    north, south = rows.group(fleet, "North", first, second), rows.group(fleet, "South", first)
    long_ago, today, later = dt.date(2020, 1, 1), WEEK[-1], WEEK[-1] + dt.timedelta(days=1)
    for group, since, utilization, idle in (
        (south, long_ago, 90, 12), (north, long_ago, 70, None), (north, today, 68.06, None), (north, later, 99, 99),
    ):  # fmt: skip
        GroupTarget.objects.create(
            fleet=fleet, group=group, effective_from=since, target_utilization_pct=utilization, target_idle_pct=idle
        )
    answer = get(api_get, fleet)
    assert [truck["targets"] for truck in answer["data"]] == [
        {"target_utilization_pct": 68.06, "utilization_met": True, "target_idle_pct": 25, "idle_met": True},
        {"target_utilization_pct": 68.06, "utilization_met": False, "target_idle_pct": 20, "idle_met": None},
    ]
    assert answer["summary"]["targets"] == {
        "target_utilization_pct": 50, "utilization_met": False, "target_idle_pct": 20, "idle_met": True,
    }  # fmt: skip
    groups = {row["group"]: row["targets"] for row in get(api_get, fleet, "by=group")["data"]}
    assert (groups["North"]["target_idle_pct"], groups["South"]["target_utilization_pct"]) == (20, 90)
    assert groups["South"]["utilization_met"] is False


def test_a_group_s_latest_targets_count_whole_so_that_one_can_end(api_get: Get, fleet: Fleet) -> None:
    north = rows.group(fleet, "North", *fleet.trucks.all())
    for since, utilization, idle in ((dt.date(2020, 1, 1), 70, 5), (MONDAY, 80, None), (WEEK[-1], None, None)):
        GroupTarget.objects.create(
            fleet=fleet, group=north, effective_from=since, target_utilization_pct=utilization, target_idle_pct=idle
        )
    for day, expected in ((dt.date(2026, 3, 1), (70, 5)), (MONDAY, (80, 15)), (WEEK[-1], (60, 15))):
        answer = api_get(f"/api/v2/fleet/utilization?from={day}&to={day}&group=North", rows.api_key(fleet)).json()
        targets = answer["summary"]["targets"]
        assert (targets["target_utilization_pct"], targets["target_idle_pct"]) == expected, day


def test_a_group_s_target_changes_the_answer_s_tag(api_get: Get, fleet: Fleet) -> None:
    group, key = rows.group(fleet, "North", *fleet.trucks.all()), rows.api_key(fleet)
    path = f"/api/v2/fleet/utilization?{PERIOD}"
    tag = api_get(path, key).headers["ETag"]
    target = GroupTarget.objects.create(fleet=fleet, group=group, effective_from=MONDAY, target_idle_pct=1)
    again = api_get(path, key, {"If-None-Match": tag})
    assert again.json()["data"][0]["targets"]["idle_met"] is False
    target.delete()
    assert api_get(path, key, {"If-None-Match": again.headers["ETag"]}).status_code == 200


# --- days not used --------------------------------------------------------------------------------------------------


def test_the_days_add_up_to_the_period_each_for_one_reason(api_get: Get, fleet: Fleet) -> None:
    first = fleet.trucks.get(code="A")
    TruckDay.objects.filter(day=WEEK[6]).update(available_s=0)
    TruckDay.objects.filter(truck_id=first.pk, day=WEEK[1]).update(is_used=False)
    TruckDay.objects.filter(truck_id=first.pk, day=WEEK[2]).update(is_used=False, in_workshop=True)
    FleetDay.objects.all().delete()
    for day in WEEK:
        of_spans(fleet.pk, [(truck.pk, day) for truck in fleet.trucks.all()])
        rows.fleet_day(fleet, day)
    answer = api_get("/api/v2/fleet/utilization?from=2026-03-01&to=2026-03-08", rows.api_key(fleet)).json()
    first_days, second_days = (truck["days"] for truck in answer["data"])
    nothing = {"used": 0, "parked": 0, "workshop": 0, "no_data": 0}
    assert first_days == {
        "working": {"used": 4, "parked": 1, "workshop": 1, "no_data": 0}, "off": {**nothing, "used": 1}, "outside": 1,
    }  # fmt: skip
    assert second_days == {
        "working": {**nothing, "used": 3, "no_data": 3}, "off": {**nothing, "no_data": 1}, "outside": 1,
    }  # fmt: skip
    assert answer["summary"]["days"] == {
        "working": {"used": 7, "parked": 1, "workshop": 1, "no_data": 3},
        "off": {"used": 1, "parked": 0, "workshop": 0, "no_data": 1},
    }
    for days in (first_days, second_days):
        assert sum(days["working"].values()) + sum(days["off"].values()) + days["outside"] == 8
    weekdays = api_get("/api/v2/fleet/utilization?by=weekday&from=2026-03-01&to=2026-03-08", rows.api_key(fleet)).json()
    assert weekdays["data"][6]["days"] == {"working": nothing, "off": {**nothing, "used": 1, "no_data": 1}}
