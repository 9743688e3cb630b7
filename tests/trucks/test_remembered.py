"""Rows of summaries are remembered exactly as long as their revision stays."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from apps.fleet.summaries import sums
from apps.mysql import Row
from apps.trucks.models import SummaryRevision, TruckDay
from apps.trucks.remembered import Answers, Questions, Remembered, Tag
from tests import rows
from tests.conftest import AsgiClient
from tests.statements import sent_statements

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


async def test_what_is_made_of_rows_is_made_once() -> None:
    database = Database()
    remembered = Remembered(database.fetch)
    made: list[int] = []

    def numbers(rows: list[Row]) -> list[int]:
        made.append(len(rows))
        return [row["n"] for row in rows]

    assert [await remembered.made("SELECT 1", WHERE, 1, numbers) for _ in range(3)] == [[1], [1], [1]]
    assert made == [1]


async def test_names_are_known_where_no_answers_are_kept(settings: Any) -> None:
    settings.REMEMBERED_BYTES = 0
    remembered, names = Remembered(Database().fetch), Remembered(Database().fetch, always=True)
    assert [await read(remembered, 1) for _ in range(2)] == [1, 2]
    assert [await read(names, 1) for _ in range(2)] == [1, 1]


async def test_nothing_is_not_remembered() -> None:
    database = Database(revision=None)
    remembered = Remembered(database.fetch)
    assert [await remembered.rows("SELECT 1", WHERE, 1) for _ in range(2)] == [[], []]
    assert database.asked == 2


async def test_nothing_is_remembered_too_where_the_revision_is_looked_at_by_itself() -> None:
    asked: list[str] = []

    async def fetch(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        asked.append(sql)
        return [{"at_revision": 1}] if sql == "LOOK" else []

    remembered = Remembered(fetch, look="LOOK", always=True)
    assert [await remembered.rows("SELECT 1", WHERE, 1) for _ in range(3)] == [[], [], []]
    assert asked == ["LOOK", "SELECT 1"], "the look comes first: what is read after it is never older"
    assert await remembered.rows("SELECT 1", WHERE, 2) == []
    assert len(asked) == 4


async def test_the_rows_that_were_asked_for_longest_ago_are_forgotten() -> None:
    remembered = Remembered(Database().fetch, most_rows=4)
    assert [await read(remembered, 1, day=day) for day in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 4]


def test_a_figure_changes_with_the_revision_and_with_nothing_else(api_get: Get) -> None:
    fleet = rows.fleet()
    day = rows.truck_day(rows.truck(fleet))
    rows.fleet_day(fleet)
    key = rows.api_key(fleet)

    def distance() -> int:
        return api_get(f"/api/v2/fleet/summary?from={rows.DAY}&to={rows.DAY}", key).json()["data"]["distance_m"]

    assert distance() == day.distance_m
    TruckDay.objects.filter(fleet_id=fleet.pk).update(distance_m=7)
    sums.of_days(fleet.pk, [(day.truck_id, rows.DAY)], SummaryRevision(revision=0, changed_at=rows.NOON))
    assert distance() == day.distance_m, "it follows from the revision, which says that nothing has changed"
    rows.revision(fleet, 1)
    assert distance() == 7


# --- whole answers --------------------------------------------------------------------------------------------------


def test_answers_are_kept_by_tag_and_the_oldest_is_forgotten_first(settings: Any) -> None:
    settings.REMEMBERED_BYTES = 80
    answers = Answers()
    for number in range(8):
        answers.keep(f"tag {number}", b"%d" % number * 10)
    assert answers.get("tag 0") == b"0" * 10  # now asked for last
    answers.keep("tag 8", b"8" * 10)
    assert answers.get("tag 1") is None
    assert [answers.get(f"tag {number}") is not None for number in (0, 2, 7, 8)] == [True] * 4


def test_one_answer_never_takes_the_place_of_all_others(settings: Any) -> None:
    settings.REMEMBERED_BYTES = 80
    answers = Answers()
    answers.keep("small", b"1" * 10)
    answers.keep("large", b"1" * 11)
    assert (answers.get("small"), answers.get("large")) == (b"1" * 10, None)


async def test_where_nothing_is_to_be_kept_nothing_is(settings: Any) -> None:
    settings.REMEMBERED_BYTES = 0
    answers, database = Answers(), Database()
    answers.keep("tag", b"1")
    assert answers.get("tag") is None
    remembered = Remembered(database.fetch)
    assert [await read(remembered, 1) for _ in range(2)] == [1, 2]


# --- the tags of questions ------------------------------------------------------------------------------------------


async def state(now: dt.datetime) -> int:
    return 1


def tag(text: str = "tag", who: str = "one") -> Tag:
    return Tag(text, who, 1, state, rows.NOON)


def test_a_tag_is_right_for_who_asked_and_until_its_time() -> None:
    before = rows.NOON - dt.timedelta(seconds=1)
    questions = Questions()
    questions.keep("question", tag())
    assert questions.tag("question", "one", before) == tag()
    assert questions.tag("question", "other", before) is None
    assert questions.tag("question", "one", rows.NOON) is None
    assert questions.tag("another", "one", before) is None
    questions.forget()
    assert questions.tag("question", "one", before) is None


def test_questions_that_were_asked_longest_ago_are_forgotten() -> None:
    before = rows.NOON - dt.timedelta(seconds=1)
    questions = Questions(most=3)
    for number in range(3):
        questions.keep(number, tag())
    questions.tag(0, "one", before)  # now asked last
    questions.keep(3, tag())
    assert [questions.tag(number, "one", before) is not None for number in range(4)] == [True, False, True, True]


@pytest.mark.parametrize("path", ["summary", "utilization", "cost-analysis", "driver-behavior"])
def test_an_answer_that_is_asked_for_again_takes_one_statement(
    asgi: AsgiClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = rows.fleet()
    rows.known(rows.truck(fleet))
    rows.revision(fleet, 1)
    key, question = rows.api_key(fleet), f"/api/v2/fleet/{path}?from={rows.DAY}&to={rows.DAY}"
    first = asgi.get(question, key)
    sent = sent_statements(monkeypatch)
    assert asgi.get(question, key).content == first.content
    assert asgi.get(question, key, {"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert len(sent) == 2
    assert all("FROM summary_revision r JOIN facts_revision c JOIN fleet_watermark w" in sql for sql in sent)
