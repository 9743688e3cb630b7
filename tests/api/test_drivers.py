"""Drivers by API: the list of them, their days and scorecards."""

import datetime as dt
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import Driver, Truck
from tests import rows
from tests.api.driven import MONDAY, ONE, QUIET, WEEK, Get, drove, get
from tests.statements import sent_statements

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    return drove()


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


def test_who_the_drivers_are_is_not_read_again_until_one_of_them_changes(
    api_get: Get, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(api_get, fleet, f"drivers?{WEEK}&limit=1")
    sent = sent_statements(monkeypatch)
    for query in ("", "&sort=-distance_m"):
        assert [row["name"] for row in get(api_get, fleet, f"drivers?{WEEK}{query}")["data"]] == ["Anna", "Ben"]
    assert [statement for statement in sent if "FROM driver " in statement] == []
    assert len([statement for statement in sent if "FROM driver_block" in statement]) == 2 * 2  # and both periods
    driver = Driver.objects.get(name="Ben")
    driver.key_card, driver.is_active = "00FF", False
    driver.save()
    answer = get(api_get, fleet, f"drivers?{WEEK}")
    assert [(row["key_card"], row["is_active"]) for row in answer["data"]] == [("", True), ("00FF", False)]
    assert counted(answer) == (2, 1)
    assert [row["name"] for row in get(api_get, fleet, f"drivers?{WEEK}&active=true")["data"]] == ["Anna"]


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
