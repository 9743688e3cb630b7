"""A question that is asked again is answered before its parameters are parsed, and passes all that guards the first."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import time_machine

from apps.accounts.authentication import KeyRing
from apps.accounts.models import ApiKey, Fleet
from apps.trucks.models import Driver, Truck, TruckGroup, TruckSync
from apps.trucks.sync.watermarks import recount
from fleet_project.api import api
from fleet_project.direct import DirectView
from tests import rows
from tests.api.endpoints import PERIOD_PATHS
from tests.conftest import AsgiClient

Get = Callable[..., httpx.Response]
DAYS = f"from={rows.DAY}&to={rows.DAY}"
SUMMARY = f"/api/v2/fleet/summary?{DAYS}"
# Files and messages are read anew.
PATHS = [path for path in PERIOD_PATHS if not any(part in path for part in ("/exports/", "/messages"))]


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    made = rows.fleet()
    rows.known(rows.truck(made))
    rows.driver(made)
    return made


@pytest.fixture
def no_memory_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked up at each request, as they are after five seconds."""
    rings = {operation.auth_callbacks[0]._keys for _, operation in api.operations() if operation.auth_callbacks}
    for ring in rings:
        assert isinstance(ring, KeyRing)
        monkeypatch.setattr(ring, "_max_age_s", -1)


@pytest.fixture
def nothing_parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """From its call on, an answer that takes the endpoint itself fails."""

    def parsed(*_: Any) -> None:
        raise AssertionError("the endpoint has been asked")

    yield lambda: monkeypatch.setattr(DirectView, "_values", parsed)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_the_same_answer_without_asking_the_endpoint(
    asgi: AsgiClient, fleet: Fleet, path: str, nothing_parsed: Callable[[], None]
) -> None:
    key, question = rows.api_key(fleet), f"{path}?{DAYS}"
    first = asgi.get(question, key)
    assert first.status_code == 200
    nothing_parsed()
    again = asgi.get(question, key, {"X-Request-Id": "mine"})
    assert (again.status_code, again.content, again.headers["ETag"]) == (200, first.content, first.headers["ETag"])
    assert again.headers.keys() == first.headers.keys()
    assert again.headers["X-Request-Id"] == "mine"
    assert asgi.get(question, key, {"If-None-Match": again.headers["ETag"]}).status_code == 304


