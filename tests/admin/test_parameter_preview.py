"""Beside the form of parameters: what they would change is shown, and nothing is written."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.fleet import summaries
from apps.fleet.admin import parameter_preview
from apps.trucks.models import DirtyDay, ParameterSet, Truck, TruckDay
from apps.trucks.parameters import DEFAULTS
from tests import rows
from tests.markup import assert_whole, cells_of
from tests.pipeline import feed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]

ZONE = "Europe/Berlin"
FIRST = dt.date(2026, 3, 26)
DAYS = 3
START, END = feed.midnight(FIRST, ZONE), feed.midnight(FIRST + dt.timedelta(days=DAYS), ZONE)
ADD = "admin:trucks_parameterset_preview"
OF = "admin:trucks_parameterset_preview_of"


@pytest.fixture
def truck() -> Truck:
    made = feed.truck_of(rows.fleet(timezone=ZONE), "T-1")
    feed.receive(made, feed.history(1, START, END), END)
    assert summaries.rebuild(made.fleet).failed == 0
    return made


def form(of: Truck, **changes: Any) -> dict[str, Any]:
    return {"fleet": of.fleet_id, "truck": "", "effective_from": "2026-05-01", "days": DAYS, **changes}


def shown(client: Client, of: Truck, **changes: Any) -> Any:
    answer = client.post(reverse(ADD), form(of, **changes))
    assert answer.status_code == 200
    return answer


def stored() -> tuple[Any, ...]:
    return (
        list(ParameterSet.objects.values()),
        DirtyDay.objects.count(),
        list(TruckDay.objects.order_by("day").values("day", "revision", "content_hash")),
    )


def test_the_form_leads_to_a_preview_that_is_what_the_command_shows(client: Client, truck: Truck) -> None:
    page = client.get(reverse("admin:trucks_parameterset_add")).content.decode()
    assert f'formaction="{reverse(ADD)}" formtarget="preview"' in page and '<iframe name="preview"' in page
    assert "fleet/charts.css" in page

    before = stored()
    with CaptureQueriesContext(connection) as captured:
        answer = shown(client, truck, speed_limit_kmh="60", trip_end_s="900")
    assert stored() == before
    begins = {query["sql"].lstrip("(").split()[0] for query in captured}
    assert begins <= {"SELECT", "SAVEPOINT", "RELEASE"}

    found = list(parameter_preview.preview(truck.fleet, {"speed_limit_kmh": 60, "trip_end_s": 900}, DAYS))
    assert answer.context["changed_days"] == sum(len(each.changed_days) for each in found) > 0
    figures = cells_of(answer.context["figures"])
    trips = next(each for each in found[0].differences if each.figure == "trips")
    assert figures["Trips"][:2] == [f"{trips.old:,}", f"{trips.new:,}"]
    assert figures["Trips"][2] == f"{'+' if trips.by > 0 else '−'}{abs(trips.by):,}"
    events = cells_of(answer.context["events"])
    appear = sum(event.kind == "speeding episode" and event.appears for event in found[0].events)
    assert events["Speeding episodes"][0] == str(appear)
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert_whole(answer.content.decode(), charts=0)


def test_an_existing_set_is_tried_in_place_of_itself(client: Client, truck: Truck) -> None:
    """A parameter that is taken out of the set counts as taken out, not as it was."""
    entered = rows.parameters(truck.fleet, {"speed_limit_kmh": 60, "trip_end_s": 900})
    summaries.rebuild(truck.fleet)
    changed = form(truck, speed_limit_kmh="60")
    answer = client.post(reverse(OF, args=[entered.pk]), changed)
    assert [label for label, _ in answer.context["values"]] == ["Speed limit (km/h)"]
    assert "Trips" in cells_of(answer.context["figures"])
    same = client.post(reverse(OF, args=[entered.pk]), {**changed, "trip_end_s": "900"})
    assert "Nothing would change in 3 truck-days" in same.content.decode()
    assert ParameterSet.objects.get().values == {"speed_limit_kmh": 60, "trip_end_s": 900}


def test_wrong_values_are_told_with_their_fields(client: Client, truck: Truck) -> None:
    text = shown(client, truck, speed_limit_kmh="fast").content.decode()
    assert "Speed limit (km/h): Enter a number." in text
    assert "Fill in at least one parameter." in shown(client, truck).content.decode()
    assert not shown(client, truck, speed_limit_kmh="60", effective_from="").context.get("problems"), "not needed yet"
    for days in ("0", str(parameter_preview.MOST_DAYS + 1), ""):
        assert shown(client, truck, days=days, speed_limit_kmh="60").context["problems"]


def test_a_long_preview_stops_in_time_and_says_how_far_it_came(
    client: Client, truck: Truck, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = feed.truck_of(truck.fleet, "T-2")
    feed.receive(second, feed.history(2, START, END), END)
    monkeypatch.setattr(parameter_preview, "BUDGET_S", 0)
    text = shown(client, truck, speed_limit_kmh="60").content.decode()
    assert "Looked at 1 of 2 trucks" in text
    assert "--days 3 speed_limit_kmh=60" in text
    alone = shown(client, truck, truck=second.pk, speed_limit_kmh="60").context
    assert alone["result"].is_whole and "--truck T-2" in alone["command"]


def test_one_preview_at_a_time(client: Client, truck: Truck) -> None:
    with parameter_preview._running:
        assert "Another preview is being computed" in shown(client, truck, speed_limit_kmh="60").content.decode()
    assert shown(client, truck, speed_limit_kmh="60").context["changed_days"]


def test_what_detects_nothing_says_so_and_a_fleet_without_days_too(client: Client, truck: Truck) -> None:
    text = shown(client, truck, target_idle_pct="10").content.decode()
    assert "Nothing would change" in text and "Target idling (%): what figures are held against" in text
    assert set(DEFAULTS.__slots__) > parameter_preview._NOT_DETECTED
    empty = rows.truck(rows.fleet("Empty"))
    assert "There are no days to try it on" in shown(client, empty, speed_limit_kmh="60").content.decode()


def test_only_who_may_enter_parameters_may_try_them_and_only_on_their_fleets(client: Client, truck: Truck) -> None:
    other = rows.fleet("Other")
    entered = rows.parameters(truck.fleet, {"speed_limit_kmh": 60})
    staff = User.objects.create_user("staff", is_staff=True)
    FleetMembership.objects.create(fleet=other, user=staff)
    client.force_login(staff)
    assert client.post(reverse(ADD), form(truck, speed_limit_kmh="60")).status_code == 403
    assert "preview" not in client.get(reverse("admin:trucks_parameterset_changelist")).content.decode()
    staff.user_permissions.set(Permission.objects.filter(codename__in=["add_parameterset", "change_parameterset"]))
    answer = shown(client, truck, speed_limit_kmh="60")
    assert answer.context["problems"] == [
        "Fleet: Select a valid choice. That choice is not one of the available choices."
    ]
    assert client.post(reverse(OF, args=[entered.pk]), form(truck, speed_limit_kmh="60")).status_code == 403
    assert client.get(reverse(ADD)).status_code == 405
