"""Computed rows in the admin: edited by nobody. What it costs to read them is in test_row_reads."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.admin_base import ReadOnly
from apps.fleet.admin import rows as row_admin
from apps.fleet.admin.days import TruckDayAdmin
from apps.fleet.models import FuelAlert
from apps.trucks.models import DirtyDay, DrainReview, TruckDay, TruckDayFigures
from apps.trucks.models.views import CorrectionRow, FuelEventRow, OpenFaultRow, Row, TripRow, TruckDayRow
from tests import rows
from tests.furnished import furnish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]

READ_ONLY = [model for model, each in admin.site._registry.items() if isinstance(each, ReadOnly)]
VIEWS = [model for model in apps.get_models() if issubclass(model, Row)]


def page(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_all_that_is_computed_or_synchronised_is_read_only() -> None:
    names = {model._meta.model_name for model in READ_ONLY}
    assert names >= {model._meta.model_name for model in VIEWS}
    assert names >= {"truckgroup", "syncrun", "reportrun", "reportdelivery"}


@pytest.mark.parametrize("model", VIEWS, ids=lambda model: model._meta.label)
def test_no_column_of_a_list_hides_behind_a_field_of_its_name(model: type[Model]) -> None:
    """Django takes the field then: bare, without the fleet's unit or currency."""
    made_here = {name for each in type(admin.site._registry[model]).__mro__ for name in vars(each)}
    fields = {field.name for field in model._meta.get_fields()}
    assert set(admin.site._registry[model].list_display) & made_here & fields == set()


def test_what_was_refuelled_stands_in_the_fleets_units(client: Client) -> None:
    truck = rows.truck(rows.fleet(units="us"))
    rows.fuel_event(truck, litres=378.5411784, cost="315.00")
    text = client.get(page("changelist", FuelEventRow), {"from": rows.DAY, "to": rows.DAY}).content.decode()
    assert ">100.0 gal<" in text and ">315.00 USD<" in text


