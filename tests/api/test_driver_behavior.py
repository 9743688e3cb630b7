"""How trucks and drivers were driven, by API: the figures of the summaries, whoever asks in whichever way."""

import csv
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.accounts.models import Fleet
from apps.fleet.models import TruckDayDriver
from apps.fleet.sums import drivers as driver_sums
from apps.trucks.models import Driver, ParameterSet, Truck
from tests import rows
from tests.api.driven import MONDAY, ONE, QUIET, WEEK, Get, drove, get

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    return drove()


# --- by driver and by truck -----------------------------------------------------------------------------------------


def test_drivers_come_by_code_and_what_nobody_is_known_of_is_the_last_row(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, f"fleet/driver-behavior?by=driver&{WEEK}")
    assert [(row["driver_id"], row["name"], row["distance_m"], row["truck_days"]) for row in answer["data"]] == [
        ("D-1", "Anna", 400_000, 2),
        ("D-2", "Ben", 50_000, 1),
        (None, None, 90_000, 1),
    ]


def test_drivers_trucks_and_fleet_have_the_same_sums(api_get: Get, fleet: Fleet) -> None:
    by_driver = get(api_get, fleet, f"fleet/driver-behavior?by=driver&{WEEK}")
    by_truck = get(api_get, fleet, f"fleet/driver-behavior?{WEEK}")
    assert by_driver["summary"] == by_truck["summary"]
    for name in ("distance_m", "trips", "moving_s", "idle_s", "night_driving_s", "speeding_minor", "harsh_braking"):
        total = by_truck["summary"][name]
        assert [sum(row[name] for row in each["data"]) for each in (by_driver, by_truck)] == [total, total], name


def test_a_driver_has_score_idling_night_and_coverage(api_get: Get, fleet: Fleet) -> None:
    [anna, ben, _] = get(api_get, fleet, f"fleet/driver-behavior?by=driver&{WEEK}")["data"]
    assert anna["safety_score"] == 97.5  # 100 − (2 + 2 + 4 + 2) ÷ 4
    assert (anna["moving_s"], anna["night_driving_s"], anna["night_driving_pct"]) == (57_600, 5_400, 9.38)
    assert (anna["idle_s"], anna["engine_on_s"], anna["idle_pct"]) == (7_200, 64_800, 11.11)
    assert anna["idle_nonproductive_pct"] == 9.26
    assert (ben["safety_score"], ben["coverage_pct"], ben["is_ranked"]) == (None, 8.33, False)  # 50 km; 2 hours of 24


def test_the_period_before_stands_beside_each_and_the_fleet(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, f"fleet/driver-behavior?by=driver&{WEEK}")
    anna, ben, nobody = answer["data"]
    assert (anna["previous"], anna["safety_score_change"]) == ({"distance_m": 200_000, "safety_score": 100.0}, -2.5)
    for row in (ben, nobody):
        assert (row["previous"], row["safety_score_change"]) == ({"distance_m": None, "safety_score": None}, None)
    assert answer["previous"]["period"]["from"] == "2026-02-23"
    assert (answer["previous"]["distance_m"], answer["change_pct"]["distance_m"]) == (200_000, 170.0)
    assert answer["change_pct"]["harsh_cornering"] is None


def test_fuel_has_its_cost_by_driver_and_by_truck(api_get: Get, fleet: Fleet) -> None:
    truck, anna = Truck.objects.get(code="T-2"), Driver.objects.get(name="Anna")
    day = MONDAY + 3 * ONE
    fuel = {"distance_m": 100_000, "fuel_used_l": 30.0}
    money = {"fuel_cost": Decimal("45.01"), "idle_cost": Decimal("1.20")}
    rows.truck_day(truck, day, anna, **fuel)
    TruckDayDriver.objects.filter(day=day).update(**money)
    rows.fuel_money(truck, day, **money)
    for by in ("driver", "truck"):
        for order in ("id", "-distance_m"):
            path = f"fleet/driver-behavior?by={by}&sort={order}&from={day}&to={day}"
            [row, *_] = get(api_get, fleet, path)["data"]
            assert row["fuel_cost"] == {"amount": "45.01", "currency": "USD"}
            assert row["idle_cost"] == {"amount": "1.20", "currency": "USD"}
            assert row["fuel_cost_per_km"] == {"amount": "0.4501", "currency": "USD"}
            assert row["consumption_l_per_100km"] == 30.0


