"""A fleet's policy: floors that rise, and messages that go."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.accounts.calendar import day_of, day_start
from apps.accounts.models import SHORTEST_RETENTION_DAYS, Fleet
from apps.trucks import invalidation
from apps.trucks.messages import retention
from apps.trucks.messages.sealing import REACH_S, kept_since
from apps.trucks.models import DirtyDay, FactsRevision, Message, TruckSync
from tests import rows as make
from tests.elsewhere import Elsewhere
from tests.trucks.test_partitions import NOW, truck_with

pytestmark = pytest.mark.django_db
DAY_S = 86_400


@pytest.fixture
def fleet() -> Fleet:
    return make.fleet(raw_retention_days=100)


def floor_of(fleet: Fleet) -> int:
    """A hundred days ago, at the fleet's midnight."""
    return day_start(day_of(NOW, fleet.zone) - dt.timedelta(days=100), fleet.zone)


def floors() -> list[int | None]:
    return list(TruckSync.objects.order_by("truck_id").values_list("raw_since_t", flat=True))


def test_the_floor_is_a_local_midnight_and_rises_with_time(fleet: Fleet) -> None:
    truck_with(NOW - 300 * DAY_S, NOW, fleet=fleet)
    DirtyDay.objects.all().delete()
    assert retention.raise_floors(fleet, NOW) == 1
    assert floors() == [floor_of(fleet)]
    assert FactsRevision.objects.get(fleet_id=fleet.pk).revision > 0
    assert retention.raise_floors(fleet, NOW) == 0
    assert retention.raise_floors(fleet, NOW + 3 * DAY_S) == 1
    assert floors()[0] > floor_of(fleet)


def test_a_floor_never_falls(fleet: Fleet) -> None:
    truck_with(NOW - 300 * DAY_S, fleet=fleet)
    DirtyDay.objects.all().delete()
    retention.raise_floors(fleet, NOW)
    for days in (200, None):
        fleet.raw_retention_days = days
        assert retention.raise_floors(fleet, NOW) == 0
    assert floors() == [floor_of(fleet)]


@pytest.mark.django_db(transaction=True)
def test_the_floor_of_a_truck_that_is_being_synchronised_rises_another_time() -> None:
    fleet = make.fleet(raw_retention_days=100)
    truck_with(NOW - 300 * DAY_S, fleet=fleet)
    DirtyDay.objects.all().delete()
    with Elsewhere(lambda: list(TruckSync.objects.select_for_update())):
        assert retention.raise_floors(fleet, NOW) == 0
    assert retention.raise_floors(fleet, NOW) == 1


def test_without_a_policy_or_older_messages_there_is_no_floor(fleet: Fleet) -> None:
    truck_with(NOW - 50 * DAY_S, fleet=fleet)
    truck_with(NOW - 300 * DAY_S)
    DirtyDay.objects.all().delete()
    for each in Fleet.objects.all():
        assert retention.raise_floors(each, NOW) == 0
    assert floors() == [None, None]


def test_a_floor_does_not_pass_a_day_that_waits_for_its_rebuild(fleet: Fleet) -> None:
    truck = truck_with(NOW - 300 * DAY_S, fleet=fleet)
    DirtyDay.objects.all().delete()
    waiting = day_of(NOW, fleet.zone) - dt.timedelta(days=150)
    invalidation.mark(fleet.pk, [(truck.id, waiting)], "staff")
    retention.raise_floors(fleet, NOW)
    assert floors() == [day_start(waiting, fleet.zone)]
    DirtyDay.objects.all().delete()
    retention.raise_floors(fleet, NOW)
    assert floors() == [floor_of(fleet)]


def test_what_others_still_need_the_partition_of_is_deleted_after_a_month(fleet: Fleet) -> None:
    kept = kept_since(floor_of(fleet))
    seconds = (kept - 90 * DAY_S, kept - 70 * DAY_S, kept - 1, kept, NOW)
    truck_with(*seconds, fleet=fleet)
    other = truck_with(*seconds)
    DirtyDay.objects.all().delete()
    retention.raise_floors(fleet, NOW)
    assert retention.delete_gone(60) == 2
    mine = Message.objects.filter(fleet_id=fleet.pk).order_by("t")
    assert list(mine.values_list("t", flat=True)) == list(seconds[2:])
    assert Message.objects.filter(truck_id=other.id).count() == len(seconds)
    assert retention.delete_gone(60) == 0


def test_deleting_ends_in_time_and_goes_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "DELETED_AT_ONCE", 2)
    start = kept_since(floor_of(fleet)) - 100 * DAY_S
    truck_with(*range(start, start + 5), NOW, fleet=fleet)
    DirtyDay.objects.all().delete()
    retention.raise_floors(fleet, NOW)
    assert [retention.delete_gone(0) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("days", [0, 1, SHORTEST_RETENTION_DAYS - 1])
def test_too_short_a_time_is_refused(fleet: Fleet, days: int) -> None:
    fleet.raw_retention_days = days
    with pytest.raises(ValidationError):
        fleet.full_clean()
    with pytest.raises(IntegrityError):
        fleet.save()


def test_the_shortest_time_is_what_late_messages_can_reach() -> None:
    assert SHORTEST_RETENTION_DAYS * DAY_S == REACH_S
