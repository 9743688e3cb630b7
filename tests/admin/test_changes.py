"""What staff change in the admin, and what follows from it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.admin import RIGHTS, SCOPE_MEANINGS
from apps.accounts.admin_base import FleetScopedAdmin
from apps.accounts.keys import SCOPES, secret_matches, split_key
from apps.accounts.models import ApiKey, Fleet, FleetMembership
from apps.fleet.models import CostRate, ExchangeRate, FuelPrice, ReportDelivery, ReportRun, ReportSchedule, TruckDayCost
from apps.fleet.reports.runs import unrendered_runs
from apps.trucks.admin.parameters import LABELS
from apps.trucks.models import DirtyDay, FleetSync, ParameterSet, Truck
from apps.trucks.parameters import NAMES
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]

FIRST = dt.date(2026, 3, 1)  # of the trucks' history, up to rows.DAY


@pytest.fixture
def fleet() -> Fleet:
    """Two trucks with ten days."""
    made = rows.fleet()
    start = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())
    for code in ("T-1", "T-2"):
        rows.known(rows.truck(made, code), first_t=start)
    return made


def page(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def saved(client: Client, address: str, form: dict[str, Any]) -> str:
    """The page that follows, once the form is accepted."""
    answer = client.post(address, form, follow=True)
    errors = answer.context["adminform"].form.errors if answer.context and "adminform" in answer.context else {}
    assert answer.redirect_chain, errors
    return answer.content.decode()


def marked() -> dict[str, dt.date]:
    """Truck's code → first day that waits for a rebuild, once every later day waits too."""
    codes = dict(Truck.objects.values_list("pk", "code"))
    days: dict[str, list[dt.date]] = {}
    for row in DirtyDay.objects.order_by("day"):
        days.setdefault(codes[row.truck_id], []).append(row.day)
    assert all(len(each) == (rows.DAY - each[0]).days + 1 for each in days.values())
    DirtyDay.objects.all().delete()
    return {code: each[0] for code, each in days.items()}


def both(since: dt.date) -> dict[str, dt.date]:
    return {"T-1": since, "T-2": since}


def march(day: int) -> dt.date:
    return dt.date(2026, 3, day)


# --- what marks days ------------------------------------------------------------------------------------------------


def price_form(day: str, per_l: str, **changes: Any) -> dict[str, Any]:
    return {"effective_at_0": day, "effective_at_1": "06:00:00", "price_per_l": per_l, **changes}


def test_a_fuel_price_marks_the_days_that_it_is_and_was_in_force_on(client: Client, fleet: Fleet) -> None:
    text = saved(client, page("add", FuelPrice), price_form("2026-03-05", "1.0422", fleet=fleet.pk))
    assert "12 truck-days are being computed anew" in text
    assert marked() == both(march(5))
    price = FuelPrice.objects.get()
    assert price.price_per_l == Decimal("1.0422")

    change = page("change", FuelPrice, price.pk)
    saved(client, change, price_form("2026-03-05", "1.05"))
    assert marked() == both(march(5))
    saved(client, change, price_form("2026-03-08", "1.05"))
    assert marked() == both(march(5))
    saved(client, change, price_form("2026-03-03", "1.05"))
    assert marked() == both(march(3))
    saved(client, change, price_form("2026-03-03", "1.05"))
    assert marked() == {}, "nothing was changed"
    saved(client, page("delete", FuelPrice, price.pk), {"post": "yes"})
    assert marked() == both(march(3))


def test_deleting_several_prices_marks_the_days_of_each(client: Client, fleet: Fleet) -> None:
    prices = [rows.price(fleet, march(day)) for day in (7, 4)]
    form = {"action": "delete_selected", "_selected_action": [price.pk for price in prices], "post": "yes"}
    client.post(page("changelist", FuelPrice), form)
    assert not FuelPrice.objects.exists()
    assert marked() == both(march(4))


