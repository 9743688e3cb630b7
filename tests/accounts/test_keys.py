import asyncio
import datetime as dt
from io import StringIO
from time import sleep
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest

from apps import mysql
from apps.accounts import authentication, limits
from apps.accounts.authentication import KeyRing, Principal
from apps.accounts.keys import create_key, split_key
from apps.accounts.limits import Allowance
from apps.accounts.models import ApiKey
from apps.accounts.problems import Forbidden, InvalidKey
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = dt.timedelta(hours=1)


def whose(ring: KeyRing, *keys: str) -> list[Principal | type[InvalidKey]]:
    """What the ring says of each key, one after the other, on one event loop with its pool."""

    async def ask() -> list[Principal | type[InvalidKey]]:
        await mysql.open_pool()
        answers: list[Principal | type[InvalidKey]] = []
        for key in keys:
            try:
                answers.append(await ring.principal(key, dt.datetime.now(dt.UTC)))
            except InvalidKey:
                answers.append(InvalidKey)
        await mysql.close_pool()
        return answers

    return asyncio.run(ask())


# --- making keys ----------------------------------------------------------------------------------------------------


def test_a_key_is_stored_as_a_hash_only() -> None:
    text = create_key(rows.fleet(), name="dashboard")
    stored = ApiKey.objects.get()
    prefix, secret = split_key(text)
    assert stored.prefix == prefix
    assert secret not in str(vars(stored))
    assert stored.scopes == ["read"]


def test_no_two_keys_are_alike() -> None:
    fleet = rows.fleet()
    assert len({create_key(fleet) for _ in range(20)}) == 20


def test_an_unknown_scope_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown scope write:everything"):
        create_key(rows.fleet(), scopes=("read", "write:everything"))


@pytest.mark.parametrize(
    "text", ["", "flt", "flt_", "flt_short_secret", "xyz_0123456789ab_secret", "flt_0123456789ab_"]
)
def test_a_text_that_is_no_key_is_not_looked_up(text: str) -> None:
    assert split_key(text) is None


def test_the_command_prints_the_key_alone() -> None:
    rows.fleet("Prairie")
    out = StringIO()
    call_command("create_api_key", "--fleet", "Prairie", "--scopes", "read, write:costs", stdout=out)
    key = out.getvalue().removesuffix("\n")
    assert split_key(key) is not None
    assert ApiKey.objects.get().scopes == ["read", "write:costs"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fleet", "Nobody"], "there is no fleet 'Nobody'; there are: Prairie"),
        (["--fleet", "Prairie", "--scopes", "fly"], "unknown scope fly"),
        (["--fleet", "Prairie", "--scopes", ","], "at least one scope"),
    ],
)
def test_the_command_says_what_is_wrong(options: list[str], words: str) -> None:
    rows.fleet("Prairie")
    with pytest.raises(CommandError, match=words):
        call_command("create_api_key", *options)


# --- using them -----------------------------------------------------------------------------------------------------


def test_a_key_opens_its_own_fleet() -> None:
    fleet = rows.fleet("One", timezone="Europe/Berlin", currency="EUR")
    rows.fleet("Other")
    (principal,) = whose(KeyRing(), rows.api_key(fleet, scopes=("read", "admin")))
    assert (principal.fleet_id, principal.fleet_name, principal.currency) == (fleet.pk, "One", "EUR")
    assert principal.zone.key == "Europe/Berlin"
    assert principal.scopes == {"read", "admin"}


def test_a_key_that_is_not_in_force_opens_nothing() -> None:
    fleet, now = rows.fleet(), dt.datetime.now(dt.UTC)
    asleep = rows.fleet("Asleep", is_active=False)
    good = rows.api_key(fleet)
    bad = [
        rows.api_key(fleet, expires_at=now - HOUR),
        rows.api_key(fleet, revoked_at=now - HOUR),
        rows.api_key(asleep),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"flt_{'0' * 12}_{good.split('_', 2)[2]}",
        "Bearer",
    ]
    assert whose(KeyRing(), *bad) == [InvalidKey] * len(bad)
    later = rows.api_key(fleet, expires_at=now + HOUR)
    assert InvalidKey not in whose(KeyRing(), good, later)


def test_a_remembered_key_still_has_to_prove_its_secret_and_its_expiry() -> None:
    fleet = rows.fleet()
    soon = rows.api_key(fleet, expires_at=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.6))

    async def over_time() -> None:
        ring = KeyRing()
        await ring.principal(soon, dt.datetime.now(dt.UTC))
        with pytest.raises(InvalidKey):
            await ring.principal(f"{soon}x", dt.datetime.now(dt.UTC))
        with pytest.raises(InvalidKey):
            await ring.principal(soon, dt.datetime.now(dt.UTC) + HOUR)

    asyncio.run(over_time())


