"""How trucks and drivers were driven, by API: the figures of the summaries, whoever asks in whichever way."""

import csv
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.exceptions import ValidationError

from apps.accounts.models import Fleet
from apps.fleet.models import TruckDayDriver
from apps.fleet.sums import drivers as driver_sums
from apps.trucks.models import Driver, ParameterSet, Truck
from tests import rows

Get = Callable[..., httpx.Response]
pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = dt.date(2026, 3, 2)
ONE = dt.timedelta(days=1)
WEEK = "from=2026-03-02&to=2026-03-08"
QUIET = {"speeding_minor": 0, "speeding_moderate": 0, "speeding_severe": 0, "harsh_braking": 0}
EVENTFUL = {"speeding_minor": 2, "speeding_moderate": 1, "speeding_severe": 1, "harsh_braking": 1}


def get(api_get: Get, fleet: Fleet, path: str) -> Any:
    answer = api_get(f"/api/v2/{path}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Anna drives T-1 on Monday and T-2 on Tuesday, Ben T-1 on Tuesday, nobody known T-1 on Wednesday; Anna before.

    Anna 100 km with 2 minor, 1 moderate, 1 severe and 1 harsh event on Monday, 300 km without any on Tuesday.
    """
    made = rows.fleet(timezone="UTC")
    one, two = rows.truck(made, "T-1"), rows.truck(made, "T-2")
    anna, ben = rows.driver(made, "Anna"), rows.driver(made, "Ben")
    rows.truck_day(one, MONDAY - 7 * ONE, anna, distance_m=200_000, **QUIET)
    rows.truck_day(one, MONDAY, anna, distance_m=100_000, **EVENTFUL)
    rows.truck_day(two, MONDAY + ONE, anna, distance_m=300_000, night_driving_s=0, **QUIET)
    rows.truck_day(one, MONDAY + ONE, ben, distance_m=50_000, moving_s=3_600, parked_s=0, **QUIET)
    rows.truck_day(one, MONDAY + 2 * ONE, distance_m=90_000, **QUIET)
    for day in (MONDAY - 7 * ONE, MONDAY, MONDAY + ONE, MONDAY + 2 * ONE):
        rows.fleet_day(made, day)
    return made


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
        found, cursor = [], ""
        while True:
            answer = get(api_get, fleet, path + cursor)
            data = answer["data"]
            found += data["by_driver"] if isinstance(data, dict) else data
            if not answer["page"]["has_more"]:
                return found
            cursor = f"&cursor={answer['page']['next_cursor']}"

    return lambda fleet, path: (pages(fleet, path, False), pages(fleet, path, True))


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


def test_a_page_of_few_drivers_has_the_trucks_and_figures_that_the_whole_list_has(
    fleet: Fleet, both_ways: Pages
) -> None:
    rows.driver(fleet, "Zoe", key_card="77", is_active=False)
    for search, names in (("", ["Anna", "Ben", "Zoe"]), ("&q=n", ["Anna", "Ben"])):
        packed, paged = both_ways(fleet, f"drivers?{WEEK}&limit=2{search}")
        assert packed == paged
        assert [row["name"] for row in packed] == names
        assert packed[0]["trucks"] == ["T-1", "T-2"]


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


# --- drivers --------------------------------------------------------------------------------------------------------


def test_all_drivers_are_listed_whether_they_drove_or_not(api_get: Get, fleet: Fleet) -> None:
    rows.driver(fleet, "Cleo", is_active=False, key_card="00FF")
    anna, ben, cleo = get(api_get, fleet, f"drivers?{WEEK}")["data"]
    assert (anna["driver_id"], anna["trucks"], anna["distance_m"]) == ("D-1", ["T-1", "T-2"], 400_000)
    assert anna["previous"] == {"distance_m": 200_000, "safety_score": 100.0}
    assert (ben["trucks"], ben["truck_days"]) == (["T-1"], 1)
    assert (cleo["name"], cleo["is_active"], cleo["key_card"], cleo["trucks"]) == ("Cleo", False, "00FF", [])
    assert (cleo["truck_days"], cleo["distance_m"], cleo["is_ranked"]) == (0, None, False)


def test_drivers_are_found_by_a_part_of_their_name_or_code(api_get: Get, fleet: Fleet) -> None:
    rows.driver(fleet, "100% Carl")
    names = {
        q: [row["name"] for row in get(api_get, fleet, f"drivers?q={q}")["data"]] for q in ("nn", "d-2", "0%25", "_")
    }
    assert names == {"nn": ["Anna"], "d-2": ["Ben"], "0%25": ["100% Carl"], "_": []}


def test_drivers_are_counted_and_those_who_are_gone_may_be_left_out(api_get: Get, fleet: Fleet) -> None:
    rows.driver(fleet, "Cleo", is_active=False)
    rows.driver(rows.fleet("Other"), "Theirs")
    for query, names in (("", ["Anna", "Ben", "Cleo"]), ("&active=true", ["Anna", "Ben"]), ("&active=false", ["Cleo"])):
        answer = get(api_get, fleet, f"drivers?{WEEK}{query}")
        assert [row["name"] for row in answer["data"]] == names
        assert counted(answer) == (3, 2)
    assert counted(get(api_get, fleet, "drivers?q=cleo&limit=1")) == (1, 0)
    assert counted(get(api_get, fleet, "drivers?q=nobody")) == (0, 0)


def counted(answer: dict[str, Any]) -> tuple[int, int]:
    return answer["summary"]["drivers"], answer["summary"]["active"]


@pytest.mark.parametrize(
    ("picked", "distance_m", "before_m", "score"),
    [
        ("", 450_000, 200_000, 97.78),  # 100 − 10 ÷ 4.5; what nobody is known for (90 km) is no driver's
        ("&limit=1&sort=-distance_m", 450_000, 200_000, 97.78),
        ("&q=anna", 400_000, 200_000, 97.5),
        ("&q=ben", 50_000, None, None),
        ("&active=false", None, None, None),
        ("&q=xyz", None, None, None),
    ],
)
def test_the_summary_has_all_drivers_that_are_picked_and_holds_them_against_the_period_before(
    api_get: Get, fleet: Fleet, picked: str, distance_m: int | None, before_m: int | None, score: float | None
) -> None:
    rows.driver(fleet, "Cleo", is_active=False)
    answer = get(api_get, fleet, f"drivers?{WEEK}{picked}")
    summary, before = answer["summary"], answer["previous"]
    assert (summary["distance_m"], before["distance_m"], summary["safety_score"]) == (distance_m, before_m, score)
    assert before["period"]["from"] == "2026-02-23"
    assert summary["truck_days"] == {450_000: 3, 400_000: 2, 50_000: 1, None: 0}[distance_m]
    changed = None if before_m is None else round(100 * (distance_m or 0) / before_m - 100, 2)
    assert (answer["change_pct"]["distance_m"], "safety_score" in answer["change_pct"]) == (changed, False)
    assert answer["change_points"]["safety_score"] == (None if before_m is None else round((score or 0) - 100, 2))


ORDERS = {
    "-distance_m": "Anna Ben Cleo Dora Emil",
    "distance_m": "Ben Anna Cleo Dora Emil",
    "safety_score": "Anna Ben Cleo Dora Emil",
    "-night_driving_pct": "Ben Anna Cleo Dora Emil",
    "idle_pct": "Ben Anna Cleo Dora Emil",
}


def test_drivers_come_in_the_order_that_is_asked_for(api_get: Get, fleet: Fleet) -> None:
    """Ben idles less of his time, and is under 80 km; Cleo does not drive, Dora is hardly known, Emil not at all."""
    for name in ("Cleo", "Dora", "Emil"):
        rows.driver(fleet, name)
    truck, dora = Truck.objects.get(code="T-2"), Driver.objects.get(name="Dora")
    rows.truck_day(truck, MONDAY, dora, distance_m=900_000, parked_s=0, **QUIET)
    ben = Driver.objects.get(name="Ben")
    rows.truck_day(truck, MONDAY + 3 * ONE, ben, distance_m=0, idle_s=0, parked_s=57_600, **QUIET)
    listed = {row["name"]: row for row in get(api_get, fleet, f"drivers?{WEEK}")["data"]}
    assert [row["is_ranked"] for row in listed.values()] == [True, True, False, False, False]
    for sort, order in ORDERS.items():
        answer = get(api_get, fleet, f"drivers?{WEEK}&sort={sort}")
        assert " ".join(row["name"] for row in answer["data"]) == order, sort
        assert all(row == listed[row["name"]] for row in answer["data"])
        assert counted(answer) == (5, 5)
        paged, cursor = [], ""
        while cursor is not None:
            page = get(api_get, fleet, f"drivers?{WEEK}&sort={sort}&limit=2{cursor and '&cursor='}{cursor}")
            paged += page["data"]
            cursor = page["page"]["next_cursor"]
        assert paged == answer["data"]
    found = get(api_get, fleet, f"drivers?{WEEK}&sort=-distance_m&q=n&active=true")["data"]
    assert [row["name"] for row in found] == ["Anna", "Ben"]


def test_what_a_driver_bears_is_held_against_the_period_before(api_get: Get, fleet: Fleet) -> None:
    truck, anna = Truck.objects.get(code="T-1"), Driver.objects.get(name="Anna")
    rows.driver_cost(truck, anna, "fuel", "60.00", MONDAY)
    rows.driver_cost(truck, anna, "fuel", "40.00", MONDAY - 7 * ONE)
    answer = get(api_get, fleet, f"drivers/D-1/scorecard?{WEEK}")
    costs, before = answer["data"]["costs"], answer["previous"]["costs"]
    assert (costs["amount"]["amount"], before["amount"]["amount"]) == ("60.00", "40.00")
    assert (costs["cost_per_km"]["amount"], before["cost_per_km"]["amount"]) == ("0.1500", "0.2000")
    assert {name: answer["change_pct"]["costs"][name] for name in ("amount", "cost_per_km", "distance_m")} == {
        "amount": 50.0, "cost_per_km": -25.0, "distance_m": 100.0,
    }  # fmt: skip


def test_a_driver_s_days_are_over_all_trucks_and_add_up(api_get: Get, fleet: Fleet) -> None:
    rows.driver_day(Truck.objects.get(code="T-1"), Driver.objects.get(name="Anna"), MONDAY + ONE, distance_m=7_000)
    answer = get(api_get, fleet, f"drivers/D-1/days?{WEEK}")
    assert [(row["day"], row["trucks"], row["distance_m"]) for row in answer["data"]] == [
        ("2026-03-02", ["T-1"], 100_000),
        ("2026-03-03", ["T-1", "T-2"], 307_000),
    ]
    assert (answer["summary"]["distance_m"], answer["summary"]["truck_days"]) == (407_000, 3)
    assert (answer["previous"]["distance_m"], answer["previous"]["truck_days"]) == (200_000, 1)
    assert answer["change_pct"]["distance_m"] == 103.5
    newest = get(api_get, fleet, f"drivers/D-1/days?{WEEK}&sort=-day&limit=1")
    assert ([row["day"] for row in newest["data"]], newest["page"]["has_more"]) == (["2026-03-03"], True)


def test_a_scorecard_says_what_the_score_is_made_of(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, f"drivers/D-1/scorecard?{WEEK}")
    score = answer["data"]["score"]
    assert (score["safety_score"], score["exposure_m"]) == (97.5, 400_000)
    assert [(part["event"], part["count"], part["weight"], part["points"]) for part in score["parts"]] == [
        ("speeding_minor", 2, 1, 0.5), ("speeding_moderate", 1, 2, 0.5), ("speeding_severe", 1, 4, 1.0),
        ("harsh_braking", 1, 2, 0.5), ("harsh_acceleration", 0, 2, 0.0), ("harsh_cornering", None, 2, None),
    ]  # fmt: skip
    assert score["parts"][0]["per_100km"] == 0.5
    assert answer["previous"]["score"]["safety_score"] == 100.0
    assert answer["safety_score_change"] == -2.5
    assert [(row["truck_id"], row["safety_score"]) for row in answer["data"]["trucks"]] == [
        ("T-1", 90.0),
        ("T-2", 100.0),
    ]


def test_a_scorecard_has_every_week_of_the_period(api_get: Get, fleet: Fleet) -> None:
    answer = get(api_get, fleet, "drivers/D-1/scorecard?from=2026-02-18&to=2026-03-03")
    weeks = [(week["from"], week["to"], week["distance_m"], week["safety_score"]) for week in answer["data"]["weeks"]]
    assert weeks == [
        ("2026-02-18", "2026-02-22", None, None),
        ("2026-02-23", "2026-03-01", 200_000, 100.0),
        ("2026-03-02", "2026-03-03", 400_000, 97.5),
    ]


def test_a_driver_without_a_day_has_no_figures_and_no_zeros(api_get: Get, fleet: Fleet) -> None:
    rows.driver(fleet, "Cleo")
    answer = get(api_get, fleet, f"drivers/D-3/scorecard?{WEEK}")
    driving = answer["data"]["driving"]
    assert {name: value for name, value in driving.items() if value is not None} == {"truck_days": 0}
    assert answer["data"]["score"]["safety_score"] is None
    assert get(api_get, fleet, f"drivers/D-3/days?{WEEK}")["data"] == []


def test_an_answer_changes_with_a_driver_s_name(api_get: Get, fleet: Fleet) -> None:
    key, path = rows.api_key(fleet), f"/api/v2/drivers/D-1/scorecard?{WEEK}"
    tag = api_get(path, key).headers["ETag"]
    driver = Driver.objects.get(name="Anna")
    driver.name = "Anne"
    driver.save()
    again = api_get(path, key, {"If-None-Match": tag})
    assert (again.status_code, again.json()["data"]["name"]) == (200, "Anne")


def test_figures_of_any_period_are_those_of_its_days(api_get: Get) -> None:
    """Over months, pentads and single days."""
    fleet = rows.fleet(timezone="UTC")
    truck, driver = rows.truck(fleet), rows.driver(fleet)
    days = [dt.date(2026, 1, 13) + number * ONE for number in range(70)]
    for number, day in enumerate(days):
        rows.truck_day(truck, day, driver, distance_m=1_000 + number)
    for first, last in ((0, 69), (3, 60), (19, 46), (20, 24), (5, 5)):
        answer = get(api_get, fleet, f"drivers/D-1/scorecard?from={days[first]}&to={days[last]}")
        expected = sum(1_000 + number for number in range(first, last + 1))
        assert answer["data"]["driving"]["distance_m"] == expected
        assert sum(week["distance_m"] for week in answer["data"]["weeks"]) == expected
