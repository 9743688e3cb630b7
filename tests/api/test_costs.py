"""Costs of fleet, groups and trucks by API, against plain loops over the rows of the days."""

import csv
import datetime as dt
import random
from collections.abc import Callable, Collection, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import httpx
import pytest
from django.db.models import Model

from apps.accounts.models import Fleet
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import FuelPurchase, TruckDayCost, TruckDayFuel
from apps.fleet.summaries import sums
from apps.trucks.models import SummaryRevision, Truck, TruckDay
from tests import rows

Get = Callable[..., httpx.Response]
FIRST = dt.date(2026, 2, 10)
DAYS = 75  # to 25 April
FROM, TO = dt.date(2026, 2, 17), dt.date(2026, 4, 20)
ONE = dt.timedelta(days=1)
BALANCE = ("bought", "refuelled", "drained", "used", "tank")


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Four trucks over ten weeks with holes; the group North has two of them, South one, which is in both."""
    made = rows.fleet()
    trucks = [rows.truck(made, f"T-{number}") for number in range(4)]
    rows.group(made, "North", trucks[0], trucks[1])
    rows.group(made, "South", trucks[1])
    rows.truck_day(trucks[0])
    [like] = TruckDay.objects.values()
    TruckDay.objects.all().delete()
    rng = random.Random(11)
    filled = [
        day({**like, "truck_id": truck.pk, "day": FIRST + number * ONE}, rng)
        for number in range(DAYS)
        for truck in trucks
        if rng.random() < 0.8
    ]
    for model in (TruckDay, TruckDayCost, TruckDayFuel):
        model.objects.bulk_create(row for rows_of_day in filled for row in rows_of_day if isinstance(row, model))
    nobody = {"truck_id": 0, "line": "unallocated", "source": "allocated", "amount": Decimal("17.35")}
    TruckDayCost.objects.create(fleet_id=made.pk, day=FROM + 9 * ONE, **nobody)
    days = [FIRST + number * ONE for number in range(DAYS)]
    revision = SummaryRevision.objects.create(fleet_id=made.pk, revision=1, changed_at=rows.NOON)
    sums.of_days(
        made.pk, [(truck_id, day) for truck_id in (0, *(truck.pk for truck in trucks)) for day in days], revision
    )
    return made


def day(like: dict[str, Any], rng: random.Random) -> list[TruckDay | TruckDayCost | TruckDayFuel]:
    """A day with some costs, and a balance of the tank if all of it is measured."""
    key = {name: like[name] for name in ("fleet_id", "truck_id", "day")}
    unknown = dict.fromkeys(("engine_on_s", "idle_s", "idle_productive_s"))
    engine = {} if rng.random() < 0.9 else {**unknown, "parked_s": like["parked_s"] + like["idle_s"]}
    distance_m = rng.choice([None, 0, rng.randrange(500_000)])
    made: list[Any] = [TruckDay(**{**like, **engine, "distance_m": distance_m, "is_used": rng.random() < 0.3})]
    made += (
        TruckDayCost(**key, line=line, source=source, amount=Decimal(rng.randrange(-500, 90_000)) / 100)
        for line in ("fuel", "tolls", "insurance")
        for source in ("estimated", "allocated", "actual")
        if rng.random() < 0.3
    )
    if rng.random() < 0.5:
        litres = {f"balance_{name}_l": float(rng.randrange(400)) for name in BALANCE}
        purchases = None if key["truck_id"] % 2 else rng.choice([None, 1, 2])  # half of the trucks have no cards
        made.append(TruckDayFuel(**key, balance_days=1, idle_cost=Decimal("3.10"), purchases=purchases, **litres))
    return made


def asked(api_get: Get, fleet: Fleet, path: str = "cost-analysis", **parameters: Any) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in ({"from": FROM, "to": TO} | parameters).items())
    answer = api_get(f"/api/v2/fleet/{path}?{query}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- by plain loops -------------------------------------------------------------------------------------------------


def of(model: type[Model], trucks: Collection[int], first: dt.date = FROM, last: dt.date = TO) -> list[Any]:
    return [row for row in model._default_manager.all() if row.truck_id in trucks and first <= row.day <= last]


def usd(value: Decimal | None) -> dict[str, str] | None:
    return None if value is None else {"amount": f"{value:f}", "currency": "USD"}


def per(amount: Decimal | None, quantity: int | None, unit: int) -> dict[str, str] | None:
    if amount is None or not quantity:
        return None
    return usd((amount * unit / quantity).quantize(Decimal("0.0001"), ROUND_HALF_EVEN))


def known(values: Iterable[Any]) -> Any:
    measured = [value for value in values if value is not None]
    return sum(measured[1:], measured[0]) if measured else None


def spent(days: list[TruckDay], costs: list[TruckDayCost]) -> dict[str, Any]:
    """What an answer says of these days, worked out anew."""
    amount = known(cost.amount for cost in costs)
    metres, seconds = known(day.distance_m for day in days), known(day.engine_on_s for day in days)
    lines = {line: known(cost.amount for cost in costs if cost.line == line) for line in {cost.line for cost in costs}}
    sources = {name: known(cost.amount for cost in costs if cost.source == name) for name in {c.source for c in costs}}
    return {
        "distance_m": metres, "engine_on_s": seconds, "truck_days": len(days), "amount": usd(amount),
        "cost_per_km": per(amount, metres, 1000), "cost_per_engine_hour": per(amount, seconds, 3600),
        "cost_per_truck_day": per(amount, len(days), 1),
        "lines": [{"line": line, "amount": usd(lines[line])} for line in sorted(lines)],
        "sources": [
            {"source": name, "amount": usd(sources[name]), "share_pct": round(float(100 * sources[name] / amount), 2)}
            for name in sorted(sources)
        ],
    }  # fmt: skip


def balance(days: list[TruckDayFuel]) -> dict[str, Any] | None:
    """The tank's balance of truck-days, from the page of metrics."""
    if not days:
        return None
    with_cards = {day.truck_id for day in days if day.purchases}
    its = [day for day in days if not with_cards or day.truck_id in with_cards]
    litres = {name: sum(getattr(day, f"balance_{name}_l") for day in its) for name in BALANCE}
    bought, refuelled, drained, used, tank = (litres[name] for name in BALANCE)
    compared = {"bought_l": bought, "not_in_tank_l": bought - refuelled}
    compared["unexplained_l"] = bought - drained - used - tank
    if not with_cards:
        compared = dict.fromkeys(compared)
    return {
        "truck_days": len(its), "refuelled_l": refuelled, "drained_l": drained, "used_l": used, "tank_change_l": tank,
        **compared, "reason": None if with_cards else "no_purchases",
    }  # fmt: skip


