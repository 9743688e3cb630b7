"""One question, every channel: API, its files, the admin's pages and their files, and the mail say the same.

Of the golden fleet and of a group of it, in both systems of units. What the API says as JSON is metric, and held to the
sheet elsewhere (test_golden_fleet); here it is put into the reader's units by hand and looked for in all the others.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any

import httpx
import openpyxl
import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from apps.accounts.models import Fleet
from apps.fleet.models import Benchmark
from apps.fleet.reports.rendering import TEXT, render_daily
from tests import rows
from tests.admin.test_files import Page, lines
from tests.api import golden
from tests.api.exported import table, workbook
from tests.api.golden import BOTH
from tests.conftest import AsgiClient
from tests.markup import cells_of, plain

PUBLISHED = "0.555"  # dollars a mile
PERIOD = {"from": "2026-02-01", "to": "2026-03-31"}
DAYS = (
    dt.date(2026, 2, 15),
    dt.date(2026, 3, 8),
    dt.date(2026, 3, 10),
)  # a price changes; 23 hours; a price and a refuel
SYSTEMS = {"metric": ("km", 1_000.0, "l", 1.0), "us": ("mi", 1_609.344, "gal", 3.785411784)}
Row = dict[str, Any]


@dataclass(frozen=True)
class Units:
    """What JSON says in metric units, as a fleet's people read it."""

    name: str

    @property
    def distance(self) -> str:
        return SYSTEMS[self.name][0]

    @property
    def volume(self) -> str:
        return SYSTEMS[self.name][2]

    def driven(self, metres: int) -> float:
        return metres / SYSTEMS[self.name][1]

    def litres(self, litres: float) -> float:
        return litres / SYSTEMS[self.name][3]

    def cells(self, row: Row) -> list[Any]:
        """The same of a row of the API's files, but for the sources; metric distances are in metres there."""
        distance = row["distance_mi"] if self.name == "us" else float(row["distance_m"]) / 1_000
        return [row["amount_usd"], distance, row[f"cost_per_{self.distance}_usd"]]

    def consumption(self, litres: float, metres: int) -> float:
        """l/100 km, or miles per gallon."""
        return self.driven(metres) / self.litres(litres) if self.name == "us" else 100 * litres / self.driven(metres)

    def spent(self, row: Row) -> Row:
        """Cost, distance, cost per distance, and the share of each source."""
        amount, distance = float(row["amount"]["amount"]), self.driven(row["distance_m"])
        shares = {each["source"]: each["share_pct"] for each in row["sources"]}
        of_sources = [shares.get(source) for source in ("actual", "allocated", "estimated")]
        return {"amount": amount, "distance": distance, "rate": amount / distance, "sources": of_sources}


def figures(text: str) -> float | None:
    """The figure of a cell that people read; none for a dash."""
    found = re.match(r"[▲▼=]? ?[+−-]?[\d,]*\.?\d+", plain(text))
    return None if found is None else float(found[0].replace(",", "").replace("−", "-"))


def same(shown: Any, value: Any) -> bool:
    """Whether a cell shows a value: to the places that it has, where it is text; null as nothing."""
    if value is None or shown in (None, "", "–"):
        return value is None and shown in (None, "", "–")
    if not isinstance(shown, str):
        return abs(float(shown) - float(value)) <= 0.00051
    figure = figures(shown)
    places = len(re.sub(r"[^\d.].*", "", plain(shown).replace(",", "").lstrip("+−-")).partition(".")[2])
    return figure is not None and abs(figure - float(value)) <= 0.5000001 * 10**-places


def assert_same(where: str, shown: list[Any], values: list[Any]) -> None:
    assert len(shown) == len(values), where
    assert all(map(same, shown, values)), (where, shown, values)


class Asked:
    """One question, to all channels."""

    def __init__(self, asgi: AsgiClient, key: str, units: str, group: str | None) -> None:
        self.units, self.asgi, self.key, self.group = Units(units), asgi, key, group
        client = AsyncClient()
        client.force_login(User.objects.get_or_create(username="root", is_superuser=True, is_staff=True)[0])
        self.page = Page(client)
        self.of_page = PERIOD | (
            {} if group is None else {"group": Fleet.objects.get().truck_groups.get(name=group).pk}
        )

    def api(self, query: str = "") -> httpx.Response:
        group = f"&group={self.group}" if self.group else ""
        return self.asgi.get(f"/api/v2/fleet/cost-analysis?{BOTH}{group}{query}", self.key)

    def download(self, name: str) -> list[list[str]]:
        return lines(self.page.get("costs", **self.of_page, download=name, format="csv"))

    def files(self, by: str) -> Iterator[tuple[str, list[Row]]]:
        """The rows of the API's files, of a CSV as text, of a workbook as values."""
        yield "CSV", table(self.api(f"&by={by}&format=csv"))
        head, *found = workbook(self.api(f"&by={by}&format=xlsx")).worksheets[0].iter_rows(values_only=True)
        csv_head = list(table(self.api(f"&by={by}&format=csv"))[0])
        assert len(head) == len(csv_head)
        yield "XLSX", [dict(zip(csv_head, row, strict=True)) for row in found]


