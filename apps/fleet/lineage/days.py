"""A truck's day from its figures back to the messages: what each was computed from, by which rule and versions."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.db.models import Count, Max, Min, Model, Q

from apps.accounts.amounts import shown
from apps.accounts.calendar import as_utc, day_bounds
from apps.fleet.costs.estimates import Work, applicable, stretches
from apps.fleet.lineage.rules import RULES
from apps.fleet.models import CostAllocation, CostEntry, CostSource, TruckDayCost
from apps.fleet.summaries.money import Ledger
from apps.trucks import parameter_sets
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.models import (
    Correction,
    DirtyDay,
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    Message,
    ParameterSet,
    SensorTableVersion,
    SpeedingEpisode,
    Stop,
    Trip,
    Truck,
    TruckDay,
)
from apps.trucks.parameter_sets import ParameterHistory
from apps.trucks.queries import DAY_FIGURES

Part = dict[str, Any]

EVENTS: dict[str, type[Model]] = {
    "trips": Trip,
    "stops": Stop,
    "idle_events": IdleEvent,
    "speeding_episodes": SpeedingEpisode,
    "fuel_events": FuelEvent,
    "harsh_events": HarshEvent,
    "fault_changes": FaultChange,
}
_NOT_OF_EVENTS = ("fleet_id", "truck_id", "day")


def of_day(truck: Truck, day: dt.date) -> Part | None:
    """All that a day rests on, as plain values; instants are aware UTC. None where the truck has no such day.

    `truck` comes with its fleet. Reads the keys of the day's messages, not their content.
    """
    row = TruckDay.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day).first()
    if row is None:
        return None
    start, end = day_bounds(day, truck.fleet.zone)
    return {
        "truck_id": truck.code,
        "day": day,
        "timezone": truck.fleet.timezone,
        "start": as_utc(start),
        "end": as_utc(end),
        "as_of": row.as_of,
        "status": row.status,
        "revision": row.revision,
        "computed_at": row.computed_at,
        "content_hash": row.content_hash,
        "waiting": _waiting(truck, day),
        "figures": [_figure(name, getattr(row, name)) for name in DAY_FIGURES],
        "events": {kind: _events(model, truck, day) for kind, model in EVENTS.items()},
        "messages": _messages(truck, row, start),
        "sensor_tables": _sensor_tables(truck, row, start),
        "parameters": _parameters(truck, row),
        "costs": _costs(truck, row, start),
        "corrections": _corrections(truck, day),
    }


def _waiting(truck: Truck, day: dt.date) -> str | None:
    """Why the day is about to be computed anew; None: it is up to date."""
    marked = DirtyDay.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day)
    return marked.values_list("cause", flat=True).first()


def _figure(name: str, value: Any) -> Part:
    rule = RULES[name]
    return {"name": name, "value": shown(value), "rule": rule.text, "section": rule.section, "rests_on": rule.rests_on,
            "parameters": rule.parameters}  # fmt: skip


def _events(model: type[Model], truck: Truck, day: dt.date) -> list[Part]:
    """The day's events of a kind, ascending."""
    columns = [field.name for field in model._meta.concrete_fields if field.name not in _NOT_OF_EVENTS]
    rows = model._default_manager.filter(fleet_id=truck.fleet_id, day=day, truck_id=truck.pk)
    return [{name: shown(value) for name, value in row.items()} for row in rows.order_by("started_at").values(*columns)]


# --- what it was computed from --------------------------------------------------------------------------------------


def _messages(truck: Truck, row: TruckDay, start: int) -> Part:
    """What of the day's messages was counted when it was computed, and what is stored now."""
    own = Message.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk)
    as_of = int(row.as_of.timestamp())
    before = own.filter(t__lt=start, t__gte=start - CONNECTED_S).aggregate(t=Max("t"))["t"]
    after = own.filter(t__gte=as_of, t__lt=as_of + CONNECTED_S).aggregate(t=Min("t"))["t"]
    keys = list(own.filter(t__gte=start, t__lt=as_of).order_by("t", "digest").values_list("t", "digest"))
    return {
        "count": row.input_messages,
        "first_at": _instant(row.input_first_t),
        "last_at": _instant(row.input_last_t),
        "stored": len(keys),
        "hash": _hash(keys),
        "before_at": _instant(before),
        "after_at": _instant(after),
    }


def _instant(t: int | None) -> dt.datetime | None:
    return None if t is None else as_utc(t)


def _hash(keys: Iterable[tuple[int, int]]) -> str:
    """BLAKE2b of 16 bytes over a line `second:digest` for each message, ascending."""
    state = hashlib.blake2b(digest_size=16)
    for t, digest in keys:
        state.update(b"%d:%d\n" % (t, digest))
    return state.hexdigest()