def test_figures_of_a_list_stand_on_the_right_and_names_do_not(client: Client) -> None:
    rows.open_fault(rows.truck(rows.fleet()))
    shown = client.get(page("changelist", FuelEventRow))
    assert shown.context_data["figures"] == ["amount", "money", "before", "after"]
    assert "#result_list :is(.field-amount, .field-money, .field-before, .field-after)" in shown.content.decode()
    assert client.get(page("changelist", OpenFaultRow)).context_data["figures"] == []


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_not_even_a_superuser_adds_edits_or_deletes_one(client: Client, model: type[Model]) -> None:
    row = furnish(rows.fleet("Alpha Haulage"))[model]
    before = list(model._default_manager.values())
    assert client.post(page("add", model), {"day": "2026-01-01"}).status_code == 403
    assert client.post(page("change", model, row.pk), {"distance_m": "1", "status": "final"}).status_code == 403
    assert client.post(page("delete", model, row.pk), {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post(page("changelist", model), form)
    assert list(model._default_manager.values()) == before


@pytest.mark.parametrize("view", VIEWS, ids=lambda model: model.__name__)
def test_a_view_has_the_columns_of_its_model(view: type[Model]) -> None:
    with connection.cursor() as cursor:
        found = [column.name for column in connection.introspection.get_table_description(cursor, view._meta.db_table)]
    assert sorted(found) == sorted(field.column for field in view._meta.concrete_fields)


@pytest.mark.parametrize("view", VIEWS, ids=lambda model: model.__name__)
def test_a_key_stands_for_the_columns_of_its_row(view: type[Row]) -> None:
    row = furnish(rows.fleet("Alpha Haulage"))[view]
    for name, value in view.natural_key(row.pk).items():
        assert getattr(row, name) == value


@pytest.mark.parametrize(
    "key", ["", "1", "1.2", "1.2.x", "a.b.2026-03-10", "1.2.99999999999999999999", "1.2.2026-02-30"]
)
def test_a_key_that_is_none_is_a_page_that_does_not_exist(client: Client, key: str) -> None:
    rows.fleet()
    for view in (TruckDayRow, TripRow, FuelEventRow):
        assert client.get(page("change", view, key or "x")).status_code in (302, 404)


def test_the_day_in_which_clocks_change_twice_the_same_hour_has_two_trips(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    first = dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC)  # 01:30 CDT, and an hour later 01:30 CST
    for started_at in (first, first + dt.timedelta(hours=1)):
        rows.trip(truck, started_at, 600)
    titles = {str(trip) for trip in TripRow.objects.all()}
    assert titles == {"Truck T-1, Sun 01 Nov 2026, 01:30 CDT", "Truck T-1, Sun 01 Nov 2026, 01:30 CST"}


# --- which rows a list shows ----------------------------------------------------------------------------------------


def shown(client: Client, query: str) -> list[dt.date]:
    answer = client.get(page("changelist", TruckDayRow) + query)
    return sorted(row.day for row in answer.context["cl"].result_list)


def test_a_list_shows_the_last_seven_local_days_unless_asked_for_others(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    days = [rows.DAY - dt.timedelta(days=back) for back in range(70, -1, -1)]
    for day in days:
        rows.truck_day(truck, day)
    assert shown(client, "") == days[-7:]
    assert shown(client, "?period=yesterday") == [days[-2]]
    assert shown(client, "?period=month") == days[-10:]
    assert shown(client, "?period=last-month") == [day for day in days if day.month == 2]
    assert shown(client, "?from=2026-02-03&to=2026-02-05") == [dt.date(2026, 2, day) for day in (3, 4, 5)]
    assert shown(client, "?from=2026-02-05&to=2026-02-03") == [dt.date(2026, 2, day) for day in (3, 4, 5)]
    assert shown(client, "?from=2026-02-03") == [dt.date(2026, 2, 3)]
    assert shown(client, "?from=nonsense&period=today") == [days[-1]]
    assert shown(client, "?period=nonsense") == days[-7:]


@pytest.mark.parametrize(("zone", "today"), [("America/Chicago", 9), ("Europe/Berlin", 10)])
def test_today_is_the_fleets_local_day(client: Client, zone: str, today: int) -> None:
    truck = rows.truck(rows.fleet(timezone=zone))
    for day in (9, 10):
        rows.truck_day(truck, dt.date(2026, 3, day))
    with time_machine.travel(dt.datetime(2026, 3, 10, 3, tzinfo=dt.UTC)):
        client.force_login(User.objects.get(username="root"))
        assert shown(client, "?period=today") == [dt.date(2026, 3, today)]


def test_a_list_shows_one_fleet_at_a_time_and_says_which(client: Client) -> None:
    for name in ("Alpha Haulage", "Bravo Logistics"):
        rows.truck_day(rows.truck(rows.fleet(name)))
    first = client.get(page("changelist", TruckDayRow))
    assert [row.fleet.name for row in first.context["cl"].result_list] == ["Alpha Haulage"]
    bravo = first.context["fleets"][1]
    second = client.get(page("changelist", TruckDayRow), {"fleet": bravo.pk})
    assert [row.fleet.name for row in second.context["cl"].result_list] == ["Bravo Logistics"]
    assert "Bravo Logistics, 2026-03-04 – 2026-03-10. Times are of America/Chicago." in second.content.decode()


def test_a_list_counts_no_further_than_its_cap(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    truck = rows.truck(rows.fleet())
    for back in range(6):
        rows.truck_day(truck, rows.DAY - dt.timedelta(days=back))
    monkeypatch.setattr("apps.accounts.admin_base.MOST_ROWS", 4)
    monkeypatch.setattr(row_admin, "MOST_ROWS", 4)
    answer = client.get(page("changelist", TruckDayRow))
    assert answer.context["cl"].result_count == 4
    assert "choose a shorter period" in answer.content.decode()


# --- what a page shows ----------------------------------------------------------------------------------------------


def test_a_days_page_shows_every_column_and_that_it_adds_up(client: Client) -> None:
    furnish(rows.fleet("Alpha Haulage"))
    answer = client.get(page("change", TruckDayRow, TruckDayRow.objects.get().pk))
    text = answer.content.decode()
    for field in TruckDayFigures._meta.get_fields():
        assert f">{field.name}<" in text, field.name
    assert sum(share for _, _, share in answer.context["bar"]) == pytest.approx(100)
    assert [heading for heading, _, _ in answer.context["tables"]] == [
        "Trips", "Stops", "Idle events", "Speeding", "Refuels and drains", "Harsh driving", "Faults", "Corrections",
    ]  # fmt: skip
    assert answer.context["costs"] == [("Fuel", "128.87 USD", "estimated"), ("Total", "128.87 USD", "")]


def test_a_days_page_says_whether_it_is_sealed(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    path = page("change", TruckDayRow, TruckDayRow.objects.get().pk)
    sync = rows.known(truck)
    for floor, text in ((None, "no"), (0, "no"), (int(rows.NOON.timestamp()), "yes: its messages are no longer kept")):
        sync.raw_since_t = floor
        sync.save()
        sections = dict(client.get(path).context["sections"])
        (sealed,) = [value for name, _, value in sections["How it was computed"] if name == "sealed"]
        assert sealed.startswith(text)


def test_the_sections_of_a_days_page_name_each_column_once() -> None:
    names = [name for columns in TruckDayAdmin.sections.values() for name in columns.split()]
    assert sorted(names) == sorted(field.name for field in TruckDayFigures._meta.get_fields())


def test_figures_are_in_the_fleets_units_and_times_in_its_zone(client: Client) -> None:
    for units, distance, fuel in (("us", "44.7 mi", "6.3 gal"), ("metric", "72.0 km", "24.0 l")):
        truck = rows.truck(rows.fleet(units, units=units))
        rows.trip(truck)
        text = client.get(page("change", TripRow, TripRow.objects.get(truck=truck).pk)).content.decode()
        assert distance in text and fuel in text and "2026-03-10 12:00:00 CDT" in text


def test_what_was_not_measured_is_a_dash_and_not_zero(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck, distance_m=None, idle_s=None, engine_on_s=None, idle_productive_s=None)
    sections = client.get(page("change", TruckDayRow, TruckDayRow.objects.get().pk)).context["sections"]
    values = {name: value for _, lines in sections for _, name, value in lines}
    assert values["distance_m"] == values["idle_s"] == "–"
    assert values["quarantined"] == "0"


def test_an_open_event_may_still_go_on(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.trip(truck, ended_at=None)
    assert "may still go on" in client.get(page("changelist", TripRow)).content.decode()
    assert "may still go on" in client.get(page("change", TripRow, TripRow.objects.get().pk)).content.decode()


def test_an_events_page_leads_to_its_day(client: Client) -> None:
    made = furnish(rows.fleet("Alpha Haulage"))
    day = page("change", TruckDayRow, made[TruckDayRow].pk)
    assert day in client.get(page("change", TripRow, made[TripRow].pk)).content.decode()
    assert TruckDay.objects.count() == DirtyDay.objects.count() == 1


def test_a_correction_is_told_in_words_and_in_the_fleets_units(client: Client) -> None:
    truck = rows.truck(rows.fleet(units="us"))
    rows.correction(truck, old="160934.4", new="321868.8")
    answer = client.get(page("change", CorrectionRow, CorrectionRow.objects.get().pk))
    assert answer.context["title"] == "Distance of Truck T-1, Tue 10 Mar 2026"
    values = {name: value for _, lines in answer.context["sections"] for _, name, value in lines}
    assert (values["column"], values["old"], values["new"]) == ("Distance", "100.0 mi", "200.0 mi")


@pytest.mark.parametrize("model", [FuelAlert, DrainReview, OpenFaultRow, TripRow], ids=lambda model: model.__name__)
def test_an_empty_list_says_where_its_rows_come_from(client: Client, model: type[Model]) -> None:
    rows.fleet()
    hint = admin.site._registry[model].when_empty
    assert hint and escape(hint) in client.get(page("changelist", model)).content.decode()