def check(answer: dict[str, Any], days: list[TruckDay], costs: list[TruckDayCost], fuel: list[TruckDayFuel]) -> None:
    """The summary, the lines, the months and quarters."""
    true = spent(days, costs)
    summary, data = answer["summary"], answer["data"]
    names = ("amount", "distance_m", "cost_per_km", "cost_per_engine_hour", "cost_per_truck_day", "sources")
    assert {name: summary[name] for name in names} == {name: true[name] for name in names}
    assert summary["fuel"]["balance"] == balance(fuel)
    assert summary["idling"]["amount"] == usd(known(each.idle_cost for each in fuel))
    assert [{"line": each["line"], "amount": each["amount"]} for each in data["by_line"]] == true["lines"]
    for name, buckets in (("month", month), ("quarter", quarter)):
        for bucket in data[f"by_{name}"]:
            its = {"days": [row for row in days if buckets(row.day) == bucket[name]],
                   "costs": [row for row in costs if buckets(row.day) == bucket[name]]}  # fmt: skip
            assert bucket == {name: bucket[name], **spent(**its)}
    assert [each["quarter"] for each in data["by_quarter"]] == ["2026-Q1", "2026-Q2"]


def month(day: dt.date) -> str:
    return f"{day:%Y-%m}"


def quarter(day: dt.date) -> str:
    return f"{day.year}-Q{1 + (day.month - 1) // 3}"


# --- the tests ------------------------------------------------------------------------------------------------------


def test_what_the_fleet_cost(api_get: Get, fleet: Fleet) -> None:
    trucks = set(Truck.objects.values_list("pk", flat=True))
    answer = asked(api_get, fleet)
    check(answer, of(TruckDay, trucks), of(TruckDayCost, {0, *trucks}), of(TruckDayFuel, trucks))
    assert answer["summary"]["unallocated"] == usd(Decimal("17.35"))


