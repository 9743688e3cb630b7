"""Every way in which Wialon can fail, one by one: afterwards all rows are those of a fleet that nothing happened to.

The faults strike the third of four loads of one truck's history, or the calls that a whole pass hangs on.
"""

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync, QuarantinedMessage, SyncRun, Truck
from apps.trucks.sync import leases
from apps.trucks.sync.session import connection
from apps.trucks.wialon import WialonClient
from tasks.sync import sync_fleet
from tests.pipeline.agreement import differences
from tests.pipeline.conftest import IMPATIENT, sync_and_summarise
from tests.pipeline.conftest import _fresh_redis as _fresh_redis
from tests.pipeline.conftest import make_fleet as make_fleet
from tests.pipeline.test_late_and_gone import assert_as_in_wialon, payloads, served
from tests.pipeline.whole_tables import comparable, differing
from tests.rows import DAY, price
from wialon_simulator import Simulator
from wialon_simulator.faults import WEIRD

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC
HOUR, DAY_S = 3_600, 86_400
HISTORY_S, PIECE_S = 4 * HOUR, 6 * HOUR  # of the day before that is asked for, the last two pieces have messages
BEFORE_THE_MIDDLE = 3
LOAD, SEARCH, EVENTS, LOGIN = "messages/load_interval", "core/search_items", "avl_evts", "token/login"
TRIES = IMPATIENT.attempts
Make = Callable[..., Fleet]


@dataclass(frozen=True)
class Case:
    """A fault, and what a pass makes of it: how its run ends, what its row says, how often Wialon was asked in vain."""

    kind: str
    status: str
    says: str = ""
    hits: int = 1
    logins: int = 1
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.kind, *(str(value) for name, value in self.settings.items() if name != "seconds")]
        return " ".join(words)


def error(code: int, says: str, hits: int = 1, **settings: Any) -> Case:
    return Case("error", "partial", says, hits, settings={"code": code, **settings})


def passing(kind: str, **settings: Any) -> Case:
    """A fault that is over before the truck is given up."""
    return Case(kind, "ok", hits=settings.get("times", 1), settings={"times": 1, **settings})


BUSY = "Busy: messages/load_interval: error 1003 (only one such request at a time"
AGAIN = "Unavailable: messages/load_interval: "
OF_ONE_TRUCK = [
    # Tried again, then given up.
    error(3, AGAIN + "error 3 ", TRIES),
    error(5, AGAIN + "error 5 ", TRIES),
    error(6, AGAIN + "error 6 ", TRIES),
    error(9, AGAIN + "error 9 ", TRIES),
    error(10, "Busy: messages/load_interval: error 10 ", TRIES),
    error(-100, AGAIN + "error -100 ", TRIES),
    error(-101, AGAIN + "error -101 ", TRIES),
    error(1003, BUSY + ")", TRIES),
    *(error(1003, BUSY + f": {reason})", TRIES, reason=reason) for reason in (1, 2, 3, 5)),
    *(
        error(1003, BUSY + f": {reason})", TRIES, reason=reason)
        for reason in ("LIMIT api_concurrent", "LAYERS_MAX_COUNT", "LOCKER_ERROR")
    ),
    Case("html", "partial", AGAIN + "not JSON (text/html", TRIES),
    Case("bad_gateway", "partial", AGAIN + "HTTP 502", TRIES),
    Case("truncated", "partial", AGAIN + "RemoteProtocolError", TRIES),
    Case("reset", "partial", AGAIN + "Re", TRIES),
    Case("reset_midway", "partial", AGAIN + "Re", TRIES),
    Case("timeout", "partial", AGAIN + "RemoteProtocolError", TRIES, settings={"seconds": 0.02}),
    Case("slow", "partial", AGAIN + "ReadTimeout", TRIES, settings={"seconds": 0.6}),
    # Never tried again.
    *(error(code, f"RequestRefused: messages/load_interval: error {code} ") for code in (2, 4, 7, 8, 11, 12, 14)),
    *(error(code, f"RequestRefused: messages/load_interval: error {code} ") for code in (1002, 1006, 2014, 4_242)),
    # In halves down to a second that cannot be halved.
    error(1004, "TooMuch: messages/load_interval: error 1004 ", 16),
    error(1005, "TooMuch: messages/load_interval: error 1005 ", 16),
    # A new session for the truck that lost it, and one for the truck after it.
    Case("session_loss", "partial", "SessionLost: messages/load_interval: error 1 ", 2, logins=3),
    *(
        Case("error", "partial", f"SessionLost: messages/load_interval: error {code} ", 2, logins=3, settings=more)
        for code, more in (
            (1011, {"code": 1011}),
            (1003, {"code": 1003, "reason": "NO_SESSION"}),
            (1003, {"code": 1003, "reason": 4}),
        )
    ),
    # Over before it is given up.
    *(passing("error", code=code, times=TRIES - 1) for code in (5, 10, 1003)),
    *(passing(kind) for kind in ("html", "bad_gateway", "truncated", "reset", "reset_midway")),
    *(passing("error", code=code, times=3) for code in (1004, 1005)),
    passing("slow", seconds=0.05),
    Case("session_loss", "ok", logins=2, settings={"times": 1}),
    Case("error", "ok", logins=2, settings={"code": 1011, "times": 1}),
    Case("error", "ok", logins=2, settings={"code": 1003, "reason": "NO_SESSION", "times": 1}),
]


