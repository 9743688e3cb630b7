"""The page about costs, by group, truck and driver."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Fleet
from apps.fleet.models import FuelPurchase, TruckDayDriver
from apps.fleet.reports.wording import NOT_MEASURED
from apps.fleet.summaries.sums import of_spans
from apps.trucks.models import TruckGroup, TruckSync
from tests import rows
from tests.admin.priced import NOW, PERIOD, make, page
from tests.markup import cells_of, rows_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")


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
