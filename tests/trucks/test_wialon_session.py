"""What all workers of one Wialon account share in Redis: a session and a budget of logins."""

from collections.abc import Iterator

import pytest
import redis

from apps.trucks.sync.session import SharedSession, connection
from apps.trucks.wialon import Busy

URL, TOKEN = "https://wialon.example", "5d1e" * 18


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    found = connection()
    found.flushdb()
    yield found
    found.flushdb()


def session(store: redis.Redis, token: str = TOKEN) -> SharedSession:
    return SharedSession(URL, token, store)


def test_what_one_worker_keeps_another_finds(store: redis.Redis) -> None:
    session(store).keep("sid-1")
    assert session(store).sid() == "sid-1"
    assert session(store, "another token").sid() is None


def test_a_session_is_forgotten_before_wialon_ends_it(store: redis.Redis) -> None:
    session(store).keep("sid-1")
    (key,) = store.scan_iter("wialon:session:*")
    assert 230 < store.ttl(key) <= 240 < 300


def test_a_lost_session_is_dropped_unless_another_took_its_place(store: redis.Redis) -> None:
    session(store).keep("new")
    session(store).drop("old")
    assert session(store).sid() == "new"
    session(store).drop("new")
    assert session(store).sid() is None


def test_the_clock_that_one_worker_was_told_serves_all_for_some_seconds(store: redis.Redis) -> None:
    session(store).keep_clock(1_773_162_000)
    assert session(store).clock() == 1_773_162_000
    assert session(store, "another token").clock() is None
    (key,) = store.scan_iter("wialon:clock:*")
    assert 0 < store.ttl(key) <= 5


def test_neither_token_nor_address_stands_in_redis(store: redis.Redis) -> None:
    one = session(store)
    one.keep("sid-1")
    one.before_login()
    assert all(TOKEN not in key and "wialon.example" not in key for key in store.scan_iter())


def test_the_seventh_login_within_a_minute_waits_whoever_asks(store: redis.Redis) -> None:
    workers = [session(store), session(store)]
    for turn in range(6):
        workers[turn % 2].before_login()
    for worker in workers:
        with pytest.raises(Busy, match="6 logins within a minute"):
            worker.before_login()
    session(store, "another account").before_login()


def test_a_login_is_forgotten_after_a_minute(store: redis.Redis) -> None:
    one = session(store)
    for _ in range(6):
        one.before_login()
    (key,) = store.scan_iter("wialon:logins:*")
    oldest = store.zrange(key, 0, 0)
    store.zincrby(key, -61, oldest[0])
    one.before_login()
    with pytest.raises(Busy):
        one.before_login()


def test_without_redis_a_worker_has_a_session_of_its_own() -> None:
    away = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2)
    one = session(away)
    one.before_login()
    assert one.sid() is None
    one.keep("sid-1")
    assert one.sid() == "sid-1"
    assert session(away).sid() is None
    one.drop("sid-1")
    assert one.sid() is None