@pytest.mark.parametrize(
    ("only", "codes"), [({}, None), ({"group": "North"}, ["T-0", "T-1"]), ({"truck_id": "T-1"}, ["T-1"])]
)
@pytest.mark.parametrize("by", ["day", "week"])
def test_days_and_weeks_are_those_of_the_period_and_add_up_to_it(
    api_get: Get, fleet: Fleet, by: str, only: dict[str, str], codes: list[str] | None
) -> None:
    """It begins on a Tuesday and ends on a Monday: of these weeks only the days that lie in it count."""
    trucks = pks(codes) if codes else {0, *Truck.objects.values_list("pk", flat=True)}
    answer = asked(api_get, fleet, by=by, **only)
    found, page = answer["data"][f"by_{by}"], answer["page"]
    starts = [FROM + number * ONE for number in range((TO - FROM).days + 1)]
    if by == "week":
        starts = [day for day in starts if day == FROM or day.weekday() == 0]
    ends = [following - ONE for following in (*starts[1:], TO + ONE)]
    assert [(each["from"], each["to"]) for each in found] == [
        (f"{first}", f"{last}") for first, last in zip(starts, ends, strict=True)
    ]
    for each, first, last in zip(found, starts, ends, strict=True):
        its = spent(of(TruckDay, trucks, first, last), of(TruckDayCost, trucks, first, last))
        assert each == {"from": f"{first}", "to": f"{last}", **its, "truck_days": its["truck_days"] or None}
    lines = [(line["line"], line["amount"]) for each in found for line in each["lines"]]
    for line in answer["data"]["by_line"]:
        whole = sum(Decimal(amount["amount"]) for name, amount in lines if name == line["line"])
        assert usd(whole) == line["amount"]
    assert usd(sum(Decimal(amount["amount"]) for _, amount in lines)) == answer["summary"]["amount"]
    assert (answer["data"]["by_truck"], page) == ([], {"next_cursor": None, "has_more": False})


def test_a_day_without_a_truck_day_has_what_no_truck_bears_and_one_without_anything_is_null(
    api_get: Get, fleet: Fleet
) -> None:
    january = dt.date(2026, 1, 20)
    key = {"fleet_id": fleet.pk, "truck_id": 0, "day": january, "line": "unallocated", "source": "allocated"}
    TruckDayCost.objects.create(**key, amount=Decimal("3.10"))
    sums.of_days(fleet.pk, [(0, january)], SummaryRevision.objects.get(fleet_id=fleet.pk))
    borne, nothing = asked(api_get, fleet, by="day", **{"from": january, "to": january + ONE})["data"]["by_day"]
    assert (borne["amount"], borne["truck_days"], borne["cost_per_truck_day"]) == (usd(Decimal("3.10")), None, None)
    assert (nothing["amount"], nothing["distance_m"], nothing["lines"]) == (None, None, [])


@pytest.mark.parametrize(
    ("by", "days", "status"), [("day", 100, 200), ("day", 101, 422), ("week", 400, 200), ("week", 401, 422)]
)
def test_a_period_has_so_many_days_at_most(api_get: Get, fleet: Fleet, by: str, days: int, status: int) -> None:
    path = f"/api/v2/fleet/cost-analysis?by={by}&from={FROM}&to={FROM + (days - 1) * ONE}"
    answer = api_get(path, rows.api_key(fleet))
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["errors"] == [
            {"pointer": "/query/to", "detail": f"the period is too long: at most {days - 1} days"}
        ]
        assert api_get(f"{path}&format=csv", rows.api_key(fleet)).status_code == 422


def test_a_month_without_truck_days_has_what_no_truck_bears(api_get: Get, fleet: Fleet) -> None:
    january = dt.date(2026, 1, 20)
    key = {"fleet_id": fleet.pk, "truck_id": 0, "day": january, "line": "unallocated", "source": "allocated"}
    TruckDayCost.objects.create(**key, amount=Decimal("9.10"))
    sums.of_days(fleet.pk, [(0, january)], SummaryRevision.objects.get())
    answer = asked(api_get, fleet, **{"from": "2026-01-01", "to": "2026-04-25"})
    first, *others = months = answer["data"]["by_month"]
    nothing = dict.fromkeys(("distance_m", "engine_on_s", "truck_days", "cost_per_km"))
    assert {name: first[name] for name in ("month", "amount", *nothing)} == {
        "month": "2026-01", "amount": usd(Decimal("9.10")), **nothing,
    }  # fmt: skip
    assert [each["month"] for each in others] == ["2026-02", "2026-03", "2026-04"]
    for parts in (months, answer["data"]["by_quarter"]):
        assert usd(sum(Decimal(each["amount"]["amount"]) for each in parts)) == answer["summary"]["amount"]


