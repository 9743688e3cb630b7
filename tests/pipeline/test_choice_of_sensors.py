"""Staff leave a doubled sensor out: the past is evaluated anew, and what it was before stays on record."""

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks.models import Message, SensorTableVersion, Truck, TruckDay, TruckSync
from apps.trucks.sync.ingest import advance
from apps.trucks.sync.rederivation import rederive
from tests.pipeline.feed import deliver, sensor, truck_of
from tests.twin import SensorTable as Twin

NOW = 1_763_900_000
TANKS = {
    str(number): sensor(number, name, "fuel level", parameter, "l")
    for number, name, parameter in ((1, "Left", "left"), (2, "Right", "right"), (3, "Both", "left+right"))
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def truck() -> Truck:
    truck = truck_of(Fleet.objects.create(name="F", timezone="UTC", currency="USD"), "two-tanks", TANKS)
    start = NOW - 7_200
    messages = [
        {"t": start + 60 * minute, "f": 0, "p": {"left": 200 - minute / 2, "right": 100.0}} for minute in range(110)
    ]
    deliver(truck, messages, NOW)
    advance(truck.fleet, [truck.id], NOW)
    summaries.rebuild(truck.fleet)
    return truck


def leave_out(truck: Truck, *sensors: int) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:trucks_truck_change", args=[truck.pk])
    answer = client.post(page, {"code": truck.code, "left_out_sensors": [*sensors]})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    truck.refresh_from_db()


def test_a_doubled_tank_is_left_out_of_the_past_too(truck: Truck) -> None:
    before = TruckDay.objects.get(truck_id=truck.id)
    assert before.fuel_used_l == pytest.approx(2 * 109 / 2)
    leave_out(truck, 3)
    rederive(truck, TruckSync.objects.get(truck_id=truck.id))
    summaries.rebuild(truck.fleet)
    after = TruckDay.objects.get(truck_id=truck.id)
    assert after.fuel_used_l == pytest.approx(109 / 2)
    twin = Twin(TANKS, None, (3,))
    for level, payload in Message.objects.filter(truck_id=truck.id).values_list("fuel_level_l", "payload"):
        assert level == twin.read(_raw(payload), None)[0]["level_l"]


def _raw(payload: bytes) -> dict[str, object]:
    return dict(orjson.loads(bytes(payload)))


def test_each_table_is_kept_with_its_first_use(truck: Truck) -> None:
    leave_out(truck, 3)
    User.objects.all().delete()
    leave_out(truck, 3)  # nothing new
    User.objects.all().delete()
    leave_out(truck)
    kept = {each.version: each for each in SensorTableVersion.objects.filter(truck=truck)}
    assert sorted(each.left_out for each in kept.values()) == [[], [3]]
    assert kept[truck.sensor_version].left_out == []
    assert all(each.definitions == TANKS and each.fleet_id == truck.fleet_id for each in kept.values())


def test_only_the_unit_s_own_sensors_can_be_left_out(truck: Truck) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:trucks_truck_change", args=[truck.pk])
    answer = client.post(page, {"code": truck.code, "left_out_sensors": ["99"]})
    assert "left_out_sensors" in answer.context["adminform"].form.errors
    assert b"Both (fuel level, l)" in client.get(page).content
