"""Productive places in the admin: circles and polygons, entered, corrected and removed."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.trucks.models import DirtyDay, ProductivePlace, Truck
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]
LIST, ADD = reverse("admin:trucks_productiveplace_changelist"), reverse("admin:trucks_productiveplace_add")


@pytest.fixture
def truck() -> Truck:
    """With a day on which it idled at 41.9, -87.6."""
    made = rows.truck(rows.fleet(timezone="UTC"))
    rows.known(made)
    rows.truck_day(made, idle_s=900)
    rows.message(made, rows.NOON, lat=41.9, lon=-87.6)
    return made


def form(truck: Truck, **changes: Any) -> dict[str, Any]:
    values = {"fleet": truck.fleet_id, "name": "Yard", "lat": "41.9", "lon": "-87.6", "radius_m": "200", "polygon": ""}
    return {**values, "effective_from": rows.DAY.isoformat(), **changes}


def page(row: Model, name: str = "change") -> str:
    return reverse(f"admin:trucks_productiveplace_{name}", args=[row.pk])


def marked() -> list[tuple[dt.date, str]]:
    found = list(DirtyDay.objects.values_list("day", "cause"))
    DirtyDay.objects.all().delete()
    return found


def test_what_is_entered_changed_and_removed_marks_the_days_spent_there(client: Client, truck: Truck) -> None:
    answer = client.post(ADD, form(truck), follow=True)
    assert "1 truck-day is being computed anew" in answer.content.decode()
    assert marked() == [(rows.DAY, "productive places")]
    row = ProductivePlace.objects.get()
    assert client.post(page(row), form(truck)).status_code == 302
    assert marked() == [], "nothing was changed"
    assert client.post(page(row), form(truck, radius_m="250")).status_code == 302
    assert marked() == [(rows.DAY, "productive places")]
    assert client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert marked() == [(rows.DAY, "productive places")]
    assert not ProductivePlace.objects.exists()


def test_a_polygon_is_entered_line_by_line(client: Client, truck: Truck) -> None:
    circle = {"lat": "", "lon": "", "radius_m": ""}
    answer = client.post(ADD, form(truck, **circle, polygon="41.8, -87.7\n\n42.0 -87.7\n41.9, -87.5\n"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row = ProductivePlace.objects.get()
    assert row.polygon == [[41.8, -87.7], [42.0, -87.7], [41.9, -87.5]]
    assert marked() == [(rows.DAY, "productive places")]
    shown = client.get(page(row)).content.decode()
    assert "41.8, -87.7\n42.0, -87.7\n41.9, -87.5" in shown
    assert "polygon of 3 corners" in client.get(LIST).content.decode()
    answer = client.post(page(row), form(truck, **circle, polygon="41.8, -87.7\n42.0, -87.7\n41.9, -87.5"))
    assert answer.status_code == 302
    assert marked() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lat": "", "lon": "", "radius_m": "", "polygon": "41.8, -87.7\nnorth"}, "line 2"),
        ({"lat": "", "lon": "", "radius_m": "", "polygon": "41.8, nan\n1 2\n3 4"}, "corner 1 is not"),
        ({"lat": "", "lon": "", "radius_m": ""}, "A circle needs"),
        ({"radius_m": "0"}, "greater than or equal to 1"),
        ({"lat": "nan"}, "Enter a number"),
        ({"effective_to": "2020-01-01"}, "before the first day"),
    ],
)
def test_what_is_no_place_is_refused_in_words(
    client: Client, truck: Truck, changes: dict[str, Any], message: str
) -> None:
    answer = client.post(ADD, form(truck, **changes))
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not ProductivePlace.objects.exists()
    assert marked() == []


def test_staff_see_the_places_of_their_own_fleets_only(client: Client, truck: Truck) -> None:
    theirs = rows.fleet("Other")
    ours_row, their_row = rows.place(truck.fleet, "Our yard"), rows.place(theirs, "Their yard")
    user = User.objects.create_user("staff", is_staff=True)
    FleetMembership.objects.create(user=user, fleet=truck.fleet)
    client.force_login(user)
    listed = client.get(LIST).content.decode()
    assert "Our yard" in listed
    assert "Their yard" not in listed
    assert client.get(page(ours_row)).status_code == 200
    assert client.get(page(their_row)).status_code in (302, 404)
