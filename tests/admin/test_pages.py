"""Every page of the admin answers, with a number of statements that does not grow, and without a secret on it."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.admin_base import FleetScopedAdmin
from apps.accounts.models import ApiKey, Fleet
from apps.trucks.models import SyncRun, Truck
from tests import rows
from tests.furnished import furnish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]

TOKEN = "s3cret-wialon-token-" + "x" * 52
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def fleet() -> Fleet:
    return rows.fleet("Alpha Haulage", wialon_token=TOKEN)


def page(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_every_list_and_every_row_has_a_page(client: Client, fleet: Fleet) -> None:
    made = furnish(fleet)
    assert set(made) == set(REGISTERED)
    for model, row in made.items():
        listed = client.get(page("changelist", model))
        assert listed.status_code == 200, model
        assert listed.context["cl"].result_count >= 1, model
        assert client.get(page("change", model, row.pk)).status_code == 200, model


def test_every_form_to_add_something_opens(client: Client, fleet: Fleet) -> None:
    for model, model_admin in admin.site._registry.items():
        request = client.get(reverse("admin:index")).wsgi_request
        expected = 200 if model_admin.has_add_permission(request) else 403
        assert client.get(page("add", model)).status_code == expected, model


def test_a_new_schedule_goes_by_the_clock_of_its_fleet(client: Client, fleet: Fleet) -> None:
    form = client.get(reverse("admin:fleet_reportschedule_add"), {"fleet": fleet.pk}).context["adminform"].form
    assert form.initial["timezone"] == fleet.timezone != "Africa/Abidjan"


def test_every_list_takes_as_many_statements_for_four_rows_as_for_one(client: Client, fleet: Fleet) -> None:
    def statements(model: type[Model]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page("changelist", model)).status_code == 200, model
        return len(captured)

    furnish(fleet)
    statements(Truck)  # the first request also reads content types and the like
    of_one = {model: statements(model) for model in REGISTERED}
    for number in (2, 3, 4):
        furnish(fleet, number)
    assert {model: statements(model) for model in REGISTERED} == of_one


def test_no_page_shows_the_token_or_a_keys_hash(client: Client, fleet: Fleet) -> None:
    made = furnish(fleet)
    with connection.cursor() as cursor:
        cursor.execute("SELECT wialon_token FROM fleet")
        stored = cursor.fetchone()[0]
    key_hash = ApiKey.objects.values_list("secret_hash", flat=True).get()
    addresses = [reverse("admin:index"), page("add", Fleet)]
    addresses += [page("changelist", model) for model in made]
    addresses += [page("change", model, row.pk) for model, row in made.items()]
    for address in addresses:
        text = client.get(address).content.decode()
        assert TOKEN not in text and stored not in text and key_hash not in text, address


@pytest.mark.parametrize(
    ("model", "condition"), [(Fleet, "wialon_token__startswith=g"), (ApiKey, "secret_hash__startswith=a")]
)
def test_a_secret_cannot_be_guessed_letter_by_letter(
    client: Client, fleet: Fleet, model: type[Model], condition: str
) -> None:
    furnish(fleet)
    answer = client.get(f"{page('changelist', model)}?{condition}")
    assert answer.status_code in (302, 400)


def test_a_fleets_pages_open_when_its_stored_token_cannot_be_read(client: Client, fleet: Fleet) -> None:
    made = furnish(fleet)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fleet SET wialon_token = 'written with a lost key'")
    for model, row in made.items():
        assert client.get(page("changelist", model)).status_code == 200, model
        if isinstance(admin.site._registry[model], FleetScopedAdmin):
            assert client.get(page("change", model, row.pk)).status_code == 200, model


def test_errors_are_tables_and_not_json(client: Client, fleet: Fleet) -> None:
    made = furnish(fleet)
    run = client.get(page("change", SyncRun, made[SyncRun].pk)).content.decode()
    assert "<td>Unavailable: no answer</td>" in run
    truck = client.get(page("change", Truck, made[Truck].pk)).content.decode()
    assert "<td>Alpha door</td><td>cannot be read</td>" in truck


def test_what_wialon_says_is_never_markup(client: Client, fleet: Fleet) -> None:
    truck = rows.truck(fleet, name="<script>alert(1)</script>", sensor_problems=[[1, "<b>x</b>", "<i>y</i>"]])
    rows.truck_day(truck)
    for address in (page("changelist", type(truck)), page("change", type(truck), truck.pk)):
        text = client.get(address).content.decode()
        assert "<script>alert(1)" not in text and "<b>x</b>" not in text and "<i>y</i>" not in text


def test_the_menu_leads_to_pages_that_open(client: Client, fleet: Fleet) -> None:
    menu = client.get(reverse("admin:index")).context["sidebar_navigation"]
    links = [item["link"] for group in menu for item in group["items"]]
    assert len(links) > 20
    for link in links:
        assert client.get(link).status_code == 200, link


def test_nothing_is_loaded_from_elsewhere(client: Client, fleet: Fleet) -> None:
    text = client.get(reverse("admin:index")).content.decode()
    assert 'src="http' not in text and 'href="http' not in text and "//cdn" not in text
