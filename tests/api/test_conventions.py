"""What holds of every endpoint alike."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.api.endpoints import DOCUMENT, DRIVER_PATHS, PAGED_PATHS, PATHS, PERIOD_PATHS, TRUCK_PATHS, parameters_of
from tests.conftest import AsgiClient

Get = Callable[..., httpx.Response]
MARCH = "from=2026-03-01&to=2026-03-31"


def pointers(answer: httpx.Response) -> list[str]:
    """The parts of the request that a refusal names."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def with_truck() -> tuple[Fleet, str]:
    fleet = rows.fleet()
    rows.truck(fleet)
    rows.driver(fleet)
    rows.backfill(fleet)
    return fleet, rows.api_key(fleet)


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_without_a_key_there_is_no_answer(api_get: Get, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic Zm9vOmJhcg=="}):
        answer = api_get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="fleet"')
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "data" not in answer.json()


@pytest.mark.parametrize("path", PATHS)
def test_a_key_that_may_not_read_is_told_so(api_get: Get, path: str) -> None:
    fleet, _ = with_truck()
    answer = api_get(path, rows.api_key(fleet, scopes=("write:costs",)))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_keys_that_do_not_work_all_get_the_same_answer(api_get: Get) -> None:
    fleet, _ = with_truck()
    keys = (
        "flt_nonsense",
        f"flt_{'0' * 12}_secret",
        rows.api_key(fleet, revoked_at=rows.NOON),
        rows.api_key(fleet, expires_at=rows.NOON),
    )
    answers = [api_get("/api/v2/trucks", key, {"X-Request-Id": "same"}) for key in keys]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert 'error="invalid_token"' in answers[0].headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", TRUCK_PATHS)
def test_another_fleets_truck_is_as_unknown_as_one_that_is_not_there(api_get: Get, path: str) -> None:
    _, key = with_truck()
    rows.truck(rows.fleet("Other"), "THEIRS")
    theirs, nobodys = (
        api_get(path.replace("T-1", code), key, {"X-Request-Id": "same"}) for code in ("THEIRS", "NOBODYS")
    )
    assert (theirs.status_code, theirs.json()["code"]) == (404, "not-found")
    assert theirs.content == nobodys.content
    assert api_get(path, key).status_code == 200


@pytest.mark.parametrize("path", DRIVER_PATHS)
def test_another_fleets_driver_is_as_unknown_as_one_that_is_not_there(api_get: Get, path: str) -> None:
    _, key = with_truck()
    rows.driver(rows.fleet("Other"), code="THEIRS")
    theirs, *others = (
        api_get(path.replace("D-1", code), key, {"X-Request-Id": "same"}) for code in ("THEIRS", "NOBODYS", "%00", "0")
    )
    assert (theirs.status_code, theirs.json()["code"]) == (404, "not-found")
    assert {other.content for other in others} == {theirs.content}
    assert api_get(path, key).status_code == 200


@pytest.mark.parametrize("path", TRUCK_PATHS)
def test_a_truck_whose_code_cannot_be_is_just_not_there(api_get: Get, path: str) -> None:
    _, key = with_truck()
    for code in ("%00", "%27%20OR%201%3D1", "%F0%9F%9A%9A", "T%25", "x" * 300):
        assert api_get(path.replace("T-1", code), key).status_code == 404


@pytest.mark.parametrize(
    "path", [path for path in PATHS if "/fleet/" in path or path.endswith(("/trucks", "/drivers"))]
)
def test_no_figure_of_another_fleet_is_in_an_answer(api_get: Get, path: str) -> None:
    _, key = with_truck()
    query = f"?{MARCH}" if path in PERIOD_PATHS else ""
    before = api_get(f"{path}{query}", key).json()
    other = rows.fleet("Other")
    truck = rows.truck(other, "THEIRS")
    rows.truck_day(truck, driver=rows.driver(other))
    rows.cost(truck, "fuel", "99.00")
    rows.fleet_day(other)
    rows.latest(truck)
    rows.known(truck)
    rows.group(other, "Theirs", truck)
    assert api_get(f"{path}{query}", key).json() == before


# --- what may be asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_refused_by_name(api_get: Get, path: str) -> None:
    _, key = with_truck()
    answer = api_get(f"{path}?perid=week&fleet=2", key)
    assert pointers(answer) == ["/query/perid", "/query/fleet"]
    assert "perid" in answer.json()["detail"]


@pytest.mark.parametrize("path", PAGED_PATHS)
def test_a_limit_is_a_number_from_1_to_1000(api_get: Get, path: str) -> None:
    _, key = with_truck()
    for limit in ("0", "-2346", "1001", "99999999999999999999", "1.5", "", "ten", "%00", "1&limit=2"):
        assert pointers(api_get(f"{path}?limit={limit}", key)) == ["/query/limit"]


def test_more_parameters_than_anybody_asks_for(api_get: Get) -> None:
    _, key = with_truck()
    answer = api_get(f"/api/v2/trucks?{'&'.join(1001 * ['q=x'])}", key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


IMPOSSIBLE_PERIODS = {
    "from=2026-03-32": "/query/from",
    "from=2026-03-02&to=2026-03-01": "/query/from",
    "to=2026-03-01": "/query/from",
    "from=2026-03-01&period=week": "/query/period",
    "period=fortnight": "/query/period",
    "from=2020-01-01&to=2026-01-01": "/query/to",
    "from=2026-03-01T00:00:00&to=2026-03-02T00:00:00": "/query/from",
    "from=%F0%9F%9A%9A": "/query/from",
}


@pytest.mark.parametrize("path", PERIOD_PATHS)
def test_a_period_that_cannot_be_is_refused(api_get: Get, path: str) -> None:
    _, key = with_truck()
    for query, pointer in IMPOSSIBLE_PERIODS.items():
        assert pointers(api_get(f"{path}?{query}", key)) == [pointer]


def test_the_longest_period_is_named_where_it_is_exceeded(api_get: Get) -> None:
    _, key = with_truck()
    trips = api_get("/api/v2/trucks/T-1/trips?from=2026-03-01&to=2026-04-01", key)
    assert "at most 31 days" in trips.json()["detail"]
    summary = api_get("/api/v2/fleet/summary?from=2025-01-01&to=2026-03-01", key)
    assert "at most 400 days" in summary.json()["detail"]


@pytest.mark.parametrize("path", PERIOD_PATHS)
def test_the_period_is_repeated_in_the_answer(api_get: Get, path: str) -> None:
    _, key = with_truck()
    period = api_get(f"{path}?{MARCH}", key).json()["period"]
    assert period == {"from": "2026-03-01", "to": "2026-03-31", "timezone": "America/Chicago"}


ACCEPTED = ("application/json", "text/html, application/*;q=0.5", "*/*", "")
REFUSED = ("image/png", "application/xml, text/html")


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_json_or_refused(api_get: Get, path: str) -> None:
    _, key = with_truck()
    assert {api_get(path, key, {"Accept": accept}).status_code for accept in ACCEPTED} == {200}
    assert {api_get(path, key, {"Accept": accept}).status_code for accept in REFUSED} == {406}


# --- pages ----------------------------------------------------------------------------------------------------------


def crowd() -> str:
    """A fleet with seven of everything that comes in pages; the first driver and the last truck have all days."""
    fleet = rows.fleet()
    drivers = [rows.driver(fleet) for _ in range(7)]
    for number in range(7):
        truck = rows.truck(fleet, f"T-{number}")
        rows.truck_day(truck, driver=drivers[number])
        rows.cost(truck, "fuel", "1.00")
        rows.open_fault(truck)
    for number in range(7):
        start = rows.NOON + dt.timedelta(hours=number)
        rows.trip(truck, start, 600)
        for make in (rows.speeding, rows.stop, rows.idle_event, rows.fuel_event, rows.harsh_event, rows.fault_change):
            make(truck, start)
        rows.message(truck, start)
        rows.truck_day(truck, rows.DAY + dt.timedelta(days=1 + number), drivers[0])
        rows.ledger(truck, start)
    return rows.api_key(fleet)


def keys_of(answer: dict) -> list[str]:
    data = answer["data"]["by_truck"] if "by_truck" in answer["data"] else answer["data"]
    names = ("started_at", "day", "id", "truck_id", "driver_id", "opened_at", "at")
    return [next(row[name] for name in names if name in row) for row in data]


# What narrows a list that is of no period; that of the watermarks cannot be narrowed.
NARROWED = {
    "/api/v2/trucks": "q=T",
    "/api/v2/fleet/freshness": "",
    "/api/v2/costs/entries": "line=tolls",
    "/api/v2/costs/rates": "truck_id=T-6",
    "/api/v2/costs/fuel-prices": "group=South",
    "/api/v2/costs/fuel-purchases": "truck_id=T-6",
    "/api/v2/costs/exchange-rates": "currency=CAD",
}


def in_pages(api_get: Get, key: str, query: str) -> list[str]:
    """The keys of all rows, three to a page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = api_get(f"{query}&limit=3{cursor}", key).json()
        found += keys_of(answer)
        if not answer["page"]["has_more"]:
            assert answer["page"]["next_cursor"] is None
            return found
        cursor = f"&cursor={answer['page']['next_cursor']}"


@pytest.mark.parametrize("path", PAGED_PATHS)
def test_pages_follow_one_another_without_gap_or_repetition(api_get: Get, path: str) -> None:
    key = crowd()
    query = path.replace("T-1", "T-6") + (f"?{MARCH}" if path in PERIOD_PATHS else f"?{NARROWED[path]}")
    whole = keys_of(api_get(query, key).json())
    assert len(whole) >= 7
    assert in_pages(api_get, key, query) == whole == sorted(whole)


@pytest.mark.parametrize(
    "path", [path for path in (*TRUCK_PATHS, *DRIVER_PATHS) if path in PERIOD_PATHS and "sort" in parameters_of(path)]
)
def test_pages_follow_one_another_backwards_too(api_get: Get, path: str) -> None:
    key = crowd()
    query = f"{path.replace('T-1', 'T-6')}?{MARCH}"
    newest_first = f"{query}&sort={'-day' if path.endswith('days') else '-started_at'}"
    assert in_pages(api_get, key, newest_first) == in_pages(api_get, key, query)[::-1]


@pytest.mark.parametrize("path", PAGED_PATHS)
def test_a_cursor_belongs_to_its_question(api_get: Get, path: str) -> None:
    key = crowd()
    mine = path.replace("T-1", "T-6")
    period = f"{MARCH}&" if path in PERIOD_PATHS else ""
    cursor = api_get(f"{mine}?{period}limit=2", key).json()["page"]["next_cursor"]
    assert api_get(f"{mine}?{period}limit=5&cursor={cursor}", key).status_code == 200
    flipped = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for other in (f"{period}cursor={flipped}", f"{period}cursor={cursor}x", f"{period}cursor=%00", f"{period}cursor="):
        assert pointers(api_get(f"{mine}?{other}", key)) == ["/query/cursor"]
    changed = "from=2026-03-02&to=2026-03-31" if period else NARROWED[path]
    if changed:
        assert pointers(api_get(f"{mine}?{changed}&cursor={cursor}", key)) == ["/query/cursor"]
    elsewhere = next(one for one in PAGED_PATHS if one != path and one in PERIOD_PATHS).replace("T-1", "T-6")
    assert pointers(api_get(f"{elsewhere}?{MARCH}&cursor={cursor}", key)) == ["/query/cursor"]


# --- freshness and caching ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in PATHS if "/fleet/" in path or path.endswith("/trucks")])
def test_a_fleet_is_as_fresh_as_its_oldest_truck_and_names_those_that_lag(api_get: Get, path: str) -> None:
    fleet = rows.fleet()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    for code, minutes in (("A", 1), ("B", 14), ("C", 16)):
        rows.known(rows.truck(fleet, code), now - dt.timedelta(minutes=minutes))
    rows.known(rows.truck(fleet, "D"), now, first_t=None)  # known to have sent nothing, ever
    rows.truck(fleet, "E")
    rows.known(rows.truck(fleet, "GONE", is_active=False), now - dt.timedelta(days=9))
    rows.revision(fleet, 5)
    freshness = api_get(path, rows.api_key(fleet)).json()["freshness"]
    assert dt.datetime.fromisoformat(freshness["as_of"]) == now - dt.timedelta(minutes=16)
    assert (freshness["lagging"], freshness["lagging_count"], freshness["revision"]) == (["C", "D", "E"], 3, 5)


def test_of_many_lagging_trucks_a_hundred_are_named_and_all_are_counted(api_get: Get) -> None:
    fleet = rows.fleet()
    for number in range(103):
        rows.truck(fleet, f"T-{number:03}")
    freshness = api_get("/api/v2/fleet/summary", rows.api_key(fleet)).json()["freshness"]
    assert (len(freshness["lagging"]), freshness["lagging_count"]) == (100, 103)


@pytest.mark.parametrize("path", TRUCK_PATHS)
def test_a_truck_is_as_fresh_as_itself(api_get: Get, path: str) -> None:
    fleet = rows.fleet()
    rows.known(rows.truck(fleet), rows.NOON)
    rows.truck(fleet, "T-2")
    freshness = api_get(path, rows.api_key(fleet)).json()["freshness"]
    assert (freshness["as_of"], freshness["lagging"], freshness["lagging_count"]) == (
        "2026-03-10T17:00:00Z",
        ["T-1"],
        1,
    )


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_is_known_is_not_sent_again(api_get: Get, path: str) -> None:
    _, key = with_truck()
    first = api_get(path, key)
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    for known in (tag, f'"other", {tag}', "*"):
        again = api_get(path, key, {"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
    assert api_get(path, key, {"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", PERIOD_PATHS)
def test_a_tag_is_strong_and_changes_with_revision_question_and_fleet(api_get: Get, path: str) -> None:
    fleet, key = with_truck()
    other = rows.fleet("Other")
    rows.truck(other)
    rows.driver(other, code="D-1")
    tag = api_get(f"{path}?{MARCH}", key).headers["ETag"]
    assert tag.startswith('"')
    tags = {tag, api_get(f"{path}?period=last30", key).headers["ETag"]}
    tags.add(api_get(f"{path}?{MARCH}", rows.api_key(other)).headers["ETag"])
    rows.revision(fleet, 1)
    tags.add(api_get(f"{path}?{MARCH}", key, {"If-None-Match": tag}).headers["ETag"])
    assert len(tags) == 4


def test_a_cached_answer_is_sent_anew_once_a_truck_lags(api_get: Get) -> None:
    fleet = rows.fleet()
    watermark = rows.known(rows.truck(fleet), dt.datetime.now(dt.UTC))
    key = rows.api_key(fleet)
    tag = api_get("/api/v2/fleet/summary", key).headers["ETag"]
    watermark.known_until -= 1_000
    watermark.save()
    recount(fleet.pk)
    again = api_get("/api/v2/fleet/summary", key, {"If-None-Match": tag})
    assert (again.status_code, again.json()["freshness"]["lagging"]) == (200, ["T-1"])


# --- when the database does not answer ------------------------------------------------------------------------------


@pytest.fixture
def impatient(settings: Any) -> None:
    """Who waits for a connection gives up after 50 ms: the pool that is opened after this one."""
    settings.POOL_WAIT_S = 0.05


@pytest.mark.parametrize("path", PATHS)
def test_a_pool_that_is_full_for_too_long_says_when_to_try_again(impatient: None, asgi: AsgiClient, path: str) -> None:
    from apps import mysql

    _, key = with_truck()

    async def ask_while_full() -> httpx.Response:
        held = [asyncio.create_task(mysql.fetch_all("SELECT SLEEP(1)")) for _ in range(mysql.pool_stats()["max"])]
        await asyncio.sleep(0.05)
        answer = await asgi.http.get(path, headers={"Authorization": f"Bearer {key}"})
        for reader in held:
            reader.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        return answer

    answer = asgi.run(ask_while_full())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["code"] == "unavailable"
    assert asgi.get(path, key).status_code == 200


def test_a_client_that_leaves_frees_its_connection(asgi: AsgiClient) -> None:
    from apps import mysql

    _, key = with_truck()

    async def ask_and_leave() -> None:
        for _ in range(40):
            request = asyncio.create_task(
                asgi.http.get("/api/v2/fleet/summary", headers={"Authorization": f"Bearer {key}"})
            )
            await asyncio.sleep(0.002)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        await asyncio.sleep(0.1)

    asgi.run(ask_and_leave())
    stats = mysql.pool_stats()
    assert (stats["used"], stats["waiting"]) == (0, 0)
    assert asgi.get("/api/v2/fleet/summary", key).status_code == 200


def test_the_same_question_asked_twenty_times_at_once_is_built_less_often(
    asgi: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.fleet.utilization.api import Used

    _, key = with_truck()
    asgi.get("/api/v2/fleet/summary", key)
    built: list[object] = []
    read_targets = Used.targets

    async def targets(used: Used) -> object:
        built.append(used)
        return await read_targets(used)

    monkeypatch.setattr(Used, "targets", targets)

    async def ask_at_once() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {key}"}
        return await asyncio.gather(*(asgi.http.get("/api/v2/fleet/utilization", headers=headers) for _ in range(20)))

    answers = asgi.run(ask_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["ETag"] for answer in answers}) == len({answer.content for answer in answers})
    assert 1 <= len(built) < 20


def test_parameters_are_named_in_the_order_in_which_they_matter(api_get: Get) -> None:
    """In the document and where one is refused: the period, what is narrowed, pages, forms of files."""
    path = "/api/v2/fleet/cost-analysis"
    named = [each["name"] for each in DOCUMENT["paths"][path]["get"]["parameters"] if each["in"] == "query"]
    assert named == [
        "from", "to", "period", "truck_id", "group", "by", "limit", "cursor", "format", "units", "bom", "comment",
    ]  # fmt: skip
    refused = api_get(f"{path}?perid=last7", rows.api_key(rows.fleet())).json()
    assert refused["detail"].endswith(f"there are {', '.join(named)}.")
    first = {
        each["in"]: each["name"]
        for each in reversed(DOCUMENT["paths"]["/api/v2/drivers/{driver_id}/days"]["get"]["parameters"])
    }
    assert first == {"header": "If-None-Match", "query": "from", "path": "driver_id"}
