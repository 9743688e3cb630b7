"""Backfills over the API: begun once, followed, listed, cancelled; by keys that may."""

import datetime as dt
from typing import Any

import httpx
import jsonschema_rs
import pytest

from apps.accounts.models import Fleet
from apps.trucks import backfills
from apps.trucks.models import Backfill, BackfillDay
from tests import rows
from tests.api.endpoints import DOCUMENT
from tests.conftest import AsgiClient

WEEK = {"kind": "resync", "from": "2026-03-02", "to": "2026-03-08"}
PATH = "/api/v2/backfills"


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    made = rows.fleet()
    for code in ("T-1", "T-2"):
        rows.known(rows.truck(made, code))
    return made


@pytest.fixture
def key(fleet: Fleet) -> str:
    return rows.api_key(fleet, scopes=("read", "run:backfill"), name="dashboard")


def start(asgi: AsgiClient, key: str, name: str = "one", **changes: Any) -> httpx.Response:
    return asgi.send("POST", PATH, key, {"Idempotency-Key": name}, json={**WEEK, **changes})


def as_declared(answer: httpx.Response, method: str, path: str = PATH) -> dict[str, Any]:
    declared = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    schema = declared["content"][answer.headers["Content-Type"].partition(";")[0]]["schema"]
    jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.json())
    return answer.json()


def test_a_backfill_is_begun_and_can_be_followed(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    begun = start(asgi, key, trucks=["T-2"])
    body = as_declared(begun, "post")["data"]
    assert begun.status_code == 202
    assert (body["status"], body["progress"], body["eta"]) == ("queued", {"done": 0, "total": 7}, None)
    assert (body["trucks"], body["from"], body["to"]) == (["T-2"], "2026-03-02", "2026-03-08")
    assert body["requested_by"] == "API key dashboard"
    row = Backfill.objects.get()
    assert begun.headers["Location"] == f"{PATH}/{row.pk}"
    assert (row.first_t, row.last_t) == (1_772_431_200, 1_773_032_399)  # Chicago: 06:00 UTC to 04:59:59, an hour less
    chunk = backfills.claim(row.pk)
    assert chunk is not None
    chunk.fail(ValueError("odd"))
    followed = as_declared(asgi.get(begun.headers["Location"], key), "get", f"{PATH}/{{backfill_id}}")["data"]
    assert (followed["status"], followed["error"]) == ("running", "ValueError: odd")
    assert followed["failures"][0] == {"truck_id": "T-2", "day": "2026-03-02", "error": "ValueError: odd"}


def test_sent_twice_it_is_begun_once(asgi: AsgiClient, key: str) -> None:
    first, again = start(asgi, key), start(asgi, key)
    assert (again.status_code, again.content, again.headers["Location"]) == (
        202, first.content, first.headers["Location"],
    )  # fmt: skip
    assert Backfill.objects.count() == 1
    other = start(asgi, key, kind="rebuild")
    assert (other.status_code, as_declared(other, "post")["code"]) == (422, "idempotency-key-reused")
    missing = asgi.send("POST", PATH, key, json=WEEK)
    assert (missing.status_code, as_declared(missing, "post")["code"]) == (400, "idempotency-key-missing")
    assert start(asgi, key, "two").status_code == 202
    assert Backfill.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"from": "2026-03-09"}, "/body/from"),
        ({"from": "2030-03-09", "to": "2030-03-09"}, "/body/from"),
        ({"from": "2020-03-09"}, "/body/to"),
        ({"from": "0001-01-01"}, "/body/from"),
        ({"to": "9999-12-31"}, "/body/to"),
        ({"from": "yesterday"}, "/body/from"),
        ({"kind": "guess"}, "/body/kind"),
        ({"trucks": []}, "/body/trucks"),
        ({"trucks": ["T-1", "THEIRS"]}, "/body/trucks/1"),
        ({"speed": "fast"}, "/body/speed"),
    ],
)
def test_what_cannot_be_is_refused_by_name(asgi: AsgiClient, key: str, changes: dict[str, Any], pointer: str) -> None:
    rows.truck(rows.fleet("Other"), "THEIRS")
    answer = start(asgi, key, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in as_declared(answer, "post")["errors"]] == [pointer]
    assert Backfill.objects.count() == 0
    assert start(asgi, key).status_code == 202  # the key is free for the right question


