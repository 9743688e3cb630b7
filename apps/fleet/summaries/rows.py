"""A day's result as the rows it becomes."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import orjson
from django.db import models

from apps.accounts.calendar import as_utc
from apps.fleet.costs.estimates import DayCost, Estimate, by_line
from apps.fleet.summaries.event_money import Columns
from apps.fleet.summaries.use import DayUse
from apps.trucks import parameter_sets
from apps.trucks.detection.daily import DayFigures
from apps.trucks.detection.history import Event
from apps.trucks.detection.results import DayResult
from apps.trucks.models import FaultChange, FuelEvent, HarshEvent, IdleEvent, SpeedingEpisode, Stop, Trip

USED_M, USED_S = 1_600, 1_800
_FIGURES = tuple(field.name for field in fields(DayFigures))


@dataclass(frozen=True, slots=True)
class DayMoney:
    """What a day cost."""

    estimates: list[Estimate]
    fuel: Columns  # of the day's fuel in money
    events: Mapping[Event, Decimal | None]  # of events that burn or lose fuel; null: no price, or not measured


@dataclass(frozen=True, slots=True)
class Summary:
    """A day's result as the rows it becomes, but for what depends on when it was computed."""

    truck_id: int
    result: DayResult
    columns: Columns  # of the truck-day
    events: list[tuple[type[models.Model], Columns]]
    estimates: list[Estimate]
    fuel: Columns  # in money
    hours: bytes  # packed
    content_hash: str  # of all that would be written: equal when a rebuild changed nothing
    drivers: Sequence[Columns] = ()  # a row each, by id
    driver_costs: Sequence[Columns] = ()  # what each bears of the estimates: a row each and line

    @property
    def costs(self) -> list[DayCost]:
        """The estimates by line."""
        return by_line(self.estimates)


def summary(truck_id: int, result: DayResult, quarantined: int, money: DayMoney, use: DayUse) -> Summary:
    columns = _truck_day(result, quarantined, use)
    events = [(model, _event(event, own, money)) for model, found, own in EVENTS for event in found(result)]
    amounts = [(cost.line, cost.amount) for cost in by_line(money.estimates)]
    fuel = {name: str(value) for name, value in money.fuel.items()}
    content = [columns, [values for _, values in events], amounts, fuel, use.hours.hex()]
    dumped = orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS)
    content_hash = hashlib.blake2b(dumped, digest_size=16).hexdigest()
    return Summary(truck_id, result, columns, events, money.estimates, money.fuel, use.hours, content_hash)


def _truck_day(result: DayResult, quarantined: int, use: DayUse) -> Columns:
    figures = {name: getattr(result.figures, name) for name in _FIGURES}  # asdict would copy each value
    used = (figures["distance_m"] or 0) >= USED_M or figures["moving_s"] >= USED_S
    return {
        **figures,
        "messages": result.inputs.seconds,
        "dropped_values": result.inputs.dropped,
        "quarantined": quarantined,
        "as_of": as_utc(result.as_of),
        "length_s": result.length_s,
        "is_used": used,
        "available_s": use.available_s,
        "in_workshop": use.in_workshop,
        "input_messages": result.inputs.messages,
        "input_first_t": result.inputs.first_t,
        "input_last_t": result.inputs.last_t,
        "parameters_version": parameter_sets.version(result.parameters),
    }


def _event(event: Event, own: Callable[[Any], Columns], money: DayMoney) -> Columns:
    return {
        "started_at": as_utc(event.started_at),
        "ended_at": None if event.is_open else as_utc(event.ended_at),
        "lat": event.lat,
        "lon": event.lon,
        **own(event),
        **({"cost": money.events[event]} if event in money.events else {}),
    }


def _attributes(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda event: {name: getattr(event, name) for name in names}


def _stop_columns(stop: Any) -> dict[str, Any]:
    """An open stop says only when it began: how long it lasts is a matter of time, not of messages."""
    return {name: None if stop.is_open else getattr(stop, name) for name in ("idle_s", "parked_s", "no_data_s")}


EVENTS: tuple[
    tuple[type[models.Model], Callable[[DayResult], Sequence[Event]], Callable[[Any], dict[str, Any]]], ...
] = (
    (
        Trip,
        lambda result: result.trips,
        _attributes(
            "end_lat", "end_lon", "distance_m", "distance_source", "moving_s", "idle_s", "parked_s", "no_data_s",
            "mean_speed_kmh", "max_speed_kmh", "fuel_l", "driver_id",
        ),
    ),
    (Stop, lambda result: result.stops, _stop_columns),
    (
        IdleEvent,
        lambda result: result.idle_events,
        _attributes("duration_s", "productive_s", "productive_place", "fuel_l"),
    ),
    (
        SpeedingEpisode,
        lambda result: result.speeding,
        _attributes("severity", "limit_kmh", "max_speed_kmh", "excess_kmh", "duration_s", "distance_m"),
    ),
    (
        FuelEvent,
        lambda result: result.fuel_events,
        _attributes("kind", "level_before_l", "level_after_l", "litres", "review"),
    ),
    (HarshEvent, lambda result: result.harsh_events, _attributes("kind", "source", "speed_kmh", "peak_ms2")),
    (FaultChange, lambda result: result.fault_changes, _attributes("kind", "spn", "fmi", "source", "severity")),
)  # fmt: skip