def _sensor_tables(truck: Truck, row: TruckDay, start: int) -> list[Part]:
    """The versions of the truck's sensor table that the day's messages were read with, and how many by each."""
    stored = Message.objects.filter(
        fleet_id=truck.fleet_id, truck_id=truck.pk, t__gte=start, t__lt=int(row.as_of.timestamp())
    )
    counts = dict(stored.values_list("sensor_version").annotate(n=Count("*")))
    known = {table.version: table for table in SensorTableVersion.objects.filter(truck=truck, version__in=counts)}
    return [_sensor_table(version, counts[version], known.get(version)) for version in sorted(counts)]


def _sensor_table(version: str, messages: int, table: SensorTableVersion | None) -> Part:
    kept = ("first_seen_at", "tank_l", "left_out", "definitions")
    return {"version": version, "messages": messages, **{name: getattr(table, name, None) for name in kept}}


def _parameters(truck: Truck, row: TruckDay) -> Part:
    """The values in force on the day, and the rows that they come from, in the order in which later ones win."""
    in_force = ParameterHistory(truck.fleet_id, truck.pk).on(row.day)
    sets = ParameterSet.objects.filter(
        Q(truck=None) | Q(truck=truck.pk), fleet=truck.fleet_id, effective_from__lte=row.day
    )
    ordered = sorted(sets, key=lambda each: (each.truck_id is not None, each.effective_from))
    return {
        "version": row.parameters_version,
        "is_current": row.parameters_version == parameter_sets.version(in_force),
        "values": asdict(in_force),
        "sets": [
            {
                "effective_from": each.effective_from,
                "scope": "fleet" if each.truck_id is None else "truck",
                "values": each.values,
            }
            for each in ordered
        ],
    }


def _corrections(truck: Truck, day: dt.date) -> list[Part]:
    """What changed after the day was final, the latest first."""
    found = Correction.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day)
    columns = ("column", "old", "new", "cause", "corrected_at", "revision")
    return [{"figure": each.pop("column"), **each} for each in found.order_by("-revision", "column").values(*columns)]


# --- what its money comes from --------------------------------------------------------------------------------------


def _costs(truck: Truck, row: TruckDay, start: int) -> list[Part]:
    """The day's amounts by line and source, each with the rows of the ledger that it follows from."""
    amounts = TruckDayCost.objects.filter(fleet_id=truck.fleet_id, day=row.day, truck_id=truck.pk)
    invoices, estimates = _invoices(truck, row.day), _Estimates(truck, row, start)
    return [
        {
            "line": each.line,
            "source": each.source,
            "amount": each.amount,
            "from": estimates.of(each.line) if each.source == CostSource.ESTIMATED else [
                invoice for invoice in invoices if (invoice["line"], invoice["source"]) == (each.line, each.source)
            ],
        }
        for each in amounts.order_by("line", "source")
    ]  # fmt: skip


def _invoices(truck: Truck, day: dt.date) -> list[Part]:
    """The shares that the day bears of invoices."""
    shares = CostAllocation.objects.filter(fleet_id=truck.fleet_id, day=day, truck_id=truck.pk).order_by("entry_id")
    entries = CostEntry.objects.in_bulk([share.entry_id for share in shares])
    return [{"kind": "invoice", "line": share.line, "source": share.source, "share": share.amount,
             **_invoice(share.entry_id, entries.get(share.entry_id))} for share in shares]  # fmt: skip


def _invoice(entry_id: int, entry: CostEntry | None) -> Part:
    """The invoice as it is now; only its number where it is gone and its shares have not followed yet."""
    names = ("document", "amount", "currency", "covers_from", "covers_to", "basis")
    return {"entry_id": entry_id, **{name: getattr(entry, name, None) for name in names}}


class _Estimates:
    """The rates and fuel prices that were in force for a truck on a day."""

    def __init__(self, truck: Truck, row: TruckDay, start: int) -> None:
        ledger = Ledger(truck.fleet, [truck.pk], [row.day])
        nothing = _nothing_measured
        self._work = Work(
            truck.pk, row.day, start, int(row.as_of.timestamp()), row.distance_m, row.engine_on_s, nothing, nothing,
            nothing, frozenset(ledger.groups[truck.pk]),
        )  # fmt: skip
        self._ledger = ledger

    def of(self, line: str) -> list[Part]:
        if line == "fuel":
            priced = stretches(self._work, self._ledger.prices)
            return [
                {"kind": "fuel_price", "from": as_utc(start), "to": as_utc(end), "price_per_l": price.per_l}
                for start, end, price in priced
            ]
        rates = [rate for rate in applicable(self._work, self._ledger.rates) if rate.line == line]
        return [
            {
                "kind": "rate",
                "basis": rate.basis,
                "amount": rate.amount,
                "effective_from": rate.effective_from,
                "effective_to": rate.effective_to,
            }
            for rate in rates
        ]


def _nothing_measured(start: int, end: int) -> float | None:
    return None
