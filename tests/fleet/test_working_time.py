"""Working calendars and stays in the workshop: what they say of a day, and which days a change of them touches."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.models import CalendarHoliday, FleetDay, WorkingCalendar, WorkshopStay
from apps.fleet.summaries.use import Use
from apps.fleet.utilization import working_calendars, workshop
from apps.fleet.utilization.working_calendars import Calendars
from apps.fleet.utilization.working_time import Calendar, hours_on, of_truck
from apps.trucks.models import DirtyDay, ParameterSet, Truck, TruckDay
from tests import rows
from tests.fleet.shifts import NOW, START, shift
from tests.fleet.span_twin import assert_spans_add_up
from tests.lasting import Lasting, anew
from tests.pipeline import feed

MONDAY = dt.date(2026, 3, 16)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + dt.timedelta(days=number) for number in (1, 2, 3))
WEEK = (8.0, 8.0, 8.0, 8.0, 6.0, 0.0, None)


def calendar(first: str = "2026-01-01", last: str | None = None, **changes: Any) -> Calendar:
    values = {"truck_id": None, "hours": WEEK, **changes}
    return Calendar(dt.date.fromisoformat(first), last and dt.date.fromisoformat(last), **values)


def hours(calendars: list[Calendar], day: str, truck_id: int = 1) -> float | None:
    return hours_on(of_truck(calendars, truck_id), dt.date.fromisoformat(day))


def test_a_day_has_the_hours_of_its_weekday_or_of_its_holiday() -> None:
    easter = calendar(holidays=frozenset({(dt.date(2026, 4, 6), 0.0), (dt.date(2026, 12, 24), 4.0)}))
    days = {"2026-03-30": 8, "2026-04-03": 6, "2026-04-04": 0, "2026-04-05": None, "2026-04-06": 0, "2026-12-24": 4}
    assert {day: hours([easter], day) for day in days} == days


def test_a_truck_s_own_calendar_replaces_the_fleet_s_whole() -> None:
    fleet_wide = calendar(holidays=frozenset({(dt.date(2026, 4, 6), 0.0)}))
    own = calendar("2026-04-01", "2026-04-30", truck_id=1, hours=(24.0,) * 7)
    assert [hours([own, fleet_wide], day) for day in ("2026-03-31", "2026-04-06", "2026-05-04")] == [8, 24, 8]
    assert hours([own, fleet_wide], "2026-04-06", truck_id=2) == 0


def test_of_several_calendars_the_one_that_began_last_counts_and_without_one_the_parameter() -> None:
    calendars = [calendar(), calendar("2026-06-01", "2026-06-30", hours=(10.0,) * 7)]
    assert [hours(calendars, day) for day in ("2025-12-31", "2026-05-29", "2026-06-01", "2026-07-01")] == [
        None, 6, 10, 8,
    ]  # fmt: skip


# --- in the database ------------------------------------------------------------------------------------------------


def two_trucks() -> Fleet:
    """Two trucks, from Monday to Thursday noon, rebuilt: they work from 8 to 11."""
    made = rows.fleet(timezone="UTC")
    for number in range(2):
        feed.receive(feed.truck_of(made, f"T-{number}"), shift(km=1_000 * number), NOW)
    assert summaries.rebuild(made).failed == 0
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(two_trucks)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def truck(fleet: Fleet, number: int = 0) -> Truck:
    return Truck.objects.get(fleet=fleet, code=f"T-{number}")


def marked(fleet: Fleet) -> list[tuple[str, dt.date]]:
    codes = dict(Truck.objects.values_list("pk", "code"))
    log = DirtyDay.objects.filter(fleet_id=fleet.pk).order_by("truck_id", "day")
    return [(codes[truck_id], day) for truck_id, day in log.values_list("truck_id", "day")]


def available(fleet: Fleet, number: int = 0) -> list[float]:
    """Hours of Monday to Thursday."""
    days = TruckDay.objects.filter(fleet_id=fleet.pk, truck_id=truck(fleet, number).pk).order_by("day")
    return [seconds / 3_600 for seconds in days.values_list("available_s", flat=True)]


def enter(fleet: Fleet, text: str, holidays: tuple[str, ...] = (), **changes: Any) -> int:
    with working_calendars.changing(fleet) as done:
        rows.calendar(fleet, text, holidays, **changes)
    return done.days


def test_without_a_calendar_every_day_has_the_hours_of_the_parameter(fleet: Fleet) -> None:
    assert available(fleet) == [12, 12, 12, 12]


def test_a_calendar_marks_the_days_on_which_it_makes_a_difference_alone(fleet: Fleet) -> None:
    assert enter(fleet, "- 8 - - - 0 0", ("2026-03-18",)) == 4
    assert marked(fleet) == [(code, day) for code in ("T-0", "T-1") for day in (TUESDAY, WEDNESDAY)]
    summaries.rebuild(fleet)
    assert available(fleet) == available(fleet, 1) == [12, 8, 0, 12]
    assert_spans_add_up(fleet.pk)


def test_a_truck_s_calendar_marks_its_own_days(fleet: Fleet) -> None:
    enter(fleet, "8 8 8 8 8 0 0")
    summaries.rebuild(fleet)
    assert enter(fleet, "8 8 8 24 24 24 24", truck=truck(fleet, 1), effective_from=TUESDAY) == 1
    assert marked(fleet) == [("T-1", THURSDAY)]
    summaries.rebuild(fleet)
    assert (available(fleet), available(fleet, 1)) == ([8, 8, 8, 8], [8, 8, 8, 24])


def test_a_calendar_that_ends_or_goes_leaves_the_days_as_they_were_before_it(fleet: Fleet) -> None:
    enter(fleet, "0 0 0 0 0 0 0")
    summaries.rebuild(fleet)
    with working_calendars.changing(fleet) as done:
        WorkingCalendar.objects.update(effective_to=TUESDAY)
    assert (done.days, {day for _, day in marked(fleet)}) == (4, {WEDNESDAY, THURSDAY})
    summaries.rebuild(fleet)
    assert available(fleet) == [0, 0, 12, 12]
    with working_calendars.changing(fleet):
        WorkingCalendar.objects.all().delete()
    assert {day for _, day in marked(fleet)} == {MONDAY, TUESDAY}


def test_a_holiday_that_is_entered_later_marks_its_day(fleet: Fleet) -> None:
    enter(fleet, "8 8 8 8 8 0 0")
    summaries.rebuild(fleet)
    with working_calendars.changing(fleet):
        CalendarHoliday.objects.create(calendar=WorkingCalendar.objects.get(), day=TUESDAY, name="Market day")
    assert marked(fleet) == [("T-0", TUESDAY), ("T-1", TUESDAY)]


def test_a_change_that_fails_leaves_nothing(fleet: Fleet) -> None:
    with pytest.raises(RuntimeError), working_calendars.changing(fleet):
        rows.calendar(fleet)
        raise RuntimeError
    assert not WorkingCalendar.objects.exists()
    assert marked(fleet) == []


def test_while_calendars_change_nobody_stores_or_rebuilds(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is what makes sure that no day comes about by the old calendar after the others have been marked."""
    order: list[str] = []
    lock = working_calendars.lock_trucks
    monkeypatch.setattr(working_calendars, "lock_trucks", lambda pk: (order.append("locked"), lock(pk))[1])
    with working_calendars.changing(fleet):
        order.append("written")
    monkeypatch.setattr(workshop, "lock_trucks", lambda pk: (order.append("locked"), lock(pk))[1])
    workshop.save(WorkshopStay(fleet=fleet, truck=truck(fleet), effective_from=MONDAY))
    assert order == ["locked", "written", "locked"]


