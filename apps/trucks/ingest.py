"""What becomes of one truck's messages: stored once, latest values kept, days marked, watermark moved."""

from collections.abc import Sequence

import orjson
from django.db import transaction

from apps.accounts.calendar import day_of, days_between
from apps.accounts.models import Fleet
from apps.trucks import invalidation, storage
from apps.trucks.evidence import READINGS, engine_state
from apps.trucks.invalidation import Change
from apps.trucks.latest import Latest, document, newest
from apps.trucks.messages import Batch, MessageRow, Raw, rows
from apps.trucks.models import LatestValues, Truck, TruckSync
from apps.trucks.parameter_sets import parameters_in_force
from apps.trucks.sensors import SensorTable

_REDERIVE_BATCH = 2_000
_LOOK_BACK = 500
_HOLE_S = 43_200


def store(fleet: Fleet, truck: Truck, table: SensorTable, batch: Batch, now: int) -> tuple[int, int]:
    """Stores what is not stored yet of one truck's batch, and all that follows from it, in one transaction.

    Returns how many messages were new and how many newly quarantined. Repeating it changes nothing.
    """
    today = day_of(now, fleet.zone)
    with transaction.atomic():
        # Whoever else stores for this truck waits here, and then sees what we stored.
        sync = TruckSync.objects.select_for_update().get(truck_id=truck.id)
        candidates = rows(batch.data, table)
        new = _unknown(fleet, truck, candidates)
        quarantined = storage.quarantine(fleet.id, truck.id, today, batch.future)
        if new:
            _mark_changed(fleet, sync, new, now)
            storage.insert(fleet.id, truck.id, new)
            _keep_latest(truck, table, batch.data, candidates)
            _move_cursor(sync, table, new[0].t, min(new[-1].t, now))
        if quarantined:
            invalidation.mark(fleet.id, [(truck.id, today)], "quarantine")
    return len(new), quarantined


def _unknown(fleet: Fleet, truck: Truck, candidates: list[MessageRow]) -> list[MessageRow]:
    if not candidates:
        return []
    known = storage.known_keys(fleet.id, truck.id, candidates[0].t, candidates[-1].t)
    return [row for row in candidates if (row.t, row.digest) not in known]


def _move_cursor(sync: TruckSync, table: SensorTable, first_t: int, last_t: int) -> None:
    if sync.first_t is None:
        sync.sensor_version = table.version
    sync.first_t = min(first_t, sync.first_t or first_t)
    sync.cursor_t = max(last_t, sync.cursor_t or last_t)
    sync.last_error = ""
    sync.save(update_fields=["first_t", "cursor_t", "sensor_version", "last_error"])


def _mark_changed(fleet: Fleet, sync: TruckSync, new: Sequence[MessageRow], now: int) -> None:
    """Marks the days that new messages (ascending) change."""
    first_t = min(new[0].t, sync.first_t or new[0].t)
    first_day = day_of(first_t, fleet.zone)
    parameters = parameters_in_force(fleet.id, sync.truck_id, first_day)
    neighbours = storage.Neighbours(fleet.id, sync.truck_id, parameters.min_satellites)
    days = set()
    for change in _changes(new):
        days |= invalidation.days_of_change(sync.truck_id, change, neighbours, fleet.zone, now)
    if first_t != sync.first_t:
        # Its first message ever: from that day on there is a row for every day.
        days |= set(days_between(first_day, day_of(min(sync.first_t or now, now), fleet.zone)))
    invalidation.mark(fleet.id, [(sync.truck_id, day) for day in days if day >= first_day], "messages")


def _changes(new: Sequence[MessageRow]) -> list[Change]:
    """The new messages in runs without a hole of more than half a day: each run is looked at as a whole."""
    runs: list[list[MessageRow]] = []
    for row in new:
        if runs and row.t - runs[-1][-1].t <= _HOLE_S:
            runs[-1].append(row)
        else:
            runs.append([row])
    return [Change(run[0].t, run[-1].t, _columns(run)) for run in runs]


