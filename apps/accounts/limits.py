"""How much a key may ask for: a quota per minute, counted in Redis for all processes together.

A process draws tokens in small batches, so that most requests ask nobody. What a process has drawn and not used when
the window ends is lost: a key never gets more than its quota, and at worst a batch per process less.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

import redis.asyncio as redis
from django.conf import settings
from redis.exceptions import RedisError

from apps.accounts.problems import TooManyRequests
from apps.merging import Sharing

logger = logging.getLogger(__name__)

WINDOW_S = 60
BATCH, LARGEST_BATCH = 50, 500  # in between, a hundredth of the quota
PATIENCE_S = 0.1  # a request waits no longer for Redis
PAUSE_S = 1.0  # and after that nobody asks it for so long

# KEYS[1]: what the key has drawn in the window that began with its first request. ARGV: quota, batch, window in ms.
# An eighth of what is left at most, so that no process sits on the last tokens. Returns drawn, left, ms to the end.
_DRAW = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local left = math.max(0, ARGV[1] - used)
local drawn = math.min(ARGV[2], math.ceil(left / 8))
if used == 0 then
    redis.call('SET', KEYS[1], drawn, 'PX', ARGV[3])
elseif drawn > 0 then
    redis.call('INCRBY', KEYS[1], drawn)
end
return {drawn, left - drawn, redis.call('PTTL', KEYS[1])}
"""

Draw = Callable[[int], Awaitable[tuple[int, int, int]]]  # key → drawn, left, milliseconds to the end of the window


@dataclass(slots=True)
class Lease:
    """Tokens of one key in this process, and how many there were left for others; until a monotonic second."""

    here: int
    elsewhere: int
    ends_at: float


class Allowance(NamedTuple):
    """What a key has left of its quota, as far as this process knows, and for how many seconds that holds."""

    quota: int
    left: int
    seconds: int

    def fields(self) -> list[tuple[bytes, bytes]]:
        """The headers that say so, as ASGI sends them."""
        return [
            (b"ratelimit-policy", b'"key";q=%d;w=%d' % (self.quota, WINDOW_S)),
            (b"ratelimit", b'"key";r=%d;t=%d' % (self.left, self.seconds)),
        ]


class Limiter:
    """Takes a token for each request. Without Redis every request passes."""

    def __init__(self, quota: int, draw: Draw, clock: Callable[[], float] = monotonic) -> None:
        self._quota, self._draw, self._clock = quota, draw, clock
        self._leases: dict[int, Lease] = {}
        self._drawing = Sharing()
        self._paused_until = -math.inf

    def at_once(self, key_id: int) -> Allowance | None:
        """What is left after this request; None, and nothing is counted, if this process has no token of the key."""
        lease = self._leases.get(key_id)
        if lease is None or not lease.here or (left_s := lease.ends_at - self._clock()) <= 0:
            return None
        lease.here -= 1
        return Allowance(self._quota, lease.here + lease.elsewhere, math.ceil(left_s))

    async def take(self, key_id: int) -> Allowance | None:
        """What is left after this request; None if nobody knows. Raises TooManyRequests."""
        while (allowance := self.at_once(key_id)) is None:
            now = self._clock()
            lease = self._leases.get(key_id)
            if lease is not None and now < lease.ends_at and not lease.elsewhere:
                seconds = math.ceil(lease.ends_at - now)
                nothing = Allowance(self._quota, 0, seconds).fields()
                raise TooManyRequests(seconds, {name.decode(): value.decode() for name, value in nothing})
            if now < self._paused_until:
                return None
            await self._drawing.once(key_id, lambda: self._renew(key_id))
        return allowance

    async def _renew(self, key_id: int) -> None:
        began = self._clock()  # before the question, so that a lease never outlives its window
        try:
            async with asyncio.timeout(PATIENCE_S):
                drawn, left, milliseconds = await self._draw(key_id)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = self._clock() + PAUSE_S
            logger.warning("no rate limit without Redis", extra={"error": type(error).__name__})
            return
        self._forget_ended(began)
        self._leases[key_id] = Lease(drawn, left, began + milliseconds / 1000)

    def _forget_ended(self, now: float) -> None:
        if len(self._leases) >= 10_000:
            self._leases = {key: lease for key, lease in self._leases.items() if now < lease.ends_at}


def by_redis(client: "redis.Redis", quota: int) -> Draw:
    script = client.register_script(_DRAW)
    batch = max(BATCH, min(LARGEST_BATCH, quota // 100))

    async def draw(key_id: int) -> tuple[int, int, int]:
        drawn, left, milliseconds = await script([f"limit:{key_id}"], [quota, batch, 1000 * WINDOW_S])
        return drawn, left, milliseconds

    return draw


# --- the application's limiter --------------------------------------------------------------------------------------

_client: "redis.Redis | None" = None
_limiter: Limiter | None = None


def open_limiter() -> None:
    """To be called from the ASGI lifespan: connections belong to one event loop. A quota of 0 is none."""
    global _client, _limiter
    quota = settings.RATE_LIMIT_PER_MINUTE
    if quota:
        _client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)
        _limiter = Limiter(quota, by_redis(_client, quota))


async def close_limiter() -> None:
    global _client, _limiter
    client, _client, _limiter = _client, None, None
    if client is not None:
        await client.aclose()


def at_once(key_id: int) -> Allowance | None:
    """The same as `take` where that needs nobody else; None, and nothing is counted, where it does."""
    return None if _limiter is None else _limiter.at_once(key_id)


async def take(key_id: int) -> Allowance | None:
    """Counts a request of the key. None where there is no limit. Raises TooManyRequests."""
    return None if _limiter is None else await _limiter.take(key_id)
