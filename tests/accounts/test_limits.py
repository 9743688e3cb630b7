"""The quota of a key: never exceeded, hardly ever asked for, and no obstacle when Redis is away."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
import redis as sync_redis
import redis.asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.accounts import limits
from apps.accounts.limits import Allowance, Limiter
from apps.accounts.problems import TooManyRequests
from tests import rows
from tests.conftest import AsgiClient

KEY = 900_001


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Store:
    """What Redis would do, for one key: a window of 60 s that begins with the first draw."""

    def __init__(self, quota: int, clock: Clock, batch: int = 10) -> None:
        self.quota, self.clock, self.batch = quota, clock, batch
        self.used, self.ends_at, self.asked = 0, 0.0, 0
        self.is_down = False

    async def draw(self, key_id: int) -> tuple[int, int, int]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise RedisConnectionError
        if self.clock() >= self.ends_at:
            self.used, self.ends_at = 0, self.clock() + 60
        left = self.quota - self.used
        drawn = min(self.batch, -(-left // 8))
        self.used += drawn
        return drawn, left - drawn, int(1000 * (self.ends_at - self.clock()))


async def passed(limiter: Limiter, number: int) -> int:
    """How many of so many requests at once pass."""
    outcomes = await asyncio.gather(*(limiter.take(KEY) for _ in range(number)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Allowance, TooManyRequests}
    return sum(isinstance(outcome, Allowance) for outcome in outcomes)


async def test_as_many_pass_as_the_quota_says_and_the_rest_are_told_when_to_come_back() -> None:
    clock = Clock()
    limiter = Limiter(100, Store(100, clock).draw, clock)
    assert await passed(limiter, 130) == 100
    clock.now += 12.5
    with pytest.raises(TooManyRequests) as refused:
        await limiter.take(KEY)
    assert refused.value.headers == {
        "Retry-After": "48",
        "ratelimit-policy": '"key";q=100;w=60',
        "ratelimit": '"key";r=0;t=48',
    }
    clock.now += 48
    assert await passed(limiter, 5) == 5


async def test_several_processes_together_never_exceed_the_quota() -> None:
    clock = Clock()
    store = Store(100, clock)
    limiters = [Limiter(100, store.draw, clock) for _ in range(4)]
    counts = await asyncio.gather(*(passed(limiter, 100) for limiter in limiters))
    assert sum(counts) == 100


async def test_what_was_drawn_is_lost_with_its_window() -> None:
    clock = Clock()
    store = Store(100, clock)
    limiter, other = (Limiter(100, store.draw, clock) for _ in range(2))
    assert await passed(limiter, 1) == 1  # draws ten
    clock.now += 61
    assert await passed(other, 100) + await passed(limiter, 100) == 100


async def test_most_requests_ask_nobody() -> None:
    clock = Clock()
    store = Store(1000, clock)
    await passed(Limiter(1000, store.draw, clock), 500)
    assert store.asked == 50


async def test_once_the_quota_is_used_up_nobody_is_asked_until_the_window_ends() -> None:
    clock = Clock()
    store = Store(10, clock)
    limiter = Limiter(10, store.draw, clock)
    assert await passed(limiter, 12) == 10
    asked = store.asked
    assert await passed(limiter, 500) == 0
    assert store.asked == asked


async def test_what_is_left_is_counted_down() -> None:
    clock = Clock()
    limiter = Limiter(100, Store(100, clock).draw, clock)
    assert [(await limiter.take(KEY)).left for _ in range(12)] == list(range(99, 87, -1))


async def test_without_redis_requests_pass_and_it_is_asked_once_a_second(caplog) -> None:
    clock = Clock()
    store = Store(10, clock)
    store.is_down = True
    limiter = Limiter(10, store.draw, clock)
    assert [await limiter.take(KEY) for _ in range(50)] == [None] * 50
    assert (store.asked, len(caplog.records)) == (1, 1)
    clock.now += 1.1
    store.is_down = False
    assert await passed(limiter, 20) == 10


async def test_a_redis_that_does_not_answer_is_not_waited_for_long(monkeypatch) -> None:
    async def never(key_id: int) -> tuple[int, int, int]:
        await asyncio.sleep(3600)
        raise AssertionError

    monkeypatch.setattr(limits, "PATIENCE_S", 0.02)
    assert await asyncio.wait_for(Limiter(10, never).take(KEY), 1) is None


# --- the real store -------------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings) -> Iterator["sync_redis.Redis"]:
    store = sync_redis.Redis.from_url(settings.REDIS_URL)
    store.delete(f"limit:{KEY}")
    yield store
    store.delete(f"limit:{KEY}")
    store.close()


async def test_redis_counts_for_all_processes(store: "sync_redis.Redis", settings) -> None:
    clients = [redis.Redis.from_url(settings.REDIS_URL) for _ in range(3)]
    limiters = [Limiter(200, limits.by_redis(client, 200)) for client in clients]
    counts = await asyncio.gather(*(passed(limiter, 150) for limiter in limiters))
    assert sum(counts) == 200 == int(store.get(f"limit:{KEY}"))
    assert 50_000 < store.pttl(f"limit:{KEY}") <= 60_000
    for client in clients:
        await client.aclose()


async def test_the_last_tokens_are_not_drawn_all_at_once(store: "sync_redis.Redis", settings) -> None:
    async with redis.Redis.from_url(settings.REDIS_URL) as client:
        draw = limits.by_redis(client, 20)
        draws = [await draw(KEY) for _ in range(9)]
    assert [drawn for drawn, _, _ in draws] == [3, 3, 2, 2, 2, 1, 1, 1, 1]
    assert [left for _, left, _ in draws] == [17, 14, 12, 10, 8, 7, 6, 5, 4]


def test_the_api_counts_by_key_and_says_what_is_left(transactional_db: None, settings, caplog) -> None:
    from fleet_project.asgi import application

    settings.RATE_LIMIT_PER_MINUTE = 5
    fleet = rows.fleet()
    key, other = rows.api_key(fleet), rows.api_key(fleet)
    with asyncio.Runner() as runner, sync_redis.Redis.from_url(settings.REDIS_URL) as store:
        client = AsgiClient(application, runner)
        runner.run(client.start())
        for name in store.scan_iter("limit:*"):
            store.delete(name)
        with caplog.at_level(logging.CRITICAL):
            answers = [client.get("/api/v2/trucks", key) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [
            f"r={n}" for n in (4, 3, 2, 1, 0, 0)
        ]
        assert answers[0].headers["RateLimit-Policy"] == '"key";q=5;w=60'
        assert (answers[5].json()["code"], answers[5].headers["Retry-After"]) == ("too-many-requests", "60")
        assert client.get("/api/v2/trucks", other).status_code == 200
        assert "RateLimit" not in client.get("/healthz").headers
        runner.run(client.stop())


def test_a_quota_of_zero_is_none(transactional_db: None, settings) -> None:
    from fleet_project.asgi import application

    settings.RATE_LIMIT_PER_MINUTE = 0
    key = rows.api_key(rows.fleet())
    with asyncio.Runner() as runner:
        client = AsgiClient(application, runner)
        runner.run(client.start())
        answer = client.get("/api/v2/trucks", key)
        runner.run(client.stop())
    assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)


async def test_a_token_of_this_process_is_taken_at_once_and_nothing_else_is() -> None:
    clock = Clock()
    store = Store(16, clock)
    limiter = Limiter(16, store.draw, clock)
    assert limiter.at_once(KEY) is None  # nothing drawn yet
    assert await limiter.take(KEY) == Allowance(16, 15, 60)  # draws two
    clock.now += 20.5
    assert limiter.at_once(KEY) == Allowance(16, 14, 40)
    assert limiter.at_once(KEY) is None
    assert await limiter.take(KEY) == Allowance(16, 13, 40)  # draws two more
    clock.now += 40
    assert limiter.at_once(KEY) is None  # the window has ended, with a token left
    assert store.asked == 2