def _columns(run: Sequence[MessageRow]) -> frozenset[str]:
    return frozenset(name for name in ("lat", *READINGS) if any(getattr(row, name) is not None for row in run))


def _keep_latest(truck: Truck, table: SensorTable, messages: Sequence[Raw], rows: Sequence[MessageRow]) -> None:
    stored = LatestValues.objects.filter(truck_id=truck.id).first()
    known = _latest(stored) if stored else Latest()
    latest = newest(known, messages, rows, table, engine_state(rows, table))
    values = {
        "fleet_id": truck.fleet_id,
        "t": latest.t,
        "engine_on": latest.engine_on,
        "speed_kmh": latest.speed_kmh,
        "lat": latest.lat,
        "lon": latest.lon,
        "fix_t": latest.fix_t,
        "values": latest.values,
        "document": document(latest, table),
    }
    LatestValues.objects.update_or_create(truck_id=truck.id, defaults=values)


def _latest(stored: LatestValues) -> Latest:
    return Latest(
        t=stored.t,
        engine_on=stored.engine_on,
        fix_t=stored.fix_t,
        lat=stored.lat,
        lon=stored.lon,
        speed_kmh=stored.speed_kmh,
        position=orjson.loads(bytes(stored.document)).get("position"),
        values={key: (value, t) for key, (value, t) in stored.values.items()},
    )


def advance(fleet: Fleet, truck_ids: Sequence[int], now: int) -> None:
    """Moves watermarks to the Wialon clock and marks the days that this changes: their last state holds on."""
    with transaction.atomic():
        moving = list(
            TruckSync.objects.select_for_update()
            .filter(truck_id__in=truck_ids)
            .exclude(known_until__gte=now)
            .order_by("truck_id")
        )
        days = [
            (sync.truck_id, day)
            for sync in moving
            for day in invalidation.days_of_watermark(fleet.id, sync, fleet.zone, now)
        ]
        invalidation.mark(fleet.id, days, "time")
        TruckSync.objects.filter(truck_id__in=[sync.truck_id for sync in moving]).update(known_until=now)


def rederive(truck: Truck, sync: TruckSync) -> None:
    """Applies the truck's present sensor table to its stored messages, and marks their days.

    In small transactions; broken off, it goes on where it was when it is called again.
    """
    if sync.first_t is None or sync.sensor_version == truck.sensor_version:
        return
    table = SensorTable.compile(truck.sensor_table, tank_l=truck.tank_l)
    fleet, since_t = truck.fleet, sync.first_t
    while payloads := storage.stale_payloads(fleet.id, truck.id, since_t, table.version, _REDERIVE_BATCH):
        messages = [orjson.loads(payload) for payload in payloads]
        since_t = messages[-1]["t"]
        days = {(truck.id, day_of(message["t"], fleet.zone)) for message in messages}
        with transaction.atomic():
            invalidation.mark(fleet.id, days, "sensors")
            storage.replace_readings(fleet.id, truck.id, rows(messages, table))
    _finish_rederiving(truck, sync, table)


def _finish_rederiving(truck: Truck, sync: TruckSync, table: SensorTable) -> None:
    """All readings are of the new table: now every day may be computed from its neighbours' readings too."""
    with transaction.atomic():
        first_day = day_of(sync.first_t or 0, truck.fleet.zone)
        invalidation.mark_fleet(truck.fleet_id, first_day, "sensors", truck.id)
        _renew_latest(truck, table)
        TruckSync.objects.filter(truck_id=truck.id).update(sensor_version=table.version)
    sync.sensor_version = table.version


def _renew_latest(truck: Truck, table: SensorTable) -> None:
    """Evaluates the last stored messages with the new table: no value of the old one stays."""
    payloads = storage.last_payloads(truck.fleet_id, truck.id, _LOOK_BACK)
    messages = [orjson.loads(payload) for payload in payloads]
    LatestValues.objects.filter(truck_id=truck.id).delete()
    if messages:
        _keep_latest(truck, table, messages, rows(messages, table))
