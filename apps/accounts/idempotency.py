"""POSTs that start work may be sent again: under one `Idempotency-Key` the work is done once, and each gets one reply.

A key is a row. Whoever inserts it does the work, and stores the reply in the transaction of the work itself: either
both are there or neither. A request that is killed halfway holds its key no longer than a lease, in the database's
time. A request that is refused gives its key back, so that it can be put right and sent again under the same one.
"""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpResponse

from apps.accounts.answers import Answer
from apps.accounts.authentication import ApiKey, AuthenticatedRequest
from apps.accounts.models import IdempotencyKey
from apps.accounts.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LEASE = dt.timedelta(seconds=60)  # longer than a request may take
KEPT = dt.timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
View = TypeVar("View", bound=Callable[..., HttpResponse])

_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "A name of your own for this request, such as a UUID. Sent again with the same body within 24 "
    "hours, it gets the same reply, and nothing is done twice.",
    "example": "8f14e45f-ceea-467f-9e3a-2b1c0d9e8f7a",
}


class KeyMissing(Problem):
    status, code, title = 400, "idempotency-key-missing", "This request needs an Idempotency-Key"


class InFlight(Problem):
    status, code, title = 409, "request-in-flight", "The same request is being worked on"
    headers = {"Retry-After": "1"}


class KeyReused(Problem):
    status, code, title = 422, "idempotency-key-reused", "The Idempotency-Key belongs to another request"


def starts_work(scope: str) -> dict[str, Any]:
    """What Ninja is to know of an operation that is `idempotent`: the scope it needs, and its header."""
    return {"auth": ApiKey(scope), "openapi_extra": {"x-required-scope": scope, "parameters": [_PARAMETER]}}


def idempotent(view: View) -> View:
    """A plain `def` view whose work is done once for each Idempotency-Key of a fleet.

    All that the view writes is one transaction, together with the reply. Raises KeyMissing, InFlight, KeyReused, and
    whatever the view raises, of which nothing is kept.
    """

    @wraps(view)
    def once(request: AuthenticatedRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        held = _Held(request)
        if (reply := held.take()) is not None:
            return reply
        try:
            with transaction.atomic():
                response = view(request, *args, **kwargs)
                held.keep(response)
        except BaseException:
            held.give_back()
            raise
        return response

    return cast("View", once)


def forget_expired() -> int:
    """Removes keys that are no longer kept. Returns how many."""
    removed, _ = IdempotencyKey.objects.filter(expires_at__lte=Now()).delete()
    return removed


class _Held:
    """The key of one request: taken, then kept with the reply or given back."""

    def __init__(self, request: AuthenticatedRequest) -> None:
        self._pk = (request.auth.fleet_id, _key_of(request))
        self._fingerprint = _fingerprint(request)
        self._owner = secrets.token_hex(8)

    def take(self) -> HttpResponse | None:
        """None: it is ours, the work is to be done. Else the reply of the request that did it."""
        if self._insert() or self._take_over():
            return None
        taken = IdempotencyKey.objects.filter(pk=self._pk).first()
        if taken is None:  # given back this very moment
            raise InFlight("Send it again.")
        if taken.fingerprint != self._fingerprint:
            raise KeyReused("It was sent with another method, path or body. Take a new key for a new request.")
        if taken.status is None:
            raise InFlight("Ask again in a moment for its reply.")
        return Answer(bytes(taken.body or b""), {**taken.headers, REPLAYED: "true"}, taken.status)

    def keep(self, response: HttpResponse) -> None:
        """Stores the reply. Raises InFlight where the lease ran out and another request took the key over."""
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        kept = self._ours().update(
            status=response.status_code, headers=headers, body=response.content, lease_until=None
        )
        if not kept:
            raise InFlight("It took too long here, and goes on elsewhere.")

    def give_back(self) -> None:
        self._ours().delete()

    def _ours(self) -> Any:
        return IdempotencyKey.objects.filter(pk=self._pk, owner=self._owner, status=None)

    def _insert(self) -> bool:
        fleet_id, key = self._pk
        try:
            with transaction.atomic():
                IdempotencyKey.objects.create(fleet_id=fleet_id, key=key, **self._terms())
        except IntegrityError:
            return False
        return True

    def _take_over(self) -> bool:
        """Takes a key that nobody keeps any more, or whose request died: if its work is the same."""
        died = Q(status=None, lease_until__lte=Now(), fingerprint=self._fingerprint)
        free = IdempotencyKey.objects.filter(Q(expires_at__lte=Now()) | died, pk=self._pk)
        return bool(free.update(status=None, headers={}, body=None, **self._terms()))

    def _terms(self) -> dict[str, Any]:
        return {
            "fingerprint": self._fingerprint,
            "owner": self._owner,
            "lease_until": Now() + LEASE,
            "expires_at": Now() + KEPT,
        }


def _key_of(request: AuthenticatedRequest) -> str:
    key = request.headers.get(HEADER, "")
    if not _KEY.fullmatch(key):
        raise KeyMissing(f"Send {HEADER}: 1 to 128 visible ASCII characters that name this request.")
    return key


def _fingerprint(request: AuthenticatedRequest) -> str:
    """What must be equal for two requests to be the same one."""
    state = hashlib.sha256()
    for part in (request.method or "", request.get_full_path(), request.body):
        content = part if isinstance(part, bytes) else part.encode()
        state.update(b"%d " % len(content) + content)
    return state.hexdigest()
