"""The page that the admin opens with."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry, DirtyEntry, ReportDelivery
from apps.fleet.summaries import notes
from apps.mysql import fetch_all_sync
from apps.trucks import queries
from apps.trucks.admin.status import NEVER, with_status
from apps.trucks.invalidation import mark
from apps.trucks.models import SyncRun, Truck, TruckSync
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.furnished import furnish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]


def today(client: Client, **query: Any) -> Any:
    answer = client.get(reverse("admin:index"), query)
    assert answer.status_code == 200
    return answer


def test_a_new_installation_is_told_which_commands_to_run(client: Client) -> None:
    text = today(client).content.decode()
    for command in ("scripts/demo", "manage.py create_fleet", "manage.py sync", "manage.py summarise", "celery -A"):
        assert command in text


def test_a_fleet_without_days_is_told_what_comes_next(client: Client) -> None:
    rows.fleet("Prairie Haulage")
    text = today(client).content.decode()
    assert "Prairie Haulage has no days yet" in text
    assert (
        "manage.py sync --fleet &quot;Prairie Haulage&quot;" in text
        or 'manage.py sync --fleet "Prairie Haulage"' in text
    )
    assert "create_fleet" not in text


def test_todays_figures_are_those_of_the_fleets_day(client: Client) -> None:
    fleet = rows.fleet(units="us")
    trucks = [rows.truck(fleet, f"T-{number}") for number in (1, 2)]
    for truck in trucks:
        rows.truck_day(truck, rows.DAY, distance_m=160_934, fuel_used_l=37.85411784)
        rows.truck_day(truck, rows.DAY - dt.timedelta(days=1), distance_m=80_467, fuel_used_l=None)
        rows.known(truck)
    for back in (0, 1):
        rows.fleet_day(fleet, rows.DAY - dt.timedelta(days=back))
    context = today(client).context
    tiles = {tile.title: (tile.value, *tile.notes) for tile in context["tiles"]}
    assert tiles["Distance"] == ("200 mi", "100 mi yesterday")
    assert tiles["Fuel"] == ("20 gal", "– yesterday")
    assert tiles["Consumption"] == ("10.0 mpg", "– yesterday")
    assert tiles["Engine utilization"][0] == "90.7%"  # (28,800 moving + 600 productive) ÷ 32,400 engine on
    assert tiles["Idling"][0] == "11.1%"
    assert context["as_of"] == "2026-03-10 12:00 CDT"
    bars = context["bars"]
    assert [bar.value for bar in bars] == [""] * 12 + ["100", "200"]
    assert [bar.height_pct for bar in bars[-2:]] == [50, 100]
    assert bars[-1].is_today and bars[0].day == rows.DAY - dt.timedelta(days=13)


def test_trucks_are_counted_by_status_as_the_api_counts_them(client: Client) -> None:
    fleet = rows.fleet()
    hour, day = dt.timedelta(hours=1), dt.timedelta(hours=25)
    states = [
        (rows.NOON, {}), (rows.NOON, {"speed_kmh": 4.0}), (rows.NOON, {"speed_kmh": None}),
        (rows.NOON, {"engine_on": False}), (rows.NOON - day, {"engine_on": False}),
        (rows.NOON - 2 * day, {"engine_on": False}), (rows.NOON - hour, {}), (rows.NOON - hour, {"engine_on": None}),
        (rows.NOON, {"engine_on": None}), (rows.NOON, {"engine_on": None, "speed_kmh": 0.0}), (None, {}),
    ]  # fmt: skip
    for number, (at, changes) in enumerate(states):
        rows.latest(rows.truck(fleet, f"T-{number:02}"), at, **changes)
    rows.truck(fleet, "T-99")
    assert dict(today(client).context["statuses"]) == {"moving": 2, "idle": 2, "parked": 3, "offline": 3, NEVER: 2}

    now = int(rows.NOON.timestamp())
    parameters = {"fleet": fleet.pk, "now": now, "pattern": None, "group": None, "statuses": None}
    answered = fetch_all_sync(queries.TRUCKS, {**parameters, "after": "", "limit": 100})
    of_api = {row["truck_id"]: row["status"] or NEVER for row in answered}
    assert dict(with_status(Truck.objects.all(), now).values_list("code", "doing")) == of_api


def test_a_status_leads_to_its_trucks(client: Client) -> None:
    fleet = rows.fleet()
    rows.latest(rows.truck(fleet, "T-1"))
    rows.truck(fleet, "T-2")
    address = reverse("admin:trucks_truck_changelist")
    found = client.get(address, {"fleet": fleet.pk, "is_active__exact": 1, "status": "moving"}).context["cl"]
    assert [truck.code for truck in found.result_list] == ["T-1"]
    assert (
        f"{address}?fleet={fleet.pk}&amp;is_active__exact=1&amp;status=never%20reported"
        in today(client).content.decode()
    )


def test_the_sync_says_what_fails(client: Client) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.known(truck, rows.NOON - dt.timedelta(hours=1), last_error="Unavailable: no answer")
    SyncRun.objects.create(fleet=fleet, status="ok", started_at=rows.NOON - dt.timedelta(minutes=2), lag_s=130)
    SyncRun.objects.create(fleet=fleet, status="running", started_at=rows.NOON)
    sync = today(client).context["sync"]
    assert (sync.run.status, sync.lag, sync.failing, sync.lagging) == ("running", "2 min", 1, 1)
    TruckSync.objects.update(last_error="", known_until=int(rows.NOON.timestamp()))
    recount(fleet.pk)
    sync = today(client).context["sync"]
    assert (sync.failing, sync.lagging) == (0, 0)


def test_a_sync_that_waits_for_space_says_why(client: Client) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    error = "DiskFull: 8.0 % of the database's disk is free"
    run = SyncRun.objects.create(fleet=fleet, status="paused", started_at=rows.NOON, error=error)
    page = today(client).content.decode()
    assert "waits for space" in page
    assert '<dt>Why</dt><dd class="bad">8.0 % of the database&#x27;s disk is free</dd>' in page
    SyncRun.objects.filter(pk=run.pk).update(status="ok", error="")
    assert "<dt>Why</dt>" not in today(client).content.decode()


def test_waiting_days_drains_and_mails_are_shown(client: Client) -> None:
    fleet = rows.fleet()
    made = furnish(fleet)
    truck = made[Truck]
    for back in (1, 6, 7):
        rows.fuel_event(truck, rows.NOON - dt.timedelta(days=back), "drain")
    mark(fleet.pk, [(truck.pk, rows.DAY), (truck.pk, rows.DAY - dt.timedelta(days=1))], "messages")
    ReportDelivery.objects.update(status="sent", sent_at=rows.NOON)
    answer = today(client)
    assert (answer.context["waiting"], answer.context["stuck"]) == (2, 0)
    assert [drain["when"][:10] for drain in answer.context["drains"]] == ["2026-03-09", "2026-03-04"]
    assert answer.context["mails"].sent == "2026-03-10 12:00 CDT"
    for drain in answer.context["drains"]:
        assert client.get(reverse("admin:trucks_fueleventrow_change", args=[drain["key"]])).status_code == 200


def test_whoever_signs_in_where_no_page_was_asked_for_begins_here() -> None:
    User.objects.create_superuser("mira", password="a long password")
    client = Client()
    answer = client.post(reverse("admin:login"), {"username": "mira", "password": "a long password"})
    assert answer.status_code == 302 and answer["Location"] == reverse("admin:index")
    assert client.get(answer["Location"]).status_code == 200


def test_a_drain_that_is_reviewed_wants_no_attention_any_more(client: Client) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for hours, review in enumerate(("suspected", "confirmed", "dismissed", "suspected")):
        rows.fuel_event(truck, rows.NOON - dt.timedelta(hours=hours), "drain", review=review)
    assert [drain["when"][11:13] for drain in today(client).context["drains"]] == ["12", "09"]


def test_the_page_takes_as_many_statements_for_many_trucks_as_for_one(client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            today(client)
        return len(captured)

    fleet = rows.fleet("Alpha Haulage")
    furnish(fleet)
    statements()
    before = statements()
    for number in (2, 3, 4):
        furnish(fleet, number)
    assert statements() == before


def test_the_fleet_is_chosen_and_remembered(client: Client) -> None:
    alpha, bravo = rows.fleet("Alpha Haulage"), rows.fleet("Bravo Logistics")
    assert today(client).context["fleet"] == alpha
    assert today(client, fleet=bravo.pk).context["fleet"] == bravo
    assert today(client).context["fleet"] == bravo
    assert today(client, fleet="nonsense").context["fleet"] == bravo
    assert Fleet.objects.count() == 2


def test_an_invoice_that_lacks_an_exchange_rate_leads_to_where_one_is_entered(client: Client) -> None:
    fleet = rows.fleet("Alpha Haulage")
    made = [
        CostEntry.objects.create(
            fleet=fleet, line="tolls", amount=Decimal(20), currency="CHF", covers_from=rows.DAY, covers_to=rows.DAY,
            document=document,
        )
        for document in ("F-1", "F-2")
    ]  # fmt: skip
    assert today(client).context["unspread"] == 0
    notes.mark(fleet.pk, [made[0].pk])
    DirtyEntry.objects.update(problem="there is no exchange rate for CHF on 2026-03-10")
    answer = today(client)
    assert answer.context["unspread"] == 1
    listed = f"{reverse('admin:fleet_costentry_changelist')}?fleet={fleet.pk}&amp;spread=no_exchange_rate"
    assert listed in answer.content.decode()
    lacking = client.get(listed.replace("&amp;", "&")).content.decode()
    assert "F-1" in lacking and "F-2" not in lacking
    page = client.get(reverse("admin:fleet_costentry_change", args=[made[0].pk])).content.decode()
    assert "No exchange rate, so it costs nothing yet: there is no exchange rate for CHF on 2026-03-10" in page
    assert f"{reverse('admin:fleet_exchangerate_add')}?fleet={fleet.pk}&amp;currency=CHF" in page
