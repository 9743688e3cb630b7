"""Staff start backfills, see how far they are, and cancel them; only of their own fleets."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.trucks import backfills
from apps.trucks.models import Backfill, BackfillDay
from apps.trucks.sync.truck_pass import Tally
from tests import rows

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("admin:trucks_backfill_changelist"), reverse("admin:trucks_backfill_add")


@pytest.fixture
def fleet() -> Fleet:
    made = rows.fleet()
    for code in ("T-1", "T-2"):
        rows.known(rows.truck(made, code))
    return made


@pytest.fixture
def staff(client: Client, fleet: Fleet) -> Client:
    """A member of the fleet's staff who may start and cancel."""
    user = User.objects.create_user("dispatch", is_staff=True)
    rights = Permission.objects.filter(codename__in=["add_backfill", "change_backfill"])
    user.user_permissions.set(rights)
    FleetMembership.objects.create(fleet=fleet, user=user)
    client.force_login(user)
    return client


def form(fleet: Fleet, **changes: str) -> dict[str, Any]:
    days = {"first_day": "2026-03-02", "last_day": "2026-03-08"}
    return {"fleet": fleet.pk, "kind": "resync", "codes": "", **days, **changes}


def detail(backfill: Backfill) -> str:
    return reverse("admin:trucks_backfill_change", args=[backfill.pk])


def test_a_backfill_is_started_with_the_rows_of_its_days(staff: Client, fleet: Fleet) -> None:
    answer = staff.post(ADD, form(fleet, codes="T-2,\r\nT-2"), follow=True)
    backfill = Backfill.objects.get()
    assert answer.redirect_chain[-1][0] == detail(backfill)
    assert "7 truck-days are queued" in answer.content.decode()
    assert (backfill.requested_by, backfill.days_total) == ("dispatch", 7)
    assert set(BackfillDay.objects.values_list("truck_id", flat=True)) == {fleet.trucks.get(code="T-2").pk}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first_day": "2026-03-09"}, "is later than the end"),
        ({"first_day": "2020-03-09"}, "at most 400 days at once"),
        ({"codes": "T-1 NOPE THEIRS"}, "has no truck NOPE, THEIRS"),
        ({"last_day": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    staff: Client, fleet: Fleet, changes: dict[str, str], words: str
) -> None:
    rows.truck(rows.fleet("Other"), "THEIRS")
    answer = staff.post(ADD, form(fleet, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert Backfill.objects.count() == 0


def test_another_fleet_cannot_be_chosen(staff: Client) -> None:
    other = rows.fleet("Other")
    rows.truck(other)
    answer = staff.post(ADD, form(other))
    assert "not one of the available choices" in answer.content.decode()
    assert Backfill.objects.count() == 0


def test_progress_errors_and_the_end_can_be_seen(staff: Client, fleet: Fleet) -> None:
    backfill = rows.backfill(fleet, fleet.trucks.get(code="T-1"), days_total=8)
    BackfillDay.objects.create(
        fleet_id=fleet.pk, backfill_id=backfill.pk, truck_id=fleet.trucks.get(code="T-2").pk, day=rows.DAY
    )
    chunk = backfills.claim(backfill.pk)
    assert chunk is not None
    BackfillDay.objects.create(fleet_id=fleet.pk, backfill_id=backfill.pk, truck_id=chunk.truck_id, day="2026-03-02")
    chunk.finish(Tally(loaded=1234, new=5, removed=1))
    text = staff.get(detail(backfill)).content.decode()
    assert '<progress class="progress" max="8" value="1" aria-label="12 %">' in text
    assert "1,234 read, 5 new, 1 removed" in text
    assert "<td>T-1</td><td>2026-03-10</td><td>Unavailable: no answer</td>" in text
    assert "in " in text and "1 of 8 truck-days" in staff.get(LIST).content.decode()


def test_a_backfill_is_cancelled_from_the_list(staff: Client, fleet: Fleet) -> None:
    running, done = rows.backfill(fleet, number=1), rows.backfill(fleet, number=2, status="done")
    marked = {"action": "cancel", "_selected_action": [running.pk, done.pk]}
    text = staff.post(LIST, marked, follow=True).content.decode()
    assert "1 cancelled; what was done stays." in text and "1 over already." in text
    assert set(Backfill.objects.values_list("pk", "status")) == {(1, "cancelled"), (2, "done")}


def test_who_may_only_look_can_neither_start_nor_cancel(staff: Client, fleet: Fleet) -> None:
    User.objects.get(username="dispatch").user_permissions.clear()
    backfill = rows.backfill(fleet)
    assert staff.get(detail(backfill)).status_code == 200
    assert staff.get(ADD).status_code == 403
    staff.post(LIST, {"action": "cancel", "_selected_action": [backfill.pk]})
    backfill.refresh_from_db()
    assert backfill.status == "queued"


def test_a_running_one_is_cancelled_on_its_page(staff: Client, fleet: Fleet) -> None:
    staff.post(ADD, form(fleet))
    backfill = Backfill.objects.get()
    address = reverse("admin:trucks_backfill_cancel", args=[backfill.pk])
    assert f'action="{address}"' in staff.get(detail(backfill)).content.decode()
    assert staff.get(address).status_code == 405
    text = staff.post(address, follow=True).content.decode()
    assert "1 cancelled; what was done stays." in text and address not in text
    assert Backfill.objects.get().status == "cancelled"
    assert "1 over already." in staff.post(address, follow=True).content.decode()


def test_who_may_not_cancel_sees_no_way_to(staff: Client, fleet: Fleet) -> None:
    staff.post(ADD, form(fleet))
    backfill = Backfill.objects.get()
    address = reverse("admin:trucks_backfill_cancel", args=[backfill.pk])
    reader = User.objects.create_user("reader", is_staff=True)
    FleetMembership.objects.create(fleet=fleet, user=reader)
    staff.force_login(reader)
    assert address not in staff.get(detail(backfill)).content.decode()
    assert staff.post(address).status_code == 403
    foreign = User.objects.create_user("foreign", is_staff=True)
    foreign.user_permissions.set(Permission.objects.filter(codename="change_backfill"))
    FleetMembership.objects.create(fleet=rows.fleet("Other"), user=foreign)
    staff.force_login(foreign)
    assert staff.post(address).status_code == 404
    assert Backfill.objects.get().status == "queued"


def test_buttons_say_what_they_do(staff: Client, fleet: Fleet) -> None:
    text = staff.get(ADD).content.decode()
    assert re.search(r'name="_save"[^>]*>\s*Start\s*<', text)


def test_failed_days_are_told_beside_the_progress(staff: Client, fleet: Fleet) -> None:
    made = rows.backfill(fleet, fleet.trucks.get(code="T-1"), status="failed", days_total=3, days_done=2, days_failed=1)
    assert "3 of 3 truck-days, 1 of them failed" in staff.get(detail(made)).content.decode()
