"""For random ledgers and trucks, every answer about costs, use, driving, fuel and faults: all ways to add up agree.

Four trucks over four days: two that work, with two drivers on one day; one that does what it likes and lacks readings;
one that stands, so that its distance, engine time and litres are 0. On Tuesday nobody is meant to work, so that day has
no available hours.
"""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.accounts import answers
from apps.fleet import summaries
from apps.fleet.models import TruckDayDriverCost
from apps.trucks.models import Driver
from tests import rows
from tests.api.adding_up import (
    added,
    amount,
    assert_changes,
    assert_finite,
    assert_ratios,
    assert_rows_add_up,
    assert_same,
)
from tests.fleet.shifts import DAY_S, MONDAY, NOW, START
from tests.fleet.test_ledger_properties import Book, two_trucks
from tests.pipeline import feed

Get = Callable[..., httpx.Response]
ONE = dt.timedelta(days=1)
# Two days with those before, all days and more, and days of which nothing is known.
TUESDAY = (MONDAY + ONE, 1)
PERIODS = [(MONDAY + 2 * ONE, 2), (MONDAY - 2 * ONE, 7), (MONDAY - 20 * ONE, 3), TUESDAY]
TRUCKS = ("T-0", "T-1", "T-2", "T-3")
DRIVERS = ("D-1", "D-2")
TRENDS = [f"fleet/trends?by={by}" for by in ("day", "week", "month", "quarter")]
COSTS = [f"fleet/cost-analysis?by={by}" for by in ("truck", "group", "driver")]
COSTS_BY_TIME = [f"fleet/cost-analysis?by={by}" for by in ("week", "day")]
USE = [f"fleet/utilization?by={by}" for by in ("truck", "group", "weekday", "hour")]
USE_OF_GROUP = [f"fleet/utilization?group=South&by={by}" for by in ("truck", "weekday", "hour")]
SUSPECTED = {
    "suspected": "suspected_drains", "suspected_l": "suspected_drain_l", "suspected_cost": "suspected_drain_cost",
}  # fmt: skip
EVENTS = ("idle-events", "fuel-events", "faults")


def events_of(truck: str, name: str) -> str:
    return f"trucks/{truck}/{name}?limit=1000"


PATHS = (
    "fleet/summary", "fleet/summary?group=South", *TRENDS, "fleet/trends?group=South", *COSTS, *COSTS_BY_TIME,
    "fleet/cost-analysis?group=South", *USE, *USE_OF_GROUP, "fleet/driver-behavior", "fleet/driver-behavior?by=driver",
    "fleet/fuel", "fleet/idling", "fleet/idling?group=South", "fleet/faults", "drivers", "drivers?sort=-distance_m",
    *(f"fleet/trends?truck_id={code}" for code in TRUCKS),
    *(f"drivers/{code}/{of}" for code in DRIVERS for of in ("days", "scorecard")),
    *(events_of(code, name) for code in TRUCKS for name in EVENTS),
)  # fmt: skip


class Answers:
    """The fleet's answers about a period, each asked for once."""

    def __init__(self, api_get: Get, key: str, first: dt.date, days: int) -> None:
        self._get, self._key = api_get, key
        self.first, self.days = first, days
        self._known: dict[str, dict[str, Any]] = {}

    def __call__(self, path: str) -> dict[str, Any]:
        if path not in self._known:
            period = f"from={self.first}&to={self.first + (self.days - 1) * ONE}"
            answer = self._get(f"/api/v2/{path}{'&' if '?' in path else '?'}{period}", self._key)
            assert answer.status_code == 200, (path, answer.text)
            self._known[path] = answer.json()
        return self._known[path]

    def before(self) -> "Answers":
        return Answers(self._get, self._key, self.first - self.days * ONE, self.days)


