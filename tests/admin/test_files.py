"""What the admin's pages show as files: the same figures, in the fleet's units, of the reader's fleets alone."""

import csv
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import urlencode

import httpx
import openpyxl
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.test import AsyncClient, Client
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.files import answers, processes
from apps.fleet.admin.period import PeriodFilter
from apps.fleet.models import Benchmark
from apps.fleet.pages.cells import Numbers
from apps.trucks.models import TruckDay, TruckGroup
from apps.trucks.models.views import TruckDayRow
from tests import rows
from tests.admin import test_driving, test_utilization
from tests.admin.priced import NOW, PERIOD, make
from tests.conftest import AsgiClient
from tests.files import in_process
from tests.furnished import furnish
from tests.markup import plain

pytestmark = pytest.mark.usefixtures("noon")

OF_DAY = f"from={rows.DAY}&to={rows.DAY}"
SOURCES = ["Actual (USD)", "Allocated (USD)", "Estimated (USD)"]
BEFORE = rows.DAY - dt.timedelta(days=1)


def has_period(model: type[Model]) -> bool:
    return PeriodFilter in admin.site._registry[model].list_filter


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written in this process: what is in them is the same."""
    monkeypatch.setattr(processes.Writers, "start", in_process.start)


@dataclass
class Page:
    """Asks as the server does, so that files are read on the loop that writes them."""

    client: AsyncClient

    def get(self, name: str, **query: Any) -> Any:
        return async_to_sync(self._get)(reverse(name), query)

    async def _get(self, path: str, query: dict[str, Any]) -> Any:
        response: Any = await self.client.get(path, query)
        if response.streaming:
            response.whole = b"".join([part async for part in response])
        return response

    def file(self, name: str, table: str, form: str = "csv", **query: Any) -> Any:
        return self.get(name, **PERIOD, **query, download=table, format=form)


@pytest.fixture
def page(db: None) -> Page:
    client = AsyncClient()
    client.force_login(User.objects.create_superuser("root"))
    return Page(client)


def lines(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer
    return list(csv.reader(StringIO(answer.whole.decode("utf-8-sig"), newline="")))


def whole(table: Numbers) -> list[list[Any]]:
    """The rows of a page's table as its file has them, but for codes: without pictures, the total last."""
    drawn = 1 if table.is_drawn else None
    found = [*table.rows, *([table.total] if table.total else [])]
    return [[cell for number, cell in enumerate(row) if number != drawn] for row in found]


SHOWN: dict[str, dict[str, Callable[[Any], Numbers]]] = {
    "costs": {
        "over-time": lambda shown: shown["over_time"].table,
        "lines": lambda shown: shown["lines"],
        "change": lambda shown: shown["change"]["figure"].table,
        "groups": lambda shown: shown["by_group"],
        "trucks": lambda shown: shown["trucks"]["table"],
        "drivers": lambda shown: shown["drivers"]["table"],
        "benchmark": lambda shown: shown["benchmark"]["table"],
        "fuel": lambda shown: shown["fuel"]["table"],
    },
    "utilization": {
        "over-time": lambda shown: shown["over_time"].table,
        "hours": lambda shown: shown["heat_map"].table,
        "days": lambda shown: shown["days"],
        "places": lambda shown: shown["places"]["table"],
        "groups": lambda shown: shown["by_group"],
        "trucks": lambda shown: shown["trucks"]["table"],
        "not-ranked": lambda shown: shown["not_ranked"]["table"],
    },
    "drivers": {
        "drivers": lambda shown: shown["drivers"]["table"],
        "not-ranked": lambda shown: shown["not_ranked"]["table"],
        "nobody": lambda shown: shown["nobody"],
    },
}


def _with_drivers() -> Fleet:
    fleet = make()
    Benchmark.objects.get_or_create(
        year=2025, line="fuel", defaults={"amount": "0.3", "currency": "USD", "source": "a survey", "edition": "1"}
    )
    truck, known = fleet.trucks.order_by("code")[0], rows.driver(fleet, "Driver <b>1</b>")
    for day in NOW:
        rows.driver_day(truck, known, day, distance_m=100_000)
        rows.driver_cost(truck, known, "fuel", "71.37", day)
    return fleet


