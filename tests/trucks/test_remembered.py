"""Rows of summaries are remembered exactly as long as their revision stays."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from apps.mysql import Row
from apps.trucks.remembered import Remembered
from tests import rows

Get = Callable[..., httpx.Response]
WHERE = {"fleet": 1, "day": 2}


class Database:
    """Gives one row with its revision; notes how often it was asked."""

    def __init__(self, revision: int | None = 1) -> None:
        self.revision = revision
        self.asked = 0

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        self.asked += 1
        return [] if self.revision is None else [{"n": self.asked, "at_revision": self.revision}]


async def read(remembered: Remembered, revision: int, sql: str = "SELECT 1", **changes: int) -> int:
    return (await remembered.rows(sql, {**WHERE, **changes}, revision))[0]["n"]


async def test_what_is_asked_again_at_the_same_revision_is_not_read_again() -> None:
    database = Database()
    remembered = Remembered(database.fetch)
    assert [await read(remembered, 1) for _ in range(3)] == [1, 1, 1]
    assert await read(remembered, 1, sql="SELECT 2") == 2
    assert await read(remembered, 1, fleet=2) == 3
    assert await read(remembered, 1) == 1


async def test_another_revision_is_read_anew() -> None:
    database = Database()
    remembered = Remembered(database.fetch)
    await read(remembered, 1)
    database.revision = 2
    assert await read(remembered, 2) == 2
    assert await read(remembered, 2) == 2


async def test_rows_belong_to_the_revision_they_were_read_at_not_to_the_one_that_was_expected() -> None:
    database = Database(revision=2)
    remembered = Remembered(database.fetch)
    assert await read(remembered, 1) == 1  # it changed since the caller looked
    assert await read(remembered, 2) == 1
    assert await read(remembered, 1) == 2


async def test_nothing_is_not_remembered() -> None:
    database = Database(revision=None)
    remembered = Remembered(database.fetch)
    assert [await remembered.rows("SELECT 1", WHERE, 1) for _ in range(2)] == [[], []]
    assert database.asked == 2


async def test_the_rows_that_were_asked_for_longest_ago_are_forgotten() -> None:
    remembered = Remembered(Database().fetch, most_rows=2)
    assert [await read(remembered, 1, day=day) for day in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 4]


def test_a_figure_changes_with_the_revision_and_with_nothing_else(api_get: Get) -> None:
    fleet = rows.fleet()
    day = rows.truck_day(rows.truck(fleet))
    made = rows.fleet_day(fleet)
    key = rows.api_key(fleet)

    def distance() -> int:
        return api_get(f"/api/v2/fleet/summary?from={rows.DAY}&to={rows.DAY}", key).json()["data"]["distance_m"]

    assert distance() == day.distance_m
    type(made).objects.filter(fleet_id=fleet.pk).update(distance_m=7)
    rows.revision(fleet, 1)
    assert distance() == 7
