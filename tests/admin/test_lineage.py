"""The page that leads from a day's figures to its messages."""

import datetime as dt
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.fleet.admin.days import EVENTS
from apps.fleet.admin.lineage import _HEADINGS, SHOWN_MESSAGES
from apps.trucks.models import Truck
from apps.trucks.models.views import TruckDayRow
from apps.trucks.queries import DAY_FIGURES
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]


@pytest.fixture
def truck() -> Truck:
    truck = rows.truck(rows.fleet())
    rows.truck_day(truck)
    rows.trip(truck)
    rows.fuel_event(truck)
    rows.cost(truck, "tolls", "11.00", source="actual")
    return truck


def address(day: TruckDayRow | None = None) -> str:
    return reverse("admin:trucks_truckdayrow_lineage", args=[(day or TruckDayRow.objects.get()).pk])


def test_every_figure_is_there_and_every_link_leads_somewhere(client: Client, truck: Truck) -> None:
    for kind in (rows.stop, rows.idle_event, rows.speeding, rows.harsh_event, rows.fault_change):
        kind(truck)
    text = client.get(address()).content.decode()
    assert [name for name in DAY_FIGURES if f'<span class="column">{name}</span>' not in text] == []
    anchors = set(re.findall(r'href="#([\w-]+)"', text))
    assert anchors <= set(re.findall(r'id="([\w-]+)"', text))
    assert {"messages", "trips", "refuels-and-drains"} <= anchors


def test_a_kind_without_events_is_named_and_not_linked(client: Client, truck: Truck) -> None:
    text = client.get(address()).content.decode()
    assert set(re.findall(r'href="#([\w-]+)"', text)) <= set(re.findall(r'id="([\w-]+)"', text))
    assert "harsh driving (none)" in text


def test_the_headings_are_those_of_the_days_own_page() -> None:
    assert tuple(EVENTS) == _HEADINGS


def test_the_day_leads_here_and_here_leads_back(client: Client, truck: Truck) -> None:
    day = reverse("admin:trucks_truckdayrow_change", args=[TruckDayRow.objects.get().pk])
    assert address() in client.get(day).content.decode()
    assert day in client.get(address()).content.decode()


def test_messages_come_in_pages_none_twice_none_missing(client: Client, truck: Truck) -> None:
    start = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)
    for number in range(SHOWN_MESSAGES + 5):
        rows.message(truck, start + dt.timedelta(seconds=number), payload=b'{"p":{"number":%d}}' % number)
    rows.message(truck, start - dt.timedelta(seconds=1), payload=b'{"p":{"number":999}}')
    first = client.get(address()).content.decode()
    following = re.search(r'href="(\?after=[^"#]+)#messages">The next messages', first)
    assert following
    second = client.get(address() + following.group(1)).content.decode()
    found = [int(n) for page in (first, second) for n in re.findall(r"number&quot;:(\d+)", page)]
    assert found == list(range(SHOWN_MESSAGES + 5))
    assert "The next messages" not in second


@pytest.mark.parametrize("after", ["x", "1:", ":", "9" * 40 + ":1", "1:2;DROP", "-5:0"])
def test_a_place_in_the_messages_that_is_none_is_the_beginning(client: Client, truck: Truck, after: str) -> None:
    rows.message(truck)
    answer = client.get(address(), {"after": after})
    assert answer.status_code == 200
    assert "2026-03-10 12:00:00 CDT" in answer.content.decode()


def test_a_day_without_messages_says_whether_there_were_any(client: Client, truck: Truck) -> None:
    assert "no longer kept" in client.get(address()).content.decode()
    rows.truck_day(rows.truck(truck.fleet, "T-2"), input_messages=0, input_first_t=None, input_last_t=None)
    silent = TruckDayRow.objects.get(truck__code="T-2")
    assert "No message came on this day" in client.get(address(silent)).content.decode()


def test_texts_of_messages_are_escaped(client: Client, truck: Truck) -> None:
    rows.message(truck, payload=b'{"p":{"text":"<script>alert(1)</script>"}}')
    assert "<script>alert(1)" not in client.get(address()).content.decode()


def test_only_the_fleets_own_staff_see_it(client: Client, truck: Truck) -> None:
    other, own = rows.fleet("Other"), User.objects.create_user("own", is_staff=True)
    foreign = User.objects.create_user("foreign", is_staff=True)
    FleetMembership.objects.create(fleet=truck.fleet, user=own)
    FleetMembership.objects.create(fleet=other, user=foreign)
    page = address()
    client.force_login(own)
    assert client.get(page).status_code == 200
    client.force_login(foreign)
    assert client.get(page).status_code == 404
    client.logout()
    assert client.get(page).status_code == 302