# --- of a group -----------------------------------------------------------------------------------------------------


def test_of_a_group_only_its_trucks_count(api_get: Get, fleet: Fleet) -> None:
    """T-1 alone: Anna's Monday, Ben's Tuesday, nobody's Wednesday; T-2, which Anna had on Tuesday, is in no group."""
    rows.group(fleet, "North", Truck.objects.get(code="T-1"))
    by_driver = get(api_get, fleet, f"fleet/driver-behavior?group=North&by=driver&{WEEK}")
    assert [(row["driver_id"], row["distance_m"]) for row in by_driver["data"]] == [
        ("D-1", 100_000), ("D-2", 50_000), (None, 90_000),
    ]  # fmt: skip
    by_truck = get(api_get, fleet, f"fleet/driver-behavior?group=North&{WEEK}")
    assert [(row["truck_id"], row["distance_m"]) for row in by_truck["data"]] == [("T-1", 240_000)]
    assert by_truck["summary"]["distance_m"] == by_driver["summary"]["distance_m"] == 240_000
    assert by_truck["data"][0]["previous"]["distance_m"] == by_truck["previous"]["distance_m"] == 200_000
    ranking = get(api_get, fleet, f"fleet/driver-behavior?group=North&by=driver&sort=-distance_m&{WEEK}")
    assert [row["driver_id"] for row in ranking["data"]] == ["D-1"]
    assert [row["id"] for row in ranking["summary"]["not_ranked"]["rows"]] == ["D-2"]


def test_a_group_that_the_fleet_does_not_have_is_an_error(api_get: Get, fleet: Fleet) -> None:
    rows.group(rows.fleet("Other"), "South")
    answer = api_get(f"/api/v2/fleet/driver-behavior?group=South&{WEEK}", rows.api_key(fleet))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/group")


# --- rankings -------------------------------------------------------------------------------------------------------


def ranked(answer: dict[str, Any], name: str) -> list[tuple[Any, Any]]:
    return [(row.get("driver_id", row.get("truck_id")), row[name]) for row in answer["data"]]


def test_a_ranking_leaves_out_who_is_known_too_little_and_says_so(api_get: Get, fleet: Fleet) -> None:
    worst_first = get(api_get, fleet, f"fleet/driver-behavior?by=driver&sort=safety_score&{WEEK}")
    assert ranked(worst_first, "safety_score") == [("D-1", 97.5)]
    assert worst_first["summary"]["not_ranked"] == {
        "count": 1,
        "rows": [{"id": "D-2", "name": "Ben", "coverage_pct": 8.33}],
    }
    plain = get(api_get, fleet, f"fleet/driver-behavior?by=driver&{WEEK}")
    assert plain["summary"]["not_ranked"] is None


def test_the_file_of_a_ranking_ends_with_those_it_leaves_out(api_get: Get, fleet: Fleet) -> None:
    rows.truck_day(Truck.objects.get(code="T-1"), MONDAY + 3 * ONE, rows.driver(fleet, "Cleo"), parked_s=0)
    key = rows.api_key(fleet)
    for by, column, expected in (
        ("driver", "driver_id", [("D-1", "true"), ("D-2", "false"), ("D-3", "false"), ("", "false")]),
        ("truck", "truck_id", [("T-2", "true"), ("T-1", "true")]),
    ):
        file = api_get(f"/api/v2/fleet/driver-behavior?by={by}&sort=-safety_score&{WEEK}&format=csv", key).text
        found = list(csv.DictReader(StringIO(file, newline="")))
        assert [(row[column], row["is_ranked"]) for row in found] == expected


