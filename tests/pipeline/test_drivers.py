"""Who drove: as Wialon's bindings tell it, also where they are changed later, and as staff know better."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks import drivers
from apps.trucks.models import DirtyDay, Driver, DriverAssignment, FleetSync, Trip, Truck, TruckSync
from apps.trucks.wialon import WialonClient
from tests import rows
from tests.elsewhere import Elsewhere, waiting_in_vain
from tests.pipeline.agreement import differences
from tests.pipeline.conftest import IMPATIENT, Simulate, sync, sync_and_summarise
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC, a Tuesday
DAY_S = 86_400
TODAY = dt.date(2026, 3, 10)
BINDINGS = "resource/get_driver_bindings"
Make = Callable[..., Fleet]


@pytest.fixture(scope="module")
def simulate() -> Simulate:
    return lambda: Simulator(trucks=5, days=4, seed=7, now=NOW, timezone="UTC", frozen=True)


def bound(fleet: Fleet) -> set[tuple[int, int, int, int, int | None]]:
    """Resource, driver, unit and seconds of all bindings."""
    found = DriverAssignment.objects.filter(fleet=fleet, source="binding").select_related("driver", "truck")
    return {
        (each.driver.resource_id, each.driver.wialon_id, each.truck.wialon_id, int(each.started_at.timestamp()),
         int(each.ended_at.timestamp()) if each.ended_at else None)
        for each in found
    }  # fmt: skip


def told(simulator: Simulator) -> set[tuple[int, int, int, int, int | None]]:
    """The same by the simulator: a binding lasts until the driver's next."""
    return {
        (resource, driver, unit, t, end)
        for resource in simulator.world.resources
        for driver, steps in simulator.bindings(resource).items()
        for (t, unit), end in zip(steps, [*(t for t, _ in steps[1:]), None], strict=True)
        if unit
    }


def dirty(fleet: Fleet) -> set[tuple[int, dt.date]]:
    return set(DirtyDay.objects.filter(fleet_id=fleet.id).values_list("truck_id", "day"))


def rebuilt(fleet: Fleet) -> None:
    assert summaries.rebuild(fleet).failed == 0


def next_look(fleet: Fleet, simulator: Simulator, seconds: int = 900) -> None:
    """Marks nothing but what the bindings change: the trucks themselves have no news."""
    simulator.advance(seconds)
    DirtyDay.objects.filter(fleet_id=fleet.id).delete()
    with WialonClient(simulator.url, simulator.token, retry=IMPATIENT) as client:
        drivers.keep_up(fleet, client, simulator.now())


def a_past_stint(fleet: Fleet, day: dt.date) -> DriverAssignment:
    """A binding that begins and ends on the day, with the truck alone, in which trips lie."""
    found = DriverAssignment.objects.filter(fleet=fleet, started_at__date=day, ended_at__date=day)
    for each in found.order_by("pk"):
        trips = Trip.objects.filter(truck_id=each.truck_id, driver_id=each.driver_id, day=day, ended_at__date=day)
        if trips.count() >= 2 and DriverAssignment.objects.filter(truck=each.truck, started_at__date=day).count() == 1:
            return each
    raise AssertionError("the simulator has no such day")


def trips_by(fleet: Fleet, stint: DriverAssignment) -> list[int | None]:
    inside = Trip.objects.filter(
        truck_id=stint.truck_id, started_at__gte=stint.started_at, ended_at__lte=stint.ended_at
    )
    return list(inside.order_by("started_at").values_list("driver_id", flat=True))


def test_all_that_wialon_tells_of_bindings_is_taken_over(fleet: Fleet, simulator: Simulator) -> None:
    assert bound(fleet) == told(simulator)
    assert {driver for _, driver, *_ in bound(fleet)} and len({unit for _, _, unit, *_ in bound(fleet)}) == 5
    assert differences(fleet, simulator) == []
    drove = Trip.objects.filter(fleet_id=fleet.id)
    assert drove.exclude(driver_id=None).count() > 20
    assert drove.filter(driver_id=None).exists()  # a day on which nobody logged in


