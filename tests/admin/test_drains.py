"""A person says what a drain was: it survives rebuilds, and a dismissed one leaves the figures."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import FuelPrice, TruckDayFuel
from apps.trucks import invalidation
from apps.trucks.models import DrainReview, FuelEvent, Truck, TruckDay
from apps.trucks.models.views import FuelEventRow
from tests import rows
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
NIGHT = feed.midnight(rows.DAY, "UTC") + 7_200


def level(t: int, litres: float) -> dict[str, Any]:
    return {"t": t, "f": 0, "tp": "ud", "rt": t, "pos": None, "p": {"ign": 0, "level": litres}}


@pytest.fixture
def truck() -> Truck:
    """Loses 100 of 300 l at 02:00."""
    made = feed.truck_of(rows.fleet(timezone="UTC"), "T")
    levels = [level(NIGHT + n * 900, 300 if n <= 0 else 200) for n in range(-6, 7)]
    feed.receive(made, levels, NIGHT + 40_000)
    summaries.rebuild(made.fleet)
    return made


def say(client: Client, action: str) -> None:
    client.force_login(User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)[0])
    address = f"{reverse('admin:trucks_fueleventrow_changelist')}?from={rows.DAY}&to={rows.DAY}"
    keys = list(FuelEventRow.objects.values_list("key", flat=True))
    assert client.post(address, {"action": action, "_selected_action": keys}).status_code == 302


def drained(truck: Truck) -> tuple[Any, ...]:
    day = TruckDay.objects.get(truck_id=truck.pk)
    return FuelEvent.objects.get(truck_id=truck.pk).review, day.drains, day.drain_l, day.fuel_used_l


def test_a_dismissed_drain_leaves_the_figures_and_comes_back_when_it_is_confirmed(truck: Truck, client: Client) -> None:
    assert drained(truck) == ("suspected", 1, 100.0, 0.0)
    say(client, "dismiss")
    summaries.rebuild(truck.fleet)
    assert drained(truck) == ("dismissed", 0, 0.0, 100.0)
    say(client, "confirm")
    summaries.rebuild(truck.fleet)
    assert drained(truck) == ("confirmed", 1, 100.0, 0.0)
    said = DrainReview.objects.order_by("pk").values_list("verdict", "reviewed_by")
    assert list(said) == [("dismissed", "root"), ("confirmed", "root")]


def test_a_word_that_is_taken_back_leaves_a_drain_that_nobody_has_reviewed(truck: Truck, client: Client) -> None:
    for action in ("take_back", "dismiss", "take_back"):
        say(client, action)
        summaries.rebuild(truck.fleet)
    assert drained(truck) == ("suspected", 1, 100.0, 0.0)
    assert TruckDayFuel.objects.get(truck_id=truck.pk).suspected_drains == 1
    said = DrainReview.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(said) == ["dismissed", "suspected"], "of a drain that nobody has reviewed there is nothing to take back"


def test_what_drains_cost_follows_what_is_said_of_them(truck: Truck, client: Client) -> None:
    ledger.save(FuelPrice(fleet=truck.fleet, effective_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), price_per_l="1.10"))
    money = []
    for verdict in (None, "dismiss", "confirm"):
        if verdict is not None:
            say(client, verdict)
        summaries.rebuild(truck.fleet)
        day = TruckDayFuel.objects.get(truck_id=truck.pk)
        money.append((day.drain_cost, day.suspected_drains, day.suspected_drain_cost))
    assert money == [(110, 1, 110), (0, 0, 0), (110, 0, 0)]
    assert FuelEvent.objects.get(truck_id=truck.pk).cost == 110


@pytest.mark.parametrize(("later_s", "review"), [(600, "dismissed"), (601, "suspected")])
def test_a_review_stays_with_a_drain_that_is_found_a_little_elsewhere(
    truck: Truck, client: Client, later_s: int, review: str
) -> None:
    say(client, "dismiss")
    summaries.rebuild(truck.fleet)
    feed.receive(truck, [level(NIGHT + later_s, 299)], NIGHT + 40_060)
    summaries.rebuild(truck.fleet)
    assert drained(truck)[0] == review


def test_a_review_survives_a_rebuild_of_everything(truck: Truck, client: Client) -> None:
    say(client, "dismiss")
    invalidation.mark_fleet(truck.fleet_id, rows.DAY, "staff")
    summaries.rebuild(truck.fleet)
    assert drained(truck)[0] == "dismissed"


def test_whoever_may_only_look_says_nothing(truck: Truck, client: Client) -> None:
    client.force_login(User.objects.create_user("reader", is_staff=True))
    keys = list(FuelEventRow.objects.values_list("key", flat=True))
    form = {"action": "dismiss", "_selected_action": keys}
    client.post(f"{reverse('admin:trucks_fueleventrow_changelist')}?from={rows.DAY}&to={rows.DAY}", form)
    assert not DrainReview.objects.exists()