def test_work_on_a_day_off_counts_and_is_not_clipped(fleet: Fleet) -> None:
    enter(fleet, "0 0 0 1 0 0 0")
    summaries.rebuild(fleet)
    found = FleetDay.objects.filter(fleet_id=fleet.pk).order_by("day").values_list("days_working", "days_used_working")
    assert list(found) == [(0, 0), (0, 0), (0, 0), (2, 2)]
    day = TruckDay.objects.get(fleet_id=fleet.pk, truck_id=truck(fleet).pk, day=THURSDAY)
    assert day.moving_s > day.available_s


CALENDARS = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(-3, 5),
        st.none() | st.integers(0, 4),
        st.tuples(*[st.none() | st.integers(0, 3)] * 7),
        st.sets(st.integers(-3, 5), max_size=3),
    ),
    max_size=3,
    unique_by=lambda row: row[:2],
)  # a truck's own, first day, length, hours, holidays


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=CALENDARS, after=CALENDARS)
def test_exactly_the_days_whose_hours_differ_are_marked(fleet: Fleet, before: list, after: list) -> None:
    DirtyDay.objects.all().delete()
    WorkingCalendar.objects.all().delete()
    store(fleet, before)
    known = {(truck_id, day): hours_by_hand(truck_id, day) for truck_id, day in days_of(fleet)}
    with working_calendars.changing(fleet) as done:
        WorkingCalendar.objects.all().delete()
        store(fleet, after)
    differing = {pair for pair in known if known[pair] != hours_by_hand(*pair)}
    assert set(DirtyDay.objects.values_list("truck_id", "day")) == differing
    assert done.days == len(differing)
    calendars = Calendars(fleet.pk)
    assert all(calendars.hours(*pair) == hours_by_hand(*pair) for pair in known)


