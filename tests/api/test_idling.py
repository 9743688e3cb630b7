"""Idling: what it took, and who idled most and where."""

import csv
import datetime as dt
import random
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.files import processes
from apps.fleet.models import TruckDayFuel, TruckDayIdlePlace
from apps.fleet.summaries.blocks import replace_places
from apps.trucks import paged_lists
from apps.trucks.models import Truck
from tests import rows
from tests.files import in_process

Get = Callable[..., httpx.Response]
FIRST = dt.date(2026, 3, 2)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(20)]
PERIOD = "from=2026-03-02&to=2026-03-21"  # days, pentads and days


def get(api_get: Get, fleet: Fleet, query: str = PERIOD) -> dict[str, Any]:
    answer = api_get(f"/api/v2/fleet/idling?{query}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def at_a_place(truck: Truck, day: dt.date, spot: str, idle_s: int, **changes: Any) -> None:
    """What a truck idled there, and the sums above."""
    values = {"events": 1, "productive_s": 0, "fuel_l": idle_s / 1_800, "productive_fuel_l": 0.0, "cost": 3}
    values |= {"productive_cost": 0, **changes}
    TruckDayIdlePlace.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, spot=spot, idle_s=idle_s, **values
    )
    replace_places(truck.fleet_id, [(truck.pk, day)])


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Four trucks over twenty days: A idles less than B; C does not know its engine, D is hardly known."""
    made = rows.fleet()
    trucks = [rows.truck(made, code) for code in "ABCD"]
    blind = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None}
    for day in DAYS:
        rows.truck_day(trucks[0], day)
        rows.truck_day(trucks[1], day, idle_s=7_200, parked_s=46_800)
        rows.truck_day(trucks[2], day, **blind)
        rows.truck_day(trucks[3], day, parked_s=0)
        money = {"idle_cost": 3, "idle_productive_cost": 1, "idle_productive_fuel_l": 0.5}
        TruckDayFuel.objects.create(fleet_id=made.pk, truck_id=trucks[1].pk, day=day, **money)
        rows.fleet_day(made, day)
    return made


def test_the_worst_trucks_are_those_with_the_most_unproductive_idling(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet)
    second, first = answer["data"]["trucks"]
    assert (second["truck_id"], first["truck_id"]) == ("B", "A")
    assert second == {
        "truck_id": "B", "name": "Truck B", "is_ranked": True, "coverage_pct": 95.83, "idle_events": 120,
        "idle_s": 144_000,
        "idle_productive_s": 12_000, "idle_nonproductive_s": 132_000, "engine_on_s": 648_000, "idle_pct": 22.22,
        "idle_nonproductive_pct": 20.37, "litres": 64.0, "productive_litres": 10.0, "nonproductive_litres": 54.0,
        "cost": {"amount": "60.00", "currency": "USD"}, "productive_cost": {"amount": "20.00", "currency": "USD"},
        "nonproductive_cost": {"amount": "40.00", "currency": "USD"},
    }  # fmt: skip
    assert (first["cost"], first["productive_litres"]) == (None, None)


def test_who_is_hardly_known_stands_beside_the_worst_with_its_coverage(api_get: Get, fleet: Fleet) -> None:
    summary = get(api_get, fleet)["summary"]
    assert summary["trucks"] == 2
    assert summary["not_ranked"] == {
        "count": 1, "trucks": [{"truck_id": "D", "name": "Truck D", "coverage_pct": 37.5}],
    }  # fmt: skip
    assert summary["idle_s"] == 20 * (3_600 + 7_200 + 3_600)  # the fleet has all of it


def test_the_worst_places_are_added_up_over_days_and_trucks(api_get: Get, fleet: Fleet) -> None:
    first, second = fleet.trucks.filter(code__in="AB").order_by("code")
    rows.place(fleet, "Yard", lat=41.5, lon=-87.5, radius_m=300)
    for day in (DAYS[0], DAYS[5], DAYS[19]):
        at_a_place(first, day, "@58688.59003", 600)
        at_a_place(second, day, "@58688.59003", 1_200, productive_s=300, productive_fuel_l=0.1, productive_cost=1)
        at_a_place(second, day, "=Yard", 9_000, productive_s=9_000, productive_fuel_l=5.0, productive_cost=3)
    at_a_place(first, DAYS[3], "?", 100, fuel_l=None, productive_fuel_l=None, cost=None, productive_cost=None)
    at_a_place(first, DAYS[0] - dt.timedelta(days=1), "@1.1", 50_000)  # before the period
    answer = get(api_get, fleet)
    cell, unknown, yard = answer["data"]["places"]
    assert answer["summary"]["places"] == 3
    assert (cell["place"], cell["idle_events"], cell["idle_s"], cell["idle_productive_s"]) == (None, 6, 5_400, 900)
    assert (cell["litres"], cell["productive_litres"], cell["cost"]["amount"], cell["productive_cost"]["amount"]) == (
        3.0, 0.3, "18.00", "3.00",
    )  # fmt: skip
    assert (unknown["lat"], unknown["litres"], unknown["cost"], unknown["idle_s"]) == (None, None, None, 100)
    assert (yard["place"], yard["lat"], yard["lon"], yard["idle_nonproductive_s"]) == ("Yard", 41.5, -87.5, 0)
    assert cell["lat"] == pytest.approx(41.95, abs=0.1)


def test_the_lists_are_as_long_as_asked_and_say_how_much_there_is(api_get: Get, fleet: Fleet) -> None:
    truck = fleet.trucks.get(code="A")
    for number in range(3):
        at_a_place(truck, FIRST, f"@1.{number}", 100 + number)
    answer = get(api_get, fleet, f"{PERIOD}&limit=1")
    assert [truck["truck_id"] for truck in answer["data"]["trucks"]] == ["B"]
    assert [place["idle_s"] for place in answer["data"]["places"]] == [102]
    assert (answer["summary"]["trucks"], answer["summary"]["places"]) == (2, 3)


def test_a_named_place_that_moved_changes_the_answer_s_tag(api_get: Get, fleet: Fleet) -> None:
    place, key = rows.place(fleet, "Yard"), rows.api_key(fleet)
    at_a_place(fleet.trucks.get(code="A"), FIRST, "=Yard", 600)
    tag = api_get(f"/api/v2/fleet/idling?{PERIOD}", key).headers["ETag"]
    place.lat = 42.0
    place.save()
    again = api_get(f"/api/v2/fleet/idling?{PERIOD}", key, {"If-None-Match": tag})
    assert again.json()["data"]["places"][0]["lat"] == 42.0


def test_a_polygon_lies_in_the_middle_of_its_corners(api_get: Get, fleet: Fleet) -> None:
    rows.place(fleet, "Pit", lat=None, lon=None, radius_m=None, polygon=[[41, -88], [42, -88], [42, -87], [41, -87]])
    at_a_place(fleet.trucks.get(code="A"), FIRST, "=Pit", 600)
    [pit] = get(api_get, fleet)["data"]["places"]
    assert (pit["lat"], pit["lon"]) == (41.5, -87.5)


def test_without_days_nothing_is_known_and_nothing_is_zero(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    answer = get(api_get, fleet)
    summary = answer["summary"]
    assert (summary.pop("trucks"), summary.pop("places"), summary.pop("not_ranked")["count"]) == (0, 0, 0)
    assert set(summary.values()) == {None}
    assert answer["data"] == {"trucks": [], "places": []}


def test_one_fleet_does_not_see_where_another_idles(api_get: Get, fleet: Fleet) -> None:
    other = rows.fleet("Other")
    at_a_place(rows.truck(other, "X"), FIRST, "@1.1", 600)
    assert get(api_get, fleet)["data"]["places"] == []


def test_the_period_before_stands_beside_it(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, "from=2026-03-12&to=2026-03-21")
    assert answer["previous"]["period"]["from"] == "2026-03-02"
    assert (answer["previous"]["idle_s"], answer["change_pct"]["idle_s"]) == (answer["summary"]["idle_s"], 0.0)
    ratios = {"idle_pct", "idle_nonproductive_pct"}
    assert set(answer["change_pct"]) == set(answer["previous"]) - {"period"} - ratios
    assert answer["change_points"] == dict.fromkeys(ratios, 0.0)


def test_the_lists_are_files_with_all_that_they_have(
    api_get: Get, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.Writers, "start", in_process.start)
    monkeypatch.setattr(paged_lists, "AT_ONCE", 2)
    truck, key = fleet.trucks.get(code="A"), rows.api_key(fleet)
    rows.place(fleet, "Yard", lat=41.5, lon=-87.5, radius_m=300)
    for number in range(4):
        at_a_place(truck, FIRST, f"@1.{number}", 100 + number)
    at_a_place(truck, FIRST, "=Yard", 600)
    listed = get(api_get, fleet, f"{PERIOD}&limit=100")["data"]
    for by, names, count in (("truck", ("truck_id", "idle_s"), 2), ("place", ("place", "lat", "lon", "idle_s"), 5)):
        answer = api_get(f"/api/v2/fleet/idling?{PERIOD}&by={by}&format=csv", key)
        found = list(csv.DictReader(StringIO(answer.text, newline="")))
        if by == "truck":  # behind the ranking
            last = found.pop()
            assert [last[name] for name in ("truck_id", "is_ranked", "coverage_pct")] == ["D", "false", "37.5"]
        assert len(found) == count
        expected = [["" if item[name] is None else str(item[name]) for name in names] for item in listed[f"{by}s"]]
        assert [[row[name] for name in names] for row in found] == expected


# --- of a group -----------------------------------------------------------------------------------------------------


def test_a_group_idles_as_its_trucks_do_and_where_they_do(api_get: Get, fleet: Fleet) -> None:
    first, second, third = fleet.trucks.filter(code__in="ABD").order_by("code")
    rows.group(fleet, "South", second, third)
    rows.place(fleet, "Yard", lat=41.5, lon=-87.5, radius_m=300)
    for day in (DAYS[0], DAYS[5], DAYS[19]):
        at_a_place(first, day, "@1.1", 9_000)
        at_a_place(first, day, "=Yard", 700)
        at_a_place(second, day, "=Yard", 1_200, productive_s=300, productive_fuel_l=0.1, productive_cost=1)
        at_a_place(third, day, "@1.2", 600)
    at_a_place(second, DAYS[0] - dt.timedelta(days=1), "@1.3", 50_000)  # before the period
    whole, south = get(api_get, fleet), get(api_get, fleet, f"{PERIOD}&group=South")
    assert south["data"]["trucks"] == [row for row in whole["data"]["trucks"] if row["truck_id"] == "B"]
    assert [(row["place"], row["idle_s"], row["idle_productive_s"]) for row in south["data"]["places"]] == [
        ("Yard", 3_600, 900), (None, 1_800, 0),
    ]  # fmt: skip
    assert south["data"]["places"][0]["lat"] == 41.5
    summary = south["summary"]
    assert (summary["idle_s"], summary["idle_events"]) == (20 * (7_200 + 3_600), 240)
    assert (summary["trucks"], summary["places"], summary["not_ranked"]["count"]) == (1, 2, 1)
    assert (summary["cost"]["amount"], summary["productive_litres"]) == ("60.00", 10.0)
    assert (south["freshness"]["lagging"], south["freshness"]["coverage_pct"]) == (["B", "D"], 66.67)


def test_the_lists_of_a_group_are_as_long_as_asked_and_all_of_them_are_its_file(
    api_get: Get, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.Writers, "start", in_process.start)
    truck, key = fleet.trucks.get(code="B"), rows.api_key(fleet)
    rows.group(fleet, "South", truck)
    for number in range(3):
        at_a_place(truck, FIRST, f"@1.{number}", 100 + number)
    at_a_place(fleet.trucks.get(code="A"), FIRST, "@1.1", 9_000)
    answer = get(api_get, fleet, f"{PERIOD}&group=South&limit=1")
    assert [place["idle_s"] for place in answer["data"]["places"]] == [102]
    assert answer["summary"]["places"] == 3
    for by, found in (("truck", ["144000"]), ("place", ["102", "101", "100"])):
        text = api_get(f"/api/v2/fleet/idling?{PERIOD}&group=South&by={by}&format=csv&comment=true", key).text
        comment, _, table = text.partition("\r\n")
        assert [row["idle_s"] for row in csv.DictReader(StringIO(table, newline=""))] == found
        assert "Group: South" in comment


def test_a_group_is_held_against_its_own_period_before_and_an_unknown_one_is_refused(
    api_get: Get, fleet: Fleet
) -> None:
    rows.group(fleet, "South", fleet.trucks.get(code="B"))
    rows.group(fleet, "Empty")
    answer = get(api_get, fleet, "from=2026-03-12&to=2026-03-21&group=South")
    assert answer["previous"]["idle_s"] == answer["summary"]["idle_s"] == 10 * 7_200
    nobody = get(api_get, fleet, f"{PERIOD}&group=Empty")
    assert (nobody["data"], nobody["summary"]["idle_s"]) == ({"trucks": [], "places": []}, None)
    refused = api_get(f"/api/v2/fleet/idling?{PERIOD}&group=North", rows.api_key(fleet))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/query/group")


# --- of many trucks -------------------------------------------------------------------------------------------------

MANY = (3, 60, 64, 700, 4_097, 4_098, 9_000, 16_390)  # of six blocks, and of four rows of figures for rankings


@pytest.fixture
def large(transactional_db: None) -> Fleet:
    """Trucks of which some idle the same, some are hardly known, one knows no engine; they are a group too."""
    made, chance = rows.fleet(), random.Random(3)
    trucks = [rows.truck(made, f"T-{(7 * pk) % 1_000:03}", id=pk) for pk in MANY]
    rows.group(made, "All", *trucks)
    for truck in trucks:
        for day in chance.sample(DAYS, 12):
            figures = {"idle_s": chance.choice((3_600, 7_200, 9_000)), "idle_productive_s": chance.choice((0, 600))}
            if truck.pk == 60:
                figures = dict.fromkeys(("idle_s", "idle_productive_s", "engine_on_s"))
            rows.truck_day(truck, day, **figures, parked_s=0 if truck.pk in (64, 4_098) else 40_000)
    for day in DAYS:
        rows.fleet_day(made, day)
    return made


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("period", [PERIOD, "from=2026-03-04&to=2026-03-18", "from=2026-03-20&to=2026-03-20"])
def test_the_fleet_has_what_a_group_of_all_its_trucks_has(api_get: Get, large: Fleet, limit: int, period: str) -> None:
    """A group's trucks are ranked by all their sums, a fleet's by those that stand apart."""
    whole = get(api_get, large, f"{period}&limit={limit}")
    every = get(api_get, large, f"{period}&limit={limit}&group=All")
    assert whole["data"]["trucks"] == every["data"]["trucks"]
    assert whole["summary"] == every["summary"]
    assert len(whole["data"]["trucks"]) == min(limit, whole["summary"]["trucks"]) > 0


def test_whoever_has_no_days_in_the_period_is_in_no_list(api_get: Get, large: Fleet) -> None:
    rows.truck(large, "Z", id=65)
    large.trucks.get(pk=3).delete()
    summary = get(api_get, large)["summary"]
    assert (summary["trucks"], summary["not_ranked"]["count"]) == (4, 2)
