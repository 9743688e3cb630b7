"""What changed after its day was final, as staff see it."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]
LIST = "admin:trucks_correctionrow_changelist"


def test_values_are_in_the_fleets_units_and_the_day_is_one_click_away(client: Client) -> None:
    truck = rows.truck(rows.fleet(units="us"))
    rows.truck_day(truck)
    correction = rows.correction(truck, "distance_m", old="160934", new=None)
    rows.correction(truck, "moving_s", old="3600", new="7260")
    text = client.get(reverse(LIST)).content.decode()
    for shown in ("100.0 mi", "–", "1:00", "2:01", "messages", "Distance"):
        assert shown in text
    key = f"{truck.fleet_id}.{truck.pk}.{correction.day}.7.distance_m"
    page = client.get(reverse("admin:trucks_correctionrow_change", args=[key])).content.decode()
    day = reverse("admin:trucks_truckdayrow_change", args=[f"{truck.fleet_id}.{truck.pk}.{correction.day}"])
    assert day in page


def test_one_figure_alone_is_listed_on_demand(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.correction(truck, "distance_m", old="1000", new="2000")
    rows.correction(truck, "fuel_used_l", old="11.5", new="12.5")
    text = client.get(reverse(LIST), {"figure": "fuel_used_l"}).content.decode()
    assert "12.5" in text
    assert "2.0 km" not in text


def test_a_text_stays_a_text(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.correction(truck, "distance_source", old="gps", new="odometer")
    text = client.get(reverse(LIST)).content.decode()
    assert "gps" in text and "odometer" in text


def test_corrections_of_an_old_day_are_found_by_its_period(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.correction(truck, day=rows.DAY - dt.timedelta(days=40))
    assert "420.0 km" not in client.get(reverse(LIST)).content.decode()
    asked = {"from": str(rows.DAY - dt.timedelta(days=40)), "to": str(rows.DAY)}
    assert "420.0 km" in client.get(reverse(LIST), asked).content.decode()
