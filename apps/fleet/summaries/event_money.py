"""What a day's idle events, refuels and drains cost, and what its drains add up to. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import fsum
from typing import Any

from apps.fleet.costs.estimates import Price, Work, burnt, cents, price_at
from apps.trucks.detection.fuel import FuelEvent, FuelEventKind, Review
from apps.trucks.detection.history import Event
from apps.trucks.detection.idling import IdleEvent

Columns = dict[str, Any]  # of a row, by name
EventCosts = Mapping[Event, Decimal | None]  # null: not measured, or no price in force
_DRAINED = ("drain_cost", "drain_priced_l", "suspected_drains", "suspected_drain_l", "suspected_drain_cost")


def event_costs(
    work: Work, idle_events: Iterable[IdleEvent], fuel_events: Iterable[FuelEvent], prices: Sequence[Price]
) -> dict[Event, Decimal | None]:
    """Idling at the prices of its time, refuels and drains at the price in force when they began; to the cent each."""
    costs: dict[Event, Decimal | None] = {event: _idling(event, work, prices) for event in idle_events}
    for event in fuel_events:
        price = price_at(event.started_at, prices, work.groups)
        costs[event] = None if price is None else cents(Decimal(repr(event.litres)) * price.per_l)
    return costs


def _idling(event: IdleEvent, work: Work, prices: Sequence[Price]) -> Decimal | None:
    """Cut only where a price changes in the midst of it."""

    def litres(start: int, end: int) -> float | None:
        is_whole = (start, end) == (event.started_at, event.ended_at)
        return event.fuel_l if is_whole else work.idle_l(start, end)

    found = burnt(replace(work, start=event.started_at, end=event.ended_at), litres, prices)
    return None if found is None else found.cost


def drained(fuel_events: Collection[FuelEvent], costs: EventCosts, is_measured: bool) -> Columns:
    """The day's drains in money, without dismissed ones; all null where drains cannot be measured."""
    if not is_measured:
        return dict.fromkeys(_DRAINED)
    counted = [event for event in fuel_events if event.kind is FuelEventKind.DRAIN and not event.is_dismissed]
    suspected = [event for event in counted if event.review is Review.SUSPECTED]
    return {
        "drain_cost": _total(counted, costs.get),
        "drain_priced_l": fsum(event.litres for event in counted if costs[event] is not None),
        "suspected_drains": len(suspected),
        "suspected_drain_l": fsum(event.litres for event in suspected),
        "suspected_drain_cost": _total(suspected, costs.get),
    }


def _total(events: Sequence[FuelEvent], cost_of: Callable[[FuelEvent], Decimal | None]) -> Decimal | None:
    """What those with a price cost; null where there are some and none has one, 0 where there is none."""
    known = [cost for event in events if (cost := cost_of(event)) is not None]
    return None if events and not known else sum(known, Decimal("0.00"))
