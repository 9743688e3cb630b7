"""The page about costs: the figures of the API in the fleet's units, and what it says where there is nothing."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.accounts.units import METRIC
from apps.fleet import queries
from apps.fleet.costs import figures as cost_figures
from apps.fleet.costs.allocation import NO_TRUCK
from apps.fleet.models import Benchmark, FuelPurchase, TruckDayDriver, TruckDayFuel
from apps.fleet.pages.costs import reading as cost_reading
from apps.fleet.pages.costs.fuel import _balance as balance_told
from apps.fleet.reports.wording import NOT_MEASURED
from apps.fleet.summaries.sums import of_spans
from apps.trucks.invalidation import mark
from apps.trucks.models import Truck, TruckGroup, TruckSync
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.markup import assert_whole, cells_of, rows_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")

DAYS = [dt.date(2026, 2, 21) + dt.timedelta(days=number) for number in range(16)]
NOW, BEFORE = DAYS[8:], DAYS[:8]
PERIOD = {"from": "2026-03-01", "to": "2026-03-08"}
QUERY = "&".join(f"{name}={value}" for name, value in PERIOD.items())


def make(units: str = "metric", trucks: int = 3, purchases: int = 1) -> Fleet:
    """Trucks over two periods of eight days; costs of all sources, and an invoice's rest that no truck bears."""
    fleet = rows.fleet(units=units)
    made = [rows.truck(fleet, f"T-{number}", name=f"Truck <b>{number}</b>") for number in range(1, trucks + 1)]
    rows.group(fleet, "North", *made[:2])
    for number, day in enumerate(DAYS):
        for size, truck in enumerate(made, 1):
            _day(truck, day, size + number, purchases)
    for day in (DAYS[3], DAYS[12]):
        rows.cost(made[0], "repair_maintenance", "310.55", day, source="actual")
    rows.cost(Truck(pk=NO_TRUCK, fleet=fleet), "unallocated", "12.34", NOW[2], source="allocated")
    for day in DAYS:
        rows.fleet_day(fleet, day, **_fuel_of(fleet, day))
    for truck in made:
        rows.known(truck)
    rows.revision(fleet, 7)
    return fleet


def _day(truck: Truck, day: dt.date, size: int, purchases: int = 1) -> None:
    rows.truck_day(truck, day, distance_m=200_000 + 1_000 * size, fuel_used_l=70.0 + size)
    rows.cost(truck, "fuel", f"{70 + size}.37", day)
    rows.cost(truck, "tolls", f"{size}.10", day, source="actual")
    rows.cost(truck, "payments", "50.00", day, source="allocated")
    TruckDayFuel.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=day, fuel_cost=Decimal(f"{70 + size}.37"),
        fuel_priced_l=70.0 + size, idle_cost=Decimal("3.20"), idle_productive_cost=Decimal("1.10"),
        purchases=purchases, purchased_l=Decimal(80 * purchases), purchased_amount=Decimal(84 * purchases),
        balance_days=1, balance_bought_l=80.0 * purchases,
        balance_refuelled_l=78.0, balance_drained_l=2.0, balance_used_l=70.0 + size, balance_tank_l=5.0,
    )  # fmt: skip


def _fuel_of(fleet: Fleet, day: dt.date) -> dict[str, Any]:
    names = queries.FUEL_MONEY
    return TruckDayFuel.objects.filter(fleet_id=fleet.pk, day=day).aggregate(**{name: Sum(name) for name in names})


def page(client: Client, status: int = 200, **query: Any) -> Any:
    answer = client.get(reverse("costs"), query)
    assert answer.status_code == status
    return answer