@pytest.mark.parametrize("units", ["metric", "us"])
def test_every_channel_says_the_same(asgi: AsgiClient, here: None, units: str) -> None:
    key = golden.made()
    fleet = Fleet.objects.get()
    Fleet.objects.update(units=units)
    published = {"amount": PUBLISHED, "unit": "mile", "currency": "USD", "source": "ATRI", "edition": "2026"}
    Benchmark.objects.create(year=2025, line="fuel", **published)
    rows.group(fleet, "South", *fleet.trucks.filter(code__in=["A", "B"]))
    for group in (None, "South"):
        asked = Asked(asgi, key, units, group)
        answer = asked.api().json()
        shown = asked.page.get("costs", **asked.of_page).context
        by_truck(asked, answer, shown)
        by_line(asked, answer, shown)
        of_days(asked, answer, shown)
        fuel(asked, answer, shown)
        benchmark(asked, answer, shown)
    for day in DAYS:
        mail(asked, Fleet.objects.get(), day)


def by_truck(asked: Asked, answer: Row, shown: Row) -> None:
    """Each truck, and all together: tiles, ranking, its file, and both files of the API."""
    units, summary = asked.units, answer["summary"]
    expected = {row["truck_id"]: units.spent(row) for row in answer["data"]["by_truck"]}
    assert len(expected) == (3 if asked.group is None else 2)
    for where, found in asked.files("truck"):
        assert {row["truck_id"] for row in found} == expected.keys(), where
        for row in found:
            spent, names = expected[row["truck_id"]], ("actual", "allocated", "estimated")
            shares = [row[f"source_{source}_share_pct"] for source in names]
            cells = [*units.cells(row), *shares]
            assert_same(where, cells, [spent["amount"], spent["distance"], spent["rate"], *spent["sources"]])
    page = cells_of(shown["trucks"]["table"])
    head, *file = asked.download("trucks")
    in_file = {row[1]: row[3:] for row in file}
    assert page.keys() - {"All trucks"} == {f"{place} {code}" for place, code in enumerate(_dearest(expected), 1)}
    for place, code in enumerate(_dearest(expected), 1):
        spent = expected[code]
        values = [spent["amount"], spent["distance"], spent["rate"], *spent["sources"]]
        assert_same("page", page[f"{place} {code}"][1:], values)
        assert_same("page's file", in_file[code], values)
    whole = units.spent(summary)
    tiles = {tile.title: tile.value for tile in shown["tiles"]}
    word = "mile" if units.name == "us" else "km"
    hours, days = summary["cost_per_engine_hour"]["amount"], summary["cost_per_truck_day"]["amount"]
    named = [f"Cost per {word}", "Cost", "Distance", "Per engine hour", "Per truck and day"]
    assert_same(
        "tiles", [tiles[name] for name in named], [whole["rate"], whole["amount"], whole["distance"], hours, days]
    )
    assert_same("sources", [each["share_text"] for each in shown["sources"]], whole["sources"])


def _dearest(expected: dict[str, Row]) -> list[str]:
    return sorted(expected, key=lambda code: -expected[code]["amount"])


def by_line(asked: Asked, answer: Row, shown: Row) -> None:
    """Each line on the page and in its file; the API's files add up to it."""
    units, metres = asked.units, answer["summary"]["distance_m"]
    page = list(cells_of(shown["lines"]).values())
    file = [row[2:] for row in asked.download("lines")[1:]]
    ordered = sorted(answer["data"]["by_line"], key=lambda line: -float(line["amount"]["amount"]))
    for place, line in enumerate(ordered):
        amounts = {each["source"]: float(each["amount"]["amount"]) for each in line["sources"]}
        amount = float(line["amount"]["amount"])
        values = [amount, line["share_pct"], amount / units.driven(metres)]
        values += [amounts.get(source) for source in ("actual", "allocated", "estimated")]
        assert_same("page", page[place], values)
        assert_same("page's file", file[place], values)
        for where, found in asked.files("truck") if line["line"] != "unallocated" else ():
            cells = [row[f"line_{line['line']}_usd"] for row in found]
            assert sum(Decimal(str(cell)) for cell in cells if cell) == Decimal(line["amount"]["amount"]), where
    assert len(page) == len(file) == len(ordered) + 1


def of_days(asked: Asked, answer: Row, shown: Row) -> None:
    """Days of the page, of its file and of the API's; months and days come to the whole."""
    units, data = asked.units, asked.api("&by=day").json()["data"]["by_day"]
    page, file = shown["over_time"].table.rows, asked.download("over-time")[1:]
    assert len(page) == len(file) == len(data) == 59
    written = dict(asked.files("day"))
    for place, day in enumerate(data):
        spent = units.spent(day)
        values = [spent["amount"], spent["distance"], spent["rate"]]
        assert_same("page", [plain(cell) for cell in page[place][1:4]], values)
        assert_same("page's file", file[place][1:4], values)
        for where, found in written.items():
            assert_same(where, units.cells(found[place]), values)
    whole = Decimal(answer["summary"]["amount"]["amount"])
    for days in (data, answer["data"]["by_month"], answer["data"]["by_quarter"]):
        assert sum(Decimal(day["amount"]["amount"]) for day in days) == whole


