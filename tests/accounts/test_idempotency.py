"""A POST that is sent again: the work is done once, the reply is the same, whoever dies in between."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import RequestFactory
from ninja import NinjaAPI

from apps.accounts.answers import Answer
from apps.accounts.idempotency import InFlight, KeyMissing, KeyReused, forget_expired, idempotent, starts_work
from apps.accounts.models import Fleet, IdempotencyKey
from apps.accounts.problems import InvalidParameters
from fleet_project.openapi import completed
from tasks.maintenance import forget_idempotency_keys
from tests import rows

pytestmark = pytest.mark.django_db
BODY = b'{"name":"North"}'


@pytest.fixture
def fleet() -> Fleet:
    return rows.fleet()


def request(fleet_id: int, key: str | None = "one", body: bytes = BODY, path: str = "/api/v2/groups") -> Any:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    made = RequestFactory().post(path, body, content_type="application/json", **headers)
    made.auth = SimpleNamespace(fleet_id=fleet_id)
    return made


def view(meanwhile: Callable[[], Any] = lambda: None) -> Callable[[Any], HttpResponse]:
    """Makes a group, and says which; `meanwhile` is called in the middle of it."""

    @idempotent
    def make(request: Any) -> HttpResponse:
        group = rows.group(Fleet.objects.get(id=request.auth.fleet_id), "North")
        meanwhile()
        return Answer(b"made %d" % group.pk, {"Location": f"/groups/{group.pk}", "X-Other": "1"}, 202)

    return make


def groups(fleet: Fleet) -> int:
    return fleet.truck_groups.count()


def test_sent_again_it_does_nothing_and_gets_the_same_reply(fleet: Fleet) -> None:
    first, again = view()(request(fleet.pk)), view()(request(fleet.pk))
    assert groups(fleet) == 1
    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert (again.headers["Idempotency-Replayed"], "Idempotency-Replayed" in first.headers) == ("true", False)


def test_another_key_is_another_request(fleet: Fleet) -> None:
    for key in ("one", "ONE", "two"):
        view()(request(fleet.pk, key))
    assert groups(fleet) == 3


def test_the_same_key_of_another_fleet_is_another_request(fleet: Fleet) -> None:
    other = rows.fleet("Other")
    assert view()(request(fleet.pk)).content != view()(request(other.pk)).content
    assert (groups(fleet), groups(other)) == (1, 1)


@pytest.mark.parametrize("key", [None, "", "with space", "ü", "x" * 129])
def test_without_a_usable_key_nothing_is_done(fleet: Fleet, key: str | None) -> None:
    with pytest.raises(KeyMissing) as refused:
        view()(request(fleet.pk, key))
    assert refused.value.status == 400
    assert groups(fleet) == 0


@pytest.mark.parametrize("changed", [{"body": b'{"name":"South"}'}, {"path": "/api/v2/other"}])
def test_a_key_does_not_stand_for_two_requests(fleet: Fleet, changed: dict[str, Any]) -> None:
    view()(request(fleet.pk))
    with pytest.raises(KeyReused) as refused:
        view()(request(fleet.pk, **changed))
    assert refused.value.status == 422
    assert groups(fleet) == 1


def test_while_it_is_worked_on_it_is_not_begun_again(fleet: Fleet) -> None:
    def meanwhile() -> None:
        with pytest.raises(InFlight) as refused:
            view()(request(fleet.pk))
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")

    view(meanwhile)(request(fleet.pk))
    assert groups(fleet) == 1


def test_a_request_that_is_refused_leaves_nothing_and_may_be_put_right_under_its_key(fleet: Fleet) -> None:
    def refuse() -> None:
        raise InvalidParameters("no")

    with pytest.raises(InvalidParameters):
        view(refuse)(request(fleet.pk))
    assert (groups(fleet), IdempotencyKey.objects.count()) == (0, 0)
    assert view()(request(fleet.pk, body=b'{"name":"South"}')).status_code == 202


# --- who dies in between --------------------------------------------------------------------------------------------


def died(fleet: Fleet, *, lapsed: bool) -> None:
    """Leaves the key as a request does that was killed in the middle of its work."""
    view()(request(fleet.pk))
    fleet.truck_groups.all().delete()
    lease_until = Now() + dt.timedelta(seconds=-1 if lapsed else 30)
    IdempotencyKey.objects.update(owner="the dead one", status=None, body=None, headers={}, lease_until=lease_until)


def test_a_killed_request_blocks_no_longer_than_its_lease(fleet: Fleet) -> None:
    died(fleet, lapsed=False)
    with pytest.raises(InFlight):
        view()(request(fleet.pk))
    IdempotencyKey.objects.update(lease_until=Now())
    view()(request(fleet.pk))
    assert groups(fleet) == 1


def test_what_is_taken_over_must_be_the_same_request(fleet: Fleet) -> None:
    died(fleet, lapsed=True)
    with pytest.raises(KeyReused):
        view()(request(fleet.pk, body=b"{}"))
    assert groups(fleet) == 0


def test_who_was_away_for_longer_than_the_lease_does_nothing_any_more(fleet: Fleet) -> None:
    def meanwhile() -> None:
        IdempotencyKey.objects.update(lease_until=Now())
        view()(request(fleet.pk))

    with pytest.raises(InFlight):
        view(meanwhile)(request(fleet.pk))
    # In this test both are on one connection: the late one's transaction takes the other's work with it.
    assert groups(fleet) == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_does_the_work(fleet: Fleet) -> None:
    def send(number: int) -> int:
        try:
            return view()(request(fleet.pk)).status_code
        except InFlight as refused:
            return refused.status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(send, range(24)))
    assert groups(fleet) == 1
    assert statuses <= {202, 409}
    assert 202 in statuses


# --- for how long ---------------------------------------------------------------------------------------------------


def test_after_a_day_the_key_is_forgotten_and_may_be_taken_anew(fleet: Fleet) -> None:
    view()(request(fleet.pk))
    kept_for = IdempotencyKey.objects.get().expires_at - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < kept_for <= dt.timedelta(hours=24, seconds=5)
    IdempotencyKey.objects.update(expires_at=Now())
    view()(request(fleet.pk, body=b'{"name":"other"}'))
    assert groups(fleet) == 2
    assert forget_expired() == 0
    IdempotencyKey.objects.update(expires_at=Now())
    assert forget_idempotency_keys() == "1 keys forgotten"


# --- what clients are told ------------------------------------------------------------------------------------------


def test_the_document_tells_of_the_key_the_scope_and_what_may_go_wrong() -> None:
    api = NinjaAPI(urls_namespace="idempotency")

    @api.post("/groups", response={202: dict[str, int]}, **starts_work("write:costs"))
    @idempotent
    def make(request: Any) -> HttpResponse:
        """Makes a group."""
        return Answer(b"{}", {}, 202)

    operation = completed(api.get_openapi_schema(path_prefix=""))["paths"]["/groups"]["post"]
    (parameter,) = operation["parameters"]
    assert (parameter["name"], parameter["required"]) == ("Idempotency-Key", True)
    assert {"202", "400", "401", "403", "409", "422", "429", "503"} == set(operation["responses"])
    assert "write:costs" in operation["responses"]["403"]["description"]
    assert "Location" in operation["responses"]["202"]["headers"]
    assert "x-required-scope" not in operation