def _with_places() -> Fleet:
    fleet = test_utilization.make()
    truck = fleet.trucks.order_by("code")[0]
    with transaction.atomic():
        for spot in ("=Quarry", "@1475.3092", "?"):
            test_utilization.idled_at(truck, NOW[3], spot, 1_200)
    return fleet


FLEETS = {"costs": _with_drivers, "utilization": _with_places, "drivers": test_driving.make}
PERIODS = {"costs": PERIOD, "utilization": test_utilization.PERIOD, "drivers": test_driving.PERIOD}


@pytest.mark.parametrize("units", ["metric", "us"])
@pytest.mark.parametrize("name", SHOWN)
def test_every_table_of_a_page_is_a_file_with_the_same_figures(page: Page, name: str, units: str) -> None:
    fleet = FLEETS[name]()
    Fleet.objects.filter(pk=fleet.pk).update(units=units)
    shown = page.get(name, **PERIODS[name]).context
    assert set(SHOWN[name]) == set(shown["files"])
    for table, of in SHOWN[name].items():
        assert_same(lines(page.get(name, **PERIODS[name], download=table, format="csv")), of(shown))


def assert_same(file: list[list[str]], table: Numbers) -> None:
    """Headings with their units, and every cell: as it is written on the page, but for places and thousands."""
    head, *found = file
    if table.total:
        assert head[0] == "Row" and [row[0] for row in found] == [*["each"] * len(table.rows), "total"]
        head, found = head[1:], [row[1:] for row in found]
    if table.codes:
        assert head[1] == "Code" and [row[1] for row in found[: len(table.rows)]] == [
            code or "" for code in table.codes
        ]
        head, found = [head[0], *head[2:]], [[row[0], *row[2:]] for row in found]
    expected = whole(table)
    assert len(found) == len(expected) and found
    for row, cells in zip(found, expected, strict=True):
        assert all(map(agrees, row, cells)), (row, cells)
    heads = [head for number, head in enumerate(table.heads) if not (table.is_drawn and number == 1)]
    assert [name.split(" (")[0] for name in head] == [name.split(" (")[0] for name in heads]


def agrees(cell: str, shown: Any) -> bool:
    """Whether a file's cell is what the page's says: a figure to the places that are shown, or the same words."""
    text = re.sub(r"^\d+ ", "", plain(shown)) if "place" in shown else plain(shown)
    figure = re.match(r"[+−-]?[\d,]*\.?\d+", text.removesuffix("✓").removesuffix("✗").strip())
    if text in ("–", ""):
        return cell == ""
    if figure is None or figure[0].rstrip() != re.sub(r"[ %✓✗]+$", "", text):
        return cell.lstrip("'") == text
    value = float(figure[0].replace(",", "").replace("−", "-"))
    places = len(figure[0].partition(".")[2])
    return abs(float(cell) - value) <= 0.5 * 10**-places + 1e-9


def test_figures_are_numbers_under_headings_with_their_units(page: Page) -> None:
    make("us")
    head, *found = lines(page.file("costs", "lines"))
    assert head == ["Row", "Line", "Amount (USD)", "Share (%)", "USD/mi", *SOURCES]
    assert [row[1] for row in found][-1] == "All lines"
    assert sum(Decimal(row[2]) for row in found[:-1]) == Decimal(found[-1][2])
    head, *found = lines(page.file("costs", "trucks"))
    assert head[:5] == ["Row", "Truck", "Code", "Cost (USD)", "Distance (mi)"]
    metres = sum(TruckDay.objects.filter(day__in=NOW).values_list("distance_m", flat=True))
    assert float(found[-1][4]) == pytest.approx(metres / 1609.344, abs=1e-4)
    assert sum(Decimal(row[3]) for row in found[:-1]) == Decimal(found[-1][3])


