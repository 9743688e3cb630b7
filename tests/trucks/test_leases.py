"""A fleet is synchronised by one worker at a time, by the database's clock."""

import datetime as dt

import pytest
import time_machine
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync
from apps.trucks.sync import leases
from tests import rows as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet() -> Fleet:
    return make.fleet()


def claim(fleet: Fleet, *, only_if_due: bool = True) -> leases.Lease:
    lease = leases.claim(fleet.id, only_if_due=only_if_due)
    assert lease is not None
    return lease


def lapse(fleet: Fleet) -> None:
    FleetSync.objects.filter(fleet=fleet).update(lease_until=Now() - dt.timedelta(seconds=1))


def test_a_fleet_is_lent_to_one_worker_at_a_time(fleet: Fleet) -> None:
    lease = claim(fleet)
    assert leases.claim(fleet.id, only_if_due=False) is None
    assert leases.due_fleets() == []
    lease.release(next_in_s=0)
    assert leases.due_fleets() == [fleet.id]
    claim(fleet)


def test_a_fleet_that_was_just_done_is_not_due_but_may_be_asked_for(fleet: Fleet) -> None:
    claim(fleet).release(next_in_s=60)
    assert leases.due_fleets() == []
    assert leases.claim(fleet.id, only_if_due=True) is None
    claim(fleet, only_if_due=False)


def test_an_inactive_fleet_is_never_due(fleet: Fleet) -> None:
    Fleet.objects.update(is_active=False)
    assert leases.due_fleets() == []


def test_who_was_away_for_longer_than_the_lease_learns_that_it_went_on_elsewhere(fleet: Fleet) -> None:
    with time_machine.travel(0, tick=False) as clock:
        lost = claim(fleet)
        lapse(fleet)
        found = claim(fleet)
        lost.renew()  # too soon after the claim to ask
        clock.shift(20)
        with pytest.raises(leases.LeaseLost):
            lost.renew()
        found.renew()
    lost.release(next_in_s=0)  # is no longer his to give back
    assert leases.claim(fleet.id, only_if_due=False) is None


def test_the_clock_of_a_worker_does_not_matter(fleet: Fleet) -> None:
    claim(fleet)
    with time_machine.travel(dt.datetime(2099, 1, 1, tzinfo=dt.UTC)):
        assert leases.claim(fleet.id, only_if_due=False) is None


def test_the_pause_doubles_with_each_failure_up_to_an_hour(fleet: Fleet) -> None:
    pauses = [leases.pause_after_failures(fleet.id, interval_s=60) for _ in range(9)]
    assert pauses == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]
    leases.no_failures(fleet.id)
    assert leases.pause_after_failures(fleet.id, interval_s=60) == 60


def test_units_are_stale_until_refreshed_and_again_after_a_while(fleet: Fleet) -> None:
    assert leases.units_are_stale(fleet.id, 900)
    leases.units_were_refreshed(fleet.id)
    assert not leases.units_are_stale(fleet.id, 900)
    FleetSync.objects.update(units_refreshed_at=Now() - dt.timedelta(seconds=901))
    assert leases.units_are_stale(fleet.id, 900)
