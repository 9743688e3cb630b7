"""Stored messages under another sensor table than they were read with: read again from their raw parameters."""

from django.db import transaction

from apps.accounts.calendar import day_of
from apps.trucks import invalidation
from apps.trucks.messages import reads, storage
from apps.trucks.messages.normal import (
    rows,
)
from apps.trucks.messages.sealing import kept_since
from apps.trucks.models import Truck, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sensors import SensorTable
from apps.trucks.sync import latest_values
from apps.trucks.sync.ingest import locked, widen_spans

_REDERIVE_BATCH = 2_000


def must_rederive(truck: Truck, sync: TruckSync) -> bool:
    """Whether messages are stored with readings of another sensor table than the truck has now."""
    return sync.first_t is not None and sync.sensor_version != truck.sensor_version


def rederive(truck: Truck, sync: TruckSync) -> None:
    """Applies the truck's present sensor table to its stored messages, and marks their days.

    In small transactions; broken off, it goes on where it was when it is called again.
    """
    if sync.first_t is None or not must_rederive(truck, sync):
        return
    table = SensorTables(truck.fleet_id).of(truck)
    since_t: int | None = sync.first_t if sync.raw_since_t is None else max(sync.first_t, kept_since(sync.raw_since_t))
    while since_t is not None:
        since_t = _rederive_some(truck, sync, table, since_t)
    _finish_rederiving(truck, sync, table)


@transaction.atomic
def _rederive_some(truck: Truck, sync: TruckSync, table: SensorTable, since_t: int) -> int | None:
    """Gives the oldest messages from a second on that have them not yet the readings of this table.

    Returns from where to go on; None: all have them.
    """
    own = locked(truck).sync  # before the log, as everybody does: two never wait for each other in a circle
    span = storage.stale_span(truck.fleet_id, truck.id, since_t, table.version, _REDERIVE_BATCH)
    if span is None:
        return None
    messages = reads.messages_between(truck.fleet_id, truck.id, *span)
    previous = reads.message_before(truck.fleet_id, truck.id, span[0])
    days = {(truck.id, day_of(each.t, truck.fleet.zone)) for each in messages}
    invalidation.mark(truck.fleet_id, days, "sensors")
    evaluated = rows(messages, table, previous and previous.message).rows
    storage.replace_readings(truck.fleet_id, truck.id, evaluated)
    widen_spans(own, evaluated)
    return span[1] + 1


def _finish_rederiving(truck: Truck, sync: TruckSync, table: SensorTable) -> None:
    """All readings are of the new table: now every day may be computed from its neighbours' readings too."""
    with transaction.atomic():
        locked(truck)
        first_day = day_of(sync.first_t or 0, truck.fleet.zone)
        invalidation.mark_fleet(truck.fleet_id, first_day, "sensors", truck.id)
        latest_values.renew(truck, table, sync.cursor_t or 0)
        TruckSync.objects.filter(truck_id=truck.id).update(sensor_version=table.version)
    sync.sensor_version = table.version
