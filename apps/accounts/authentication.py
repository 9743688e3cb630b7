"""Who asks: from the Bearer key of a request to the fleet it may read, by the async pool."""

import datetime as dt
from dataclasses import dataclass
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.http import HttpRequest
from ninja.security import HttpBearer

from apps import mysql
from apps.accounts import limits
from apps.accounts.keys import secret_matches, split_key
from apps.accounts.problems import Forbidden, InvalidKey
from apps.merging import Sharing

KEY_BY_PREFIX = """
SELECT k.id AS key_id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at,
    f.id AS fleet_id, f.name AS fleet_name, f.timezone, f.currency, f.units, f.is_active
FROM api_key k JOIN fleet f ON f.id = k.fleet_id WHERE k.prefix = %(prefix)s
"""

# The condition keeps several processes to one write a minute; the value always changes.
TOUCH_KEY = """
UPDATE api_key SET last_used_at = UTC_TIMESTAMP(6)
WHERE id = %(key)s AND (last_used_at IS NULL OR last_used_at < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND)
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """The fleet that a request may read, and what else its key says."""

    key_id: int
    fleet_id: int
    fleet_name: str
    zone: ZoneInfo
    currency: str
    scopes: frozenset[str]
    units: str = "metric"  # of files: other answers are always metric


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as the database had it at `read_at` on the monotonic clock. `expires_at` is naive UTC."""

    principal: Principal
    secret_hash: str
    expires_at: dt.datetime | None
    is_usable: bool
    read_at: float

    def opens(self, secret: str, now: dt.datetime) -> bool:
        return secret_matches(secret, self.secret_hash) and self.is_usable and self.is_in_time(now)

    def is_in_time(self, now: dt.datetime) -> bool:
        return self.expires_at is None or now.astimezone(dt.UTC).replace(tzinfo=None) < self.expires_at


class AuthenticatedRequest(HttpRequest):
    """What a view of the API gets."""

    auth: Principal


class KeyRing:
    """Looks keys up and remembers them for a few seconds, which is as long as a revoked key goes on working."""

    def __init__(self, max_age_s: float = 5, touch_every_s: float = 60, max_keys: int = 10_000) -> None:
        self._max_age_s, self._touch_every_s, self._max_keys = max_age_s, touch_every_s, max_keys
        self._stored: dict[str, StoredKey] = {}
        self._opened: dict[str, StoredKey] = {}  # by the whole key that opens it, which saves hashing its secret
        self._reading = Sharing()
        self._touched: dict[int, float] = {}

    def opened(self, key: str, now: dt.datetime) -> Principal | None:
        """Whose key it is, if that was found out a moment ago."""
        stored = self._opened.get(key)
        if stored is None or monotonic() - stored.read_at >= self._max_age_s or not stored.is_in_time(now):
            return None
        return stored.principal

    async def principal(self, key: str, now: dt.datetime) -> Principal:
        """Whose key it is. Raises InvalidKey."""
        return self.opened(key, now) or (await self._open(key, now)).principal

    async def _open(self, key: str, now: dt.datetime) -> StoredKey:
        parts = split_key(key)
        stored = await self._lookup(parts[0]) if parts else None
        if parts is None or stored is None or not stored.opens(parts[1], now):
            self._opened.pop(key, None)
            raise InvalidKey
        if len(self._opened) >= self._max_keys:
            self._opened.clear()
        self._opened[key] = stored
        self._touch(stored.principal.key_id)
        return stored

    async def _lookup(self, prefix: str) -> StoredKey | None:
        stored = self._stored.get(prefix)
        if stored is not None and monotonic() - stored.read_at < self._max_age_s:
            return stored
        return await self._reading.once(prefix, lambda: self._read(prefix))

    async def _read(self, prefix: str) -> StoredKey | None:
        read_at = monotonic()
        rows = await mysql.fetch_all(KEY_BY_PREFIX, {"prefix": prefix})
        if not rows:
            self._stored.pop(prefix, None)
            return None
        if len(self._stored) >= self._max_keys:
            self._stored.clear()
        stored = self._stored[prefix] = _stored_key(rows[0], read_at)
        return stored

    def _touch(self, key_id: int) -> None:
        """Notes once a minute that the key is in use; the request does not wait for it."""
        now = monotonic()
        if now - self._touched.get(key_id, -self._touch_every_s) < self._touch_every_s:
            return
        if len(self._touched) >= self._max_keys:
            self._touched.clear()
        self._touched[key_id] = now
        mysql.execute_soon(TOUCH_KEY, {"key": key_id})


def _stored_key(row: dict[str, Any], read_at: float) -> StoredKey:
    principal = Principal(
        key_id=row["key_id"],
        fleet_id=row["fleet_id"],
        fleet_name=row["fleet_name"],
        zone=ZoneInfo(row["timezone"]),
        currency=row["currency"],
        scopes=frozenset(orjson.loads(row["scopes"])),
        units=row["units"],
    )
    is_usable = row["revoked_at"] is None and bool(row["is_active"])
    return StoredKey(principal, row["secret_hash"], row["expires_at"], is_usable, read_at)


_BEARER = "Bearer "


class ApiKey(HttpBearer):
    """Ninja's authentication of a whole API: any valid key that has the scope."""

    def __init__(self, scope: str = "read") -> None:
        super().__init__()
        self._scope = scope
        self._keys = KeyRing()

    async def authenticate(self, request: HttpRequest, token: str) -> Principal:
        principal = await self._keys.principal(token, dt.datetime.now(dt.UTC))
        request.allowance = await limits.take(principal.key_id)  # type: ignore[attr-defined]
        if self._scope not in principal.scopes:
            raise Forbidden(f"The API key lacks the scope {self._scope}.")
        return principal

    def at_once(self, request: HttpRequest) -> Principal | None:
        """The same as a call where nobody has to be waited for, as of most requests; None where call it."""
        header = request.headers.get("Authorization", "")
        if not header.startswith(_BEARER):
            return None
        principal = self._keys.opened(header[len(_BEARER) :], dt.datetime.now(dt.UTC))
        if principal is None or self._scope not in principal.scopes:
            return None
        allowance = limits.at_once(principal.key_id)
        if allowance is None:
            return None
        request.allowance = allowance  # type: ignore[attr-defined]
        return principal
