"""Rows of the ledger by API: one by one, once, and never over somebody else's change."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory

from apps.accounts.models import Fleet
from apps.accounts.preconditions import PreconditionFailed
from apps.fleet.ledger import api as ledger_api
from apps.fleet.ledger import row_schemas
from apps.fleet.ledger.resources import ENTRIES
from apps.fleet.models import CostEntry
from apps.trucks.models import DirtyDay
from tests import rows
from tests.api.ledger.requests import (
    BODIES,
    MODELS,
    PATCHES,
    TOUCHED,
    declared,
    each_kind,
    path,
    pointers,
    post,
)
from tests.conftest import AsgiClient


@each_kind
def test_a_row_is_made_read_changed_and_removed(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    made = post(asgi, key, kind)
    assert made.status_code == 201, made.text
    declared(made, path(kind), "post")
    assert made.json()["touched_days"] == TOUCHED[kind]
    row = MODELS[kind].objects.get()
    assert made.headers["Location"] == path(kind, row.pk)

    shown = asgi.get(path(kind, row.pk), key)
    declared(shown, path(kind, "{row_id}"), "get")
    assert shown.json()["data"] == made.json()["data"]
    assert shown.headers["ETag"] == made.headers["ETag"]
    said = {name: value for name, value in BODIES[kind].items() if not name.endswith("_at")}
    assert said.items() <= shown.json()["data"].items()

    patch, column, value = PATCHES[kind]
    changed = asgi.send("PATCH", path(kind, row.pk), key, {"If-Match": shown.headers["ETag"]}, json=patch)
    declared(changed, path(kind, "{row_id}"), "patch")
    row.refresh_from_db()
    assert getattr(row, column) == value
    assert changed.headers["ETag"] != shown.headers["ETag"]

    DirtyDay.objects.all().delete()
    removed = asgi.send("DELETE", path(kind, row.pk), key, {"If-Match": changed.headers["ETag"]})
    assert (removed.status_code, removed.content) == (204, b"")
    assert not MODELS[kind].objects.exists()
    assert DirtyDay.objects.exists() == bool(TOUCHED[kind])
    assert asgi.get(path(kind, row.pk), key).status_code == 404


@each_kind
def test_a_change_to_what_one_has_not_seen_is_refused(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    made = post(asgi, key, kind)
    one, patch = path(kind, made.json()["data"]["id"]), PATCHES[kind][0]
    for method, body in (("PATCH", {"json": patch}), ("DELETE", {})):
        assert asgi.send(method, one, key, **body).status_code == 428
        for tag in ('"other"', f"W/{made.headers['ETag']}"):
            answer = asgi.send(method, one, key, {"If-Match": tag}, **body)
            assert (answer.status_code, answer.json()["code"]) == (412, "precondition-failed")
    assert asgi.send("PATCH", one, key, {"If-Match": f'"other", {made.headers["ETag"]}'}, json=patch).status_code == 200
    assert asgi.send("DELETE", one, key, {"If-Match": made.headers["ETag"]}).status_code == 412
    assert asgi.send("DELETE", one, key, {"If-Match": "*"}).status_code == 204


@each_kind
def test_the_same_request_again_makes_nothing_more(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    first, again = (post(asgi, key, kind, name="same") for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [again.headers[name] for name in ("ETag", "Location")] == [first.headers[n] for n in ("ETag", "Location")]
    assert MODELS[kind].objects.count() == 1
    assert asgi.send("POST", path(kind), key, json=BODIES[kind]).status_code == 400


@each_kind
def test_a_key_needs_the_scope(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    reader = rows.api_key(fleet)
    assert post(asgi, reader, kind).status_code == 403
    pk = post(asgi, key, kind).json()["data"]["id"]
    assert asgi.send("PATCH", path(kind, pk), reader, {"If-Match": "*"}, json=PATCHES[kind][0]).status_code == 403
    assert asgi.send("DELETE", path(kind, pk), reader, {"If-Match": "*"}).status_code == 403
    assert asgi.get(path(kind, pk), reader).status_code == 200
    assert asgi.get(path(kind, pk)).status_code == 401


@each_kind
def test_rows_of_another_fleet_are_not_there(asgi: AsgiClient, fleet: Fleet, key: str, kind: str) -> None:
    pk = post(asgi, key, kind).json()["data"]["id"]
    theirs = rows.api_key(rows.fleet("Other"), scopes=("read", "write:costs"))
    assert asgi.get(path(kind), theirs).json()["data"] == []
    assert asgi.get(path(kind, pk), theirs).status_code == 404
    assert asgi.send("PATCH", path(kind, pk), theirs, {"If-Match": "*"}, json=PATCHES[kind][0]).status_code == 404
    assert asgi.send("DELETE", path(kind, pk), theirs, {"If-Match": "*"}).status_code == 404
    if kind not in ("fuel-prices", "exchange-rates"):
        assert set(pointers(post(asgi, theirs, kind))) <= {"/body/truck_id", "/body/group"}
    assert MODELS[kind].objects.filter(fleet=fleet).count() == 1


def test_of_two_changes_of_one_version_at_the_same_time_one_is_refused(
    asgi: AsgiClient, fleet: Fleet, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = post(asgi, key, "entries")
    pk, barrier = made.json()["data"]["id"], threading.Barrier(2, timeout=1)
    matched = ledger_api.require_match

    def meet(request: Any, tag: str) -> None:
        """Waits for the other one here; with the row locked it cannot come."""
        matched(request, tag)
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait()

    def change(document: str) -> str:
        request: Any = RequestFactory().patch("/", headers={"If-Match": made.headers["ETag"]})
        request.auth = SimpleNamespace(fleet_id=fleet.pk)
        try:
            ledger_api._change(ENTRIES, request, pk, row_schemas.EntryPatch(document=document))
            return document
        except PreconditionFailed:
            return "refused"
        finally:
            connection.close()

    monkeypatch.setattr(ledger_api, "require_match", meet)
    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(change, ["one", "two"]))
    assert "refused" in outcomes and len(outcomes) == 2
    assert CostEntry.objects.get().document in outcomes
