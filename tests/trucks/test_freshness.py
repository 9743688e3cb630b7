import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import pytest
from django.db.models import F
from django.http import HttpResponse
from django.test import RequestFactory

from apps.accounts.authentication import Principal
from apps.accounts.models import Fleet
from apps.accounts.periods import of_days
from apps.accounts.problems import NotFound
from apps.merging import Merger
from apps.mysql import Row, fetch_all, fetch_all_sync
from apps.prepared import Repeated
from apps.trucks import freshness, queries, remembered
from apps.trucks.freshness import Freshness
from apps.trucks.models import SummaryRevision, Truck, TruckSync
from apps.trucks.sync.watermarks import recount
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


def answered(fleet: Fleet, changes: int, reads: Sequence[str] = ()) -> tuple[HttpResponse, list[int]]:
    """An answer whose summaries change that often while it is built, and the revisions it was built at.

    `reads`: what it reads, one after another, with the change between the first and the second.
    """
    request = RequestFactory().get("/api/v2/fleet/summary")
    request.auth = Principal(1, fleet.pk, fleet.name, fleet.zone, fleet.currency, frozenset({"read"}))
    built: list[int] = []

    async def read(now: dt.datetime) -> Freshness:
        return await freshness.of_fleet(fleet.pk, rows.NOON)

    async def build(fresh: Freshness) -> dict[str, Any]:
        built.append(fresh.revision)
        for sql in reads[:1]:
            await fetch_all(sql)
        if len(built) <= changes:
            await asyncio.to_thread(_change, fleet)
        for sql in reads[1:]:
            await fetch_all(sql)
        return {"built_at": fresh.revision, "freshness": fresh.body()}

    return asyncio.run(freshness.answer(request, read, build, of_days(rows.DAY, rows.DAY, fleet.zone))), built


def _change(fleet: Fleet) -> None:
    from django.db import connection

    revision = SummaryRevision.objects.get(fleet_id=fleet.pk)
    rows.revision(fleet, revision.revision + 1)
    connection.close()


def _known_longer(fleet: Fleet) -> None:
    TruckSync.objects.filter(fleet_id=fleet.pk).update(known_until=F("known_until") + 60)
    recount(fleet.pk)


def test_an_answer_during_which_nothing_changes_is_built_once() -> None:
    fleet = rows.fleet()
    rows.revision(fleet, 7)
    answer, built = answered(fleet, changes=0)
    assert built == [7]
    assert orjson.loads(answer.content)["freshness"]["revision"] == 7


def test_an_answer_during_which_the_summaries_change_is_built_again() -> None:
    fleet = rows.fleet()
    rows.revision(fleet, 7)
    answer, built = answered(fleet, changes=1)
    assert built == [7, 8]
    body = orjson.loads(answer.content)
    assert (body["built_at"], body["freshness"]["revision"]) == (8, 8)


def test_a_change_between_two_reads_of_an_answer_is_noticed() -> None:
    fleet = rows.fleet()
    rows.revision(fleet, 7)
    assert answered(fleet, changes=1, reads=["SELECT 1", "SELECT 2"])[1] == [7, 8]


def test_what_is_read_after_the_change_alone_is_not_of_the_revision_before() -> None:
    fleet = rows.fleet()
    rows.revision(fleet, 7)

    async def read_after(fresh: Freshness) -> dict[str, Any]:
        if fresh.revision == 7:
            await asyncio.to_thread(_change, fleet)
        return {"seen": (await fetch_all("SELECT 1 AS n"))[0]["n"]}

    request = RequestFactory().get("/api/v2/fleet/summary")
    request.auth = Principal(1, fleet.pk, fleet.name, fleet.zone, fleet.currency, frozenset({"read"}))
    state = partial(freshness.state_of_fleet, fleet.pk)
    period = of_days(rows.DAY, rows.DAY, fleet.zone)
    first = asyncio.run(freshness.answer(request, state, read_after, period))
    again = asyncio.run(freshness.answer(request, state, read_after, period))
    assert first["ETag"] == again["ETag"], "it is that of the revision after the change"


@pytest.mark.parametrize("kind", ["fleet", "truck", "group"])
def test_what_a_state_is_looked_at_with_sees_what_it_saw(kind: str) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.known(truck, rows.NOON)
    rows.revision(fleet, 7)
    group = rows.group(fleet, "North", truck)
    read = {
        "fleet": partial(freshness.state_of_fleet, fleet.pk),
        "truck": partial(freshness.of_truck, fleet.pk, truck.code),
        "group": partial(freshness.state_of_group, fleet.pk, group.pk),
    }[kind]
    state = asyncio.run(read(rows.NOON))
    assert state.state is not None and state.was_still(fetch_all_sync(*state.state))
    changes: list[Callable[[], object]] = [lambda: rows.revision(fleet, 8), lambda: rows.truck(fleet, "T-9")]
    if kind != "truck":
        changes.append(lambda: _known_longer(fleet))
    for change in changes:
        before = asyncio.run(read(rows.NOON))
        change()
        assert before.state is not None and not before.was_still(fetch_all_sync(*before.state))


