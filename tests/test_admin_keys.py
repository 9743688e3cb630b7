"""A key does no more than who makes it: neither other scopes, nor other fleets, nor by way of a wider key."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.accounts.admin import RIGHTS
from apps.accounts.keys import SCOPES
from apps.accounts.models import ApiKey, Fleet, FleetMembership
from apps.accounts.rights import SCOPE_RIGHTS, grantable_scopes
from apps.fleet.ledger.resources import RESOURCES
from apps.fleet.ledger.resources import SCOPE as WRITE_COSTS
from apps.trucks.backfill_api import SCOPE as RUN_BACKFILL
from tests import rows

pytestmark = pytest.mark.django_db
MAKING = "accounts.add_apikey"
ADD = reverse("admin:accounts_apikey_add")
LISTED = reverse("admin:accounts_apikey_changelist")


@pytest.fixture
def fleet() -> Fleet:
    return rows.fleet("Alpha Haulage")


def maker(client: Client, fleet: Fleet, rights: set[str]) -> User:
    """A member of the fleet who may make keys, and has these rights besides."""
    user = User.objects.create_user("maker", is_staff=True)
    FleetMembership.objects.create(fleet=fleet, user=user)
    for right in rights | {MAKING}:
        app, codename = right.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(user)
    return user


def made(client: Client, fleet: Fleet, *scopes: str) -> Any:
    form = {"fleet": fleet.pk, "name": "made", "scopes": scopes, "expires_at_0": "", "expires_at_1": ""}
    return client.post(ADD, form)


def offered(client: Client) -> list[str]:
    return [scope for scope, _ in client.get(ADD).context["adminform"].form.fields["scopes"].choices]


@pytest.mark.parametrize("scope", SCOPES)
def test_with_the_rights_of_a_scope_its_key_can_be_made(client: Client, fleet: Fleet, scope: str) -> None:
    maker(client, fleet, set(SCOPE_RIGHTS[scope]))
    assert scope in offered(client)
    made(client, fleet, scope)
    assert ApiKey.objects.get().scopes == [scope]


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != "read"])
def test_without_one_of_its_rights_a_scope_is_neither_offered_nor_accepted(
    client: Client, fleet: Fleet, scope: str
) -> None:
    lacking = min(SCOPE_RIGHTS[scope] - {MAKING})
    maker(client, fleet, set().union(*SCOPE_RIGHTS.values()) - {lacking})
    assert scope not in offered(client)
    errors = made(client, fleet, "read", scope).context["adminform"].form.errors
    assert errors["scopes"] == [f"{scope} is no scope, or more than your own roles allow."]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(("scope", "right"), sorted((each, right) for each in SCOPES for right in SCOPE_RIGHTS[each]))
def test_a_scope_needs_every_one_of_its_rights(scope: str, right: str) -> None:
    held = set().union(*SCOPE_RIGHTS.values()) - {right}
    staff: Any = SimpleNamespace(has_perms=lambda asked: asked <= held)
    assert scope not in grantable_scopes(staff)


def test_who_may_only_make_keys_makes_keys_that_read(client: Client, fleet: Fleet) -> None:
    maker(client, fleet, set())
    assert offered(client) == ["read"]


def test_what_one_maker_is_offered_is_not_what_the_next_one_is(client: Client, fleet: Fleet) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert offered(client) == list(SCOPES)
    maker(client, fleet, set())
    assert offered(client) == ["read"]


def test_rights_count_when_the_key_is_made_not_when_the_form_was_opened(client: Client, fleet: Fleet) -> None:
    user = maker(client, fleet, set(SCOPE_RIGHTS["run:backfill"]))
    assert "run:backfill" in offered(client)
    user.user_permissions.remove(Permission.objects.get(codename="add_backfill"))
    assert "scopes" in made(client, fleet, "run:backfill").context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_a_key_of_a_fleet_in_which_the_maker_is_no_member_is_refused(client: Client, fleet: Fleet) -> None:
    other = rows.fleet("Bravo Logistics")
    maker(client, fleet, set())
    assert "fleet" in made(client, other, "read").context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_a_wider_key_of_somebody_else_cannot_be_changed_copied_or_made_valid_again(
    client: Client, fleet: Fleet
) -> None:
    rows.api_key(fleet, scopes=SCOPES)
    ApiKey.objects.update(revoked_at=rows.NOON)
    maker(client, fleet, {"accounts.change_apikey", "accounts.delete_apikey"})
    wide = ApiKey.objects.values().get()
    change = reverse("admin:accounts_apikey_change", args=[wide["id"]])
    form = {"fleet": fleet.pk, "name": "mine", "scopes": SCOPES, "expires_at_0": "", "expires_at_1": ""}
    for more in ({}, {"revoked_at": ""}, {"prefix": "0" * 12, "secret_hash": "0" * 64}):
        assert client.post(change, form | more).status_code == 403
    copied = client.post(change, form | {"_saveasnew": "1"})
    assert "scopes" in copied.context["adminform"].form.errors
    assert client.post(reverse("admin:accounts_apikey_delete", args=[wide["id"]]), {"post": "yes"}).status_code == 403
    inline = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": wide["id"], "form-0-scopes": "read"}
    client.post(LISTED, inline | {"_save": "Save"})
    client.post(LISTED, {"action": "revoke", "_selected_action": wide["id"]})
    assert ApiKey.objects.values().get() == wide
    assert wide["secret_hash"] not in client.get(change).content.decode()


def test_a_new_key_has_a_secret_of_its_own_whatever_the_form_says(client: Client, fleet: Fleet) -> None:
    rows.api_key(fleet, scopes=SCOPES)
    wide = ApiKey.objects.values().get()
    maker(client, fleet, set())
    form = {"fleet": fleet.pk, "scopes": ["read"], "expires_at_0": "", "expires_at_1": ""}
    client.post(ADD, {**form, "id": wide["id"], "prefix": wide["prefix"], "secret_hash": "0" * 64})
    assert ApiKey.objects.values().get(pk=wide["id"]) == wide
    new = ApiKey.objects.exclude(pk=wide["id"]).get()
    assert new.prefix != wide["prefix"] and new.secret_hash != "0" * 64


def test_a_key_s_page_says_who_made_it(client: Client, fleet: Fleet) -> None:
    maker(client, fleet, set())
    made(client, fleet, "read")
    rows.api_key(fleet)
    named, by_command = ApiKey.objects.order_by("pk")
    pages = [client.get(reverse("admin:accounts_apikey_change", args=[key.pk])) for key in (named, by_command)]
    assert [own.context["adminform"].model_admin.made_by(own.context["original"]) for own in pages] == ["maker", "–"]
    assert "Made by" in pages[0].content.decode()


def test_a_scope_asks_for_the_right_to_do_whatever_its_key_does() -> None:
    changes = {
        f"fleet.{verb}_{each.model._meta.model_name}" for each in RESOURCES for verb in ("add", "change", "delete")
    }
    assert SCOPE_RIGHTS[WRITE_COSTS] == changes | {"fleet.add_ledgerimport"}
    assert SCOPE_RIGHTS[RUN_BACKFILL] == {"trucks.add_backfill", "trucks.change_backfill"}
    assert SCOPE_RIGHTS["admin"] == {MAKING, "accounts.change_apikey"}.union(*SCOPE_RIGHTS.values())


def test_every_scope_has_its_rights_and_roles_can_have_them() -> None:
    assert set(SCOPE_RIGHTS) == set(SCOPES)
    there = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    for rights in SCOPE_RIGHTS.values():
        assert rights <= there
        assert {right.split(".")[1] for right in rights} <= set(RIGHTS)


def test_who_is_not_active_may_grant_nothing_that_asks_for_a_right() -> None:
    assert grantable_scopes(User(username="gone", is_superuser=True, is_active=False)) == ("read",)