def test_a_question_about_a_group_too(asgi: AsgiClient, fleet: Fleet, nothing_parsed: Callable[[], None]) -> None:
    rows.group(fleet, "North", Truck.objects.get())
    key = rows.api_key(fleet)
    first = asgi.get(f"{SUMMARY}&group=North", key)
    nothing_parsed()
    assert asgi.get(f"{SUMMARY}&group=North", key).content == first.content
    assert asgi.get(f"{SUMMARY}&group=North", key, {"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_keys_that_ask_in_turns_do_not_take_each_others_place(
    asgi: AsgiClient, fleet: Fleet, nothing_parsed: Callable[[], None]
) -> None:
    keys = [rows.api_key(fleet) for _ in range(2)]
    first = [asgi.get(SUMMARY, key).content for key in keys]
    nothing_parsed()
    assert [asgi.get(SUMMARY, key).content for key in keys] == first


# --- what it follows from -------------------------------------------------------------------------------------------


def test_a_group_that_is_gone_is_noticed(api_get: Get, fleet: Fleet) -> None:
    rows.group(fleet, "North", Truck.objects.get())
    key = rows.api_key(fleet)
    assert api_get(f"{SUMMARY}&group=North", key).status_code == 200
    TruckGroup.objects.get().delete()
    assert api_get(f"{SUMMARY}&group=North", key, {"If-None-Match": "*"}).status_code == 422


def test_a_group_that_has_another_truck_is_noticed(api_get: Get, fleet: Fleet) -> None:
    group = rows.group(fleet, "North", Truck.objects.get())
    key = rows.api_key(fleet)

    def trucks() -> int:
        found: int = api_get(f"{SUMMARY}&group=North", key).json()["data"]["trucks"]
        return found

    assert trucks() == 1
    group.trucks.add(rows.truck(fleet, "T-2"))
    assert trucks() == 2
    group.trucks.clear()
    assert trucks() == 0


def test_a_driver_who_has_another_name_is_noticed(api_get: Get, fleet: Fleet) -> None:
    path, key = f"/api/v2/drivers/D-1/scorecard?{DAYS}", rows.api_key(fleet)
    driver = Driver.objects.get()
    for name in ("Ann", "Ben"):
        driver.name = name
        driver.save()
        assert api_get(path, key).json()["data"]["name"] == name


def test_a_truck_that_is_gone_is_noticed(api_get: Get, fleet: Fleet) -> None:
    path, key = f"/api/v2/trucks/T-1/trips?{DAYS}", rows.api_key(fleet)
    assert api_get(path, key).status_code == 200
    truck = Truck.objects.get()
    truck.code = "T-2"
    truck.save()
    assert api_get(path, key, {"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize("revision", [None, 7])
def test_a_truck_without_a_watermark_any_more_is_noticed(api_get: Get, fleet: Fleet, revision: int | None) -> None:
    if revision is not None:
        rows.revision(fleet, revision)
    path, key = f"/api/v2/trucks/T-1/trips?{DAYS}", rows.api_key(fleet)
    assert api_get(path, key).json()["freshness"]["as_of"] is not None
    TruckSync.objects.all().delete()
    assert api_get(path, key).json()["freshness"]["as_of"] is None


@pytest.mark.parametrize("group", ["", "&group=North"])
def test_a_truck_that_lags_behind_since_is_noticed_though_nothing_was_written(
    asgi: AsgiClient, transactional_db: None, group: str
) -> None:
    fleet = rows.fleet()
    trucks = [rows.truck(fleet, code) for code in ("T-1", "T-2")]
    for truck, minutes in zip(trucks, (0, 5), strict=True):
        rows.known(truck, rows.NOON + dt.timedelta(minutes=minutes))
    rows.group(fleet, "North", *trucks)
    key, question = rows.api_key(fleet), f"{SUMMARY}{group}"

    def lagging(seconds: int) -> list[str]:
        with time_machine.travel(rows.NOON + dt.timedelta(seconds=seconds)):
            found: list[str] = asgi.get(question, key).json()["freshness"]["lagging"]
            return found

    moments = (899, 900, 901, 1200, 1201)
    assert [len(lagging(at)) for at in moments] == [0, 0, 1, 1, 2]


def test_a_truck_that_is_asked_about_itself_and_lags_behind_since_is_noticed(asgi: AsgiClient, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    TruckSync.objects.update(known_until=int(rows.NOON.timestamp()))

    def lagging(seconds: int) -> list[str]:
        with time_machine.travel(rows.NOON + dt.timedelta(seconds=seconds)):
            found: list[str] = asgi.get(f"/api/v2/trucks/T-1/trips?{DAYS}", key).json()["freshness"]["lagging"]
            return found

    assert [lagging(at) for at in (899, 900, 901, 902)] == [[], [], ["T-1"], ["T-1"]]


@pytest.mark.parametrize("group", ["", "&group=North"])
def test_a_truck_that_is_known_further_is_noticed(api_get: Get, fleet: Fleet, group: str) -> None:
    truck = Truck.objects.get()
    rows.group(fleet, "North", truck)
    key, question = rows.api_key(fleet), f"{SUMMARY}{group}"
    for minutes in (1, 2):
        until = rows.NOON + dt.timedelta(minutes=minutes)
        TruckSync.objects.update(known_until=int(until.timestamp()))
        recount(fleet.pk)
        assert api_get(question, key).json()["freshness"]["as_of"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_another_fleet_asks_in_the_same_words(api_get: Get, fleet: Fleet) -> None:
    other = rows.fleet("Other")
    for asking, trucks in ((fleet, 1), (other, 0), (fleet, 1)):
        assert api_get(SUMMARY, rows.api_key(asking)).json()["data"]["trucks"] == trucks


def test_other_parameters_are_another_question(api_get: Get, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    day = rows.DAY + dt.timedelta(days=1)
    assert api_get(SUMMARY, key).json()["period"]["to"] == f"{rows.DAY}"
    assert api_get(f"/api/v2/fleet/summary?from={rows.DAY}&to={day}", key).json()["period"]["to"] == f"{day}"
    assert api_get(f"{SUMMARY}&nothing=1", key).status_code == 422


def test_who_takes_something_else_gets_something_else(api_get: Get, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    assert api_get(SUMMARY, key).headers["Content-Type"] == "application/json"
    assert api_get(SUMMARY, key, {"Accept": "text/csv"}).headers["Content-Type"].startswith("text/csv")
    assert api_get(SUMMARY, key, {"Accept": "image/png"}).status_code == 406


def test_a_period_with_a_name_is_another_on_the_next_day(asgi: AsgiClient, transactional_db: None) -> None:
    """Of a fleet without trucks nothing else changes overnight."""
    key = rows.api_key(rows.fleet(timezone="America/Chicago"))
    midnight = dt.datetime(2026, 3, 11, 5, tzinfo=dt.UTC)  # in Chicago

    def until(seconds: int) -> str:
        with time_machine.travel(midnight + dt.timedelta(seconds=seconds)):
            return asgi.get("/api/v2/fleet/summary?period=yesterday", key).json()["period"]["to"]

    assert [until(-3600), until(-60), until(0)] == ["2026-03-09", "2026-03-09", "2026-03-10"]


def test_a_period_without_an_end_is_another_each_time(api_get: Get, fleet: Fleet) -> None:
    key = rows.api_key(fleet)
    start = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ends = [api_get(f"/api/v2/trucks/T-1/trips?from={start}", key).json()["period"]["to"] for _ in range(3)]
    assert len(set(ends)) == 3


# --- what guards it -------------------------------------------------------------------------------------------------


def test_a_key_that_has_been_revoked(api_get: Get, fleet: Fleet, no_memory_of_keys: None) -> None:
    key = rows.api_key(fleet)
    assert [api_get(SUMMARY, key).status_code for _ in range(2)] == [200, 200]
    ApiKey.objects.update(revoked_at=dt.datetime.now(dt.UTC))
    assert api_get(SUMMARY, key, {"If-None-Match": "*"}).status_code == 401
    assert api_get(SUMMARY, None, {"If-None-Match": "*"}).status_code == 401


def test_a_key_that_may_no_longer_read(api_get: Get, fleet: Fleet, no_memory_of_keys: None) -> None:
    key = rows.api_key(fleet)
    assert [api_get(SUMMARY, key).status_code for _ in range(2)] == [200, 200]
    ApiKey.objects.update(scopes=["write:costs"])
    assert api_get(SUMMARY, key, {"If-None-Match": "*"}).status_code == 403


def test_a_fleet_whose_zone_or_currency_has_changed(api_get: Get, fleet: Fleet, no_memory_of_keys: None) -> None:
    key = rows.api_key(fleet)
    for change in ({"currency": "CAD"}, {"timezone": "America/Denver"}):
        tag = api_get(SUMMARY, key).headers["ETag"]
        Fleet.objects.update(**change)
        again = api_get(SUMMARY, key, {"If-None-Match": tag})
        assert (again.status_code, again.headers["ETag"] != tag) == (200, True)


def test_it_counts_against_the_quota(transactional_db: None, settings: Any) -> None:
    import asyncio

    import redis

    from fleet_project.asgi import application

    settings.RATE_LIMIT_PER_MINUTE = 5
    key = rows.api_key(rows.fleet())
    with asyncio.Runner() as runner, redis.Redis.from_url(settings.REDIS_URL) as store:
        client = AsgiClient(application, runner)
        runner.run(client.start())
        for name in store.scan_iter("limit:*"):
            store.delete(name)
        answers = [client.get(SUMMARY, key, {"If-None-Match": "*"}) for _ in range(6)]
        runner.run(client.stop())
    assert [answer.status_code for answer in answers] == [304] * 5 + [429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [f"r={n}" for n in (4, 3, 2, 1, 0, 0)]


def test_it_is_counted_among_the_answers(asgi: AsgiClient, fleet: Fleet) -> None:
    key = rows.api_key(fleet)

    def counted() -> float:
        name = 'http_request_seconds_count{method="GET",route="api/v2/fleet/summary",status="304"} '
        lines = asgi.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = counted()
    for _ in range(3):
        asgi.get(SUMMARY, key, {"If-None-Match": "*"})
    assert counted() == before + 3