# --- the figures of the API -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "metres", "litres"), [("metric", "1000", "1"), ("us", "1609.344", "3.785411784")])
def test_the_page_shows_the_figures_of_the_api(
    api_get: Callable[..., httpx.Response], client: Client, units: str, metres: str, litres: str
) -> None:
    fleet = make(units)
    body = api_get(f"/api/v2/fleet/cost-analysis?{QUERY}", rows.api_key(fleet)).json()
    summary, shown = body["summary"], page(client, **PERIOD).context
    distance = Decimal(summary["distance_m"]) / Decimal(metres)

    def per_distance(amount: str) -> str:
        return f"{Decimal(amount) / distance:,.3f}"

    tiles = {tile.title: tile.value for tile in shown["tiles"]}
    amount = summary["amount"]["amount"]
    unit, word = ("mi", "mile") if units == "us" else ("km", "km")
    assert tiles[f"Cost per {word}"] == f"{per_distance(amount)} USD"
    assert tiles["Distance"] == f"{distance:,.0f} {unit}"
    assert tiles["Per engine hour"] == f"{Decimal(summary['cost_per_engine_hour']['amount']):,.2f} USD"

    lines = cells_of(shown["lines"])
    assert lines["All lines"][:3] == [f"{Decimal(amount):,.2f}", "100.0%", per_distance(amount)]
    titles = {"repair_maintenance": "Repair and maintenance", "payments": "Truck payments"}
    for each in body["data"]["by_line"]:
        line = lines[titles.get(each["line"], each["line"].capitalize())]
        assert line[0] == f"{Decimal(each['amount']['amount']):,.2f}"
        assert line[2] == per_distance(each["amount"]["amount"])
    assert {each["source"]: each["amount"]["amount"] for each in summary["sources"]} == {
        each["style"]: each["amount"].removesuffix(" USD").replace(",", "") for each in shown["sources"]
    }
    assert shown["unallocated"] == "12.34 USD"

    trucks = cells_of(shown["trucks"]["table"])
    every = trucks.pop("All trucks")
    allocated = sum(Decimal(each["amount"]["amount"]) for each in body["data"]["by_truck"])
    assert every[1:3] == [f"{allocated:,.2f}", f"{distance:,.0f}"]
    assert len(trucks) == len(body["data"]["by_truck"]) == 3
    for each in body["data"]["by_truck"]:
        (cells,) = [cells for name, cells in trucks.items() if name.endswith(each["name"])]
        own = Decimal(each["amount"]["amount"])
        assert cells[1] == f"{own:,.2f}"
        assert cells[3] == f"{own * Decimal(metres) / each['distance_m']:,.3f}"

    of_groups = api_get(f"/api/v2/fleet/cost-analysis?{QUERY}&by=group", rows.api_key(fleet)).json()["data"]["by_group"]
    groups = cells_of(shown["by_group"])
    assert list(groups) == ["North", "In no group"]
    assert [cells[2] for cells in groups.values()] == [f"{Decimal(g['amount']['amount']):,.2f}" for g in of_groups]

    used = summary["fuel"]["used"]
    fuel = cells_of(shown["fuel"]["table"])["Used"]
    assert fuel[0] == f"{Decimal(str(used['litres'])) / Decimal(litres):,.1f}"
    assert fuel[1] == f"{Decimal(used['amount']['amount']):,.2f}"
    balance = cells_of(shown["fuel"]["balance"]["table"])["Unexplained"]
    assert balance == [f"{Decimal(str(summary['fuel']['balance']['unexplained_l'])) / Decimal(litres):,.1f}"]


def test_without_a_purchase_the_tanks_are_told_of_but_not_called_unexplained(client: Client) -> None:
    make(purchases=0)
    answer = page(client, **PERIOD)
    balance = answer.context["fuel"]["balance"]
    assert list(cells_of(balance["table"])) == [
        "Refuelled", "Drained from tanks", "Used by the counters", "More in the tanks at the end",
    ]  # fmt: skip
    assert cells_of(balance["table"])["Refuelled"] == ["1,872.0"]  # 78 l of 3 trucks on 8 days
    assert "Without purchases there is nothing to hold the tanks against." in answer.content.decode()