def test_a_binding_that_is_changed_later_corrects_its_day_and_no_other(fleet: Fleet, simulator: Simulator) -> None:
    stint = a_past_stint(fleet, TODAY - dt.timedelta(days=1))
    other = Driver.objects.filter(fleet=fleet, resource_id=stint.driver.resource_id).exclude(pk=stint.driver_id).last()
    assert other is not None
    mine, theirs = (simulator.bindings(stint.driver.resource_id)[each.wialon_id] for each in (stint.driver, other))
    start, end = int(stint.started_at.timestamp()), int(stint.ended_at.timestamp())  # type: ignore[union-attr]
    simulator.set_bindings(
        stint.driver.resource_id, stint.driver.wialon_id, [b for b in mine if b[0] not in (start, end)]
    )
    simulator.set_bindings(
        stint.driver.resource_id, other.wialon_id, [*theirs, (start, stint.truck.wialon_id), (end, 0)]
    )
    next_look(fleet, simulator)
    assert dirty(fleet) == {(stint.truck_id, TODAY - dt.timedelta(days=1))}
    assert set(trips_by(fleet, stint)) == {stint.driver_id}
    rebuilt(fleet)
    assert set(trips_by(fleet, stint)) == {other.pk}
    assert differences(fleet, simulator) == []


def test_what_was_bound_over_midnight_touches_both_days(fleet: Fleet, simulator: Simulator) -> None:
    truck = Truck.objects.filter(fleet=fleet).first()
    driver = Driver.objects.filter(fleet=fleet).last()
    assert truck is not None and driver is not None
    midnight = NOW - NOW % DAY_S
    assignment = DriverAssignment(
        fleet=fleet, truck=truck, driver=driver, started_at=as_utc(midnight - 1), ended_at=as_utc(midnight + 1)
    )
    assert drivers.save(assignment) >= 2
    assert dirty(fleet) >= {(truck.pk, TODAY), (truck.pk, TODAY - dt.timedelta(days=1))}


def test_a_look_without_news_writes_and_marks_nothing(fleet: Fleet, simulator: Simulator) -> None:
    before = list(DriverAssignment.objects.order_by("pk").values())
    next_look(fleet, simulator, 901)
    assert list(DriverAssignment.objects.order_by("pk").values()) == before
    assert dirty(fleet) == set()


def test_wialon_is_not_asked_again_within_a_quarter_of_an_hour(fleet: Fleet, simulator: Simulator) -> None:
    asked = simulator.counters.calls[BINDINGS]
    next_look(fleet, simulator, 899)
    assert simulator.counters.calls[BINDINGS] == asked
    next_look(fleet, simulator, 1)
    assert simulator.counters.calls[BINDINGS] == asked + 2  # two resources


def test_a_change_older_than_two_days_is_found_the_next_day(fleet: Fleet, simulator: Simulator) -> None:
    stint = a_past_stint(fleet, TODAY - dt.timedelta(days=4))
    start = int(stint.started_at.timestamp())
    steps = simulator.bindings(stint.driver.resource_id)[stint.driver.wialon_id]
    simulator.set_bindings(stint.driver.resource_id, stint.driver.wialon_id, [b for b in steps if b[0] != start])
    next_look(fleet, simulator)
    assert dirty(fleet) == set()
    next_look(fleet, simulator, 8 * 3_600)
    assert (stint.truck_id, TODAY - dt.timedelta(days=4)) in dirty(fleet)
    rebuilt(fleet)
    assert set(trips_by(fleet, stint)) == {None}


def test_a_driver_who_is_gone_keeps_what_they_drove(fleet: Fleet, simulator: Simulator) -> None:
    stint = a_past_stint(fleet, TODAY - dt.timedelta(days=1))
    simulator.remove_driver(stint.driver.resource_id, stint.driver.wialon_id)
    before = bound(fleet)
    simulator.advance(1_000)
    sync_units_too(fleet)
    driver = Driver.objects.get(pk=stint.driver_id)
    assert not driver.is_active
    now = simulator.now()
    assert {each[:4] for each in bound(fleet)} >= {each[:4] for each in before}
    ended = {each for each in bound(fleet) if each[:2] == (driver.resource_id, driver.wialon_id)}
    assert ended and all(end is not None and end <= now for *_, end in ended)
    assert set(trips_by(fleet, stint)) == {stint.driver_id}


def sync_units_too(fleet: Fleet) -> None:
    FleetSync.objects.filter(fleet=fleet).update(units_refreshed_at=None)
    sync_and_summarise(fleet)


def test_where_the_past_may_not_be_read_the_present_binding_counts(simulator: Simulator, make_fleet: Make) -> None:
    simulator.faults.add("error", svc=BINDINGS, code=7)
    fleet = make_fleet(simulator)
    run = sync(fleet)
    assert (run.status, run.error) == ("ok", "")
    now_bound = {each[:4] for each in told(simulator) if each[4] is None}
    assert now_bound and {each[:4] for each in bound(fleet)} == now_bound
    rebuilt(fleet)  # of the past key cards tell, where the device reads them
    drove = Trip.objects.filter(fleet_id=fleet.id).exclude(driver_id=None)
    assert set(drove.values_list("truck_id", flat=True)) >= {truck_with_logins(fleet, simulator)[0].pk}