def small_simulator() -> Simulator:
    """Three trucks with a few hours of history each."""
    made = Simulator(trucks=3, days=1, seed=4, now=NOW, timezone="UTC", frozen=True)
    for unit in made.units:
        made.delete_messages(unit, lambda message: message["t"] < NOW - HISTORY_S)
    return made


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A test adds faults, and nothing else."""
    with small_simulator() as running:
        running.limits.sessions = running.limits.logins_per_minute = 10_000
        yield running


@pytest.fixture(autouse=True)
def _small_steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("apps.trucks.sync.truck_pass.PIECE_S", PIECE_S)
    monkeypatch.setattr("apps.trucks.sync.passes.WialonClient", partial(WialonClient, timeout_s=0.3))
    monkeypatch.setattr(settings, "INITIAL_HISTORY_DAYS", 1)
    yield
    if "simulator" in request.fixturenames:
        request.getfixturevalue("simulator").faults.clear()


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """The rows of a fleet that nothing happened to: made by the first test that asks for them."""
    return {}


def rows_of(fleet: Fleet) -> dict[str, Any]:
    """All rows, but for what counts the failures."""
    rows = comparable(fleet)
    for row in rows["FleetSync"]:
        row.pop("consecutive_failures")
    return rows


def truth(undisturbed: dict[str, Any], simulator: Simulator, make_fleet: Make) -> dict[str, Any]:
    if not undisturbed:
        fleet = priced(make_fleet(simulator))
        assert sync_and_summarise(fleet).status == "ok"
        undisturbed |= rows_of(fleet)
        assert all(undisturbed[name] for name in ("Message", "TruckDay", "Trip", "TruckDayCost", "FleetDay"))
        connection().flushdb()
    return undisturbed


def priced(fleet: Fleet) -> Fleet:
    price(fleet, DAY, "1.1")
    return fleet


def without(rows: dict[str, Any], unit: int) -> dict[str, Any]:
    """The rows of the other trucks."""
    found = {
        name: [row for row in of if row.get("truck_id") != unit] for name, of in rows.items() if "Fleet" not in name
    }
    found["Truck"] = [row for row in found["Truck"] if row["wialon_id"] != unit]
    return {name: of for name, of in found.items() if name not in ("SummaryRevision", "members", "DirtyDay")}


def busiest(simulator: Simulator) -> int:
    return max(simulator.units, key=lambda unit: len(simulator.messages(unit)))


def asked(simulator: Simulator) -> Counter[str]:
    counters = simulator.counters
    kinds = {f"fault {kind}": hits for kind, hits in counters.faults.items()}
    return Counter({**kinds, "logins": counters.logins_ok, "refused": counters.logins_failed})


# Error codes that `WialonClient` raises the same for, as tests/trucks/test_wialon.py holds of each, go one way from
# there: two of each kind in every run.
_ALIKE = {(code, None) for code in (3, 5, -101, 2, 4, 8, 11, 12, 14, 1006, 2014)} | {
    (1003, reason) for reason in (2, 3, 5, "LAYERS_MAX_COUNT", "LOCKER_ERROR")
}


def _often(case: Case) -> Any:
    named = case.settings.get("code"), case.settings.get("reason")
    return pytest.param(case, id=str(case), marks=[pytest.mark.soak] if named in _ALIKE else [])


@pytest.mark.parametrize("case", map(_often, OF_ONE_TRUCK))
def test_a_truck_that_cannot_be_read_is_made_up_for_and_harms_no_other(
    case: Case, simulator: Simulator, undisturbed: dict[str, Any], make_fleet: Make
) -> None:
    expected = truth(undisturbed, simulator, make_fleet)
    unit, before = busiest(simulator), asked(simulator)
    simulator.faults.add(case.kind, svc=LOAD, unit=unit, after=BEFORE_THE_MIDDLE, **case.settings)
    fleet = priced(make_fleet(simulator))
    run = sync_and_summarise(fleet)
    made = asked(simulator) - before
    assert (run.status, made[f"fault {case.kind}"], made["logins"]) == (case.status, case.hits, case.logins)
    assert differing(without(rows_of(fleet), unit), without(expected, unit)) == {}
    assert_row_says(run, case, fleet, unit)

    simulator.faults.clear()
    time.sleep(case.settings.get("seconds", 0))  # Wialon works on an answer that nobody waits for, and then holds it
    assert sync_and_summarise(fleet).status == "ok"
    assert differing(rows_of(fleet), expected) == {}
    assert_polite(simulator)


def assert_row_says(run: SyncRun, case: Case, fleet: Fleet, unit: int) -> None:
    if case.status == "ok":
        assert (run.truck_errors, run.trucks_failed) == ([], 0)
        return
    (told,) = run.truck_errors
    assert told["truck"] == Truck.objects.get(fleet=fleet, wialon_id=unit).code
    assert told["error"].startswith(case.says)
    assert (run.trucks_failed, run.error) == (1, "")


def assert_polite(simulator: Simulator) -> None:
    assert simulator.counters.max_heavy_at_once <= 2
    assert simulator.counters.max_at_once <= 2
    assert simulator.counters.messages_held == 0


# What the whole pass hangs on


@dataclass(frozen=True)
class Whole:
    """A fault of a call that every pass makes first."""

    svc: str
    kind: str
    says: str
    hits: int = TRIES
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.svc, self.kind, *(str(value) for value in self.settings.values())])


OF_THE_ACCOUNT = [
    *(Whole(svc, "html", f"Unavailable: {svc}: not JSON") for svc in (EVENTS, SEARCH, LOGIN)),
    *(Whole(svc, "bad_gateway", f"Unavailable: {svc}: HTTP 502") for svc in (EVENTS, SEARCH, LOGIN)),
    *(Whole(svc, "truncated", f"Unavailable: {svc}: RemoteProtocolError") for svc in (EVENTS, SEARCH, LOGIN)),
    *(Whole(svc, "reset_midway", f"Unavailable: {svc}: Re") for svc in (EVENTS, SEARCH, LOGIN)),
    *(Whole(svc, "slow", f"Unavailable: {svc}: ReadTimeout", settings={"seconds": 0.6}) for svc in (EVENTS, SEARCH)),
    *(
        Whole(svc, "error", f"Unavailable: {svc}: error {code} ", settings={"code": code})
        for svc, code in ((EVENTS, 5), (SEARCH, 6), (LOGIN, 9), (LOGIN, -100))
    ),
    *(
        Whole(svc, "error", f"Busy: {svc}: error 1003 ", settings={"code": 1003, "reason": reason})
        for svc, reason in ((EVENTS, "LIMIT avl_evts"), (SEARCH, "LOCKER_ERROR"), (LOGIN, "LIMIT logins"))
    ),
    Whole(SEARCH, "error", "RequestRefused: core/search_items: error 7 ", 1, {"code": 7}),
    Whole(SEARCH, "session_loss", "SessionLost: core/search_items: error 1 ", 2),
]


@pytest.mark.parametrize("case", OF_THE_ACCOUNT, ids=str)
def test_an_account_that_cannot_be_read_is_left_in_peace_for_longer_and_longer_and_nothing_is_lost(
    case: Whole, simulator: Simulator, undisturbed: dict[str, Any], make_fleet: Make
) -> None:
    expected = truth(undisturbed, simulator, make_fleet)
    fleet, before = priced(make_fleet(simulator)), asked(simulator)
    simulator.faults.add(case.kind, svc=case.svc, **case.settings)
    for failures in (1, 2):
        run = sync_and_summarise(fleet)
        assert (run.status, run.trucks, run.truck_errors) == ("failed", 0, [])
        assert run.error.startswith(case.says)
        assert pause_s(fleet) == pytest.approx(settings.SYNC_INTERVAL_S * 2 ** (failures - 1), abs=2)
    if case.svc == LOGIN:
        assert sync_and_summarise(fleet).error == "Busy: token/login: 6 logins within a minute, waiting"
    made = asked(simulator) - before
    assert (made[f"fault {case.kind}"], made["logins"] <= 6) == (2 * case.hits, True)

    simulator.faults.clear()
    connection().flushdb()  # a minute later
    assert sync_and_summarise(fleet).status == "ok"
    assert differing(rows_of(fleet), expected) == {}
    assert pause_s(fleet) == pytest.approx(settings.SYNC_INTERVAL_S, abs=2)
    assert_polite(simulator)


def pause_s(fleet: Fleet) -> float:
    """How long the fleet is left alone from now on."""
    due = FleetSync.objects.filter(fleet=fleet).annotate(now=Now()).get()
    assert due.due_at is not None
    return (due.due_at - due.now).total_seconds()


@pytest.mark.parametrize("code", [7, 8])
def test_a_token_that_is_refused_three_times_is_not_tried_again(
    code: int, simulator: Simulator, undisturbed: dict[str, Any], make_fleet: Make
) -> None:
    expected = truth(undisturbed, simulator, make_fleet)
    fleet, before = priced(make_fleet(simulator)), asked(simulator)
    simulator.faults.add("error", svc=LOGIN, code=code)
    for _ in range(6):
        FleetSync.objects.filter(fleet=fleet, due_at__lte=Now() + dt.timedelta(hours=1)).update(due_at=None)
        sync_fleet(fleet.id)
    runs = SyncRun.objects.filter(fleet=fleet)
    assert [(run.status, run.error.split(" (")[0]) for run in runs] == [
        ("failed", f"LoginRefused: token/login: error {code}")
    ] * 3
    assert (asked(simulator) - before)["fault error"] == 3
    assert pause_s(fleet) > 5 * HOUR

    simulator.faults.clear()
    leases.try_again(fleet.id)
    assert sync_and_summarise(fleet).status == "ok"
    assert differing(rows_of(fleet), expected) == {}


@pytest.mark.parametrize("svc", ["core/batch", "core/update_data_flags", "messages/unload"])
@pytest.mark.parametrize("code", [2, 5, 7])
def test_what_only_helps_may_fail_and_the_pass_is_whole(
    svc: str, code: int, simulator: Simulator, undisturbed: dict[str, Any], make_fleet: Make
) -> None:
    expected = truth(undisturbed, simulator, make_fleet)
    simulator.faults.add("error", svc=svc, code=code)
    fleet = priced(make_fleet(simulator))
    assert sync_and_summarise(fleet).status == "ok"
    assert differing(rows_of(fleet), expected) == {}


# What is wrong with the messages themselves: the twin says what becomes of them


def repeated(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return messages[::3]


def out_of_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Others of the same time and between, registered in the opposite order."""
    late = [{**message, "t": message["t"] + shift} for message in messages[::7] for shift in (0, 11, 23)]
    return [{**message, "rt": NOW - 60 - n} for n, message in enumerate(late)]


