"""People take note of faults, and map what devices call their events."""

import datetime as dt
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.fleet import summaries
from apps.trucks.models import EventMapping, FaultAcknowledgement, HarshEvent, OpenFault, Truck, TruckDay, TruckSync
from apps.trucks.models.views import OpenFaultRow
from apps.trucks.sync.rederivation import rederive
from tests import rows
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
LIST = "admin:trucks_openfaultrow_changelist"


def acknowledge(client: Client) -> None:
    form = {"action": "acknowledge", "_selected_action": [fault.pk for fault in OpenFaultRow.objects.all()]}
    client.post(reverse(LIST), form)


def test_an_acknowledgement_is_of_this_opening_and_made_once(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    truck = rows.truck(rows.fleet())
    fault = rows.open_fault(truck)
    assert "root" not in shown(client)
    acknowledge(client)
    acknowledge(client)
    (made,) = FaultAcknowledgement.objects.all()
    assert (made.truck, made.spn, made.fmi, made.source, made.acknowledged_by) == (truck, 100, 1, 255, "root")
    assert "root" in shown(client)
    OpenFault.objects.filter(pk=fault.pk).update(opened_at=made.acknowledged_at + dt.timedelta(days=1))
    assert "root" not in shown(client)


def shown(client: Client) -> str:
    (row,) = client.get(reverse(LIST)).context["cl"].result_list
    return str(row.acknowledged_by)


def test_whoever_may_only_look_acknowledges_nothing(client: Client) -> None:
    truck = rows.truck(rows.fleet())
    rows.open_fault(truck)
    user = User.objects.create_user("reader", is_staff=True)
    FleetMembership.objects.create(fleet=truck.fleet, user=user)
    client.force_login(user)
    acknowledge(client)
    assert not FaultAcknowledgement.objects.exists()
    user.user_permissions.add(Permission.objects.get(codename="add_faultacknowledgement"))
    acknowledge(client)
    assert FaultAcknowledgement.objects.count() == 1


def test_a_new_mapping_reads_stored_messages_anew(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    fleet = rows.fleet(timezone="UTC")
    truck = feed.truck_of(fleet, "T")
    Truck.objects.filter(pk=truck.pk).update(hardware_id=41)
    noon = feed.midnight(rows.DAY, "UTC") + 43_200
    feed.receive(truck, [message(noon, io_253=2), message(noon + 60, io_253=1, dtcs="100/1")], noon + 600)
    summaries.rebuild(fleet)
    assert day(truck) == (None, None, None)
    add_mapping(client, fleet.pk, measure="harsh_braking", parameter="io_253", value="2")
    add_mapping(client, fleet.pk, measure="dtc", parameter="dtcs", value="7")
    truck.refresh_from_db()
    rederive(truck, TruckSync.objects.get(truck_id=truck.pk))
    summaries.rebuild(fleet)
    assert day(truck) == (1, None, 1)
    assert HarshEvent.objects.get().started_at.timestamp() == noon
    assert OpenFault.objects.get().spn == 100
    opened_at = f"{dt.datetime.fromtimestamp(noon + 60, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    shown = {"spn": 100, "fmi": 1, "source": None, "severity": "severe", "opened_at": opened_at}
    assert orjson.loads(TruckSync.objects.get(truck_id=truck.pk).open_faults) == [shown]
    client.post(
        reverse("admin:trucks_eventmapping_delete", args=[EventMapping.objects.get(measure="dtc").pk]), {"post": "yes"}
    )
    truck.refresh_from_db()
    rederive(truck, TruckSync.objects.get(truck_id=truck.pk))
    summaries.rebuild(fleet)
    assert day(truck) == (1, None, None)
    assert not OpenFault.objects.exists()
    assert TruckSync.objects.get(truck_id=truck.pk).open_faults is None


def message(t: int, **params: Any) -> dict[str, Any]:
    return {"t": t, "f": 0, "tp": "ud", "rt": t, "pos": None, "p": params}


def day(truck: Truck) -> tuple[Any, ...]:
    row = TruckDay.objects.get(truck_id=truck.pk)
    return row.harsh_braking, row.harsh_cornering, row.faults_opened


def add_mapping(client: Client, fleet_id: int, **values: str) -> None:
    answer = client.post(reverse("admin:trucks_eventmapping_add"), {"fleet": fleet_id, "hardware_id": 41, **values})
    assert answer.status_code == 302, answer.context["errors"]


def test_the_names_of_a_device_type_go_before_the_fleets(client: Client) -> None:
    from apps.trucks.sensor_tables import SensorTables

    fleet = rows.fleet()
    for hardware_id, parameter in ((None, "fleet_brake"), (41, "own_brake")):
        EventMapping.objects.create(fleet=fleet, hardware_id=hardware_id, measure="harsh_braking", parameter=parameter)
    other = rows.fleet("Other")
    EventMapping.objects.create(fleet=other, measure="harsh_braking", parameter="theirs")
    tables = SensorTables(fleet.pk)
    for hardware_id, parameter in ((None, "fleet_brake"), (7, "fleet_brake"), (41, "own_brake")):
        table = tables.of(Truck(fleet=fleet, hardware_id=hardware_id))
        for name in ("fleet_brake", "own_brake", "theirs", "harsh_braking"):
            assert (table.readings({"t": 1, "p": {name: 1}}).harsh is not None) == (name == parameter)