def days_of(fleet: Fleet) -> list[tuple[int, dt.date]]:
    return list(TruckDay.objects.filter(fleet_id=fleet.pk).values_list("truck_id", "day"))


def store(fleet: Fleet, found: list[tuple[Any, ...]]) -> None:
    for is_own, first, length, of_week, holidays in found:
        start = MONDAY + dt.timedelta(days=first)
        end = None if length is None else start + dt.timedelta(days=length)
        text = " ".join("-" if value is None else str(value) for value in of_week)
        off = tuple(str(MONDAY + dt.timedelta(days=day)) for day in sorted(holidays))
        own = truck(fleet) if is_own else None
        rows.calendar(fleet, text, off, effective_from=start, effective_to=end, truck=own)


def hours_by_hand(truck_id: int, day: dt.date) -> float | None:
    """The rows in force, a truck's own first, the latest first; then the holiday, then the weekday."""
    for owner in (truck_id, None):
        found = [row for row in WorkingCalendar.objects.filter(truck_id=owner) if row.effective_from <= day]
        found = [row for row in found if row.effective_to is None or row.effective_to >= day]
        if found:
            row = max(found, key=lambda row: row.effective_from)
            holiday = row.holidays.filter(day=day).first()
            value = holiday.hours if holiday else getattr(row, day.strftime("%A").lower())
            return None if value is None else float(value)
    return None


def test_a_rebuild_reads_a_calendar_as_it_stands(fleet: Fleet) -> None:
    """The parameter still holds where the calendar says nothing."""
    rows.parameters(fleet, {"available_hours_per_day": 9}, effective_from=WEDNESDAY)
    rows.calendar(fleet, "4 - - 4 0 0 0")
    DirtyDay.objects.bulk_create(
        DirtyDay(fleet_id=fleet.pk, truck_id=truck_id, day=day, cause="test", marked_at=rows.NOON)
        for truck_id, day in days_of(fleet)
    )
    summaries.rebuild(fleet)
    assert available(fleet) == [4, 12, 9, 4]
    assert ParameterSet.objects.count() == 1


# --- the workshop ---------------------------------------------------------------------------------------------------


def change_stay(fleet: Fleet, change: Callable[[WorkshopStay], object]) -> int:
    row = WorkshopStay.objects.get(fleet=fleet)
    change(row)
    return workshop.save(row)


