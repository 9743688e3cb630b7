"""The Wialon session that all workers of a fleet share, in Redis.

Wialon allows 100 sessions a user and ends one after five idle minutes; logins are counted too. So a session is logged
in once and handed on. If Redis is away, every worker has a session of its own for the time of its run.
"""

import hashlib
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import redis
from django.conf import settings

from apps.trucks.wialon import Busy

_CLOCK_LIFE_S = 5  # Wialon takes ten polls in ten seconds: this leaves eight to passes over the account
_SIZE_LIFE_S = 86_400  # a day later it is tried again with all at once
_LIFE_S = 240  # a minute less than Wialon's five
_LOGINS_PER_MINUTE = 6
# One more login, unless the last minute has seen its share: 1 or 0. In the time of Redis, whatever clocks workers have.
_ADMIT_LOGIN = """
local now = redis.call('time')
redis.call('zremrangebyscore', KEYS[1], '-inf', now[1] - 60 + now[2] / 1000000)
if redis.call('zcard', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('zadd', KEYS[1], now[1] + now[2] / 1000000, now[1] .. '.' .. now[2])
redis.call('expire', KEYS[1], 61)
return 1
"""
HEAVY_AT_ONCE = 2  # Wialon allows three: one is left to the people who use the account
BACKFILLS_AT_ONCE = 1  # of them: the other is always there for the live sync
_HEAVY_LIFE_S = 10  # a place that a killed worker held is free again then
_HEAVY_RENEWED_S = 3  # so a request may take as long as it likes, and two renewals may fail
_HEAVY_PATIENCE_S = 20  # longer than that life: who waits gets the place of one that was killed
_WAIT_LIFE_S = 2  # who waits asks every few hundredths of a second: who does not has gone
# A place among the heavy requests, if one is free: 1 or 0. In the time of Redis, too. The live sync goes first: while
# it waits, what comes free is its own, and backfills never hold all places.
_TAKE_PLACE = """
local clock = redis.call('time')
local now = clock[1] + clock[2] / 1000000
local held, waiting, place = KEYS[1], KEYS[2], ARGV[1]
local all, most, life, wait_life = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('zremrangebyscore', held, '-inf', now)
redis.call('zremrangebyscore', waiting, '-inf', now)
local is_live = string.sub(place, 1, 4) == 'live'
local free = all - redis.call('zcard', held)
if not is_live then
    free = free - redis.call('zcard', waiting)
    local others = 0
    for _, each in ipairs(redis.call('zrange', held, 0, -1)) do
        if string.sub(each, 1, 4) ~= 'live' then others = others + 1 end
    end
    free = math.min(free, most - others)
end
if free <= 0 then
    if is_live then
        redis.call('zadd', waiting, now + wait_life, place)
        redis.call('expire', waiting, 2 * wait_life)
    end
    return 0
end
redis.call('zrem', waiting, place)
redis.call('zadd', held, now + life, place)
redis.call('expire', held, 2 * life)
return 1
"""
# Longer life for a place that is still there. One that has run out may be another's now: it never comes back (XX).
_RENEW_PLACE = """
local clock = redis.call('time')
redis.call('zadd', KEYS[1], 'XX', clock[1] + clock[2] / 1000000 + tonumber(ARGV[2]), ARGV[1])
redis.call('expire', KEYS[1], 2 * tonumber(ARGV[2]))
"""
_DROP_IF_SAME = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