@pytest.mark.parametrize(
    ("tank_l", "refuelled_l", "tank", "words"),
    [
        (40.0, 90.0, ("More in the tanks at the end", "-40.0"), "Bought and not seen in a tank: 10.0 l"),
        (-40.0, 130.0, ("Less in the tanks at the end", "40.0"), "Seen in a tank and not bought: 30.0 l"),
    ],
)
def test_the_tanks_are_told_the_right_way_round(
    tank_l: float, refuelled_l: float, tank: tuple[str, str], words: str
) -> None:
    """A sign alone would say that tanks hold more which are emptier, and that was bought what was not."""
    litres = {"bought": 100.0, "refuelled": refuelled_l, "drained": 5.0, "used": 50.0, "tank": tank_l}
    totals = {"balance_days": 1, "purchases": 1, **{f"balance_{name}_l": value for name, value in litres.items()}}
    told = balance_told(SimpleNamespace(units=METRIC), cost_figures.balance(totals))  # type: ignore[arg-type]
    assert told is not None
    assert cells_of(told["table"])[tank[0]] == [tank[1]]
    assert told["not_in_tank"] == words


def test_the_parts_of_the_change_add_up_and_are_those_of_the_api(
    api_get: Callable[..., httpx.Response], client: Client
) -> None:
    fleet = make()
    found = api_get(f"/api/v2/fleet/cost-analysis?{QUERY}", rows.api_key(fleet)).json()["summary"]["change"]
    table = page(client, **PERIOD).context["change"]["figure"].table
    total = dict(zip(table.heads[1:], cells_of(table)["All lines"], strict=True))
    for name, head in (("previous_amount", "Before (USD)"), ("change", "Change (USD)"), ("price", "of price")):
        assert total[head].replace(",", "") == found[name]["amount"]

    description = page(client, **PERIOD).context["change"]["figure"].chart.description
    texts = re.findall(r": ([+−±]?[\d,.]+) USD", description)
    before, *parts, now = [Decimal(text.replace(",", "").replace("−", "-").replace("±", "")) for text in texts]
    assert len(parts) == 5
    assert before + sum(parts) == now


def test_every_day_and_every_week_adds_up_to_the_period(client: Client) -> None:
    make()
    for query in (PERIOD, {"from": "2026-01-01", "to": "2026-03-08"}, {"from": "2025-06-01", "to": "2026-03-08"}):
        shown = page(client, **query).context
        column = [line[1] for line in shown["over_time"].table.rows]
        known = [Decimal(cell.replace(",", "")) for cell in column if cell != "–"]
        assert f"{sum(known):,.2f}" == shown["lines"].total[1]
        columns = len(re.findall(r"<g><title>", shown["over_time"].chart.svg))
        assert columns == len(column) == {8: 8, 67: 10, 281: 10}[shown["chosen"].period.days]


# --- groups and trucks ----------------------------------------------------------------------------------------------


def test_the_trucks_of_all_groups_cost_what_the_fleet_costs_but_for_the_unallocated(client: Client) -> None:
    fleet = make()
    everybody = rows.group(fleet, "Everybody", *fleet.trucks.all())
    whole, all_trucks = page(client, **PERIOD).context, page(client, group=everybody.pk, **PERIOD).context
    mine, theirs = cells_of(all_trucks["lines"]), cells_of(whole["lines"])
    assert "Unallocated" not in mine and all_trucks["unallocated"] == ""
    assert {line: cells[0] for line, cells in mine.items() if line != "All lines"} == {
        line: cells[0] for line, cells in theirs.items() if line not in ("All lines", "Unallocated")
    }
    for name in ("table", "purchases", "unpriced"):
        assert all_trucks["fuel"][name] == whole["fuel"][name]
    assert all_trucks["fuel"]["balance"] == whole["fuel"]["balance"]
    assert all_trucks["idling"] == whole["idling"]


def test_purchases_on_days_that_the_truck_does_not_have_are_told(client: Client) -> None:
    fleet = make(units="us")
    assert page(client, **PERIOD).context["fuel"]["without_day"] == ""
    bought = {"litres": Decimal("378.541"), "amount": Decimal(400), "currency": "USD", "purchased_at": rows.NOON}
    late = FuelPurchase.objects.create(fleet=fleet, truck=fleet.trucks.get(code="T-3"), **bought)
    TruckSync.objects.filter(truck_id=late.truck_id).update(known_until=int(rows.NOON.timestamp()) - 3 * 86_400)
    period = {**PERIOD, "to": "2026-03-31"}
    told = page(client, **period)
    assert told.context["fuel"]["without_day"] == "1 purchase of 100.0 gal"
    assert "booked on days that the truck does not have" in told.content.decode()
    others = page(client, group=TruckGroup.objects.get().pk, **period).context["fuel"]
    alone = [page(client, truck=code, **period).context["fuel"]["without_day"] for code in ("T-1", "T-3")]
    assert (others["without_day"], alone) == ("", ["", "1 purchase of 100.0 gal"])