def test_an_answer_that_does_not_come_is_made_up_for_later(simulator: Simulator, make_fleet: Make) -> None:
    simulator.faults.add("html", svc=BINDINGS)
    fleet = make_fleet(simulator)
    assert sync(fleet).status == "ok"
    assert bound(fleet) == set()
    simulator.faults.clear()
    sync_and_summarise(fleet)
    assert bound(fleet) == told(simulator)


def test_too_much_at_once_is_read_in_halves(simulator: Simulator, make_fleet: Make) -> None:
    simulator.faults.add("error", svc=BINDINGS, code=1005, times=3)
    fleet = make_fleet(simulator)
    assert sync(fleet).status == "ok"
    assert bound(fleet) == told(simulator)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_changed_for_a_truck_that_is_just_rebuilt() -> None:
    """Else the trips by which the touched days are found could be replaced in between."""
    fleet = rows.fleet()
    truck, driver = rows.truck(fleet), rows.driver(fleet)
    rows.known(truck)
    with Elsewhere(lambda: TruckSync.objects.select_for_update().get(truck_id=truck.pk)), waiting_in_vain():
        drivers.save(entered(fleet, truck, driver, rows.NOON, rows.NOON + dt.timedelta(hours=1)))
    assert not DriverAssignment.objects.exists()


# --- key cards ------------------------------------------------------------------------------------------------------


def truck_with_logins(fleet: Fleet, simulator: Simulator) -> tuple[Truck, list[dict[str, Any]]]:
    for unit in simulator.units:
        if logins := [message for message in simulator.messages(unit) if "avl_driver" in message["p"]]:
            return Truck.objects.get(fleet=fleet, wialon_id=unit), logins
    raise AssertionError("no device of the simulator reads key cards")


def by_card(truck: Truck) -> list[tuple[int, int | None, str]]:
    """(first second, seconds, card) of what key cards say of the truck."""
    found = DriverAssignment.objects.filter(truck=truck, source="message").order_by("started_at")
    spans = ((int(each.started_at.timestamp()), each) for each in found.select_related("driver"))
    return [(t, each.ended_at and int(each.ended_at.timestamp()) - t, each.driver.key_card) for t, each in spans]


def test_key_cards_in_messages_say_who_has_the_truck(fleet: Fleet, simulator: Simulator) -> None:
    truck, logins = truck_with_logins(fleet, simulator)
    starts = [login["t"] for login in logins]
    ends = [min(t + 15 * 3_600, following) for t, following in zip(starts, [*starts[1:], 2**40], strict=True)]
    cards = [login["p"]["avl_driver"] for login in logins]
    assert len(logins) > 2
    assert by_card(truck) == [(t, end - t, card) for t, end, card in zip(starts, ends, cards, strict=True)]


def test_a_late_login_ends_the_one_before_and_goes_with_its_message(fleet: Fleet, simulator: Simulator) -> None:
    truck, (*_, last) = truck_with_logins(fleet, simulator)
    before = by_card(truck)
    other = Driver.objects.filter(fleet=fleet).exclude(key_card=last["p"]["avl_driver"]).first()
    assert other is not None
    login = {"t": last["t"] + 1_000, "f": 0x20, "p": {"avl_driver": other.key_card.lower()}}
    simulator.add_messages(truck.wialon_id, [login])
    sync_and_summarise(fleet)
    assert by_card(truck)[-2:] == [
        (last["t"], 1_000, last["p"]["avl_driver"]),
        (login["t"], 15 * 3_600, other.key_card),
    ]
    simulator.delete_messages(truck.wialon_id, lambda message: message["t"] == login["t"])
    simulator.advance(86_400)
    sync_and_summarise(fleet)
    assert by_card(truck)[: len(before)] == before