def test_a_revoked_key_works_no_longer_than_it_is_remembered() -> None:
    key = rows.api_key(rows.fleet())
    ring = KeyRing(max_age_s=0.3)
    with asyncio.Runner() as runner:
        ask = lambda: runner.run(ring.principal(key, dt.datetime.now(dt.UTC)))  # noqa: E731
        ask()
        ApiKey.objects.update(revoked_at=dt.datetime.now(dt.UTC))
        ask()
        runner.run(asyncio.sleep(0.3))
        with pytest.raises(InvalidKey):
            ask()


def test_by_default_a_key_is_remembered_for_at_most_five_seconds() -> None:
    assert KeyRing()._max_age_s <= 5


def test_the_ring_forgets_rather_than_grows() -> None:
    fleet = rows.fleet()
    keys = [rows.api_key(fleet) for _ in range(7)]
    ring = KeyRing(max_keys=3)
    assert InvalidKey not in whose(ring, *keys)
    assert len(ring._stored) <= 3
    assert len(ring._opened) <= 3
    assert len(ring._touched) <= 3


def test_many_requests_at_once_look_their_key_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    key, read = rows.api_key(rows.fleet()), []

    async def fetch_all(sql: str, parameters: dict) -> list[dict]:
        read.append(sql)
        return await fetch(sql, parameters)

    fetch = mysql.fetch_all
    monkeypatch.setattr(mysql, "fetch_all", fetch_all)
    ring = KeyRing()

    async def at_once() -> list[object]:
        return await asyncio.gather(*(ring.principal(key, dt.datetime.now(dt.UTC)) for _ in range(20)))

    assert len({id(principal) for principal in asyncio.run(at_once())}) == 1
    assert len(read) == 1


# --- last use -------------------------------------------------------------------------------------------------------


def test_use_is_noted_once_a_minute() -> None:
    key = rows.api_key(rows.fleet())
    ring = KeyRing()
    whose(ring, key)
    first = ApiKey.objects.get().last_used_at
    assert abs(dt.datetime.now(dt.UTC) - first) < dt.timedelta(seconds=10)
    whose(ring, key)
    whose(KeyRing(), key)  # another process
    assert ApiKey.objects.get().last_used_at == first


def test_use_after_more_than_a_minute_is_noted_again() -> None:
    long_ago = dt.datetime.now(dt.UTC) - HOUR
    whose(KeyRing(), rows.api_key(rows.fleet(), last_used_at=long_ago))
    assert ApiKey.objects.get().last_used_at > long_ago


def test_a_wrong_secret_is_no_use() -> None:
    key = rows.api_key(rows.fleet())
    whose(KeyRing(), f"{key}x")
    assert ApiKey.objects.get().last_used_at is None


def test_a_request_is_let_in_at_once_when_its_key_is_open_and_has_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    key = rows.api_key(rows.fleet(), expires_at=dt.datetime.now(dt.UTC) + HOUR)
    tokens = iter([Allowance(9, 8, 60)])
    monkeypatch.setattr(limits, "at_once", lambda key_id: next(tokens, None))
    auth = authentication.ApiKey()

    def at_once(header: str | None) -> Principal | None:
        request.headers = {} if header is None else {"Authorization": header}
        return auth.at_once(request)

    request: Any = HttpRequest()
    assert at_once(f"Bearer {key}") is None  # nobody has looked it up yet
    principal = asyncio.run(auth.authenticate(request, key))
    for wrong in (None, "", key, f"Basic {key}", f"Bearer {key}x", f"Bearer  {key}"):
        assert at_once(wrong) is None
    assert at_once(f"Bearer {key}") is principal
    assert request.allowance == Allowance(9, 8, 60)
    assert at_once(f"Bearer {key}") is None  # no token is left here


def test_who_lacks_the_scope_or_has_a_key_that_has_expired_is_not_let_in_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "at_once", lambda key_id: Allowance(9, 8, 60))
    now = dt.datetime.now(dt.UTC)
    key = rows.api_key(rows.fleet(), expires_at=now + dt.timedelta(seconds=0.6))
    reading, writing = authentication.ApiKey(), authentication.ApiKey("write:ledger")
    request: Any = HttpRequest()
    request.headers = {"Authorization": f"Bearer {key}"}
    asyncio.run(reading.authenticate(request, key))
    with pytest.raises(Forbidden):
        asyncio.run(writing.authenticate(request, key))
    assert reading.at_once(request) is not None
    assert writing.at_once(request) is None
    sleep(0.7)
    assert reading.at_once(request) is None