def test_a_group_is_its_trucks_and_a_truck_is_itself(client: Client) -> None:
    make()
    north = page(client, group=TruckGroup.objects.get().pk, **PERIOD).context
    cells = [Decimal(cells[1].replace(",", "")) for cells in cells_of(north["trucks"]["table"]).values()]
    total = cells.pop()
    assert total == sum(cells)
    assert len(cells) == 2
    assert f"{sum(cells):,.2f}" == north["lines"].total[1]
    for number, amount in zip(("2", "1"), sorted(cells, reverse=True), strict=True):
        alone = page(client, truck=f"T-{number}", **PERIOD).context
        assert alone["lines"].total[1] in (f"{value:,.2f}" for value in cells), amount
        assert alone["trucks"] is None
        assert alone["chosen"].about == f"Truck <b>{number}</b>"


def test_trucks_are_ranked_as_asked_and_in_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr("apps.fleet.pages.costs.lists.TRUCKS_SHOWN", 2)

    def shown(**query: Any) -> list[str]:
        table = page(client, **PERIOD, **query).context["trucks"]["table"]
        return [name.removesuffix("</b>")[-1] for name in rows_of(table)]

    assert shown() == ["1", "3"]  # the first has the repair
    assert shown(page=2) == shown(page=99) == ["2"]
    assert shown(order="name") == shown(order="name", page=0) == shown(order="name", page="x") == ["1", "2"]
    first = page(client, **PERIOD).context["trucks"]
    assert (first["first"], first["last"], first["count"], first["previous"]) == (1, 2, 3, "")
    fleet = Fleet.objects.get().pk
    assert first["next"] == f"?fleet={fleet}&from=2026-03-01&to=2026-03-08&order=amount&page=2#trucks"


def test_a_trucks_bar_has_the_sources_in_their_order(client: Client) -> None:
    make()
    bar = str(page(client, **PERIOD).context["trucks"]["table"].rows[0][1])
    assert re.findall(r"fill-(\w+)", bar) == ["actual", "allocated", "estimated"]


# --- by driver ---


def drive(fleet: Fleet) -> None:
    """Anna has T-1 and T-3 for a day, Ben T-1, nobody T-2."""
    one, two, three = fleet.trucks.order_by("code")
    anna, ben = rows.driver(fleet, "Anna"), rows.driver(fleet, "Ben <i>")
    others = list(TruckDayDriver.objects.values_list("truck_id", "day"))
    TruckDayDriver.objects.all().delete()
    of_spans(fleet.pk, others)
    for truck, driver, amounts in (
        (one, anna, {"fuel": "10.00", "driver_wages": "90.00", "driver_benefits": "4.25", "tolls": "2.50"}),
        (three, anna, {"fuel": "5.00"}), (one, ben, {"fuel": "150.00"}), (two, None, {"tolls": "3.25"}),
    ):  # fmt: skip
        rows.driver_day(truck, driver, NOW[0], distance_m=50_000)
        for line, amount in amounts.items():
            rows.driver_cost(truck, driver, line, amount, NOW[0])


def test_drivers_come_the_dearest_first_and_nobody_known_last(client: Client) -> None:
    drive(make())
    drivers = page(client, **PERIOD).context["drivers"]
    # Days, cost, distance, cost per km, fuel, wages and benefits, other lines.
    assert {name: cells[1:] for name, cells in cells_of(drivers["table"]).items()} == {
        "Ben <i>": ["1", "150.00", "50", "3.000", "150.00", NOT_MEASURED, "0.00"],
        "Anna": ["2", "111.75", "100", "1.118", "15.00", "94.25", "2.50"],
        "Nobody known": ["1", "3.25", "50", "0.065", NOT_MEASURED, NOT_MEASURED, "3.25"],
    }
    assert drivers["left_out"] < 0
    group = page(client, group=TruckGroup.objects.get().pk, **PERIOD).context["drivers"]  # of T-1 and T-2
    assert cells_of(group["table"])["Anna"][2] == "106.75"
    alone = page(client, truck="T-3", **PERIOD).context["drivers"]
    assert [(name, cells[2]) for name, cells in cells_of(alone["table"]).items()] == [("Anna", "5.00")]