def test_trucks_that_the_fleet_does_not_have_are_named_the_first_ten(asgi: AsgiClient, key: str) -> None:
    codes = [f"U-{number}" for number in range(11)]
    for given, named in (["T-1", *codes[:2]], "U-0, U-1"), (codes, f"{', '.join(codes[:10])}, …"):
        assert start(asgi, key, trucks=given).json()["detail"] == f"trucks: this fleet has no {named}."


def test_a_key_needs_the_scope_to_begin_or_end_one(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    reader = rows.api_key(fleet)
    begun = start(asgi, key).headers["Location"]
    for refused in (start(asgi, reader), asgi.send("DELETE", begun, reader)):
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "run:backfill" in refused.json()["detail"]
    assert asgi.get(begun, reader).status_code == 200
    assert Backfill.objects.get().status == "queued"


def test_another_fleets_backfill_is_as_unknown_as_one_that_is_not_there(asgi: AsgiClient, key: str) -> None:
    other = rows.fleet("Other")
    theirs = rows.backfill(other, number=7)
    for path in (f"{PATH}/7", f"{PATH}/8", f"{PATH}/99999999999999999999999"):
        for answer in (asgi.get(path, key), asgi.send("DELETE", path, key)):
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert asgi.get(PATH, key).json()["data"] == []
    theirs.refresh_from_db()
    assert theirs.status == "queued"


def test_a_backfill_is_cancelled_once_and_for_all(asgi: AsgiClient, key: str) -> None:
    path = start(asgi, key).headers["Location"]
    for _ in range(2):
        answer = asgi.send("DELETE", path, key)
        assert answer.status_code == 200
        assert as_declared(answer, "delete", f"{PATH}/{{backfill_id}}")["data"]["status"] == "cancelled"
    assert backfills.claim(Backfill.objects.get().pk) is None
    assert BackfillDay.objects.filter(state="queued").count() == 14
    Backfill.objects.update(status="done")
    late = asgi.send("DELETE", path, key)
    assert (late.status_code, as_declared(late, "delete", f"{PATH}/{{backfill_id}}")["code"]) == (409, "conflict")


def test_the_list_has_the_newest_first_by_status_and_in_pages(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    for number in range(1, 8):
        rows.backfill(fleet, number=number, status="done" if number % 2 else "queued")
    whole = asgi.get(PATH, key).json()
    assert [each["id"] for each in whole["data"]] == [7, 6, 5, 4, 3, 2, 1]
    assert [each["id"] for each in asgi.get(f"{PATH}?status=queued", key).json()["data"]] == [6, 4, 2]
    found, cursor = [], ""
    while cursor is not None:
        page = asgi.get(f"{PATH}?limit=3{cursor and f'&cursor={cursor}'}", key).json()
        found += [each["id"] for each in page["data"]]
        cursor = page["page"]["next_cursor"]
    assert found == [7, 6, 5, 4, 3, 2, 1]


def test_the_day_of_the_fleet_decides_what_a_date_is(asgi: AsgiClient, fleet: Fleet, key: str) -> None:
    Fleet.objects.filter(pk=fleet.pk).update(timezone="Asia/Tokyo")
    start(asgi, key, **{"from": "2026-03-02", "to": "2026-03-02"})
    first = dt.datetime.fromtimestamp(Backfill.objects.get().first_t, dt.UTC)
    assert first == dt.datetime(2026, 3, 1, 15, tzinfo=dt.UTC)