def furnished(seed: int) -> str:
    """A key of a fleet with a random ledger."""
    fleet, rng = two_trucks(), random.Random(seed)
    feed.receive(feed.truck_of(fleet, "T-2"), feed.history(seed, START, NOW), NOW)
    feed.receive(feed.truck_of(fleet, "T-3"), [standing(t) for t in range(START, NOW, DAY_S // 24)], NOW)
    rows.calendar(fleet, "8 0 8 8 8 0 0")
    Book(fleet, rng)
    assert summaries.rebuild(fleet).failed == 0
    return rows.api_key(fleet)


def standing(t: int) -> dict[str, Any]:
    place = {"y": 50.0, "x": 9.0, "z": 0, "s": 0, "c": 0, "sc": 9}
    values = {"ign": 0, "odo": 7.0, "used": 50.0, "level": 200.0, "dtc": ""}
    return {"t": t, "f": 1, "tp": "ud", "rt": t, "pos": place, "p": values}


def euros(value: Any) -> Decimal:
    """An amount, nothing where there is none."""
    found = amount(value)
    return Decimal(0) if found is None else Decimal(found)


def before_is_what_was(of: Answers) -> None:
    """The period before, asked for by itself."""
    earlier = of.before()
    for path in (
        "fleet/summary",
        *TRENDS[:1],
        *COSTS[:1],
        *USE[:1],
        "fleet/driver-behavior",
        "fleet/fuel",
        "fleet/idling",
    ):
        then = earlier(path)
        whole = then["data"] if path == "fleet/summary" else then["summary"]
        previous = {name: value for name, value in of(path)["previous"].items() if name != "period"}
        assert previous == {name: whole[name] for name in previous}, path


def over_nothing(of: Answers) -> None:
    """The truck that stands: measured, and zero; what is per kilometre, hour at work or litre of it is null."""
    used = {row["truck_id"]: row for row in of(USE[0])["data"]}
    if "T-3" not in used:
        return
    cost = next(row for row in of(COSTS[0])["data"]["by_truck"] if row["truck_id"] == "T-3")
    burnt = next(row for row in of("fleet/fuel")["data"] if row["truck_id"] == "T-3")
    driven = next(row for row in of("fleet/driver-behavior")["data"] if row["truck_id"] == "T-3")
    assert (used["T-3"]["engine_on_s"], cost["distance_m"], burnt["consumption_l"], driven["moving_s"]) == (
        0,
        0,
        0.0,
        0,
    )
    ratios = (
        used["T-3"]["engine_utilization_pct"], used["T-3"]["idle_pct"], used["T-3"]["idle_nonproductive_pct"],
        cost["cost_per_km"], cost["cost_per_engine_hour"], burnt["consumption_l_per_100km"],
        driven["night_driving_pct"], driven["fuel_cost_per_km"], driven["safety_score"],
    )  # fmt: skip
    assert set(ratios) == {None}
    if (of.first, of.days) == TUESDAY:
        assert {(row["available_s"], row["asset_utilization_pct"]) for row in used.values()} == {(0, None)}


def costs(of: Answers) -> None:
    answer = of(COSTS[0])
    whole, nobody = euros(answer["summary"]["amount"]), euros(answer["summary"]["unallocated"])
    assert amount(of("fleet/summary")["data"]["total_cost"]) == amount(answer["summary"]["amount"])
    assert of("fleet/summary")["data"]["cost_sources"] == answer["summary"]["sources"]
    for parts in ("by_line", "by_month", "by_quarter"):
        assert sum(euros(each["amount"]) for each in answer["data"][parts]) == whole, parts
    for path in (*COSTS, *COSTS_BY_TIME):
        name, borne = f"by_{path.rpartition('=')[2]}", nobody if path in COSTS else 0
        assert sum(euros(each["amount"]) for each in of(path)["data"][name]) + borne == whole, path
        for row in (*of(path)["data"][name], *answer["data"]["by_month"]):
            for parts in ("lines", "sources"):
                assert sum(euros(each["amount"]) for each in row[parts]) == euros(row["amount"])
    for row in (answer["summary"], *answer["data"]["by_line"]):
        assert sum(euros(each["amount"]) for each in row["sources"]) == euros(row["amount"])
        shares = [each["share_pct"] for each in row["sources"]]
        assert None in shares or not shares or abs(sum(shares) - 100) <= 0.01 * len(shares)
    south = next((row for row in of(COSTS[1])["data"]["by_group"] if row["group"] == "South"), {"amount": None})
    assert south["amount"] == of("fleet/cost-analysis?group=South")["summary"]["amount"]


def costs_of_each_truck(of: Answers) -> None:
    """Asked for alone it is what it is in the list, and its lines, its time and who bears it add up to that."""
    for row in of(COSTS[0])["data"]["by_truck"]:
        paths = [f"fleet/cost-analysis?truck_id={row['truck_id']}&by={by}" for by in ("truck", "driver", "week", "day")]
        alone = of(paths[0])
        assert alone["data"]["by_truck"] == [row]
        assert alone["summary"]["amount"] == row["amount"]
        for parts in ("by_line", "by_month", "by_quarter"):
            assert sum(euros(each["amount"]) for each in alone["data"][parts]) == euros(row["amount"]), parts
        for path in paths[1:]:
            found = of(path)["data"][f"by_{path.rpartition('=')[2]}"]
            assert sum(euros(each["amount"]) for each in found) == euros(row["amount"]), path


def costs_of_each_driver(of: Answers) -> None:
    """Each day is what the rows of the day add up to; weeks and months are its days."""
    last = of.first + (of.days - 1) * ONE
    for code in DRIVERS:
        driver = Driver.objects.get(code=code)
        borne = TruckDayDriverCost.objects.filter(driver_id=driver.pk, day__range=(of.first, last))
        true: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in borne:
            true[f"{row.day}", row.line] += row.amount
        days = of(f"drivers/{code}/costs")
        assert {
            (day["from"], line["line"]): amount(line["amount"]) for day in days["data"] for line in day["lines"]
        } == true
        assert len(days["data"]) == of.days
        card = of(f"drivers/{code}/scorecard")
        assert days["summary"] == card["data"]["costs"]
        assert {**days["previous"], "period": None} == {**card["previous"]["costs"], "period": None}
        for by in ("week", "month"):
            found = of(f"drivers/{code}/costs?by={by}")
            assert sum(euros(each["amount"]) for each in found["data"]) == euros(days["summary"]["amount"])
            assert sum(each["distance_m"] or 0 for each in found["data"]) == (days["summary"]["distance_m"] or 0)
            assert found["summary"] == days["summary"]


def why_costs_changed(of: Answers) -> None:
    """By line and in all: the change is what it is, and its parts add up to it."""
    for path in ("fleet/cost-analysis?group=South", COSTS[0]):
        summary, previous = of(path)["summary"], of(path)["previous"]
        change = summary["change"]
        assert euros(change["change"]) == euros(summary["amount"]) - euros(previous["amount"])
        for name in ("change", "price", "distance", "consumption"):
            of_lines = added(line[name] for line in change["by_line"])
            assert amount(change[name]) == of_lines, name
        for line in change["by_line"]:
            parts = added(line[name] for name in ("price", "distance", "consumption"))
            assert parts in (None, amount(line["change"])), line


def trends(of: Answers) -> None:
    for path in TRENDS:
        answer = of(path)
        assert assert_rows_add_up(answer["data"], answer["summary"]) > 25
        assert amount(answer["summary"]["total_cost"]) == amount(of(COSTS[0])["summary"]["amount"])
    summary, whole = of(TRENDS[0])["summary"], of("fleet/summary")["data"]
    assert {name: summary[name] for name in whole if name in summary} == {n: whole[n] for n in whole if n in summary}
    trucks = [of(f"fleet/trends?truck_id={code}")["summary"] for code in TRUCKS]
    assert assert_rows_add_up(trucks, summary, but=("total_cost", "fuel_cost")) > 20
    nobody = euros(of(COSTS[0])["summary"]["unallocated"])
    assert sum(euros(truck["total_cost"]) for truck in trucks) + nobody == euros(summary["total_cost"])


def use(of: Answers) -> None:
    trucks = of(USE[0])["data"]
    for path in USE:
        answer = of(path)
        assert not answer["data"] or assert_rows_add_up(answer["data"], answer["summary"]) >= 8, path
    for path in USE_OF_GROUP:
        assert not trucks or assert_rows_add_up(of(path)["data"], of(path)["summary"]) >= 8, path
    for row in trucks:
        found = sum(sum(row["days"][kind].values()) for kind in ("working", "off"))
        assert (found, found + row["days"]["outside"]) == (row["truck_days"], of.days)
        states = sum(row[name] or 0 for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))
        assert states == row["length_s"]
    for kind in ("working", "off") if trucks else ():
        assert_rows_add_up([row["days"][kind] for row in trucks], of(USE[0])["summary"]["days"][kind])


def driving(of: Answers) -> None:
    """By truck and by driver, nobody known included, and of a driver by day, by truck and by week."""
    for path in ("fleet/driver-behavior", "fleet/driver-behavior?by=driver"):
        answer = of(path)
        assert not answer["data"] or assert_rows_add_up(answer["data"], answer["summary"]) > 15, path
    whole, summary = of("fleet/driver-behavior")["summary"], of(TRENDS[0])["summary"]
    same = [name for name in whole if name in summary and name not in ("fuel_cost", "idle_cost")]
    assert {name: whole[name] for name in same} == {name: summary[name] for name in same}


def drivers(of: Answers) -> None:
    listed = {row["driver_id"]: row for row in of("fleet/driver-behavior?by=driver")["data"]}
    bearing = {row["driver_id"]: row for row in of(COSTS[2])["data"]["by_driver"]}
    for code in DRIVERS:
        days, card = of(f"drivers/{code}/days"), of(f"drivers/{code}/scorecard")["data"]
        assert days["summary"] == card["driving"]
        for parts in (days["data"], card["trucks"], card["weeks"]):
            assert not parts or assert_rows_add_up(parts, card["driving"], but=("truck_days",)) > 10
        if code in listed:
            assert {name: listed[code][name] for name in card["driving"]} == card["driving"]
            assert {name: bearing[code][name] for name in card["costs"]} == card["costs"]


def drivers_together(of: Answers) -> None:
    """All drivers are the rows of the list; with nobody known they are the fleet."""
    answer, whole = of("drivers"), of("fleet/driver-behavior?by=driver")
    assert not answer["data"] or assert_rows_add_up(answer["data"], answer["summary"]) > 10
    listed = [row for row in whole["data"] if row["driver_id"] is not None]
    assert not listed or assert_rows_add_up(listed, answer["summary"]) > 10


def fuel(of: Answers) -> None:
    answer = of("fleet/fuel")
    summary, whole = of(COSTS[0])["summary"]["fuel"], answer["summary"]
    of_drains = ("drain_cost", "suspected_drain_cost")  # null of trucks whose drains have no price
    assert not answer["data"] or assert_rows_add_up(answer["data"], whole, but=of_drains) > 16
    groups = whole["groups"]
    if answer["data"]:  # each truck is in one group, or in none
        assert assert_rows_add_up(groups, whole, but=of_drains) > 16
        assert [row["group"] for row in groups] in (["South", None], ["South"], [None])
        assert sum(row["trucks"] for row in groups) == len(answer["data"])
    for name in of_drains:
        assert sum(euros(row[name]) for row in answer["data"]) == euros(whole[name])
    assert amount(summary["used"]["amount"]) == amount(whole["fuel_cost"])
    listed = {row["truck_id"]: row for row in answer["data"]}
    for code in listed:
        events = of(events_of(code, "fuel-events"))["summary"]
        for name, value in events.items():
            if (other := SUSPECTED.get(name, name)) in listed[code]:
                assert_same(amount(value), amount(listed[code][other]), f"{code} {name}", 1)
        found = of(events_of(code, "fuel-events"))["data"]
        for kind, litres in (("refuel", events["refuel_l"]), ("drain", events["drain_l"])):
            assert_same(added(each["litres"] for each in found if each["kind"] == kind) or 0.0, litres or 0.0, kind, 9)


def idling(of: Answers) -> None:
    """The trucks and places that are listed, as far as none is left out; and single events."""
    answer = of("fleet/idling")
    summary, trucks = answer["summary"], answer["data"]["trucks"]
    if trucks and not summary["not_ranked"]["count"]:
        assert assert_rows_add_up(trucks, summary) > 8
    events = [of(events_of(code, "idle-events")) for code in TRUCKS]
    assert added(each["summary"]["idle_events"] for each in events) == summary["idle_events"]
    for each in events:
        if each["summary"]["idle_events"] is not None:
            assert len(each["data"]) == each["summary"]["idle_events"]
            assert sum(row["duration_s"] for row in each["data"]) == each["summary"]["duration_s"]
            assert added(row["cost"] for row in each["data"]) in (None, amount(each["summary"]["cost"]))
    if (places := answer["data"]["places"]) and summary["places"] == len(places):
        assert sum(place["idle_events"] for place in places) == summary["idle_events"]
        assert sum(place["idle_s"] for place in places) == sum(each["summary"]["duration_s"] or 0 for each in events)


def idling_of_a_group(of: Answers) -> None:
    """South has one truck, or none yet."""
    whole, south = of("fleet/idling"), of("fleet/idling?group=South")
    assert south["data"]["trucks"] == [row for row in whole["data"]["trucks"] if row["truck_id"] == "T-1"]
    events = of(events_of("T-1", "idle-events"))
    assert south["summary"]["idle_events"] == events["summary"]["idle_events"]
    assert south["summary"]["places"] == len(south["data"]["places"])
    for name, of_events in (("idle_events", "idle_events"), ("idle_s", "duration_s")):
        assert added(place[name] for place in south["data"]["places"]) in (None, events["summary"][of_events])
    assert of("fleet/utilization?group=South&by=hour")["summary"] == of(USE_OF_GROUP[0])["summary"]


def sorted_drivers(of: Answers) -> None:
    """The same drivers in another order: the greatest first, then those without, by code."""
    listed, by_distance = of("drivers")["data"], of("drivers?sort=-distance_m")["data"]
    known = [row for row in listed if row["is_ranked"] and row["distance_m"] is not None]
    rest = [row for row in listed if row not in known]
    assert by_distance == sorted(known, key=lambda row: (-row["distance_m"], row["driver_id"])) + rest


def balance_of_tanks(of: Answers) -> None:
    """Trucks that are compared add up to the fleet; without purchases there is nothing to compare."""
    balance = of(COSTS[0])["summary"]["fuel"]["balance"]
    trucks = [row["fuel_balance"] for row in of(COSTS[0])["data"]["by_truck"] if row["fuel_balance"] is not None]
    compared = [each for each in trucks if each["reason"] is None]
    assert (balance is None) == (not trucks)
    for each in trucks:
        is_null = {each["bought_l"], each["not_in_tank_l"], each["unexplained_l"]} == {None}
        assert each["reason"] == ("no_purchases" if is_null else None)
    if balance is not None:
        assert assert_rows_add_up(compared or trucks, balance, but=("reason",)) >= 5
        assert balance["reason"] == (None if compared else "no_purchases")


def faults(of: Answers) -> None:
    listed = [of(events_of(code, "faults")) for code in TRUCKS]
    opened = [added(each["summary"].values()) for each in listed]
    assert [found or 0 for found in opened] == [len(each["data"]) for each in listed]
    assert added(opened) == of("fleet/faults")["summary"]["faults_opened"] == of(TRENDS[0])["summary"]["faults_opened"]


CHECKS = (
    before_is_what_was, over_nothing, costs, costs_of_each_truck, costs_of_each_driver, why_costs_changed, trends, use,
    driving, drivers, drivers_together, sorted_drivers, fuel, balance_of_tanks, idling, idling_of_a_group, faults,
)  # fmt: skip
SEEDS = [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 23))]


@pytest.mark.parametrize("seed", SEEDS)
def test_all_ways_to_add_up_agree(api_get: Get, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dumps = answers.dumps

    def looked_at(body: Any) -> bytes:
        assert_finite(body)  # JSON has no NaN: it would be null
        return dumps(body)

    monkeypatch.setattr(answers, "dumps", looked_at)
    key = furnished(seed)
    for first, days in PERIODS:
        of = Answers(api_get, key, first, days)
        for path in PATHS:
            assert_ratios(of(path))
            assert_changes(of(path))
        for check in CHECKS:
            check(of)