def test_a_trucks_own_rate_marks_that_truck_only(client: Client, fleet: Fleet) -> None:
    truck = Truck.objects.get(code="T-2")
    form = {"fleet": fleet.pk, "truck": truck.pk, "line": "tolls", "basis": "per_day", "amount": "4"}
    saved(client, page("add", CostRate), {**form, "effective_from": "2026-03-02"})
    assert marked() == {"T-2": march(2)}
    rate = CostRate.objects.get()
    saved(
        client,
        page("change", CostRate, rate.pk),
        {**form, "effective_from": "2026-03-02", "effective_to": "2026-03-06"},
    )
    assert marked() == {"T-2": march(2)}
    saved(client, page("delete", CostRate, rate.pk), {"post": "yes"})
    assert [row.day for row in DirtyDay.objects.order_by("day")] == [march(day) for day in range(2, 7)]


def test_a_row_in_force_never_changes_sides(client: Client, fleet: Fleet) -> None:
    other = rows.fleet("Other")
    price = rows.price(fleet, march(4))
    saved(client, page("change", FuelPrice, price.pk), price_form("2026-03-04", "2", fleet=other.pk))
    assert FuelPrice.objects.get().fleet == fleet


def test_parameters_mark_the_days_from_the_earlier_of_old_and_new(client: Client, fleet: Fleet) -> None:
    form = {"fleet": fleet.pk, "effective_from": "2026-03-06", "speed_limit_kmh": "90", "trip_end_s": "240"}
    saved(client, page("add", ParameterSet), form)
    assert marked() == both(march(6))
    parameters = ParameterSet.objects.get()
    assert parameters.values == {"speed_limit_kmh": 90, "trip_end_s": 240}

    address = page("change", ParameterSet, parameters.pk)
    saved(client, address, {"effective_from": "2026-03-06", "speed_limit_kmh": "87.5"})
    assert ParameterSet.objects.get().values == {"speed_limit_kmh": 87.5}, "an emptied field is the default again"
    assert marked() == both(march(6))
    saved(client, address, {"effective_from": "2026-03-09", "speed_limit_kmh": "87.5"})
    assert marked() == both(march(6))
    saved(client, page("delete", ParameterSet, parameters.pk), {"post": "yes"})
    assert marked() == both(march(9))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"speed_limit_kmh": "-1"}, "speed_limit_kmh"),
        ({"speed_limit_kmh": "nan"}, "speed_limit_kmh"),
        ({"speed_limit_kmh": ""}, "__all__"),
        ({"effective_from": "2026-03-04"}, "effective_from"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_at_their_field(
    client: Client, fleet: Fleet, change: dict[str, str], field: str
) -> None:
    rows.parameters(fleet, {"trip_end_s": 200}, effective_from=march(4))
    form = {"fleet": fleet.pk, "effective_from": "2026-03-06", "speed_limit_kmh": "90", **change}
    answer = client.post(page("add", ParameterSet), form)
    assert list(answer.context["adminform"].form.errors) == [field]
    assert marked() == {}


def test_the_parameter_form_has_one_field_for_each_parameter() -> None:
    assert sorted(LABELS) == sorted(NAMES)


def test_a_tanks_size_marks_all_days_of_its_truck(client: Client, fleet: Fleet) -> None:
    truck = Truck.objects.get(code="T-1")
    saved(client, page("change", Truck, truck.pk), {"code": "T-1", "tank_l": "700"})
    assert marked() == {"T-1": FIRST}
    saved(client, page("change", Truck, truck.pk), {"code": "T-9", "tank_l": "700", "name": "Nonsense", "vin": "0"})
    assert marked() == {}
    truck.refresh_from_db()
    assert (truck.code, truck.name, truck.vin) == ("T-9", "Truck T-1", "1XKYD49X000001000"), "the sync owns the rest"


def test_a_zone_marks_all_days_of_the_fleet(client: Client, fleet: Fleet) -> None:
    saved(client, page("change", Fleet, fleet.pk), fleet_form(timezone="Europe/Berlin"))
    fleet.refresh_from_db()
    assert fleet.timezone == "Europe/Berlin"
    assert marked() == both(FIRST)
    saved(client, page("change", Fleet, fleet.pk), fleet_form(timezone="Europe/Berlin", name="New name"))
    assert marked() == {}


def test_rebuilding_trucks_only_marks_their_days(client: Client, fleet: Fleet) -> None:
    truck = Truck.objects.get(code="T-2")
    client.post(page("changelist", Truck), {"action": "rebuild", "_selected_action": truck.pk})
    assert marked() == {"T-2": FIRST}
    rows.known(rows.truck(fleet, "T-3"), first_t=1_700_000_000)
    client.post(page("changelist", Truck), {"action": "rebuild", "_selected_action": Truck.objects.get(code="T-3").pk})
    assert DirtyDay.objects.count() == 35
    assert set(DirtyDay.objects.values_list("cause", flat=True)) == {"staff"}


@pytest.mark.parametrize("model", [Truck, ExchangeRate, ReportSchedule], ids=lambda model: model.__name__)
def test_what_its_fleet_has_already_is_refused(client: Client, fleet: Fleet, model: type[Model]) -> None:
    forms: dict[type[Model], dict[str, Any]] = {
        Truck: {"code": "T-2", "tank_l": "600"},
        ExchangeRate: {"currency": "CAD", "effective_from": "2026-03-05", "rate": "0.7"},
        ReportSchedule: schedule_form(fleet, "a@example.com"),
    }
    _, later = (
        ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=march(day), rate=1) for day in (5, 6)
    )
    schedules = {"send_at": dt.time(6), "timezone": "UTC", "recipients": ["a@example.com"], "fleet": fleet}
    ReportSchedule.objects.create(name="Morning", **schedules)
    evening = ReportSchedule.objects.create(name="Evening", **schedules)
    keys = {Truck: Truck.objects.get(code="T-1").pk, ExchangeRate: later.pk, ReportSchedule: evening.pk}
    answer = client.post(page("change", model, keys[model]), forms[model])
    assert "already exists" in str(answer.context["adminform"].form.non_field_errors())