def garbage(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each parameter with each strange value; places that are none; times that cannot be used."""
    found = [
        {**message, "t": message["t"] + 7, "p": dict.fromkeys(message["p"], value)}
        for message, value in zip(messages[::3], WEIRD * 4, strict=False)
    ]
    places: list[Any] = [None, {}, {"y": "n/a", "x": None}, {"y": 2**60, "x": 9, "s": -1}, {"y": 91, "x": 181, "s": 9}]
    found += [{**messages[n], "t": messages[n]["t"] + 5, "pos": place} for n, place in enumerate(places)]
    return found


def from_the_future(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of later today, which is data when its time has come, and of the day after tomorrow, which never is."""
    return [{**messages[-1], "t": NOW + ahead, "rt": NOW - 1} for ahead in (60, 5 * HOUR, DAY_S + HOUR, 2 * DAY_S)]


@pytest.mark.parametrize("what", [repeated, out_of_order, garbage, from_the_future])
def test_messages_that_are_strange_end_in_the_truth(what: Callable[..., Any], make_fleet: Make) -> None:
    with small_simulator() as simulator:
        fleet = priced(make_fleet(simulator))
        assert sync_and_summarise(fleet).status == "ok"
        unit = busiest(simulator)
        simulator.add_messages(unit, what(simulator.messages(unit)))
        for seconds in (60, 6 * HOUR):
            simulator.advance(seconds)
            connection().flushdb()  # the clock jumps, and the session dies of it
            run = sync_and_summarise(fleet)
            assert (run.status, run.truck_errors) == ("ok", [])
        assert differences(fleet, simulator) == []
    quarantined = QuarantinedMessage.objects.filter(fleet_id=fleet.id).count()
    assert quarantined == (2 if what is from_the_future else 0)


@pytest.mark.parametrize(("kind", "hours"), [("empty_1001", [1]), ("garbage", [15, 24])])
def test_an_answer_that_was_a_lie_is_found_out_by_the_hour_or_the_night(
    kind: str, hours: list[int], make_fleet: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty stretch by its count; messages that were other ones by reading the whole days again."""
    with small_simulator() as simulator:
        unit = busiest(simulator)
        simulator.faults.add(kind, svc=LOAD, unit=unit, after=BEFORE_THE_MIDDLE, times=1)
        fleet = make_fleet(simulator)
        sync_and_summarise(fleet)
        assert simulator.counters.faults == {kind: 1}
        assert payloads(fleet, unit) != served(simulator, unit)
        for pause in hours:
            simulator.advance(pause * HOUR)
            connection().flushdb()
            assert sync_and_summarise(fleet).status == "ok"
        monkeypatch.setattr(settings, "INITIAL_HISTORY_DAYS", 5)  # the fresh fleet is to see all of it
        assert_as_in_wialon(fleet, simulator, make_fleet)
