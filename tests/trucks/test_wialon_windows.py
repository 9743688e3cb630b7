"""What was too much for Wialon is asked in smaller pieces from then on, and carefully in larger ones again."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from apps.trucks.sync.session import SharedSession, connection
from apps.trucks.wialon import MOST_S, OwnSession, WialonClient
from apps.trucks.wialon.windows import Window
from tests.trucks.test_wialon import LOAD, NOW, TOKEN, URL, Wialon

HOUR_S, DAY_S = 3_600, 86_400


class Limited(Wialon):
    """Answers loads of so many seconds, and batches of so many calls, at most; messages come every ten minutes."""

    def __init__(self, *, seconds: int = MOST_S, calls: int = 40, **settings: Any) -> None:
        super().__init__(**settings)
        self.seconds, self.most_calls = seconds, calls
        self.messages = [{"t": t, "p": {}} for t in range(NOW, NOW + MOST_S, 600)]

    def _answer(self, svc: str) -> Any:
        params = self.calls[-1][1]
        if svc == LOAD and params["timeTo"] - params["timeFrom"] + 1 > self.seconds:
            return {"error": 1004}
        if svc == "core/batch":
            loads = params["params"][:-1]
            if len(loads) > self.most_calls:
                return {"error": 1005}
            return [*({"count": 0, "messages": []} for _ in loads), {"error": 0}]
        return super()._answer(svc)

    def lengths(self) -> list[int]:
        """How many seconds each load so far has asked for."""
        return [params["timeTo"] - params["timeFrom"] + 1 for svc, params, _ in self.calls if svc == LOAD]

    def sizes(self) -> list[int]:
        """How many calls each batch so far had."""
        return [len(params["params"]) - 1 for svc, params, _ in self.calls if svc == "core/batch"]


def load(client: WialonClient, first_t: int = NOW, length_s: int = MOST_S) -> list[int]:
    return [m["t"] for batch in client.messages(7, first_t, first_t + length_s - 1) for m in batch]


def test_the_next_load_begins_with_the_size_that_worked() -> None:
    wialon = Limited(seconds=DAY_S)
    client = wialon.client()
    everything = load(client)
    assert everything == [m["t"] for m in wialon.messages]
    assert wialon.lengths() == [MOST_S, *[MOST_S // 2, MOST_S // 4, MOST_S // 4] * 2]
    wialon.calls.clear()
    assert load(client, length_s=2 * DAY_S) == everything[: 2 * 144]
    assert max(wialon.lengths()) <= DAY_S  # nothing is refused again


def test_it_grows_by_a_quarter_after_two_whole_windows_and_shrinks_again_at_the_limit() -> None:
    wialon = Limited(seconds=DAY_S)
    client = wialon.client()
    for _ in range(6):
        load(client)
    lengths = wialon.lengths()[7:]
    refused = [length for length in lengths if length > DAY_S]
    assert all(length <= DAY_S * 5 // 4 for length in refused)  # never far beyond what works
    assert 0 < len(refused) < len(lengths) / 4
    wialon.seconds = MOST_S
    for _ in range(12):
        load(client)
    assert wialon.lengths()[-1] == MOST_S


def test_one_dense_stretch_does_not_make_everything_slow() -> None:
    """Wialon refuses all but single seconds of one hour: the halves find them; other loads are of an hour at least."""
    wialon = Limited(seconds=1)
    client = wialon.client()
    assert load(client, length_s=8) == [NOW]
    wialon.seconds = MOST_S
    wialon.calls.clear()
    load(client)
    assert wialon.lengths()[0] == HOUR_S
    assert len(wialon.lengths()) < 50


def test_what_reaches_into_all_the_future_is_not_cut() -> None:
    wialon = Limited(seconds=2**31)
    client = wialon.client()
    client._session.keep_size("seconds", HOUR_S)
    load(client, NOW + MOST_S, 2**31 - NOW - MOST_S)
    assert len(wialon.lengths()) == 1


def test_batches_begin_with_the_number_of_calls_that_worked() -> None:
    wialon = Limited(calls=12)
    client = wialon.client()
    wanted = [(unit, NOW, NOW + 60) for unit in range(40)]
    assert len(client.messages_of_many(wanted)) == 40
    assert wialon.sizes() == [40, 20, 10, 10, 20, 10, 10]
    wialon.calls.clear()
    assert len(client.messages_of_many(wanted)) == 40
    assert wialon.sizes()[0] in (10, 12)
    assert sum(size > 12 for size in wialon.sizes()) <= 1


@pytest.mark.parametrize(("asked", "answered"), [(39, 9), (1, 0)])
def test_a_smaller_request_says_nothing_of_the_window(asked: int, answered: int) -> None:
    window = Window(OwnSession(), "calls", least=1, most=40)
    window.was_too_much(20)
    for _ in range(10):
        window.was_answered(answered)
    assert window.size == 10
    window.was_too_much(asked)  # a larger one that was too much, too, does not make it larger
    assert window.size == min(10, max(1, asked // 2))


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    found = connection()
    found.flushdb()
    yield found
    found.flushdb()


def test_all_workers_of_an_account_learn_it_and_forget_it_in_a_day(store: redis.Redis) -> None:
    SharedSession(URL, TOKEN, store).keep_size("seconds", DAY_S)
    assert SharedSession(URL, TOKEN, store).size("seconds") == DAY_S
    assert SharedSession(URL, TOKEN, store).size("calls") is None
    assert SharedSession(URL, "another token", store).size("seconds") is None
    (key,) = store.scan_iter("wialon:size:*")
    assert 86_000 < store.ttl(key) <= 86_400


def test_the_next_pass_of_another_worker_begins_with_it(store: redis.Redis) -> None:
    wialon = Limited(seconds=DAY_S)
    for _ in range(2):
        wialon.settings["session"] = SharedSession(URL, TOKEN, store)
        load(wialon.client())
    assert wialon.lengths().count(MOST_S) == 1