def test_trucks_are_ranked_either_way_and_those_without_a_figure_come_last(api_get: Get, fleet: Fleet) -> None:
    rows.truck_day(rows.truck(fleet, "T-3"), MONDAY, distance_m=None)
    path = f"fleet/driver-behavior?{WEEK}&sort="
    assert ranked(get(api_get, fleet, f"{path}safety_score"), "safety_score") == [
        ("T-1", 95.83), ("T-2", 100.0), ("T-3", None),
    ]  # fmt: skip
    assert [truck for truck, _ in ranked(get(api_get, fleet, f"{path}-safety_score"), "safety_score")] == [
        "T-2", "T-1", "T-3",
    ]  # fmt: skip
    assert ranked(get(api_get, fleet, f"{path}-distance_m"), "distance_m")[0] == ("T-2", 300_000)


@pytest.mark.parametrize("sort", ["safety_score", "-safety_score", "idle_pct", "-night_driving_pct", "distance_m"])
@pytest.mark.parametrize("by", ["truck", "driver"])
def test_pages_of_a_ranking_are_the_ranking(api_get: Get, by: str, sort: str) -> None:
    """And its order is that of the figures as they are shown."""
    fleet = rows.fleet(timezone="UTC")
    for number in range(7):
        rows.truck_day(
            rows.truck(fleet, f"T-{number}"), MONDAY, rows.driver(fleet), distance_m=70_000 + 10_000 * (number * 3 % 7),
            idle_s=600 * (number * 2 % 7), idle_productive_s=0, engine_on_s=28_800 + 600 * (number * 2 % 7),
            night_driving_s=100 * (number * 5 % 7), speeding_minor=number,
        )  # fmt: skip
    path = f"fleet/driver-behavior?by={by}&sort={sort}&{WEEK}"
    name = sort.removeprefix("-")
    whole = ranked(get(api_get, fleet, path), name)
    found, cursor = [], ""
    while True:
        answer = get(api_get, fleet, f"{path}&limit=3{cursor}")
        found += ranked(answer, name)
        if not answer["page"]["has_more"]:
            break
        cursor = f"&cursor={answer['page']['next_cursor']}"
    assert found == whole
    values = [value for _, value in whole if value is not None]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert len(whole) == 7 and [value for _, value in whole[len(values) :]] == [None] * (7 - len(values))


Pages = Callable[..., tuple[list[Any], list[Any]]]