def test_a_rate_does_not_end_before_it_begins(client: Client, fleet: Fleet) -> None:
    form = {"fleet": fleet.pk, "line": "tolls", "basis": "per_day", "amount": "4"}
    days = {"effective_from": "2026-03-02", "effective_to": "2026-03-01"}
    answer = client.post(page("add", CostRate), {**form, **days})
    assert "lies before the first day" in str(answer.context["adminform"].form.errors["effective_to"])


# --- fleets and their token -----------------------------------------------------------------------------------------


def fleet_form(**changes: str) -> dict[str, str]:
    form = {"name": "Prairie Haulage", "timezone": "America/Chicago", "currency": "USD", "units": "metric"}
    return {**form, "wialon_url": "http://127.0.0.1:9", "is_active": "on", "new_token": "", **changes}


def test_an_empty_token_keeps_the_one_there_is_and_another_replaces_it(client: Client, fleet: Fleet) -> None:
    saved(client, page("change", Fleet, fleet.pk), fleet_form(units="us"))
    kept = Fleet.objects.get()
    assert (kept.wialon_token, kept.units) == ("t" * 72, "us")
    text = saved(client, page("change", Fleet, fleet.pk), fleet_form(new_token="another-token"))
    assert "another-token" not in text
    assert Fleet.objects.get().wialon_token == "another-token"


def test_days_are_sealed_only_by_who_says_so(client: Client, fleet: Fleet) -> None:
    address = page("change", Fleet, fleet.pk)
    answer = client.post(address, fleet_form(raw_retention_days=100))
    (error,) = answer.context["adminform"].form.errors["seals_days"]
    assert error == "Days before 30 Nov 2025 would be sealed for good. Tick this to agree."
    fleet.refresh_from_db()
    assert fleet.raw_retention_days is None
    saved(client, address, fleet_form(raw_retention_days=100, seals_days="on"))
    saved(client, address, fleet_form(raw_retention_days=100))
    saved(client, address, fleet_form(raw_retention_days=200))
    assert "seals_days" in client.post(address, fleet_form(raw_retention_days=199)).context["adminform"].form.errors
    assert (
        "raw_retention_days" in client.post(address, fleet_form(raw_retention_days=69)).context["adminform"].form.errors
    )
    saved(client, address, fleet_form(raw_retention_days=""))
    fleet.refresh_from_db()
    assert fleet.raw_retention_days is None


