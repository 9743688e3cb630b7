"""What idle events, refuels and drains cost, at the prices of their time."""

from decimal import Decimal
from typing import Any

import pytest

from apps.fleet.costs.estimates import Price, price_at
from apps.fleet.summaries.event_money import drained, event_costs
from apps.trucks.detection.fuel import FuelEvent, FuelEventKind, Review
from apps.trucks.detection.idling import IdleEvent
from tests.fleet.test_costs import START, price, work

HOUR = 3_600


def idling(first: float, last: float, fuel_l: float | None) -> IdleEvent:
    """From one hour of the day to another."""
    return IdleEvent(
        started_at=START + int(first * HOUR), ended_at=START + int(last * HOUR), is_open=False, lat=None, lon=None,
        productive_s=0, productive_place=None, fuel_l=fuel_l,
    )  # fmt: skip


def step(hour: float, litres: float, review: Review | None = None) -> FuelEvent:
    """A refuel, or a drain that somebody or nobody has reviewed."""
    kind = FuelEventKind.REFUEL if review is None else FuelEventKind.DRAIN
    started_at = START + int(hour * HOUR)
    return FuelEvent(
        started_at=started_at, ended_at=started_at + 300, is_open=False, lat=None, lon=None, kind=kind,
        level_before_l=400.0, level_after_l=400.0 - litres, litres=litres, review=review,
    )  # fmt: skip


def cost_of(event: Any, *prices: Price) -> Decimal | None:
    idle = [event] if isinstance(event, IdleEvent) else []
    fuel = [event] if isinstance(event, FuelEvent) else []
    return event_costs(work(groups=frozenset({3})), idle, fuel, prices)[event]


def test_idling_costs_its_litres_at_the_price_in_force() -> None:
    assert cost_of(idling(1, 2, 2.5), price(0, "1.10")) == Decimal("2.75")


def test_a_price_that_changes_while_a_truck_idles_cuts_it_there() -> None:
    """The day's 4 l of idling are spread evenly in `work`: 2 l in 12 h, half of them at each price."""
    assert cost_of(idling(0, 12, 2.0), price(0, "1.00"), price(6, "2.00")) == Decimal("3.00")


@pytest.mark.parametrize("event", [idling(1, 2, None), idling(1, 2, 2.5), step(1, 50.0)])
def test_what_is_not_measured_or_has_no_price_costs_null(event: Any) -> None:
    prices = [price(0, "1.10")] if isinstance(event, IdleEvent) and event.fuel_l is None else [price(3, "1.10")]
    assert cost_of(event, *prices) is None


def test_fuel_that_comes_or_goes_is_priced_when_it_begins() -> None:
    prices = price(0, "1.10"), price(6, "1.30")
    assert cost_of(step(5.99, 100.0), *prices) == Decimal("110.00")
    assert cost_of(step(6, 85.5, Review.SUSPECTED), *prices) == Decimal("111.15")


def test_the_price_of_the_truck_s_group_comes_first() -> None:
    prices = price(0, "1.10"), price(2, "1.20", group_id=3), price(4, "9.99", group_id=8), price(5, "1.30")
    assert [cost_of(step(hour, 100.0), *prices) for hour in (1, 2, 6)] == [Decimal(110), Decimal(120), Decimal(120)]
    assert price_at(START - 1, prices, {3}) is None


def day(*events: FuelEvent, prices: tuple[Price, ...] = (price(0, "2.00"),), measured: bool = True) -> dict[str, Any]:
    return drained(events, event_costs(work(), [], events, prices), measured)


def test_dismissed_drains_and_refuels_are_in_no_sum_of_drains() -> None:
    events = (
        step(1, 300.0),
        step(2, 40.0, Review.SUSPECTED),
        step(3, 50.0, Review.CONFIRMED),
        step(4, 60.0, Review.DISMISSED),
    )
    assert day(*events) == {
        "drain_cost": Decimal("180.00"), "drain_priced_l": 90.0, "suspected_drains": 1, "suspected_drain_l": 40.0,
        "suspected_drain_cost": Decimal("80.00"),
    }  # fmt: skip


def test_no_drain_is_a_measured_zero_and_no_level_is_null() -> None:
    assert day() == {
        "drain_cost": Decimal(0), "drain_priced_l": 0, "suspected_drains": 0, "suspected_drain_l": 0,
        "suspected_drain_cost": Decimal(0),
    }  # fmt: skip
    assert set(day(measured=False).values()) == {None}


def test_a_drain_without_a_price_is_in_the_litres_and_not_in_the_money() -> None:
    found = day(step(1, 40.0, Review.SUSPECTED), step(5, 50.0, Review.SUSPECTED), prices=(price(4, "2.00"),))
    assert (found["suspected_drain_l"], found["drain_priced_l"], found["drain_cost"]) == (90.0, 50.0, Decimal(100))
    assert day(step(1, 40.0, Review.SUSPECTED), prices=())["drain_cost"] is None