def test_purchases_on_days_that_the_truck_does_not_have_are_told(api_get: Get, fleet: Fleet) -> None:
    first, second, *others = Truck.objects.order_by("code")
    noon = dt.datetime(2026, 3, 10, 18, tzinfo=dt.UTC)
    rows.known(first, noon, first_t=int(noon.timestamp()) - 10 * 86_400)
    rows.known(second, None, first_t=None)

    def left_out(**only: str) -> dict[str, Any]:
        return asked(api_get, fleet, **only)["summary"]["fuel"]["without_day"]

    assert left_out() == {"purchases": 0, "litres": 0.0}
    # Of the first two days before it, on its last day, and after it; of the second one; one out of the period.
    for truck, day in ((first, -13), (first, 0), (first, 1), (second, 0), (first, 60)):
        bought = {"litres": "100.250", "amount": "150.00", "currency": "USD", "purchased_at": noon + day * ONE}
        ledger.save(FuelPurchase(fleet=fleet, truck=truck, **bought))
    assert left_out() == {"purchases": 3, "litres": 300.75}
    assert left_out(group="South") == {"purchases": 1, "litres": 100.25}


def test_what_each_truck_cost_with_its_sources_and_the_balance_of_its_tank(api_get: Get, fleet: Fleet) -> None:
    for limit in (1, 100):  # a page is found first, or all are read as they lie
        cursor: dict[str, str] = {}
        found = []
        while True:
            answer = asked(api_get, fleet, limit=limit, **cursor)
            found += answer["data"]["by_truck"]
            if not answer["page"]["has_more"]:
                break
            cursor = {"cursor": answer["page"]["next_cursor"]}
        assert found == [
            {
                "truck_id": truck.code,
                "name": truck.name,
                **spent(of(TruckDay, {truck.pk}), of(TruckDayCost, {truck.pk})),
                "fuel_balance": balance(of(TruckDayFuel, {truck.pk})),
            }
            for truck in Truck.objects.order_by("code")
        ]


def test_what_a_group_cost_is_what_its_trucks_did(api_get: Get, fleet: Fleet) -> None:
    group = fleet.truck_groups.get(name="North")
    trucks = set(group.trucks.values_list("pk", flat=True))
    answer = asked(api_get, fleet, group="North")
    check(answer, of(TruckDay, trucks), of(TruckDayCost, trucks), of(TruckDayFuel, trucks))
    assert [truck["truck_id"] for truck in answer["data"]["by_truck"]] == ["T-0", "T-1"]
    assert answer["summary"]["unallocated"] is None


def test_what_a_truck_cost_is_told_as_of_a_group_of_it(api_get: Get, fleet: Fleet) -> None:
    """South has T-1 alone: the same but for how fresh it is; T-2 has no day before February."""
    trucks = pks(["T-1"])
    answer = asked(api_get, fleet, truck_id="T-1")
    check(answer, of(TruckDay, trucks), of(TruckDayCost, trucks), of(TruckDayFuel, trucks))
    of_group = asked(api_get, fleet, group="South")
    assert {**answer, "freshness": None} == {**of_group, "freshness": None}
    assert answer["freshness"]["unspread_invoices"] == of_group["freshness"]["unspread_invoices"]
    assert [truck["truck_id"] for truck in answer["data"]["by_truck"]] == ["T-1"]
    before = asked(api_get, fleet, truck_id="T-2", **{"from": FIRST - 9 * ONE, "to": FIRST - ONE})
    assert (before["data"]["by_truck"], before["summary"]["amount"]) == ([], None)


def test_a_file_of_a_truck_has_its_days_weeks_or_months(api_get: Get, fleet: Fleet) -> None:
    for by, key in (("day", "from"), ("week", "from"), ("month", "month")):
        data = asked(api_get, fleet, truck_id="T-1", by=by)["data"][f"by_{by}"]
        answer = api_get(
            f"/api/v2/fleet/cost-analysis?from={FROM}&to={TO}&truck_id=T-1&by={by}&format=csv", rows.api_key(fleet)
        )
        found = list(csv.DictReader(answer.text.lstrip("\ufeff").splitlines()))
        assert [row[key] for row in found] == [row[key] for row in data]
        assert [row["amount_usd"] for row in found] == [(row["amount"] or {"amount": ""})["amount"] for row in data]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("group=North&truck_id=T-0", "either a truck or a group, not both"),
        ("by=group&truck_id=T-0", "groups are of the fleet, not of a truck"),
    ],
)
def test_costs_are_of_a_truck_or_a_group(api_get: Get, fleet: Fleet, query: str, detail: str) -> None:
    answer = api_get(f"/api/v2/fleet/cost-analysis?{query}", rows.api_key(fleet))
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"pointer": "/query", "detail": detail}])
    assert api_get("/api/v2/fleet/cost-analysis?truck_id=T-9", rows.api_key(fleet)).status_code == 404


