import datetime as dt
from collections.abc import Callable

import httpx

from apps.trucks.models import SyncRun, TruckSync
from tests import rows

Get = Callable[..., httpx.Response]


def test_lags_are_by_nearest_rank_over_the_active_trucks_that_are_known(api_get: Get) -> None:
    fleet, now = rows.fleet(), dt.datetime.now(dt.UTC)
    for number in range(1, 11):
        rows.known(rows.truck(fleet, f"T-{number:02}"), now - dt.timedelta(seconds=1_000 * number))
    rows.known(rows.truck(fleet, "GONE", is_active=False), now - dt.timedelta(days=9))
    rows.truck(fleet, "NEVER")
    rows.known(rows.truck(rows.fleet("Other"), "THEIRS"), now - dt.timedelta(days=99))
    answer = api_get("/api/v2/fleet/freshness", rows.api_key(fleet)).json()
    lag = answer["summary"]["lag"]
    assert [round(lag[name], -3) for name in ("p50_s", "p90_s", "p99_s", "max_s")] == [5_000, 9_000, 10_000, 10_000]
    assert answer["summary"]["trucks"] == 11
    assert [truck["truck_id"] for truck in answer["data"]] == ["NEVER", *(f"T-{n:02}" for n in range(1, 11))]
    never, first = answer["data"][:2]
    assert (never["as_of"], never["lag_s"], never["lagging"]) == (None, None, True)
    assert 1_000 <= first["lag_s"] < 1_060 and first["lagging"]


def test_the_last_ten_passes_come_newest_first_and_a_failed_truck_says_so(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.known(rows.truck(fleet), dt.datetime.now(dt.UTC))
    for hour in range(12):
        started = rows.NOON + dt.timedelta(hours=hour)
        SyncRun.objects.create(fleet=fleet, status="ok", started_at=started, messages_new=hour)
    key = rows.api_key(fleet)
    answer = api_get("/api/v2/fleet/freshness", key)
    assert [run["messages_new"] for run in answer.json()["summary"]["sync_runs"]] == list(range(11, 1, -1))
    assert answer.json()["data"][0]["failed"] is False
    tag = answer.headers["ETag"]
    assert tag.startswith("W/")
    assert api_get("/api/v2/fleet/freshness", key, {"If-None-Match": tag}).status_code == 304
    TruckSync.objects.update(last_error="Unavailable: no answer")
    changed = api_get("/api/v2/fleet/freshness", key, {"If-None-Match": tag})
    assert (changed.status_code, changed.json()["data"][0]["failed"]) == (200, True)


def test_what_went_wrong_is_told_as_wialon_said_it_and_of_a_bug_only_its_kind(api_get: Get) -> None:
    fleet = rows.fleet()
    told = {
        "T-1": ("Unavailable: messages/load_interval: HTTP 502", "Unavailable: messages/load_interval: HTTP 502"),
        "T-2": ("KeyError: 'secret of a row'", "an error here (KeyError); the log has it"),
        "T-3": ("", None),
    }
    for code, (error, _) in told.items():
        rows.known(rows.truck(fleet, code), dt.datetime.now(dt.UTC), last_error=error)
    for hour, error in enumerate(("", "LoginRefused: token/login: error 8", "the worker was lost")):
        started = rows.NOON + dt.timedelta(hours=hour)
        SyncRun.objects.create(fleet=fleet, status="failed", started_at=started, error=error)
    answer = api_get("/api/v2/fleet/freshness", rows.api_key(fleet)).json()
    assert {row["truck_id"]: (row["failed"], row["error"]) for row in answer["data"]} == {
        code: (said is not None, said) for code, (_, said) in told.items()
    }
    errors = [run["error"] for run in answer["summary"]["sync_runs"]]
    assert errors == ["the worker was lost", "LoginRefused: token/login: error 8", None]