def connection() -> redis.Redis:
    """A connection to Redis with short time-outs: nothing of ours may hang on it."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)


class SharedSession:
    """The session of one Wialon account, named by a hash of its address and token.

    Of heavy requests those of the live sync go before others.
    """

    def __init__(self, url: str, token: str, store: redis.Redis, *, is_live: bool = True) -> None:
        account = hashlib.sha256(f"{url} {token}".encode()).hexdigest()[:24]
        self._key = f"wialon:session:{account}"
        self._logins = f"wialon:logins:{account}"
        self._heavy = f"wialon:heavy:{account}"
        self._waiting = f"wialon:waiting:{account}"
        self._rank = "live" if is_live else "late"
        self._clock = f"wialon:clock:{account}"
        self._sizes = f"wialon:size:{account}"
        self._watched = f"wialon:watched:{account}"
        self._store = store
        self._own: str | None = None

    def sid(self) -> str | None:
        try:
            return cast("str | None", self._store.get(self._key))
        except redis.RedisError:
            return self._own

    def keep(self, sid: str) -> None:
        self._own = sid
        try:
            self._store.set(self._key, sid, ex=_LIFE_S)
        except redis.RedisError:
            return

    def drop(self, sid: str) -> None:
        if self._own == sid:
            self._own = None
        try:
            self._store.eval(_DROP_IF_SAME, 1, self._key, sid)
        except redis.RedisError:
            return

    def watches(self, sid: str) -> bool:
        try:
            return self._store.get(self._watched) == sid
        except redis.RedisError:
            return True  # hints are not worth asking for at every pass

    def watched(self, sid: str) -> None:
        try:
            self._store.set(self._watched, sid, ex=86_400)
        except redis.RedisError:
            return

    def clock(self) -> int | None:
        try:
            told = cast("str | None", self._store.get(self._clock))
        except redis.RedisError:
            return None
        return int(told) if told else None

    def keep_clock(self, t: int) -> None:
        try:
            self._store.set(self._clock, t, ex=_CLOCK_LIFE_S)
        except redis.RedisError:
            return

    def size(self, kind: str) -> int | None:
        try:
            kept = cast("str | None", self._store.get(f"{self._sizes}:{kind}"))
        except redis.RedisError:
            return None
        return int(kept) if kept else None

    def keep_size(self, kind: str, size: int) -> None:
        try:
            self._store.set(f"{self._sizes}:{kind}", size, ex=_SIZE_LIFE_S)
        except redis.RedisError:
            return

    def before_login(self) -> None:
        """Raises Busy after six logins of this account within any minute, whichever workers made them."""
        try:
            admitted = self._store.eval(_ADMIT_LOGIN, 1, self._logins, str(_LOGINS_PER_MINUTE))
        except redis.RedisError:
            return
        if not admitted:
            raise Busy(f"token/login: {_LOGINS_PER_MINUTE} logins within a minute, waiting")

    @contextmanager
    def heavy(self) -> Iterator[None]:
        """Holds one of the account's places for heavy requests. Raises Busy where none comes free in time.

        A thread renews it meanwhile, so it lasts as long as this process does and hardly longer.
        """
        place = f"{self._rank}:{secrets.token_hex(8)}"
        try:
            self._wait_for(place)
            with self._renewed(place):
                yield
        finally:
            self._leave(place)

    @contextmanager
    def _renewed(self, place: str) -> Iterator[None]:
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep_renewing, args=(place, is_over), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()

    def _keep_renewing(self, place: str, is_over: threading.Event) -> None:
        while not is_over.wait(_HEAVY_RENEWED_S):
            with suppress(redis.RedisError):  # it is tried again soon
                self._store.eval(_RENEW_PLACE, 1, self._heavy, place, str(_HEAVY_LIFE_S))

    def _wait_for(self, place: str) -> None:
        deadline = time.monotonic() + _HEAVY_PATIENCE_S
        while not self._takes(place):
            if time.monotonic() > deadline:
                raise Busy(f"{HEAVY_AT_ONCE} heavy requests are under way, waited for {_HEAVY_PATIENCE_S} s")
            time.sleep(random.uniform(0.01, 0.05))

    def _takes(self, place: str) -> bool:
        try:
            numbers = HEAVY_AT_ONCE, BACKFILLS_AT_ONCE, _HEAVY_LIFE_S, _WAIT_LIFE_S
            return bool(self._store.eval(_TAKE_PLACE, 2, self._heavy, self._waiting, place, *map(str, numbers)))
        except redis.RedisError:
            return True  # the session is this worker's own then, and so are its places

    def _leave(self, place: str) -> None:
        try:
            self._store.zrem(self._heavy, place)
            self._store.zrem(self._waiting, place)
        except redis.RedisError:
            return
