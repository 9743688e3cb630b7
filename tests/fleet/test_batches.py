"""Which of the dirty days a batch takes: those of one time together, and no truck that another worker might take."""

import datetime as dt

import pytest
from django.db import transaction

from apps.accounts.calendar import days_between
from apps.accounts.models import Fleet
from apps.fleet.summaries import batches
from apps.trucks import invalidation
from apps.trucks.models import DirtyDay
from tests import rows
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
FIRST, LAST = dt.date(2026, 3, 13), dt.date(2026, 3, 24)  # the pentads are up to 15, 20 and 25


def fleet_of(trucks: int, first: dt.date = FIRST, last: dt.date = LAST) -> Fleet:
    """Trucks that have no messages; the days first to last of each are marked."""
    made = rows.fleet(timezone="UTC")
    ids = [feed.truck_of(made, f"T-{number}").pk for number in range(trucks)]
    invalidation.mark(made.pk, [(truck_id, day) for truck_id in ids for day in days_between(first, last)], "test")
    return made


def taken(fleet: Fleet) -> list[list[int]]:
    """The days of the month that the next batch takes, of each truck."""
    before = set(DirtyDay.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "day"))
    assert batches.rebuild_batch(fleet).claimed
    gone = before - set(DirtyDay.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "day"))
    days = {truck_id: sorted(day.day for each, day in gone if each == truck_id) for truck_id, _ in gone}
    return sorted(days.values())


def test_of_trucks_with_many_days_a_batch_takes_whole_pentads_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 24)
    fleet = fleet_of(trucks=4, last=dt.date(2026, 3, 31))
    assert taken(fleet) == [list(range(13, 21))] * 2
    assert taken(fleet) == [list(range(21, 32))] * 2, "two pentads, one of them with six days"


def test_a_pentad_that_is_more_than_a_batch_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 3)
    fleet = fleet_of(trucks=1, first=dt.date(2026, 3, 16))
    assert [taken(fleet) for _ in range(3)] == [[[16, 17, 18]], [[19, 20]], [[21, 22, 23]]]


def test_of_trucks_with_one_day_each_a_batch_takes_as_many_as_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 3)
    fleet = fleet_of(trucks=4, last=FIRST)
    assert [taken(fleet) for _ in range(2)] == [[[13]] * 3, [[13]]]


def test_of_days_of_many_trucks_a_batch_takes_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_TRUCKS", 2)
    fleet = fleet_of(trucks=4, last=FIRST)
    assert [taken(fleet) for _ in range(2)] == [[[13]] * 2] * 2


def test_half_of_few_trucks_are_left_to_another_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 120)
    fleet = fleet_of(trucks=2, last=FIRST + dt.timedelta(days=99))
    with transaction.atomic():
        assert len(batches._lock_trucks(fleet.pk)) == 1