def test_group_by_group_a_truck_counts_in_each_and_those_of_none_stand_last(api_get: Get, fleet: Fleet) -> None:
    data = asked(api_get, fleet, by="group")["data"]
    codes = {"North": ["T-0", "T-1"], "South": ["T-1"], None: ["T-2", "T-3"]}
    assert data["by_truck"] == []
    assert data["by_group"] == [
        {
            "group": name,
            "trucks": len(codes[name]),
            **spent(*(of(model, pks(codes[name])) for model in (TruckDay, TruckDayCost))),
        }
        for name in ("North", "South", None)
    ]


def pks(codes: list[str]) -> set[int]:
    return set(Truck.objects.filter(code__in=codes).values_list("pk", flat=True))


@pytest.mark.parametrize("group", [None, "North"])
def test_the_period_before_stands_beside(api_get: Get, fleet: Fleet, group: str | None) -> None:
    only = {"group": group} if group else {}
    first, last = dt.date(2026, 3, 20), dt.date(2026, 4, 2)
    answer = asked(api_get, fleet, **{"from": first, "to": last}, **only)
    earlier = asked(api_get, fleet, **{"from": first - 14 * ONE, "to": first - ONE}, **only)
    before = answer["previous"]
    assert before.pop("period") == earlier["period"]
    assert before == {name: earlier["summary"][name] for name in before}
    now, then = (Decimal(each["summary"]["amount"]["amount"]) for each in (answer, earlier))
    assert answer["change_pct"]["amount"] == round(float(100 * (now - then) / abs(then)), 2)


def test_the_summary_and_the_trend_of_a_group_are_those_of_its_trucks(api_get: Get, fleet: Fleet) -> None:
    trucks = pks(["T-0", "T-1"])
    true = spent(of(TruckDay, trucks), of(TruckDayCost, trucks))
    names = ("distance_m", "engine_on_s", "truck_days", "cost_per_km", "cost_per_engine_hour", "cost_per_truck_day")
    summary = asked(api_get, fleet, "summary", group="North")
    trend = asked(api_get, fleet, "trends", group="North", by="quarter")
    for found in (summary["data"], trend["summary"]):
        assert {name: found[name] for name in names} == {name: true[name] for name in names}
        assert found["total_cost"] == true["amount"]
    assert summary["data"]["trucks"] == 2
    assert summary["data"]["active_trucks"] == len({day.truck_id for day in of(TruckDay, trucks) if day.is_used})
    assert [(point["from"], point["to"]) for point in trend["data"]] == [
        ("2026-02-17", "2026-03-31"), ("2026-04-01", "2026-04-20"),
    ]  # fmt: skip
    for point in trend["data"]:
        bounds = dt.date.fromisoformat(point["from"]), dt.date.fromisoformat(point["to"])
        assert point["total_cost"] == spent(of(TruckDay, trucks, *bounds), of(TruckDayCost, trucks, *bounds))["amount"]


def test_of_a_group_its_own_trucks_tell_how_fresh_it_is(api_get: Get, fleet: Fleet) -> None:
    now = dt.datetime.now(dt.UTC)
    for number, minutes in ((0, 5), (1, 90), (2, 6_000)):
        rows.known(Truck.objects.get(code=f"T-{number}"), now - dt.timedelta(minutes=minutes))
    fresh = asked(api_get, fleet, group="North")["freshness"]
    assert (fresh["lagging"], fresh["lagging_count"]) == (["T-1"], 1)
    assert fresh["as_of"] == f"{now - dt.timedelta(minutes=90):%Y-%m-%dT%H:%M:%SZ}"
    days = of(TruckDay, pks(["T-0", "T-1"]))
    known_s, length_s = sum(day.length_s - day.no_data_s for day in days), sum(day.length_s for day in days)
    assert fresh["coverage_pct"] == round(100 * known_s / length_s, 2)


@pytest.mark.parametrize("path", ["summary", "cost-analysis", "trends"])
def test_a_group_that_is_not_the_fleet_s_is_refused(api_get: Get, fleet: Fleet, path: str) -> None:
    other = rows.fleet("Other")
    rows.group(other, "East", rows.truck(other, "O-1"))
    for _ in range(2):
        rows.group(fleet, "Twice")
    for name, detail in (("East", "is no group of this fleet"), ("Twice", "is the name of several groups")):
        answer = api_get(f"/api/v2/fleet/{path}?period=last7&group={name}", rows.api_key(fleet))
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": "/query/group", "detail": detail}]


def test_a_trend_is_of_a_truck_or_a_group(api_get: Get, fleet: Fleet) -> None:
    answer = api_get("/api/v2/fleet/trends?group=North&truck_id=T-0", rows.api_key(fleet))
    assert (answer.status_code, answer.json()["detail"]) == (422, "either a truck or a group, not both.")
    assert answer.json()["errors"] == [{"pointer": "/query", "detail": "either a truck or a group, not both"}]
