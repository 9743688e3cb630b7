"""One fleet never sees another: in lists, filters, searches, choices, pages, forms, files and on the first page."""

import copy
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.accounts.admin_base import FleetScopedAdmin
from apps.accounts.models import ApiKey, Fleet, FleetMembership
from apps.fleet.models import CostRate, FuelPrice, ReportFile, ReportRun, ReportSchedule
from apps.trucks.models import Truck, TruckGroup
from tests import rows
from tests.furnished import furnish
from tests.lasting import Lasting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]

Rows = dict[type[Model], Any]  # by model the one that a fleet has
SCOPED = [model for model, each in admin.site._registry.items() if isinstance(each, FleetScopedAdmin)]
OTHERS = [model for model in admin.site._registry if model not in SCOPED]


@pytest.fixture(scope="module")
def both(lasting: Lasting[list[Rows]]) -> list[Rows]:
    with time_machine.travel(rows.NOON, tick=False):
        return lasting(two_fleets)


def two_fleets() -> list[Rows]:
    """Two fleets with all there is, and a member of the first who may change all of it."""
    made = [furnish(rows.fleet(name)) for name in ("Alpha Haulage", "Bravo Logistics")]
    user = User.objects.create_user("member", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    FleetMembership.objects.create(fleet=made[0][Fleet], user=user)
    return made


@pytest.fixture
def alpha(db: None, both: list[Rows]) -> Rows:
    return copy.deepcopy(both[0])


@pytest.fixture
def bravo(db: None, both: list[Rows]) -> Rows:
    return copy.deepcopy(both[1])


@pytest.fixture
def staff(client: Client, alpha: Rows) -> Client:
    """A member of Alpha who may change all there is to change."""
    client.force_login(User.objects.get(username="member"))
    return client


def page(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def assert_silent(answer: Any, where: object) -> None:
    assert b"bravo" not in answer.content.lower(), where


def test_what_is_not_scoped_is_for_superusers_alone(staff: Client, alpha: Rows) -> None:
    assert {model._meta.label for model in OTHERS} == {
        "accounts.FleetMembership",
        "auth.Group",
        "auth.User",
        "fleet.Benchmark",
    }
    for model in OTHERS:
        assert staff.get(page("changelist", model)).status_code == 403
        assert staff.get(page("change", model, alpha[model].pk)).status_code == 403
        assert staff.get(page("add", model)).status_code == 403


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_a_list_its_filters_and_its_searches_know_nothing_of_other_fleets(
    staff: Client, alpha: Rows, bravo: Rows, model: type[Model]
) -> None:
    plain = staff.get(page("changelist", model))
    assert plain.context["cl"].result_count == 1
    queries = ["", f"?fleet={bravo[Fleet].pk}", f"?group={bravo[TruckGroup].pk}", "?q=bravo", "?e=1"]
    for query in queries:
        answer = staff.get(page("changelist", model) + query, follow=True)
        assert b"Bravo" not in answer.content, query
        if query.startswith("?q"):
            assert_empty_or_unsearchable(answer)


def assert_empty_or_unsearchable(answer: Any) -> None:
    changelist = answer.context["cl"]
    assert changelist.result_count == 0 or not changelist.search_fields


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_a_row_of_another_fleet_does_not_exist(staff: Client, bravo: Rows, model: type[Model]) -> None:
    row = bravo[model]
    for name in ("change", "delete", "history"):
        for answer in (staff.get(page(name, model, row.pk)), staff.post(page(name, model, row.pk), {"post": "yes"})):
            assert answer.status_code in (302, 403, 404), name
            assert_silent(answer, name)
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [FuelPrice, CostRate, ReportSchedule, ApiKey], ids=lambda model: model._meta.label)
def test_a_form_neither_offers_nor_accepts_another_fleet(staff: Client, bravo: Rows, model: type[Model]) -> None:
    assert_silent(staff.get(page("add", model)), model)
    before = model._default_manager.count()
    answer = staff.post(page("add", model), {"fleet": bravo[Fleet].pk, "name": "x", "scopes": "read"})
    assert "fleet" in answer.context["adminform"].form.errors
    assert model._default_manager.count() == before


def test_a_truck_of_another_fleet_is_neither_found_nor_accepted(staff: Client, alpha: Rows, bravo: Rows) -> None:
    query = {"app_label": "fleet", "model_name": "costrate", "field_name": "truck", "term": ""}
    found = staff.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [each["text"] for each in found] == ["Truck Alpha-1"]
    form = {"fleet": alpha[Fleet].pk, "truck": bravo[Truck].pk, "line": "tolls", "basis": "per_day", "amount": 1}
    answer = staff.post(page("add", CostRate), {**form, "effective_from": "2026-03-01"})
    assert "truck" in answer.context["adminform"].form.errors


def test_actions_reach_no_row_of_another_fleet(staff: Client, bravo: Rows) -> None:
    for model, action in ((ApiKey, "revoke"), (FuelPrice, "delete_selected"), (ReportSchedule, "send_now")):
        form = {"action": action, "_selected_action": bravo[model].pk, "post": "yes"}
        staff.post(page("changelist", model), form)
    assert ApiKey.objects.get(pk=bravo[ApiKey].pk).revoked_at is None
    assert FuelPrice.objects.filter(pk=bravo[FuelPrice].pk).exists()
    due = ReportSchedule.objects.get(pk=bravo[ReportSchedule].pk).next_due_at
    assert due == bravo[ReportSchedule].next_due_at


def test_a_reports_file_is_given_to_its_own_fleet_only(staff: Client, alpha: Rows, bravo: Rows) -> None:
    def download(made: Rows) -> Any:
        run = made[ReportRun]
        return staff.get(reverse("admin:fleet_reportfile_download", args=[run.pk, ReportFile.objects.get(run=run).pk]))

    own = download(alpha)
    assert own.content == b"day\n"
    assert own["Content-Disposition"] == 'attachment; filename="days.csv"'
    assert download(bravo).status_code == 404
    mixed = [alpha[ReportRun].pk, ReportFile.objects.get(run=bravo[ReportRun]).pk]
    assert staff.get(reverse("admin:fleet_reportfile_download", args=mixed)).status_code == 404


def test_the_first_page_shows_the_own_fleet_whatever_is_asked(staff: Client, bravo: Rows) -> None:
    answer = staff.get(reverse("admin:index"), {"fleet": bravo[Fleet].pk})
    assert answer.context["fleet"].name == "Alpha Haulage"
    assert_silent(answer, "index")


def test_a_fleet_once_chosen_is_forgotten_with_the_membership(client: Client, alpha: Rows, bravo: Rows) -> None:
    user = alpha[User]
    second = FleetMembership.objects.create(fleet=bravo[Fleet], user=user)
    client.force_login(user)
    client.get(reverse("admin:index"), {"fleet": bravo[Fleet].pk})
    assert client.get(reverse("admin:index")).context["fleet"] == bravo[Fleet]
    second.delete()
    assert client.get(reverse("admin:index")).context["fleet"] == alpha[Fleet]


def test_a_member_sees_without_further_permissions_but_changes_nothing(client: Client, alpha: Rows) -> None:
    client.force_login(alpha[User])
    for model in SCOPED:
        assert client.get(page("changelist", model)).status_code == 200, model
        assert client.get(page("change", model, alpha[model].pk)).status_code == 200, model
        assert client.post(page("change", model, alpha[model].pk), {}).status_code == 403, model
        assert client.get(page("add", model)).status_code == 403, model


def test_staff_without_a_fleet_are_told_whom_to_ask(client: Client, alpha: Rows) -> None:
    client.force_login(User.objects.create_user("newcomer", is_staff=True))
    answer = client.get(reverse("admin:index"))
    assert "Ask an administrator" in answer.content.decode()
    assert b"Alpha" not in answer.content
    assert [item["title"] for group in answer.context["sidebar_navigation"] for item in group["items"]] == ["Today"]
    for model in SCOPED:
        assert client.get(page("changelist", model)).status_code == 403, model


def test_whoever_is_not_staff_sees_the_login(client: Client, alpha: Rows) -> None:
    user = alpha[User]
    user.is_staff = False
    user.save()
    client.force_login(user)
    for model in admin.site._registry:
        assert client.get(page("changelist", model)).status_code == 302