def test_how_far_a_group_is_known_is_read_once_for_each_time_that_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, other = rows.fleet(), rows.fleet("Elsewhere")
    first, second = (rows.truck(fleet, code) for code in ("T-1", "T-2"))
    for truck in (first, second):
        rows.known(truck, rows.NOON)
    groups = [rows.group(fleet, "North", first), rows.group(fleet, "All", first, second)]
    asked: list[int] = []

    async def fetch(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        asked.append(parameters["id"])
        return await fetch_all(sql, parameters)

    monkeypatch.setattr(remembered, "watermarks", remembered.Remembered(fetch, at=queries.at_watermarks, always=True))

    def states() -> list[tuple[int, int | None]]:
        asked.clear()
        found = [asyncio.run(freshness.state_of_group(fleet.pk, group.pk, rows.NOON)) for group in [*groups, *groups]]
        assert found[:2] == found[2:]
        return [(state.trucks, state.known_until) for state in found[:2]]

    noon, each = int(rows.NOON.timestamp()), [group.pk for group in groups]
    assert (states(), asked) == ([(1, noon), (2, noon)], each)
    assert (states(), asked) == ([(1, noon), (2, noon)], [])
    _known_longer(fleet)
    assert (states(), asked) == ([(1, noon + 60), (2, noon + 60)], each)
    groups[0].trucks.add(second)
    assert (states(), asked) == ([(2, noon + 60), (2, noon + 60)], each)
    _known_longer(other)
    rows.revision(fleet, 8)
    assert (states(), asked) == ([(2, noon + 60), (2, noon + 60)], [])


def test_those_of_a_group_that_lag_behind_are_named() -> None:
    fleet = rows.fleet()
    trucks = [rows.truck(fleet, code) for code in ("T-3", "T-1", "T-2", "T-4", "T-5")]
    for truck, hour in zip(trucks[:3], (16, 15, 17), strict=True):
        rows.known(truck, rows.NOON.replace(hour=hour))
    rows.truck(fleet, "T-6", is_active=False)
    group = rows.group(fleet, "North", *Truck.objects.exclude(code="T-5"))

    async def read() -> Freshness:
        return await freshness.with_lagging(fleet.pk, await freshness.state_of_group(fleet.pk, group.pk, rows.NOON))

    state = asyncio.run(read())
    assert (state.lagging, state.lagging_count, state.trucks) == (("T-1", "T-3", "T-4"), 3, 4)


def test_summaries_that_never_rest_are_answered_all_the_same() -> None:
    fleet = rows.fleet()
    rows.revision(fleet, 7)
    answer, built = answered(fleet, changes=9)
    assert answer.status_code == 200
    assert built == [7, 8, 9]


async def test_the_state_of_a_fleet_is_read_once_for_all_who_ask_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    async def fetch(read: Repeated) -> list[Row]:
        asked.append(read.values["fleet"])
        row = dict.fromkeys(("facts", "version", "trucks", "known_until", "steps"), None)
        return [{**row, "fleet_key": str(asked[-1]), "revision": asked[-1]}]

    monkeypatch.setattr(freshness, "_states", Merger(fetch))
    now = dt.datetime.now(dt.UTC)
    states = await asyncio.gather(*(freshness.state_of_fleet(fleet, now) for fleet in (1, 2, 1, 1)))
    assert [state.revision for state in states] == [1, 2, 1, 1]
    assert sorted(asked) == [1, 2]


def test_the_state_of_a_fleet_is_the_same_whatever_there_is_of_it_yet() -> None:
    fleet, now = rows.fleet(), dt.datetime.now(dt.UTC)
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: rows.revision(fleet, 5),
        lambda: rows.truck(fleet),
        lambda: rows.known(Truck.objects.get(), now),
    ]
    found = []
    for step in steps:
        step()
        alone = freshness.of_watermarks(fetch_all_sync(queries.FLEET_FRESHNESS, {"fleet": fleet.pk})[0], 0)
        state = asyncio.run(freshness.state_of_fleet(fleet.pk, dt.datetime.fromtimestamp(0, dt.UTC)))
        assert state == alone
        found.append((state.revision, state.trucks))
    assert found == [(0, 0), (5, 0), (5, 1), (5, 1)]


async def test_states_of_trucks_that_are_asked_for_at_the_same_time_take_one_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Mapping[str, Any]] = []

    async def fetch(read: Repeated) -> list[Row]:
        asked.append(read.values)
        codes = {value for name, value in read.values.items() if name.startswith("key_")} - {"T-9"}
        row = {"known_until": 1, "first_t": 0, "revision": 2, "facts": 3}
        return [{**row, "id": int(code[-1]), "truck_id": code} for code in codes]

    monkeypatch.setattr(freshness, "_states", Merger(fetch))
    now = dt.datetime.now(dt.UTC)
    about = [(1, "T-1"), (1, "T-2"), (2, "T-1"), (1, "T-1"), (1, "T-9"), (1, "no code")]
    found = await asyncio.gather(*(freshness.of_truck(*each, now) for each in about), return_exceptions=True)
    assert [each.truck_id for each in found[:4]] == [1, 2, 1, 1]
    assert [type(each) for each in found[4:]] == [NotFound, NotFound]
    assert [parameters["fleet"] for parameters in asked] == [1, 2], "never of two fleets"