def test_a_workbook_has_the_figures_as_numbers_and_says_what_it_is_of(page: Page) -> None:
    fleet = make()
    group = TruckGroup.objects.get(fleet=fleet)
    answer = page.file("costs", "trucks", "xlsx", group=group.pk)
    assert answer["Content-Disposition"] == (
        'attachment; filename="Prairie-Haulage-Costs-by-truck-North-2026-03-01-to-2026-03-08.xlsx"'
    )
    book = openpyxl.load_workbook(BytesIO(answer.whole))
    assert book.sheetnames == ["Costs by truck", "About"]
    head, *found = book["Costs by truck"].iter_rows(values_only=True)
    assert [row[0] for row in found] == ["each", "each", "total"]
    assert found[-1][head.index("Cost (USD)")] == pytest.approx(
        sum(row[head.index("Cost (USD)")] for row in found[:-1])
    )
    about = dict(book["About"].iter_rows(values_only=True))
    assert (about["Fleet"], about["Group"], about["From"], about["To"]) == (
        fleet.name, "North", "2026-03-01", "2026-03-08",
    )  # fmt: skip
    assert about["Revision"] == "7"


def test_a_file_has_all_trucks_in_the_order_of_the_page(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = rows.fleet()
    for number in range(5):
        truck = rows.truck(fleet, f"T-{number:02}", name=f"Truck {number % 3}{number}")
        rows.truck_day(truck, NOW[0])
        rows.cost(truck, "fuel", f"{number + 1}.00", NOW[0])
    rows.fleet_day(fleet, NOW[0])
    monkeypatch.setattr("apps.fleet.pages.costs.lists.TRUCKS_SHOWN", 2)
    assert len(page.get("costs", **PERIOD).context["trucks"]["table"].rows) == 2
    *found, total = lines(page.file("costs", "trucks"))[1:]
    assert [row[2] for row in found] == [f"T-{number:02}" for number in range(4, -1, -1)]
    assert Decimal(total[3]) == sum(range(1, 6))
    named = [row[1] for row in lines(page.file("costs", "trucks", order="name"))[1:-1]]
    assert named == sorted(named)


def test_nobodys_name_is_a_formula(page: Page) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet, "T-1", name="=HYPERLINK(1)")
    rows.truck_day(truck, NOW[0])
    rows.cost(truck, "fuel", "-5.25", NOW[0])
    (found, *_) = lines(page.file("costs", "trucks"))[1:]
    assert found[1] == "'=HYPERLINK(1)" and Decimal(found[3]) == Decimal("-5.25")
    answer = page.file("costs", "trucks", "xlsx")
    cell = openpyxl.load_workbook(BytesIO(answer.whole)).worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")


@pytest.mark.parametrize(
    ("name", "table", "first"),
    [("costs", "trucks", "Truck"), ("utilization", "trucks", "Truck"), ("drivers", "drivers", "Driver")],
)
def test_a_period_without_a_day_is_a_file_of_headings(page: Page, name: str, table: str, first: str) -> None:
    rows.fleet()
    head, *found = lines(page.file(name, table))
    assert head[0] == first and len(head) > 5 and found == []
    assert page.file(name, table, "xlsx").whole[:2] == b"PK"


def test_a_fleet_of_others_and_what_a_page_does_not_have_is_no_file(page: Page) -> None:
    other, own = rows.fleet("Bravo Logistics"), make()
    user = User.objects.create_user("member", is_staff=True)
    FleetMembership.objects.create(fleet=own, user=user)
    page.client.force_login(user)
    for name in SHOWN:
        assert page.file(name, next(iter(SHOWN[name])), fleet=other.pk).status_code == 404
    assert page.file("costs", "lines", fleet=own.pk).status_code == 200
    assert page.file("costs", "nonsense").status_code == 404
    assert page.file("costs", "lines", "pdf").status_code == 404
    assert page.file("costs", "trucks", truck="T-1").status_code == 404  # the page of a truck has no such table
    page.client.logout()
    answer = page.file("costs", "lines")
    assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