def test_a_token_that_cannot_be_read_any_more_can_be_replaced(client: Client, fleet: Fleet) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fleet SET wialon_token = 'written with a lost key'")
    saved(client, page("change", Fleet, fleet.pk), fleet_form(new_token="another-token"))
    assert Fleet.objects.get().wialon_token == "another-token"


def test_the_stored_token_is_never_sent_to_another_address(client: Client, fleet: Fleet) -> None:
    moved = fleet_form(wialon_url="https://elsewhere.example.com")
    answer = client.post(page("change", Fleet, fleet.pk), moved)
    assert "new_token" in answer.context["adminform"].form.errors
    assert Fleet.objects.get().wialon_url == "http://127.0.0.1:9"
    saved(client, page("change", Fleet, fleet.pk), {**moved, "new_token": "another-token"})
    assert Fleet.objects.get().wialon_url == "https://elsewhere.example.com"


def test_a_refused_form_does_not_send_the_token_back(client: Client, fleet: Fleet) -> None:
    answer = client.post(page("change", Fleet, fleet.pk), fleet_form(new_token="another-token", currency="dollars"))
    assert "currency" in answer.context["adminform"].form.errors
    assert b"another-token" not in answer.content


def test_amounts_are_not_taken_for_those_of_another_currency(client: Client, fleet: Fleet) -> None:
    def changed(currency: str) -> bool:
        client.post(page("change", Fleet, fleet.pk), fleet_form(currency=currency))
        return Fleet.objects.get().currency == currency

    assert changed("CAD") and changed("USD"), "as long as there are none"
    rows.price(fleet, rows.NOON, "1.05")
    assert not changed("CAD")
    FuelPrice.objects.all().delete()
    rows.cost(fleet.trucks.earliest("pk"), "fuel", "10.00")
    assert not changed("CAD"), "days that were priced"
    TruckDayCost.objects.all().delete()
    assert changed("CAD")


def test_a_new_fleet_needs_a_token_and_is_due_for_its_first_sync(client: Client) -> None:
    answer = client.post(page("add", Fleet), fleet_form())
    assert "new_token" in answer.context["adminform"].form.errors
    saved(client, page("add", Fleet), fleet_form(new_token="a-token"))
    assert FleetSync.objects.get().fleet.wialon_token == "a-token"


def test_a_fleet_is_not_deleted(client: Client, fleet: Fleet) -> None:
    assert client.post(page("delete", Fleet, fleet.pk), {"post": "yes"}).status_code == 403
    assert Fleet.objects.exists()


# --- API keys -------------------------------------------------------------------------------------------------------


def test_a_new_key_is_shown_once_and_stored_as_a_hash(client: Client, fleet: Fleet) -> None:
    form = {"fleet": fleet.pk, "name": "dashboard", "scopes": ["read", "write:costs"]}
    form |= {"expires_at_0": "2027-01-01", "expires_at_1": "00:00"}
    text = saved(client, page("add", ApiKey), form)
    shown = text.split("new-key'>")[1].split("<")[0]
    key = ApiKey.objects.get()
    prefix, secret = split_key(shown) or ("", "")
    assert prefix == key.prefix and secret_matches(secret, key.secret_hash)
    assert (key.name, key.scopes, key.fleet) == ("dashboard", ["read", "write:costs"], fleet)
    assert key.expires_at == dt.datetime(2027, 1, 1, tzinfo=fleet.zone)
    for address in (page("changelist", ApiKey), page("change", ApiKey, key.pk), reverse("admin:index")):
        assert secret not in client.get(address).content.decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM django_admin_log WHERE CONCAT(object_repr, change_message) LIKE %s", [secret]
        )
        assert cursor.fetchone()[0] == 0