@pytest.fixture
def both_ways(api_get: Get, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Pages:
    """All rows of a list, from the packed sums of all drivers and from the rows of each page's drivers alone."""
    settings.REMEMBERED_BYTES = 0

    def pages(fleet: Fleet, path: str, is_few: bool) -> list[Any]:
        monkeypatch.setattr(driver_sums, "is_few", lambda limit, trucks: is_few)
        return all_rows(api_get, fleet, path)

    return lambda fleet, path: (pages(fleet, path, False), pages(fleet, path, True))


def all_rows(api_get: Get, fleet: Fleet, path: str) -> list[Any]:
    """Of all pages."""
    found, cursor = [], ""
    while True:
        answer = get(api_get, fleet, path + cursor)
        data = answer["data"]
        found += data["by_driver"] if isinstance(data, dict) else data
        if not answer["page"]["has_more"]:
            return found
        cursor = f"&cursor={answer['page']['next_cursor']}"


@pytest.mark.parametrize("group", ["", "&group=North"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_every_way_to_a_page_gives_the_same_rows(fleet: Fleet, both_ways: Pages, group: str, limit: int) -> None:
    rows.group(fleet, "North", Truck.objects.get(code="T-1"))
    for path in ("fleet/driver-behavior", "fleet/cost-analysis"):
        packed, paged = both_ways(fleet, f"{path}?by=driver&{WEEK}{group}&limit={limit}")
        assert packed == paged
        assert [(row["name"], row["distance_m"]) for row in packed] == [
            ("Anna", 100_000 if group else 400_000), ("Ben", 50_000), (None, 90_000),
        ]  # fmt: skip


def test_pages_by_code_have_the_rows_that_all_drivers_in_another_order_have(
    api_get: Get, fleet: Fleet, settings: Any
) -> None:
    """These are read from blocks of drivers, those from blocks of trucks."""
    settings.REMEMBERED_BYTES = 0
    rows.driver(fleet, "Zoe", key_card="77", is_active=False)
    for search, names in (("", ["Anna", "Ben", "Zoe"]), ("&q=n", ["Anna", "Ben"])):
        path = f"drivers?{WEEK}&limit=2{search}"
        by_code, ranked = all_rows(api_get, fleet, path), all_rows(api_get, fleet, f"{path}&sort=-distance_m")
        assert by_code == sorted(ranked, key=lambda row: row["driver_id"])
        assert [row["name"] for row in by_code] == names
        assert by_code[0]["trucks"] == ["T-1", "T-2"]
    behavior = f"fleet/driver-behavior?by=driver&{WEEK}&limit=1"
    ranked = all_rows(api_get, fleet, f"{behavior}&sort=-distance_m")
    known = [row for row in all_rows(api_get, fleet, behavior) if row["is_ranked"]]
    assert known == sorted(ranked, key=lambda row: row["driver_id"]) != []


@pytest.mark.parametrize(("limit", "trucks", "few"), [(1, 20, False), (1, 21, True), (1_000, 20_000, False)])
def test_rows_of_a_page_alone_are_read_where_it_holds_few_of_the_drivers(limit: int, trucks: int, few: bool) -> None:
    assert driver_sums.is_few(limit, trucks) == few


# --- weights --------------------------------------------------------------------------------------------------------


def test_scores_go_by_the_fleets_weights_on_the_periods_last_day(api_get: Get, fleet: Fleet) -> None:
    """Anna: 2 minor, 1 moderate, 1 severe and 1 harsh event on 400 km, none in the week before."""
    path, key = f"/api/v2/fleet/driver-behavior?by=driver&sort=safety_score&{WEEK}", rows.api_key(fleet)
    before = api_get(path, key)
    rows.parameters(fleet, {"safety_severe_weight": 20, "safety_minor_weight": 0}, effective_from=MONDAY + 6 * ONE)
    rows.parameters(fleet, {"safety_severe_weight": 50}, effective_from=MONDAY + 7 * ONE)  # later: not yet
    after = api_get(path, key)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert [each.json()["data"][0]["safety_score"] for each in (before, after)] == [
        97.5,
        94.0,
    ]  # 100 − (2 + 20 + 2) ÷ 4
    assert after.json()["summary"]["safety_weights"] == {"minor": 0, "moderate": 2, "severe": 20, "harsh": 2}
    assert after.json()["data"][0]["safety_score_change"] == -6.0
    card = get(api_get, fleet, f"drivers/D-1/scorecard?{WEEK}")["data"]["score"]
    assert card["safety_score"] == 94.0
    assert {part["event"]: (part["weight"], part["points"]) for part in card["parts"][:4]} == {
        "speeding_minor": (0, 0), "speeding_moderate": (2, 0.5), "speeding_severe": (20, 5.0),
        "harsh_braking": (2, 0.5),
    }  # fmt: skip
    [point] = get(api_get, fleet, "fleet/trends?by=week&from=2026-03-02&to=2026-03-08")["data"]
    assert point["safety_score"] == after.json()["summary"]["safety_score"]


def test_a_ranking_goes_by_the_weights(api_get: Get, fleet: Fleet) -> None:
    """T-1 has Anna's events; T-3 one severe episode, and another where only these count."""
    events = {**QUIET, "speeding_severe": 1}
    rows.truck_day(rows.truck(fleet, "T-3"), MONDAY, distance_m=240_000, **events)
    path = f"fleet/driver-behavior?sort=safety_score&{WEEK}"
    assert ranked(get(api_get, fleet, path), "safety_score")[:2] == [("T-1", 95.83), ("T-3", 98.33)]
    rows.parameters(fleet, {"safety_severe_weight": 40, "safety_minor_weight": 0, "safety_moderate_weight": 0})
    rows.truck_day(Truck.objects.get(code="T-3"), MONDAY + ONE, distance_m=0, **events)
    assert [row[0] for row in ranked(get(api_get, fleet, path), "safety_score")[:2]] == ["T-3", "T-1"]


def test_a_truck_has_no_weights_of_its_own(fleet: Fleet) -> None:
    own = ParameterSet(
        fleet=fleet, truck=Truck.objects.get(code="T-1"), effective_from=MONDAY, values={"safety_minor_weight": 3}
    )
    with pytest.raises(ValidationError, match="the whole fleet's alone may be: safety_minor_weight"):
        own.full_clean()