def fuel(asked: Asked, answer: Row, shown: Row) -> None:
    units, told = asked.units, answer["summary"]["fuel"]
    values = []
    for name in ("used", "bought"):
        volume, amount = units.litres(told[name]["litres"]), float(told[name]["amount"]["amount"])
        values.append([volume, amount, amount / volume])
    page = list(cells_of(shown["fuel"]["table"]).values())
    for where, found in (("page", page), ("page's file", [row[1:] for row in asked.download("fuel")[1:]])):
        for cells, expected in zip(found, values, strict=False):
            assert_same(where, cells, expected)
    idling, words = answer["summary"]["idling"], dict(shown["idling"])
    assert_same("idling", [words["Fuel used idling"]], [units.litres(idling["litres"])])
    assert_same("idling", [words["What it cost"]], [idling["amount"]["amount"]])


def benchmark(asked: Asked, answer: Row, shown: Row) -> None:
    """What is published per mile stands there per mile to the last digit, and own costs as everywhere on the page."""
    units, summary = asked.units, answer["summary"]
    [fuel_line] = [line for line in answer["data"]["by_line"] if line["line"] == "fuel"]
    own = float(fuel_line["amount"]["amount"]) / units.driven(summary["distance_m"])
    published = float(PUBLISHED) * SYSTEMS[units.name][1] / 1_609.344
    [told] = summary["benchmark"]["lines"]
    assert_same("JSON", [told["cost_per_km"]["amount"], told["benchmark_per_km"]["amount"]], [
        own / SYSTEMS[units.name][1] * 1_000, float(PUBLISHED) / 1.609344,
    ])  # fmt: skip
    values = [own, published, told["difference_pct"]]
    assert_same("page", cells_of(shown["benchmark"]["table"])["Fuel"][1:], values)
    assert_same("page's file", asked.download("benchmark")[1][2:], values)


def mail(asked: Asked, fleet: Fleet, day: dt.date) -> None:
    """The key figures of the mail and the rows of its workbook, beside the API's day."""
    units, period = asked.units, f"from={day}&to={day}"
    summary = asked.asgi.get(f"/api/v2/fleet/summary?{period}", asked.key).json()["data"]
    trucks = asked.asgi.get(f"/api/v2/fleet/utilization?{period}", asked.key).json()["data"]
    burnt = asked.asgi.get(f"/api/v2/fleet/fuel?{period}", asked.key).json()["data"]
    cost = asked.asgi.get(f"/api/v2/fleet/cost-analysis?{period}", asked.key).json()["summary"]
    found = {file.name: file.content for file in render_daily(fleet, day).files}
    text = dict(re.findall(r"^(\w[\w ]*?)  +(\S+)", found[TEXT].decode(), re.MULTILINE))
    amount, driven = float(cost["amount"]["amount"]), units.driven(summary["distance_m"])
    consumption = units.consumption(summary["consumption_l"], summary["fuel_distance_m"])
    key_figures = {
        "Distance": driven, "Consumption": consumption, f"Cost per {units.distance}": amount / driven,
        "Fuel": units.litres(summary["fuel_used_l"]), "Trucks used": summary["truck_days_used"],
        "Engine utilization": summary["engine_utilization_pct"], "Idling": summary["idle_pct"],
    }  # fmt: skip
    assert summary["total_cost"] == cost["amount"]
    assert_same(f"mail of {day}", [text[name] for name in key_figures], list(key_figures.values()))
    _workbook_of_mail(units, found, trucks, {row["truck_id"]: row for row in burnt}, summary)


def _workbook_of_mail(units: Units, found: dict[str, bytes], trucks: list[Row], burnt: Row, summary: Row) -> None:
    """The mail's workbook: each truck, and the day itself as the last of its days."""
    [content] = [content for name, content in found.items() if name.endswith(".xlsx")]
    book = openpyxl.load_workbook(BytesIO(content))
    head, *each = book["Trucks"].iter_rows(values_only=True)
    rows_of = {row[0]: dict(zip(head, row, strict=True)) for row in each if row[0]}
    names = [f"Distance ({units.distance})", f"Fuel ({units.volume})", "Moving (h)", "Idle (h)", "Coverage (%)"]
    for truck in trucks:
        told = burnt[truck["truck_id"]]
        values = [units.driven(told["distance_m"]), units.litres(told["fuel_used_l"]), truck["moving_s"] / 3_600]
        shown = [rows_of[truck["truck_id"]][name] for name in names]
        assert_same("mail's workbook", shown, [*values, truck["idle_s"] / 3_600, truck["coverage_pct"]])
    head, *days = book["Days"].iter_rows(values_only=True)
    last = dict(zip(head, [row for row in days if row[0]][-1], strict=True))
    values = [units.driven(summary["distance_m"]), units.litres(summary["fuel_used_l"])]
    assert_same("mail's days", [last[name] for name in names[:2]], values)
