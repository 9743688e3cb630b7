"""`manage.py sync`: a live pass, or a period again; in the foreground, with counts on stdout."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from apps.accounts.models import Fleet
from apps.trucks.models import Backfill, Message, SyncRun, TruckSync
from apps.trucks.sync.session import connection
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
Make = Callable[..., Fleet]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(trucks=2, days=3, seed=5, now=NOW, frozen=True) as running:
        yield running


def run(**options: Any) -> str:
    out = io.StringIO()
    call_command("sync", fleet="Prairie", stdout=out, stderr=out, **options)
    return out.getvalue()


def seconds(fleet: Fleet) -> list[int]:
    return list(Message.objects.filter(fleet_id=fleet.pk).order_by("t").values_list("t", flat=True))


def test_without_a_period_it_is_one_live_pass(simulator: Simulator, make_fleet: Make) -> None:
    make_fleet(simulator, name="Prairie")
    assert re.match(r"ok: 2 trucks, 2 with news, \d{4} messages loaded, \d{4} new, 0 quarantined", run())
    assert (SyncRun.objects.count(), Backfill.objects.count()) == (1, 0)


def test_a_new_fleet_is_read_from_the_day_that_is_named(simulator: Simulator, make_fleet: Make) -> None:
    fleet = make_fleet(simulator, name="Prairie", timezone="America/Chicago")
    with time_machine.travel(NOW):
        out = run(first="2026-03-09")
    assert re.match(r"backfill \d+ done: (\d+) of \1 truck-days, \d{4} messages loaded", out)
    assert "\nok: 2 trucks" in out
    first = 1_773_032_400  # midnight in Chicago
    now = simulator.now()
    truth = sorted(m["t"] for u in simulator.units for m in simulator.messages(u) if first <= m["t"] <= now)
    assert seconds(fleet) == truth


def test_a_period_that_ends_is_read_to_its_end_and_known_up_to_it(simulator: Simulator, make_fleet: Make) -> None:
    fleet = make_fleet(simulator, name="Prairie", timezone="UTC")
    run(first="2026-03-08", last="2026-03-09T05:59:59Z")
    last = 1_773_035_999
    assert max(seconds(fleet)) <= last
    assert set(TruckSync.objects.values_list("known_until", flat=True)) == {last}
    assert SyncRun.objects.count() == 0


def test_what_failed_is_named_and_the_command_fails(simulator: Simulator, make_fleet: Make) -> None:
    fleet = make_fleet(simulator, name="Prairie")
    simulator.faults.add("error", svc="messages/load_interval", unit=simulator.units[1], code=7)
    with pytest.raises(CommandError, match=r"RequestRefused: messages/load_interval: error 7"):
        run(first="2026-03-09", last="2026-03-09")
    backfill = Backfill.objects.get()
    assert (backfill.status, backfill.days_done, backfill.days_failed) == ("failed", 1, 1)
    assert Message.objects.filter(fleet_id=fleet.pk).exists()


def test_a_wialon_that_is_away_does_not_keep_the_command(simulator: Simulator, make_fleet: Make) -> None:
    make_fleet(simulator, name="Prairie")
    run()
    connection().flushdb()  # no session, and no clock that was told a moment ago
    simulator.faults.add("error", svc="avl_evts", code=7)
    with pytest.raises(CommandError, match="goes on by itself as soon as Wialon can be read"):
        run(first="2026-03-09", last="2026-03-09")
    assert Backfill.objects.get().status == "running"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"first": "2026-03-09", "last": "2026-03-08"}, "--from: is later than the end"),
        ({"first": "2031-03-09"}, "--from: "),
        ({"first": "monday"}, "'monday' is neither a date"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    options: dict[str, str], words: str, simulator: Simulator, make_fleet: Make
) -> None:
    make_fleet(simulator, name="Prairie")
    with pytest.raises(CommandError, match=words):
        run(**options)