def test_a_stay_marks_its_days_and_a_change_those_that_come_and_go(fleet: Fleet) -> None:
    first = truck(fleet)
    stay = WorkshopStay(fleet=fleet, truck=first, effective_from=MONDAY, effective_to=TUESDAY)
    assert workshop.save(stay) == 2
    assert marked(fleet) == [("T-0", MONDAY), ("T-0", TUESDAY)]
    summaries.rebuild(fleet)
    moved = change_stay(
        fleet, lambda row: (setattr(row, "effective_from", TUESDAY), setattr(row, "effective_to", None))
    )
    assert (moved, [day for _, day in marked(fleet)]) == (3, [MONDAY, WEDNESDAY, THURSDAY])
    summaries.rebuild(fleet)
    shown = TruckDay.objects.filter(truck_id=first.pk).order_by("day").values_list("in_workshop", flat=True)
    assert list(shown) == [False, True, True, True]
    assert workshop.delete(WorkshopStay.objects.get()) == 3
    assert [day for _, day in marked(fleet)] == [TUESDAY, WEDNESDAY, THURSDAY]


def test_a_day_is_used_or_not_for_one_reason(fleet: Fleet) -> None:
    """A third truck: Monday standing in the workshop, Tuesday driving there, Wednesday silent, Thursday parked."""
    third = feed.truck_of(fleet, "T-2")
    standing = [{**each, "p": {"ign": 0}, "pos": None} for each in shift(days=4)]
    messages = [each for each in standing if not START + 86_400 <= each["t"] < START + 3 * 86_400]
    messages += [each for each in shift(km=9_000) if START + 86_400 <= each["t"] < START + 2 * 86_400]
    rows.parameters(fleet, {"parked_gap_cap_s": 600})
    feed.receive(third, sorted(messages, key=lambda each: each["t"]), NOW)
    workshop.save(WorkshopStay(fleet=fleet, truck=third, effective_from=MONDAY, effective_to=TUESDAY))
    enter(fleet, "8 8 0 8 8 0 0")
    summaries.rebuild(fleet)
    names = ("trucks_used", "days_working", "days_used_working", "days_workshop", "days_workshop_working",
             "days_no_data", "days_no_data_working")  # fmt: skip
    found = list(FleetDay.objects.filter(fleet_id=fleet.pk).order_by("day").values_list(*names))
    assert found == [
        (2, 3, 2, 1, 1, 0, 0), (3, 3, 3, 0, 0, 0, 0), (2, 0, 0, 0, 0, 1, 0), (2, 3, 2, 0, 0, 0, 0),
    ]  # fmt: skip
    assert_spans_add_up(fleet.pk)


def test_a_truck_is_in_the_workshop_for_its_own_stays_and_those_of_its_fleet_alone(fleet: Fleet) -> None:
    other = rows.fleet("Other")
    for each, first, last in ((truck(fleet), MONDAY, MONDAY), (truck(fleet), WEDNESDAY, WEDNESDAY),
                              (truck(fleet, 1), TUESDAY, None), (rows.truck(other), MONDAY, None)):  # fmt: skip
        WorkshopStay.objects.create(fleet=each.fleet, truck=each, effective_from=first, effective_to=last)
    stays = workshop.Stays(fleet.pk)
    held = [
        [stays.hold(truck(fleet, number).pk, MONDAY + dt.timedelta(days=day)) for day in range(4)] for number in (0, 1)
    ]
    assert held == [[True, False, True, False], [False, True, True, True]]
    assert len(stays.all) == 3


def test_calendars_of_another_fleet_say_nothing_of_this_one(fleet: Fleet) -> None:
    rows.calendar(rows.fleet("Other"), "1 1 1 1 1 1 1")
    assert Calendars(fleet.pk).hours(truck(fleet).pk, MONDAY) is None


def test_a_stay_that_cannot_be_marked_is_not_stored(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise RuntimeError

    monkeypatch.setattr(workshop, "mark", refuse)
    with pytest.raises(RuntimeError):
        workshop.save(WorkshopStay(fleet=fleet, truck=truck(fleet), effective_from=MONDAY))
    assert not WorkshopStay.objects.exists()


def test_use_reads_no_more_for_many_days_than_for_one(fleet: Fleet, django_assert_num_queries: Any) -> None:
    rows.calendar(fleet)
    with django_assert_num_queries(3):  # calendars, holidays, stays
        Use(fleet)