def test_a_card_that_nobody_had_is_its_driver_s_once_they_are_known(fleet: Fleet, simulator: Simulator) -> None:
    truck, (*_, last) = truck_with_logins(fleet, simulator)
    simulator.add_messages(truck.wialon_id, [{"t": last["t"] + 500, "f": 0x20, "p": {"avl_driver": "BEEF"}}])
    sync_and_summarise(fleet)
    assert by_card(truck)[-1] == (last["t"], 500, last["p"]["avl_driver"])
    driver = rows.driver(fleet, "Newcomer", key_card="beef", resource_id=600_010, wialon_id=99)
    sync(fleet)
    assert by_card(truck)[-1] == (last["t"] + 500, 15 * 3_600, "beef")
    Driver.objects.filter(pk=driver.pk).update(key_card="another")
    sync(fleet)
    assert by_card(truck)[-1] == (last["t"] + 500, 15 * 3_600, "another")  # what they drove stays theirs


# --- staff ----------------------------------------------------------------------------------------------------------


def entered(fleet: Fleet, truck: Truck, driver: Driver, start: dt.datetime, end: dt.datetime) -> DriverAssignment:
    return DriverAssignment(fleet=fleet, truck=truck, driver=driver, started_at=start, ended_at=end)


def test_what_staff_enter_counts_until_they_take_it_back(fleet: Fleet, simulator: Simulator) -> None:
    stint = a_past_stint(fleet, TODAY - dt.timedelta(days=1))
    other = rows.driver(fleet, "Somebody", wialon_id=99, resource_id=stint.driver.resource_id)
    assert stint.ended_at is not None
    mine = entered(fleet, stint.truck, other, stint.started_at, stint.ended_at)
    assert drivers.save(mine) == 1
    assert dirty(fleet) == {(stint.truck_id, TODAY - dt.timedelta(days=1))}
    rebuilt(fleet)
    assert set(trips_by(fleet, stint)) == {other.pk}
    assert differences(fleet, simulator) == []
    assert drivers.delete(mine) == 1
    rebuilt(fleet)
    assert set(trips_by(fleet, stint)) == {stint.driver_id}


def test_a_binding_that_staff_have_outdone_marks_no_day(fleet: Fleet, simulator: Simulator) -> None:
    stint = a_past_stint(fleet, TODAY - dt.timedelta(days=1))
    assert stint.ended_at is not None
    drivers.save(entered(fleet, stint.truck, stint.driver, stint.started_at, stint.ended_at))
    assert dirty(fleet) == set()  # the same driver as before
    steps = simulator.bindings(stint.driver.resource_id)[stint.driver.wialon_id]
    start = int(stint.started_at.timestamp())
    simulator.set_bindings(stint.driver.resource_id, stint.driver.wialon_id, [b for b in steps if b[0] != start])
    next_look(fleet, simulator)
    assert not DriverAssignment.objects.filter(pk=stint.pk).exists()
    assert dirty(fleet) == set()


def test_a_trip_that_began_the_day_before_is_rebuilt_there_too(fleet: Fleet) -> None:
    midnight = as_utc(NOW - NOW % DAY_S)
    over = Trip.objects.filter(fleet_id=fleet.id, started_at__lt=midnight, ended_at__gt=midnight).first()
    assert over is not None and over.ended_at is not None
    truck, driver = Truck.objects.get(pk=over.truck_id), rows.driver(fleet, wialon_id=99)
    drivers.save(entered(fleet, truck, driver, midnight, over.ended_at + dt.timedelta(hours=1)))
    assert dirty(fleet) == {(truck.pk, TODAY), (truck.pk, over.day)}


def test_what_cannot_be_is_refused(fleet: Fleet, make_fleet: Make, simulator: Simulator) -> None:
    truck, driver = Truck.objects.filter(fleet=fleet).first(), Driver.objects.filter(fleet=fleet).first()
    assert truck is not None and driver is not None
    noon, hour = as_utc(NOW), dt.timedelta(hours=1)
    drivers.save(entered(fleet, truck, driver, noon, noon + hour))
    foreign = make_fleet(simulator)
    strange = {"truck": rows.truck(foreign), "driver": rows.driver(foreign)}
    for changes, word in (
        ({"ended_at": noon}, "not after the start"),
        ({"truck": strange["truck"]}, "another fleet"),
        ({"driver": strange["driver"]}, "another fleet"),
        ({"started_at": noon - hour, "ended_at": None}, "a part of this time"),
        ({"started_at": noon + hour / 2, "ended_at": noon + 2 * hour}, "a part of this time"),
    ):
        bad = entered(fleet, truck, driver, noon, noon + hour)
        for name, value in changes.items():
            setattr(bad, name, value)
        with pytest.raises(ValidationError, match=word):
            bad.clean()
    entered(fleet, truck, driver, noon + hour, noon + 2 * hour).clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        entered(fleet, truck, driver, noon, noon).save()