def test_of_many_drivers_the_rest_is_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    drive(make())
    monkeypatch.setattr("apps.fleet.pages.costs.drivers.SHOWN", 1)
    drivers = page(client, **PERIOD).context["drivers"]
    assert (list(cells_of(drivers["table"])), drivers["left_out"]) == (["Ben <i>", "Nobody known"], 1)


def test_without_any_known_driver_there_is_no_table_of_them(client: Client) -> None:
    make()
    assert page(client, **PERIOD).context["drivers"] is None


# --- what it says ---------------------------------------------------------------------------------------------------


def test_it_says_how_far_the_figures_are_known_and_which_may_change(client: Client) -> None:
    fleet = make()
    mark(fleet.pk, [(fleet.trucks.first().pk, NOW[0]), (fleet.trucks.first().pk, DAYS[0])], "messages")
    rows.truck(fleet, "T-9")
    shown = page(client, **PERIOD).context
    words = " ".join(shown["freshness"])
    assert "All trucks are known up to 2026-03-10 12:00 CDT." in words
    assert "1 of 4 trucks lag behind." in words
    assert "of the time is covered by data." in words
    assert "Days from 7 March 2026 on are provisional" in words  # 72 hours before noon of the 10th is in the 7th
    assert "1 truck-day of the period wait" in words
    assert "Data begin" not in words, "both periods are whole"
    provisional = [line[0] for line in shown["over_time"].table.rows if "provisional" in line[0]]
    assert [line.split(",")[0] for line in provisional] == ["Saturday", "Sunday"]
    assert shown["over_time"].chart.svg.count("provisional ground") == 2


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("2026-02-28", "which leaves 7 of the 9 days of the period before to compare with."),
        ("2026-02-18", "which leaves 16 of the 19 days of the period."),
    ],
)
def test_it_says_where_data_begin_within_what_is_shown_or_compared(client: Client, first: str, words: str) -> None:
    """Neither the coverage of the days there are nor a change against so few of them says it."""
    fleet = make()
    for whose in ({}, {"truck": fleet.trucks.first().code}):
        shown = " ".join(page(client, **{**PERIOD, **whose, "from": first}).context["freshness"])
        assert f"Data begin on 21 February 2026, {words}" in shown
        assert shown.count("Data begin") == 1


def test_final_days_are_not_called_provisional(client: Client) -> None:
    make()
    with time_machine.travel(rows.NOON + dt.timedelta(days=9), tick=False):
        for sync in Fleet.objects.get().trucks.all():
            TruckSync.objects.filter(truck_id=sync.pk).update(known_until=int(rows.NOON.timestamp()) + 9 * 86_400)
        recount(Fleet.objects.get().pk)
        shown = page(client, **PERIOD).context
    assert "provisional" not in " ".join(shown["freshness"])
    assert shown["over_time"].note == "" and "provisional" not in shown["over_time"].chart.svg


def test_the_benchmark_is_compared_over_common_lines_and_names_the_others(client: Client) -> None:
    make("us")
    Benchmark.objects.all().delete()
    for line, amount in (("fuel", "0.48"), ("insurance", "0.10")):
        Benchmark.objects.create(
            year=2026, line=line, amount=amount, unit="mile", currency="USD", source="A", edition="1"
        )
    answer = page(client, **PERIOD)
    shown = answer.context
    found = shown["benchmark"]
    own = cells_of(shown["lines"])["Fuel"][2]
    assert cells_of(found["table"])["Fuel"][1:3] == [own, "0.480"]
    assert found["missing_lines"] == "Insurance"
    assert found["lines_without_benchmark"] == "Truck payments, Repair and maintenance, Tolls"
    assert (
        "Not compared, since nothing is booked or estimated here: Insurance." in page(client, **PERIOD).content.decode()
    )


