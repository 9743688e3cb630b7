import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from apps.accounts.authentication import Principal
from apps.accounts.models import Fleet
from apps.accounts.periods import of_days
from apps.merging import Merger
from apps.mysql import Row
from apps.trucks import freshness
from apps.trucks.freshness import Freshness
from apps.trucks.models import SummaryRevision
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


def answered(fleet: Fleet, changes: int) -> tuple[HttpResponse, list[int]]:
    """An answer whose summaries change that often while it is built, and the revisions it was built at."""
    request = RequestFactory().get("/api/v2/fleet/summary")
    request.auth = Principal(1, fleet.pk, fleet.name, fleet.zone, fleet.currency, frozenset({"read"}))
    built: list[int] = []

    async def read(now: dt.datetime) -> Freshness:
        return await freshness.of_fleet(fleet.pk, rows.NOON)

    async def build(fresh: Freshness) -> dict[str, Any]:
        built.append(fresh.revision)
        if len(built) <= changes:
            await asyncio.to_thread(_change, fleet)
        return {"built_at": fresh.revision, "freshness": fresh.body()}

    return asyncio.run(freshness.answer(request, read, build, of_days(rows.DAY, rows.DAY, fleet.zone))), built


def _change(fleet: Fleet) -> None:
    from django.db import connection

    revision = SummaryRevision.objects.get(fleet_id=fleet.pk)
    rows.revision(fleet, revision.revision + 1)
    connection.close()


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

    async def fetch(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        asked.append(parameters["fleet"])
        row = dict.fromkeys(("facts", "version", "trucks", "known_until", "steps"), None)
        return [{**row, "fleet_key": str(parameters["fleet"]), "revision": parameters["fleet"]}]

    monkeypatch.setattr(freshness, "_states", Merger(fetch))
    now = dt.datetime.now(dt.UTC)
    states = await asyncio.gather(*(freshness.state_of_fleet(fleet, now) for fleet in (1, 2, 1, 1)))
    assert [state.revision for state in states] == [1, 2, 1, 1]
    assert sorted(asked) == [1, 2]
