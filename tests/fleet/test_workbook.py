import datetime as dt
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from apps.accounts.models import Fleet
from apps.accounts.units import unit_system
from apps.fleet.reports.content import Reader
from apps.fleet.reports.reading import daily_figures
from apps.fleet.reports.workbook import daily_workbook
from tests import rows
from tests.fleet import report_rows
from tests.fleet.report_rows import DAY

pytestmark = pytest.mark.django_db


def workbook(fleet: Fleet) -> openpyxl.Workbook:
    reader = Reader(fleet.name, fleet.zone, unit_system(fleet.units), fleet.currency)
    return openpyxl.load_workbook(BytesIO(daily_workbook(daily_figures(fleet, DAY), reader)))


def records(sheet: Any) -> list[dict[str, Any]]:
    header, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_numbers_are_numbers_in_the_fleets_units_with_the_unit_in_the_header() -> None:
    fleet = rows.fleet(units="us")
    report_rows.truck_day(rows.truck(fleet, "T-1"), distance_m=402_336, fuel_used_l=189.2706, max_speed_kmh=104.6074)
    report_rows.fleet_day(fleet)
    [truck] = records(workbook(fleet)["Trucks"])
    assert truck["Distance (mi)"] == pytest.approx(250)
    assert truck["Fuel (gal)"] == pytest.approx(50)
    assert truck["Consumption (mpg)"] == pytest.approx(5)
    assert truck["Highest speed (mph)"] == pytest.approx(65)
    assert truck["Moving (h)"] == 8
    assert truck["Known up to (America/Chicago)"] == dt.datetime(2026, 11, 24)


def test_what_was_not_measured_is_an_empty_cell() -> None:
    fleet = rows.fleet()
    report_rows.truck_day(rows.truck(fleet, "T-1"), fuel_used_l=None, distance_m=0, drains=0)
    rows.truck(fleet, "T-2")
    report_rows.fleet_day(fleet)
    measured, silent = records(workbook(fleet)["Trucks"])
    assert (measured["Fuel (l)"], measured["Distance (km)"], measured["Drains"]) == (None, 0, 0)
    assert {name for name, value in silent.items() if value is not None} == {"Truck", "Name"}


def test_of_all_drains_stand_those_apart_that_nobody_has_reviewed() -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet, "T-1")
    report_rows.truck_day(truck, drains=3, drain_l=90.0)
    rows.fuel_money(truck, DAY, suspected_drains=2, suspected_drain_l=60.0)
    report_rows.fleet_day(fleet)
    book = workbook(fleet)
    for found in (records(book["Trucks"])[0], records(book["Days"])[-1]):
        assert (found["Drains"], found["Suspected drains"]) == (3, 2)


def test_all_trucks_and_the_days_up_to_the_reported_one_are_in_it() -> None:
    fleet = report_rows.working_fleet(trucks=35, days=3)
    book = workbook(fleet)
    assert book.sheetnames == ["Trucks", "Days", "About"]
    assert len(records(book["Trucks"])) == 35
    days = records(book["Days"])
    assert [day["Day"].date() for day in days] == [DAY - dt.timedelta(days=back) for back in range(13, -1, -1)]
    assert [day["Distance (km)"] is not None for day in days] == [False] * 11 + [True] * 3
    total = sum(truck["Distance (km)"] or 0 for truck in records(book["Trucks"]))
    assert days[-1]["Distance (km)"] == pytest.approx(total)


def test_headers_stay_in_sight_and_numbers_are_formatted() -> None:
    sheet = workbook(report_rows.working_fleet(trucks=2, days=1))["Trucks"]
    assert sheet.freeze_panes == "C2"
    assert sheet.column_dimensions["B"].width > 20
    assert sheet["C2"].number_format == "#,##0.0"


def test_about_says_what_the_figures_are_and_how_far_they_are_known() -> None:
    fleet = report_rows.working_fleet(trucks=2, days=1, timezone="Europe/Berlin", currency="EUR")
    facts = {row[0]: row[1] for row in workbook(fleet)["About"].iter_rows(values_only=True)}
    assert facts["Fleet"] == "Prairie Haulage"
    assert facts["Day"] == "2026-11-23"
    assert facts["Time zone"] == "Europe/Berlin"
    assert facts["Known up to"] == "24 November, 00:00 CET"
    assert facts["Summary revision"] == "4711"
    assert facts["Currency"] == "EUR"
    assert "estimated" in facts["Cost of the day"]
    assert "not measured" in facts["Empty cell"]


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "{=1+1}",
        "+1",
        "@SUM(A1)",
        "http://example.com",
        "mailto:a@b.c",
        "12",
        '<b>&"',
        "a\x07b",
    ],
)
def test_a_name_is_text_whatever_it_looks_like(name: str) -> None:
    fleet = rows.fleet()
    report_rows.truck_day(rows.truck(fleet, "T-1", name=name))
    report_rows.fleet_day(fleet)
    cell = workbook(fleet)["Trucks"]["B2"]
    assert (cell.data_type, cell.hyperlink) == ("s", None)
    assert openpyxl.utils.escape.unescape(cell.value) == name


def test_an_empty_fleet_has_a_workbook_too() -> None:
    book = workbook(rows.fleet())
    assert records(book["Trucks"]) == []
    assert len(records(book["Days"])) == 14
