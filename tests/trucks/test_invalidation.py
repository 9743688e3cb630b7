"""The days of trucks that have figures, and which of them a change of the fleet marks."""

import datetime as dt
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.trucks.invalidation import computed_days, days_with_figures, mark_zone
from apps.trucks.models import DirtyDay, Truck
from tests import rows
from tests.rows import DAY, NOON

pytestmark = pytest.mark.django_db
ONE = dt.timedelta(days=1)


def known(fleet: Fleet, code: str, first: dt.datetime | None, until: dt.datetime | None, **changes: Any) -> Truck:
    """A truck whose messages are known from one instant to another."""
    truck = rows.truck(fleet, code)
    rows.known(truck, until, first_t=None if first is None else int(first.timestamp()), **changes)
    return truck


def test_a_truck_has_figures_from_its_first_message_to_its_watermark_by_the_fleets_clocks() -> None:
    """Of two instants an hour apart one is in the evening of the day before, in Chicago."""
    midnight = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)
    fleet = rows.fleet()
    early = known(fleet, "T-1", midnight - 3 * ONE - dt.timedelta(hours=1), midnight)  # clocks change on the 8th
    late = known(fleet, "T-2", midnight, midnight - dt.timedelta(seconds=1) + ONE)
    for code, first, until in (("T-3", None, NOON), ("T-4", NOON, None)):
        known(fleet, code, first, until)
    known(rows.fleet("Other"), "T-1", midnight - 9 * ONE, midnight + 9 * ONE)
    assert days_with_figures(fleet.pk) == {early.pk: (DAY - 4 * ONE, DAY), late.pk: (DAY, DAY)}


def test_the_days_between_two_are_those_with_figures_of_the_trucks_that_are_asked_for() -> None:
    fleet = rows.fleet()
    one, two = (known(fleet, f"T-{number}", NOON - number * ONE, NOON) for number in (1, 2))
    known(rows.fleet("Other"), "T-1", NOON - 9 * ONE, NOON)
    days = {truck.pk: [DAY - back * ONE for back in range(number, -1, -1)] for number, truck in ((1, one), (2, two))}
    whole = [(pk, day) for pk, each in days.items() for day in each]

    def found(*asked: Any) -> list[tuple[int, dt.date]]:
        return sorted(computed_days(fleet.pk, *asked))

    assert found(dt.date.min) == found(DAY - 9 * ONE, DAY + 9 * ONE) == sorted(whole)
    assert found(DAY - ONE, DAY - ONE) == [(one.pk, DAY - ONE), (two.pk, DAY - ONE)]
    assert found(DAY - ONE, None, [two.pk]) == [(two.pk, DAY - ONE), (two.pk, DAY)]
    assert found(DAY, DAY - ONE) == found(DAY + ONE) == []


def test_sealed_days_are_left_out_unless_they_are_asked_for() -> None:
    """A day that begins before the floor is sealed; one that begins with it is not."""
    fleet = rows.fleet()
    begins = int((dt.datetime(2026, 3, 9, 5, tzinfo=dt.UTC)).timestamp())
    on, after = (known(fleet, f"T-{late}", NOON - 3 * ONE, NOON, raw_since_t=begins + late) for late in (0, 1))
    assert days_with_figures(fleet.pk) == {on.pk: (DAY - ONE, DAY), after.pk: (DAY, DAY)}
    assert set(days_with_figures(fleet.pk, sealed=True).values()) == {(DAY - 3 * ONE, DAY)}


def test_a_moved_fleet_marks_what_it_has_and_what_only_the_old_zone_had() -> None:
    """Of a truck with sealed days those before them stay; other fleets' days are not concerned."""
    fleet, other = rows.fleet(), rows.fleet("Other")
    open_truck = known(fleet, "T-1", NOON - ONE, NOON)
    sealed_truck = known(fleet, "T-2", NOON - 3 * ONE, NOON, raw_since_t=int((NOON - ONE).timestamp()))
    stranger, silent = known(other, "T-1", NOON, NOON), known(fleet, "T-3", None, NOON)
    for truck, backs in ((open_truck, (-1, 0, 1, 2)), (sealed_truck, (-1, 0, 3)), (stranger, (0, 5)), (silent, (0,))):
        for back in backs:
            rows.truck_day(truck, DAY - back * ONE)
    assert mark_zone(fleet.pk) == 4 + 2
    marked = {(day.truck_id, (DAY - day.day).days) for day in DirtyDay.objects.all()}
    assert marked == {(open_truck.pk, back) for back in (-1, 0, 1, 2)} | {(sealed_truck.pk, back) for back in (-1, 0)}
