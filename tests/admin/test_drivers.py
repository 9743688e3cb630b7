"""Who drove what, in the admin: staff add to what Wialon tells and take back what they added."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.admin_base import local_time
from apps.accounts.models import Fleet
from apps.trucks.models import DirtyDay, Driver, DriverAssignment, Truck
from apps.trucks.models.views import TripRow
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]
LIST, ADD = reverse("admin:trucks_driverassignment_changelist"), reverse("admin:trucks_driverassignment_add")


@pytest.fixture
def truck() -> Truck:
    made = rows.truck(rows.fleet(timezone="UTC"))
    rows.known(made)
    return made


@pytest.fixture
def driver(truck: Truck) -> Driver:
    return rows.driver(truck.fleet, "Ana K.")


def form(truck: Truck, driver: Driver, **changes: Any) -> dict[str, Any]:
    day = rows.DAY.isoformat()
    values = {"fleet": truck.fleet_id, "truck": truck.pk, "driver": driver.pk, "note": "by phone"}
    values |= {"started_at_0": day, "started_at_1": "08:00:00", "ended_at_0": day, "ended_at_1": "10:00:00"}
    return {**values, **changes}


def marked() -> list[tuple[dt.date, str]]:
    return list(DirtyDay.objects.values_list("day", "cause"))


def page(row: DriverAssignment, name: str = "change") -> str:
    return reverse(f"admin:trucks_driverassignment_{name}", args=[row.pk])


def test_what_is_entered_marks_its_day_and_so_does_taking_it_back(client: Client, truck: Truck, driver: Driver) -> None:
    assert client.post(ADD, form(truck, driver)).status_code == 302
    row = DriverAssignment.objects.get()
    assert (row.source, row.driver, row.note) == ("manual", driver, "by phone")
    assert marked() == [(rows.DAY, "drivers")]
    DirtyDay.objects.all().delete()
    assert client.post(page(row), form(truck, driver, note="by radio")).status_code == 302
    assert marked() == []  # a note changes no figure
    assert client.post(page(row, "delete"), {"post": "yes"}).status_code == 302
    assert marked() == [(rows.DAY, "drivers")]
    assert not DriverAssignment.objects.exists()


def test_what_overlaps_what_was_entered_is_refused_in_words(client: Client, truck: Truck, driver: Driver) -> None:
    client.post(ADD, form(truck, driver))
    answer = client.post(ADD, form(truck, rows.driver(truck.fleet, "Ben"), started_at_1="09:59:59", ended_at_1="11:00"))
    assert answer.status_code == 200
    assert "Staff have entered Ana K. for this truck" in answer.content.decode()
    assert DriverAssignment.objects.count() == 1


def test_what_wialon_tells_is_shown_and_not_edited(client: Client, truck: Truck, driver: Driver) -> None:
    row = rows.assignment(truck, driver, rows.NOON)
    assert "bound in Wialon" in client.get(LIST).content.decode()
    shown = client.get(page(row))
    assert shown.status_code == 200 and local_time(rows.NOON, truck.fleet.zone) in shown.content.decode()
    assert client.post(page(row), form(truck, driver)).status_code == 403
    assert client.post(page(row, "delete"), {"post": "yes"}).status_code == 403
    answer = client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert answer.status_code in (200, 302)
    assert DriverAssignment.objects.filter(pk=row.pk, started_at=rows.NOON).exists()


def test_a_driver_s_page_lists_their_trucks_and_takes_another_code(
    client: Client, truck: Truck, driver: Driver
) -> None:
    rows.assignment(truck, driver, rows.NOON)
    address = reverse("admin:trucks_driver_change", args=[driver.pk])
    assert "Truck T-1" in client.get(address).content.decode()
    assert client.post(address, {"code": "ana", "name": "Somebody else"}).status_code == 302
    driver.refresh_from_db()
    assert (driver.code, driver.name) == ("ana", "Ana K.")
    assert "1 to 32 letters" in client.post(address, {"code": "a b"}).content.decode()


def test_trips_name_their_driver(client: Client, truck: Truck, driver: Driver) -> None:
    rows.trip(truck, driver_id=driver.pk)
    rows.trip(truck, rows.NOON + dt.timedelta(hours=3))
    listed = client.get(f"{reverse('admin:trucks_triprow_changelist')}?from={rows.DAY}&to={rows.DAY}").content.decode()
    assert listed.count("Ana K.") == 1
    key = TripRow.objects.get(driver=driver).key
    assert "Ana K." in client.get(reverse("admin:trucks_triprow_change", args=[key])).content.decode()


def test_hours_are_entered_and_shown_by_the_fleets_clock(client: Client, truck: Truck, driver: Driver) -> None:
    """Whichever fleet staff looked at last; what is entered is what the list shows."""
    Fleet.objects.filter(pk=truck.fleet_id).update(timezone="America/Chicago")
    rows.fleet("Another", timezone="Asia/Tokyo")
    assert client.post(ADD, form(truck, driver)).status_code == 302
    row = DriverAssignment.objects.get()
    assert row.started_at == dt.datetime.combine(rows.DAY, dt.time(8), ZoneInfo("America/Chicago"))
    shown = client.get(page(row) + f"?fleet={Fleet.objects.get(name='Another').pk}").content.decode()
    assert 'value="08:00:00"' in shown and "by the clock of America/Chicago" in shown
    assert f"{rows.DAY} 08:00 C" in client.get(LIST).content.decode()
    DirtyDay.objects.all().delete()
    assert client.post(page(row), form(truck, driver)).status_code == 302
    assert marked() == [], "the same hours are no change"


@pytest.mark.parametrize("hour", ["2026-03-08 02:30", "2026-11-01 01:30"])
def test_an_hour_that_the_clock_does_not_show_once_is_refused(
    client: Client, truck: Truck, driver: Driver, hour: str
) -> None:
    Fleet.objects.filter(pk=truck.fleet_id).update(timezone="America/Chicago")
    day, time = hour.split()
    entered = form(truck, driver, started_at_0=day, started_at_1=time, ended_at_0="2026-12-01")
    text = client.post(ADD, entered).content.decode()
    assert "interpreted in time zone America/Chicago" in text
    assert not DriverAssignment.objects.exists()