def test_a_key_is_revoked_but_never_edited_or_deleted(client: Client, fleet: Fleet) -> None:
    rows.api_key(fleet)
    key = ApiKey.objects.get()
    form = {"fleet": fleet.pk, "name": "other", "scopes": ["admin"]}
    assert client.post(page("change", ApiKey, key.pk), form).status_code == 403
    assert client.post(page("delete", ApiKey, key.pk), {"post": "yes"}).status_code == 403
    client.post(page("changelist", ApiKey), {"action": "revoke", "_selected_action": key.pk})
    key.refresh_from_db()
    assert (key.scopes, key.revoked_at) == (["read"], rows.NOON)
    assert ">revoked<" in client.get(page("changelist", ApiKey)).content.decode().replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("change", "field"), [({"scopes": ["everything"]}, "scopes"), ({"expires_at_0": "2020-01-01"}, "expires_at")]
)
def test_a_key_with_an_unknown_scope_or_already_expired_is_refused(
    client: Client, fleet: Fleet, change: dict[str, Any], field: str
) -> None:
    form = {"fleet": fleet.pk, "name": "x", "scopes": ["read"], "expires_at_0": "", "expires_at_1": "00:00", **change}
    answer = client.post(page("add", ApiKey), form)
    assert field in answer.context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_every_scope_says_what_it_allows() -> None:
    assert tuple(SCOPE_MEANINGS) == SCOPES


def test_a_role_can_have_every_right_that_a_page_asks_for(fleet: Fleet) -> None:
    clerk = User.objects.create(username="clerk", is_staff=True)
    FleetMembership.objects.create(user=clerk, fleet=fleet)
    clerk.user_permissions.set(Permission.objects.all())
    request = RequestFactory().get("/")
    request.user = clerk
    asked = {
        f"{verb}_{model._meta.model_name}"
        for model, own in admin.site._registry.items()
        if isinstance(own, FleetScopedAdmin)
        for verb in ("add", "change", "delete")
        if getattr(own, f"has_{verb}_permission")(request)
    }
    by_actions = {
        "change_apikey",
        "change_backfill",
        "delete_ledgerimport",
        "add_drainreview",
        "add_faultacknowledgement",
    }
    assert asked | by_actions == set(RIGHTS)


def test_a_role_offers_the_rights_that_there_are(client: Client) -> None:
    fields = client.get(page("add", Group)).context["adminform"].form.fields
    assert {right.codename for right in fields["permissions"].queryset} == set(RIGHTS)
    right = fields["permissions"].queryset.get(codename="change_truck")
    saved(client, page("add", Group), {"name": "Workshop", "permissions": [right.pk]})
    assert list(Group.objects.get().permissions.all()) == [right]


# --- report schedules -----------------------------------------------------------------------------------------------


def schedule_form(fleet: Fleet, recipients: str) -> dict[str, Any]:
    form = {"fleet": fleet.pk, "name": "Morning", "send_at": "06:30", "timezone": "America/Chicago", "is_active": "on"}
    return {**form, "recipients": recipients}


def test_recipients_are_entered_one_per_line(client: Client, fleet: Fleet) -> None:
    saved(client, page("add", ReportSchedule), schedule_form(fleet, " a@example.com \r\n\r\nb@example.com\r\n"))
    schedule = ReportSchedule.objects.get()
    assert schedule.recipients == ["a@example.com", "b@example.com"]
    assert "a@example.com\nb@example.com" in client.get(page("change", ReportSchedule, schedule.pk)).content.decode()


@pytest.mark.parametrize("recipients", ["", "nobody", "a@example.com\nA@example.com"])
def test_recipients_that_cannot_be_mailed_are_refused(client: Client, fleet: Fleet, recipients: str) -> None:
    answer = client.post(page("add", ReportSchedule), schedule_form(fleet, recipients))
    assert "recipients" in answer.context["adminform"].form.errors


def test_send_now_queues_a_run_of_active_schedules_that_a_worker_finds(client: Client, fleet: Fleet) -> None:
    for name, active in (("Active", True), ("Idle", False)):
        ReportSchedule.objects.create(
            fleet=fleet, name=name, send_at=dt.time(6), timezone="UTC", recipients=["a@example.com"], is_active=active
        )
    keys = list(ReportSchedule.objects.values_list("pk", flat=True))
    answer = client.post(
        page("changelist", ReportSchedule), {"action": "send_now", "_selected_action": keys}, follow=True
    )
    queued = ReportRun.objects.filter(pk__in=unrendered_runs())
    assert [run.schedule.name for run in queued] == ["Active"]
    assert list(ReportDelivery.objects.values_list("recipient", "status")) == [("a@example.com", "queued")]
    assert "1 not sent: inactive" in answer.content.decode()