def test_without_days_without_costs_and_without_a_fleet_it_says_what_to_do(client: Client) -> None:
    assert "There is none." in page(client).content.decode()
    fleet = rows.fleet()
    assert "No truck has a day in this period" in page(client).content.decode()
    truck = rows.truck(fleet)
    rows.truck_day(truck, NOW[0])
    rows.fleet_day(fleet, NOW[0])
    text = page(client, **PERIOD).content.decode()
    assert "Nothing is priced in this period" in text and reverse("admin:fleet_costrate_changelist") in text
    assert '<svg class="plot"' not in text
    rows.cost(truck, "tolls", "1.00", NOW[0])
    assert page(client, truck="T-1", **PERIOD).context["change"]["figure"] is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "2026-02-30", "to": "2026-03-01"}, "The first day is not in the calendar."),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "The first day is after to."),
        ({"from": "2020-03-02", "to": "2026-03-01"}, "at most 400 days"),
        ({"period": "fortnight"}, "The period is none of last7"),
        ({"truck": "T-77"}, "This fleet has no truck &#x27;T-77&#x27;."),
        ({"group": "x"}, "This fleet has no such group."),
        ({"group": "99999"}, "This fleet has no such group."),
    ],
)
def test_what_cannot_be_shown_is_told_and_can_be_corrected(client: Client, query: dict[str, str], told: str) -> None:
    rows.fleet()
    text = page(client, 400, **query).content.decode()
    assert told in text
    assert 'name="from"' in text and "Last 30 days" in text


# --- who, how fast, and markup --------------------------------------------------------------------------------------


def test_only_the_fleets_own_staff_see_it(client: Client) -> None:
    fleet, other = make(), rows.fleet("Other")
    foreign_truck = rows.truck(other, "X-1")
    foreign_group = rows.group(other, "South", foreign_truck)
    assert page(client, fleet=fleet.pk).status_code == 200
    foreign = User.objects.create_user("foreign", is_staff=True)
    FleetMembership.objects.create(fleet=other, user=foreign)
    client.force_login(foreign)
    assert page(client, **PERIOD).context["fleet"] == other
    page(client, 404, fleet=fleet.pk, **PERIOD)
    page(client, 400, truck="T-1", **PERIOD)
    page(client, 400, group=TruckGroup.objects.exclude(pk=foreign_group.pk).get().pk, **PERIOD)
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert "You see no fleet yet" in page(client).content.decode()
    client.logout()
    assert client.get(reverse("costs")).status_code == 302


def test_it_takes_as_many_statements_for_many_trucks_and_days_as_for_few(client: Client) -> None:
    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, **query)
        return len(captured)

    make(trucks=1)
    statements(**PERIOD)
    few = statements(**PERIOD)
    assert few <= 23
    for number in range(2, 6):
        _day(rows.truck(Fleet.objects.get(), f"T-{number}"), NOW[0], number)
    assert statements(**{"from": "2025-03-01", "to": "2026-03-08"}) == few


@pytest.mark.parametrize("query", [{}, {"truck": "T-1"}])
def test_its_markup_is_whole_and_names_are_text(client: Client, query: dict[str, str]) -> None:
    make()
    text = page(client, **PERIOD, **query).content.decode()
    assert_whole(text, charts=3)
    assert "<b>" not in text


def test_what_changes_between_two_statements_is_read_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = make(trucks=1)
    reads: list[int] = []
    revisions = count(100)

    def reading(changes: int) -> Callable[[Any], Any]:
        def read(chosen: Any) -> Any:
            reads.append(1)
            if len(reads) <= changes:
                rows.revision(fleet, next(revisions))
            return cost_reading.read(chosen)

        return read

    for changes, expected in ((0, 1), (1, 2), (9, 3)):
        reads.clear()
        monkeypatch.setattr("apps.fleet.pages.costs.page.read", reading(changes))
        page(client, **PERIOD)
        assert len(reads) == expected