def test_who_finds_no_place_is_told_on_the_page(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: Any) -> None:
        raise processes.Busy("Too many files are being written; ask again in a moment.")

    fleet = make()
    monkeypatch.setattr(processes.Writers, "start", busy)
    answer = page.file("costs", "lines", order="name")
    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/costs/?from=2026-03-01&to=2026-03-08&order=name&fleet={fleet.pk}"
    shown = async_to_sync(page.client.get)(answer["Location"])
    assert "There is no file. Too many files are being written; ask again in a moment." in shown.content.decode()


# --- lists of computed rows -----------------------------------------------------------------------------------------

LISTS = [model for model, each in admin.site._registry.items() if getattr(each, "file_of", None)]


@pytest.fixture
def browser(asgi: AsgiClient) -> AsgiClient:
    """Signed in; the writer of files reads committed rows by a connection of its own."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    asgi.http.cookies.set(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)
    return asgi


def listed(browser: AsgiClient, model: type[Model], form: str = "csv", query: str = OF_DAY) -> httpx.Response:
    return browser.get(
        f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_file', args=[form])}?{query}"
    )


def items(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_lists_of_computed_rows_are_files() -> None:
    assert {model._meta.model_name for model in LISTS} == {
        "truckdayrow", "triprow", "stoprow", "idleeventrow", "speedingepisoderow", "fueleventrow", "harsheventrow",
        "faultchangerow", "openfaultrow", "correctionrow", "fuelalert",
    }  # fmt: skip


def test_every_list_has_its_rows_as_a_file_of_the_fleet(browser: AsgiClient) -> None:
    own, other = rows.fleet("Alpha Haulage", units="us"), rows.fleet("Bravo Logistics")
    for fleet in (own, other):
        for number in (1, 2):
            furnish(fleet, number)
    for model in LISTS:
        query = f"fleet={own.pk}&from={rows.DAY}&to={rows.DAY}" if has_period(model) else f"fleet={own.pk}"
        answer = listed(browser, model, query=query)
        assert [row["truck_id"] for row in items(answer)] == ["Alpha-1", "Alpha-2"], model
        assert "Bravo" not in answer.text
        assert not any(name.endswith(("_m", "_l", "_kmh", "_km")) for name in items(answer)[0]), model
        book = openpyxl.load_workbook(BytesIO(listed(browser, model, "xlsx", query).content))
        assert book.worksheets[0].max_row == 3 and book.sheetnames[1:] == ["About", "Columns"]
        empty = listed(browser, model, query=f"{query}&q=nobody")
        assert items(empty) == [] and empty.text.startswith("\ufefftruck_id,name,")


def test_a_file_has_what_filters_and_search_leave(browser: AsgiClient) -> None:
    fleet = rows.fleet()
    one, other = rows.truck(fleet, "T-1", name="50% truck"), rows.truck(fleet, "T-2")
    for truck in (one, other):
        for day, status in ((rows.DAY, "provisional"), (BEFORE, "final")):
            rows.truck_day(truck, day, status=status)

    def found(**query: str) -> list[tuple[str, str]]:
        answer = listed(browser, TruckDayRow, query=urlencode({"from": f"{BEFORE}", "to": f"{rows.DAY}", **query}))
        return [(row["day"], row["truck_id"]) for row in items(answer)]

    first, last = f"{BEFORE}", f"{rows.DAY}"
    assert found() == [(first, "T-1"), (first, "T-2"), (last, "T-1"), (last, "T-2")]
    assert found(q="50%") == [(first, "T-1"), (last, "T-1")]
    assert found(status__exact="final") == [(first, "T-1"), (first, "T-2")]
    assert found(**{"from": last}) == [(last, "T-1"), (last, "T-2")]
    assert found(status__exact="final", o="-2", p="0") == [(first, "T-1"), (first, "T-2")]
    book = openpyxl.load_workbook(
        BytesIO(listed(browser, TruckDayRow, "xlsx", f"from={first}&to={last}&status__exact=final&q=50%25").content)
    )
    about = dict(book["About"].iter_rows(values_only=True))
    assert (about["From"], about["To"]) == (first, last)
    assert (about["Search"], about["Status"]) == ("50%", "Final")


def test_a_list_of_another_fleet_is_no_file(browser: AsgiClient) -> None:
    own, other = furnish(rows.fleet("Alpha Haulage")), furnish(rows.fleet("Bravo Logistics"))
    user = User.objects.create_user("member", is_staff=True)
    FleetMembership.objects.create(fleet=own[Fleet], user=user)
    client = Client()
    client.force_login(user)
    browser.http.cookies.set(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)
    for model in LISTS:
        assert (
            listed(
                browser,
                model,
                query=f"fleet={other[Fleet].pk}&{OF_DAY}" if has_period(model) else f"fleet={other[Fleet].pk}",
            ).status_code
            == 404
        )
        answer = listed(browser, model, query=OF_DAY if has_period(model) else "")
        assert [row["truck_id"] for row in items(answer)] == ["Alpha-1"] and "Bravo" not in answer.text
    FleetMembership.objects.all().delete()
    assert listed(browser, TruckDayRow).status_code == 403


def test_a_filter_that_cannot_be_leads_back_to_the_list(browser: AsgiClient) -> None:
    furnish(rows.fleet())
    answer = listed(browser, TruckDayRow, query="is_used__exact=nonsense")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/trucks/truckdayrow/?")


def test_too_many_rows_are_told_on_the_list(browser: AsgiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    truck = rows.truck(rows.fleet())
    for day in (BEFORE, rows.DAY):
        rows.truck_day(truck, day)
    monkeypatch.setattr(answers, "MOST_ROWS", {"csv": 2, "xlsx": 1})
    query = f"from={BEFORE}&to={rows.DAY}"
    assert len(items(listed(browser, TruckDayRow, query=query))) == 2
    refused = listed(browser, TruckDayRow, "xlsx", query)
    assert refused.status_code == 302
    shown = browser.get(refused.headers["Location"]).text
    assert "There is no file. 2 rows, but xlsx takes 1: ask for less, or for csv" in shown


@pytest.mark.parametrize(("name", "table"), [("costs", "trucks"), ("utilization", "trucks")])
def test_a_page_and_its_files_are_known_as_far_as_the_trucks_they_are_about(page: Page, name: str, table: str) -> None:
    fleet = rows.fleet(timezone="UTC")
    ahead, behind = rows.truck(fleet, "T-1"), rows.truck(fleet, "T-2")
    rows.known(ahead, rows.NOON)
    rows.known(behind, rows.NOON - dt.timedelta(hours=3))
    north = rows.group(fleet, "North", ahead)
    noon, nine = "2026-03-10 17:00 UTC", "2026-03-10 14:00 UTC"
    asked: list[tuple[dict[str, Any], str]] = [
        ({}, f"All trucks are known up to {nine}."),
        ({"group": north.pk}, f"All trucks of North are known up to {noon}."),
        ({"truck": "T-1"}, f"Truck T-1 is known up to {noon}."),
        ({"truck": "T-2"}, f"Truck T-2 is known up to {nine}."),
    ]
    for truck in (ahead, behind):
        rows.truck_day(truck, NOW[0])
        rows.cost(truck, "fuel", "1.00", NOW[0])
    rows.fleet_day(fleet, NOW[0])
    for scope, words in asked:
        assert page.get(name, **PERIOD, **scope).context["freshness"][0] == words
        if "truck" in scope:  # its page has no list of trucks
            continue
        book = openpyxl.load_workbook(BytesIO(page.file(name, table, "xlsx", **scope).whole))
        about = dict(book["About"].iter_rows(values_only=True))
        assert about["Known up to"][:16].replace("T", " ") in words, scope
