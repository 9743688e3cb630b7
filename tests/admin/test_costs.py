"""The page about costs: its figures are those of the API, in the fleet's units, and add up."""

import re
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import httpx
import pytest
from django.test import Client

from apps.accounts.units import METRIC
from apps.fleet.costs import figures as cost_figures
from apps.fleet.pages.costs.fuel import _balance as balance_told
from tests import rows
from tests.admin.priced import PERIOD, QUERY, make, page
from tests.markup import cells_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")


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
