"""Working calendars, stays in the workshop and targets of groups in the admin."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.fleet.models import CalendarHoliday, GroupTarget, WorkingCalendar, WorkshopStay
from apps.fleet.models.working_time import WEEKDAYS
from apps.trucks.models import DirtyDay, Truck
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]
TUESDAY = rows.DAY
MONDAY = TUESDAY - dt.timedelta(days=1)


@pytest.fixture
def truck() -> Truck:
    """Known on Monday and Tuesday."""
    made = rows.truck(rows.fleet(timezone="UTC"))
    rows.known(made, first_t=int(dt.datetime(2026, 3, 9, tzinfo=dt.UTC).timestamp()))
    return made


def page(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:fleet_{model._meta.model_name}_{name}", args=args)


def calendar(of: Truck, *holidays: dict[str, Any], initial: int = 0, **changes: Any) -> dict[str, Any]:
    """The form of a calendar with Monday off; its holidays."""
    values = {name: "" for name in WEEKDAYS} | {"monday": "0", "effective_from": "2026-01-01", "effective_to": ""}
    management = {"holidays-TOTAL_FORMS": len(holidays), "holidays-INITIAL_FORMS": initial}
    rows_of = {f"holidays-{n}-{name}": value for n, row in enumerate(holidays) for name, value in row.items()}
    return {"fleet": of.fleet_id, "truck": "", **values, **management, **rows_of, **changes}


def holiday(day: dt.date, **changes: Any) -> dict[str, Any]:
    return {"day": day.isoformat(), "name": "Fair", "hours": "0", **changes}


def marked() -> set[tuple[dt.date, str]]:
    found = set(DirtyDay.objects.values_list("day", "cause"))
    DirtyDay.objects.all().delete()
    return found


def test_a_calendar_is_entered_with_its_holidays_changed_and_removed(client: Client, truck: Truck) -> None:
    answer = client.post(page("add", WorkingCalendar), calendar(truck, holiday(TUESDAY)), follow=True)
    assert "2 truck-days are being computed anew" in answer.content.decode()
    assert marked() == {(MONDAY, "working calendar"), (TUESDAY, "working calendar")}
    row = WorkingCalendar.objects.get()
    assert row.tuesday is None
    stored = {"id": row.holidays.get().pk, "calendar": row.pk}
    same = calendar(truck, holiday(TUESDAY, **stored), initial=1)
    assert (
        "No day that was computed"
        in client.post(page("change", WorkingCalendar, row.pk), same, follow=True).content.decode()
    )
    gone = calendar(truck, holiday(TUESDAY, **stored, DELETE="on"), initial=1)
    assert client.post(page("change", WorkingCalendar, row.pk), gone).status_code == 302
    assert (marked(), CalendarHoliday.objects.count()) == ({(TUESDAY, "working calendar")}, 0)
    client.post(
        page("changelist", WorkingCalendar), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert (marked(), WorkingCalendar.objects.count()) == ({(MONDAY, "working calendar")}, 0)
    assert LogEntry.objects.count() == 4


@pytest.mark.parametrize(
    ("changes", "holidays", "message"),
    [
        ({"monday": "25"}, [], "less than or equal to 24"),
        ({"monday": "-1"}, [], "greater than or equal to 0"),
        ({"effective_to": "2025-12-31"}, [], "lies before the first day"),
        ({"effective_to": "2026-03-01"}, [holiday(TUESDAY)], "is not in the calendar"),
        ({}, [holiday(TUESDAY), holiday(TUESDAY)], "duplicate"),
        ({}, [holiday(TUESDAY, hours="30")], "less than or equal to 24"),
    ],
)
def test_what_is_no_calendar_is_refused_in_words_and_nothing_is_stored(
    client: Client, truck: Truck, changes: dict[str, Any], holidays: list[dict[str, Any]], message: str
) -> None:
    answer = client.post(page("add", WorkingCalendar), calendar(truck, *holidays, **changes))
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not WorkingCalendar.objects.exists()
    assert marked() == set()


def test_a_second_calendar_from_the_same_day_on_is_refused(client: Client, truck: Truck) -> None:
    rows.calendar(truck.fleet, effective_from=dt.date(2026, 1, 1))
    answer = client.post(page("add", WorkingCalendar), calendar(truck))
    assert "there is a calendar from this day on already" in answer.content.decode()
    assert client.post(page("add", WorkingCalendar), calendar(truck, truck=truck.pk)).status_code == 302


def test_whoever_may_change_calendars_may_change_their_holidays_and_others_only_see_them(
    client: Client, truck: Truck
) -> None:
    row = rows.calendar(truck.fleet, holidays=(str(TUESDAY),))
    user = User.objects.create_user("staff", is_staff=True)
    FleetMembership.objects.create(user=user, fleet=truck.fleet)
    client.force_login(user)
    shown = client.get(page("change", WorkingCalendar, row.pk)).content.decode()
    assert "10" in shown
    assert 'name="holidays-0-day"' not in shown
    user.user_permissions.set(Permission.objects.filter(codename="change_workingcalendar"))
    assert 'name="holidays-0-day"' in client.get(page("change", WorkingCalendar, row.pk)).content.decode()


def stay(of: Truck, **changes: Any) -> dict[str, Any]:
    values = {"fleet": of.fleet_id, "truck": of.pk, "effective_from": "2026-03-10", "effective_to": ""}
    return {**values, "note": "Gearbox", **changes}


def test_a_stay_in_the_workshop_is_entered_ended_and_removed(client: Client, truck: Truck) -> None:
    assert client.post(page("add", WorkshopStay), stay(truck, effective_from="2026-03-01")).status_code == 302
    assert marked() == {(MONDAY, "workshop"), (TUESDAY, "workshop")}
    row = WorkshopStay.objects.get()
    ended = stay(truck, effective_from="2026-03-01", effective_to="2026-03-09")
    assert client.post(page("change", WorkshopStay, row.pk), ended).status_code == 302
    assert marked() == {(TUESDAY, "workshop")}
    client.post(page("delete", WorkshopStay, row.pk), {"post": "yes"})
    assert (marked(), WorkshopStay.objects.count()) == ({(MONDAY, "workshop")}, 0)


def test_a_truck_is_in_the_workshop_once_at_a_time(client: Client, truck: Truck) -> None:
    rows.workshop(truck, dt.date(2026, 3, 5), dt.date(2026, 3, 10))
    for first, last in (
        ("2026-03-10", ""),
        ("2026-03-01", ""),
        ("2026-03-01", "2026-03-05"),
        ("2026-03-06", "2026-03-07"),
    ):
        answer = client.post(page("add", WorkshopStay), stay(truck, effective_from=first, effective_to=last))
        assert "overlaps the stay from 2026-03-05" in answer.content.decode(), (first, last)
    for first, last in (("2026-03-11", ""), ("2026-03-01", "2026-03-04")):
        answer = client.post(page("add", WorkshopStay), stay(truck, effective_from=first, effective_to=last))
        assert answer.status_code == 302, (first, last)
    other = rows.truck(rows.fleet("Other"), "X")
    answer = client.post(page("add", WorkshopStay), stay(truck, truck=other.pk, effective_from="2026-03-20"))
    assert "belongs to another fleet" in answer.content.decode()


def test_a_group_needs_a_target_from_a_day_on_once(client: Client, truck: Truck) -> None:
    group = rows.group(truck.fleet, "North", truck)
    form = {"fleet": truck.fleet_id, "group": group.pk, "effective_from": "2026-03-01"}
    empty = client.post(page("add", GroupTarget), {**form, "target_utilization_pct": "", "target_idle_pct": ""})
    assert "Fill in at least one target" in empty.content.decode()
    full = {**form, "target_utilization_pct": "70", "target_idle_pct": ""}
    other = rows.group(rows.fleet("Other"), "North")
    foreign = client.post(page("add", GroupTarget), {**full, "group": other.pk})
    assert "belongs to another fleet" in foreign.content.decode()
    assert client.post(page("add", GroupTarget), full).status_code == 302
    assert "already exists" in client.post(page("add", GroupTarget), full).content.decode()
    assert GroupTarget.objects.get().target_utilization_pct == 70
    ended = {**form, "effective_from": "2026-04-01", "target_utilization_pct": "", "target_idle_pct": ""}
    assert client.post(page("add", GroupTarget), ended).status_code == 302
    never = {**ended, "effective_from": "", "target_idle_pct": "x"}
    assert "This field is required" in client.post(page("add", GroupTarget), never).content.decode()
