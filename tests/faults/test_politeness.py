"""What Wialon may ask of us: few heavy requests at once over all workers, few logins, none with a refused token."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from apps.accounts.models import Fleet, FleetMembership
from apps.trucks.models import FleetSync, SyncRun
from apps.trucks.sync import leases, notices
from apps.trucks.sync.session import SharedSession, connection
from apps.trucks.wialon import Retry, WialonClient
from tasks.sync import sync_due_fleets, sync_fleet
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000
LOAD = "messages/load_interval"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=2, days=1, seed=1, now=NOW, frozen=True) as running:
        yield running


def client(simulator: Simulator) -> WialonClient:
    session = SharedSession(simulator.url, simulator.token, connection())
    return WialonClient(simulator.url, simulator.token, session=session, retry=Retry(attempts=1))


def test_at_most_two_heavy_requests_are_under_way_however_many_workers_there_are(simulator: Simulator) -> None:
    with client(simulator) as first:
        first.events()
    simulator.faults.add("slow", svc=LOAD, seconds=0.15)

    def work(number: int) -> list[int]:
        with client(simulator) as one:
            unit = simulator.units[number % 2]
            return [sum(map(len, one.messages(unit, NOW - 600, NOW))), one.count_messages(unit, NOW - 600, NOW)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(8)))
    assert all(loaded == counted for loaded, counted in answers)
    assert simulator.counters.max_heavy_at_once == 2
    assert simulator.counters.errors == {}
    assert simulator.counters.logins_ok == 1
    assert not list(connection().scan_iter("wialon:heavy:*"))  # every place was given back


def test_a_place_is_given_back_when_the_request_fails(simulator: Simulator) -> None:
    simulator.faults.add("html", svc=LOAD)
    with client(simulator) as one:
        for _ in range(4):
            with pytest.raises(Exception, match="not JSON"):
                one.count_messages(simulator.units[0], NOW - 600, NOW)
    assert not list(connection().scan_iter("wialon:heavy:*"))


# The breaker


@pytest.fixture
def fleet(simulator: Simulator, make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet(simulator, name="Prairie", wialon_token="0bad" * 18)


def staff(fleet: Fleet, name: str, **values: Any) -> None:
    user = get_user_model().objects.create_user(name, f"{name}@fleet.example", is_staff=True, **values)
    FleetMembership.objects.create(fleet=fleet, user=user)


def try_as_often_as_is_due(fleet: Fleet, times: int) -> None:
    """Lets the pauses pass, but for that of the breaker."""
    for _ in range(times):
        soon = Now() + dt.timedelta(hours=1)
        FleetSync.objects.filter(fleet=fleet, due_at__lte=soon).update(due_at=None)
        connection().flushdb()
        sync_fleet(fleet.id)


def test_after_three_refused_logins_wialon_is_not_asked_any_more_and_staff_is_told_once(
    fleet: Fleet, simulator: Simulator, mailoutbox: list[Any]
) -> None:
    staff(fleet, "one")
    staff(fleet, "gone", is_active=False)
    try_as_often_as_is_due(fleet, 2)
    assert mailoutbox == []
    try_as_often_as_is_due(fleet, 5)
    assert simulator.counters.logins_failed == 3
    assert sync_due_fleets() == "0 fleets due"
    assert SyncRun.objects.filter(fleet=fleet, status="failed").count() == 3
    (mail,) = mailoutbox
    assert mail.to == ["one@fleet.example"]
    assert mail.subject == "Prairie: Wialon refuses the token"
    assert f"/admin/accounts/fleet/{fleet.id}/change/" in mail.body
    assert "0bad" not in mail.body


def test_a_slow_probe_finds_a_token_that_is_valid_again(
    fleet: Fleet, simulator: Simulator, mailoutbox: list[Any]
) -> None:
    staff(fleet, "one")
    try_as_often_as_is_due(fleet, 3)
    state = FleetSync.objects.get(fleet=fleet)
    assert state.due_at is not None
    assert 5.9 < (state.due_at.timestamp() - time.time()) / 3600 < 6.1
    Fleet.objects.filter(id=fleet.id).update(wialon_token=simulator.token)
    FleetSync.objects.update(due_at=Now())
    assert sync_fleet(fleet.id).endswith(": ok")
    state.refresh_from_db()
    assert (state.refused_logins, state.consecutive_failures, state.owner_told_at) == (0, 0, None)
    Fleet.objects.filter(id=fleet.id).update(wialon_token="0bad" * 18)
    FleetSync.objects.update(due_at=None)
    try_as_often_as_is_due(fleet, 3)
    assert len(mailoutbox) == 2  # it is another refusal, so it is told again


def test_a_new_token_closes_the_breaker_at_once(fleet: Fleet) -> None:
    try_as_often_as_is_due(fleet, 3)
    assert leases.due_fleets() == []
    leases.try_again(fleet.id)
    assert leases.due_fleets() == [fleet.id]


def test_a_mail_that_cannot_be_sent_is_tried_with_the_next_refusal(
    fleet: Fleet, settings: Any, mailoutbox: list[Any]
) -> None:
    staff(fleet, "one")
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9,
    )  # fmt: skip
    try_as_often_as_is_due(fleet, 3)
    assert FleetSync.objects.get(fleet=fleet).owner_told_at is None
    settings.EMAIL_BACKEND = backend
    assert notices.tell_of_refused_logins(fleet, "LoginRefused: …") == 1
    assert notices.tell_of_refused_logins(fleet, "LoginRefused: …") == 0
    assert len(mailoutbox) == 1


@pytest.fixture
def told() -> Iterator[list[RetryDetails]]:
    """What is about to be tried again, with how long it will be waited for."""
    details: list[RetryDetails] = []
    set_on_retry_hooks([details.append])
    yield details
    set_on_retry_hooks(None)


def test_retries_wait_longer_each_time_and_never_alike(simulator: Simulator, told: list[RetryDetails]) -> None:
    tries: list[float] = []
    simulator.faults.add("error", svc="core/search_items", code=5)
    for _ in range(3):
        retry = Retry(attempts=4, first_wait_s=0.05, max_wait_s=1)
        token = simulator.token
        one = WialonClient(simulator.url, token, retry=retry, before_try=lambda: tries.append(time.monotonic()))
        with one, pytest.raises(Exception, match="error 5"):
            one.groups()
    waits = [[details.wait_for for details in told[start : start + 3]] for start in (0, 3, 6)]
    assert all(first < second < third for first, second, third in waits)
    assert len({tuple(each) for each in waits}) == 3
    passed = [after - before for number in range(3) for before, after in pairwise(tries[4 * number : 4 * number + 4])]
    assert [s >= details.wait_for for s, details in zip(passed, told, strict=True)] == [True] * 9
