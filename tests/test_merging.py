"""Reads that are merged: each gets its own answer, its own error, and nobody waits for somebody else's leaving."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from apps import merging, mysql
from apps.merging import KeyedStatement, Merger, Sharing, ending_with, together
from apps.mysql import Row, Statement, fetch_all
from apps.pool import DatabaseUnavailable
from apps.prepared import Repeated

STATEMENT = KeyedStatement("SELECT … WHERE fleet = %(fleet)s AND code IN ({keys})", "code")


class Database:
    """Has a row for every key but those that begin with x; notes what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.running = self.most_running = 0

    async def fetch(self, read: Repeated) -> list[Row]:
        self.asked.append((read.sql, dict(read.values)))
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        await asyncio.sleep(0.005)
        self.running -= 1
        if self.error:
            raise self.error
        keys = {value.upper() for name, value in read.values.items() if name.startswith("key_")}
        return [{"code": key, "fleet": read.values["fleet"]} for key in keys if not key.startswith("X")]

    def keys(self, number: int) -> set[str]:
        return {value for name, value in self.asked[number][1].items() if name.startswith("key_")}


async def one(merger: Merger, shared: Mapping[str, Any], key: str) -> Row | None:
    """The only row of a key."""
    rows = await merger.rows(STATEMENT, shared, key)
    assert len(rows) <= 1
    return rows[0] if rows else None


async def test_those_who_ask_together_are_answered_by_one_statement_each_with_its_own_row() -> None:
    database = Database()
    merger = Merger(database.fetch)
    rows = await asyncio.gather(*(one(merger, {"fleet": 1}, key) for key in ("A", "b", "B", "xX")))
    assert [row and row["code"] for row in rows] == ["A", "B", "B", None]
    assert database.asked == [
        (
            "SELECT … WHERE fleet = %(fleet)s AND code IN (%(key_0)s, %(key_1)s, %(key_2)s, %(key_3)s)",
            {"fleet": 1, "key_0": "A", "key_1": "b", "key_2": "B", "key_3": "xX"},
        )
    ]


async def test_a_key_may_have_several_rows() -> None:
    async def fetch(read: Repeated) -> list[Row]:
        return [{"code": "a", "n": 1}, {"code": "B", "n": 2}, {"code": "A", "n": 3}]

    merger = Merger(fetch)
    found = await asyncio.gather(*(merger.rows(STATEMENT, {"fleet": 1}, key) for key in "abc"))
    assert [[row["n"] for row in rows] for rows in found] == [[1, 3], [2], []]


async def test_who_asks_alone_does_not_wait_for_company() -> None:
    database = Database()
    assert await one(Merger(database.fetch), {"fleet": 1}, "A") == {"code": "A", "fleet": 1}
    assert len(database.asked) == 1


async def test_no_statement_is_about_two_fleets() -> None:
    database = Database()
    merger = Merger(database.fetch)
    rows = await asyncio.gather(*(one(merger, {"fleet": fleet}, "A") for fleet in (1, 2, 1)))
    assert [row["fleet"] for row in rows] == [1, 2, 1]
    assert sorted(parameters["fleet"] for _, parameters in database.asked) == [1, 2]


async def test_nobody_joins_a_statement_that_is_under_way() -> None:
    """It may have been read before what the caller has just written."""
    database = Database()
    merger = Merger(database.fetch)
    first = asyncio.create_task(one(merger, {"fleet": 1}, "A"))
    await asyncio.sleep(0.002)
    assert len(database.asked) == 1
    await one(merger, {"fleet": 1}, "A")
    await first
    assert len(database.asked) == 2


async def test_who_comes_while_statements_are_under_way_is_in_the_next_one() -> None:
    database = Database()
    merger = Merger(database.fetch, in_flight=1)
    first = asyncio.create_task(one(merger, {"fleet": 1}, "A"))
    await asyncio.sleep(0.002)
    await asyncio.gather(*(one(merger, {"fleet": 1}, key) for key in "BCD"))
    await first
    assert [database.keys(0), database.keys(1)] == [{"A"}, {"B", "C", "D"}]


async def test_a_statement_has_so_many_keys_at_most_and_so_many_run_at_once() -> None:
    database = Database()
    merger = Merger(database.fetch, most_keys=4, in_flight=2)
    keys = [f"T-{number}" for number in range(23)]
    rows = await asyncio.gather(*(one(merger, {"fleet": 1}, key) for key in keys))
    assert [row["code"] for row in rows] == keys
    assert max(len(database.keys(number)) for number in range(len(database.asked))) == 4
    assert database.most_running <= 2


async def test_the_number_of_different_statements_is_small() -> None:
    database = Database()
    merger = Merger(database.fetch)
    for number in range(64, 0, -1):
        await asyncio.gather(*(one(merger, {"fleet": 1}, f"T-{key}") for key in range(number)))
    assert len({sql for sql, _ in database.asked}) == 7


async def test_an_error_reaches_every_caller_and_the_next_question_is_asked_anew() -> None:
    database = Database(DatabaseUnavailable("gone"))
    merger = Merger(database.fetch)
    answers = await asyncio.gather(*(one(merger, {"fleet": 1}, key) for key in "ABA"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 3
    database.error = None
    assert await one(merger, {"fleet": 1}, "A") == {"code": "A", "fleet": 1}


@pytest.mark.parametrize("after_s", [0, 0.002])
async def test_who_is_cancelled_harms_nobody(after_s: float) -> None:
    merger = Merger(Database().fetch)
    readers = [asyncio.create_task(one(merger, {"fleet": 1}, key)) for key in "AAB"]
    await asyncio.sleep(after_s)
    readers[0].cancel()
    answers = await asyncio.gather(*readers, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [row["code"] for row in answers[1:]] == ["A", "B"]


async def test_a_storm_of_callers_that_leave_ends_with_nothing_left_over(caplog) -> None:
    dice = random.Random(1)
    database = Database()
    merger = Merger(database.fetch, most_keys=8)
    for _ in range(20):
        readers = {
            asyncio.create_task(one(merger, {"fleet": dice.randint(1, 3)}, f"T-{n % 20}")): n % 20 for n in range(60)
        }
        for reader in readers:
            if dice.random() < 0.2:
                await asyncio.sleep(0)
            if dice.random() < 0.5:
                reader.cancel()
        answers = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 5)
        for number, answer in zip(readers.values(), answers, strict=True):
            assert isinstance(answer, asyncio.CancelledError) or answer["code"] == f"T-{number}"
    await asyncio.sleep(0.05)
    assert (merger._groups, merger._tasks, database.running) == ({}, set(), 0)
    assert caplog.text == ""


# --- who asks alone -------------------------------------------------------------------------------------------------


async def alone(merger: Merger) -> None:
    """Asks, and lets the statement end: from then on it is known that nobody else does."""
    await one(merger, {"fleet": 1}, "A")
    await asyncio.sleep(0)


async def test_who_asks_alone_as_the_last_one_did_is_asked_for_at_once_and_without_a_task() -> None:
    database = Database()
    merger = Merger(database.fetch)
    await alone(merger)
    asking = merger.rows(STATEMENT, {"fleet": 1}, "b")
    asking.send(None)  # until it waits
    assert [database.keys(1), merger._tasks] == [{"b"}, set()]
    asking.close()
    assert merger._groups == {}


async def test_after_company_nobody_goes_alone_until_somebody_was() -> None:
    database = Database()
    merger = Merger(database.fetch)
    for number in (1, 2, 2, 1, 1, 3):
        await asyncio.gather(*(one(merger, {"fleet": 1}, f"T-{key}") for key in range(number)))
        await asyncio.sleep(0)
    # Of the two that come after one, the first does not know of the second; of the next two it is thought of.
    assert [len(keys) for keys in map(database.keys, range(len(database.asked)))] == [1, 1, 1, 2, 1, 1, 1, 2]


async def test_who_comes_while_one_is_answered_alone_is_in_the_next_statement_even_if_that_one_leaves() -> None:
    database = Database()
    merger = Merger(database.fetch, in_flight=1)
    await alone(merger)
    first = asyncio.create_task(one(merger, {"fleet": 1}, "A"))
    await asyncio.sleep(0)
    others = [asyncio.create_task(one(merger, {"fleet": 1}, key)) for key in "AbC"]
    await asyncio.sleep(0)
    assert len(database.asked) == 2
    first.cancel()
    assert [row["code"] for row in await asyncio.gather(*others)] == ["A", "B", "C"]
    assert first.cancelled()
    assert database.keys(2) == {"A", "b", "C"}


async def test_an_error_of_who_asks_alone_is_theirs_and_leaves_nothing_behind() -> None:
    database = Database()
    merger = Merger(database.fetch)
    await alone(merger)
    database.error = DatabaseUnavailable("gone")
    with pytest.raises(DatabaseUnavailable):
        await one(merger, {"fleet": 1}, "A")
    assert (merger._groups, merger._tasks) == ({}, set())


async def test_what_is_asked_again_with_one_key_is_the_same_read_and_no_other_is() -> None:
    """Connections know a read by its object: one of another fleet or key must be another."""
    reads: list[Repeated] = []

    async def fetch(read: Repeated) -> list[Row]:
        reads.append(read)
        return []

    merger = Merger(fetch)
    for fleet, key in 2 * [(1, "A"), (2, "A"), (1, "B")]:
        await merger.rows(STATEMENT, {"fleet": fleet}, key)
    first, again = reads[:3], reads[3:]
    assert list(map(id, first)) == list(map(id, again))
    assert len(set(map(id, first))) == 3
    assert [read.values for read in first] == [
        {"fleet": 1, "key_0": "A"}, {"fleet": 2, "key_0": "A"}, {"fleet": 1, "key_0": "B"}
    ]  # fmt: skip


async def test_who_asks_alone_gets_the_rows_of_their_key_in_any_case_and_no_others() -> None:
    async def fetch(read: Repeated) -> list[Row]:
        return [{"code": "a"}, {"code": "A"}, {"code": "ä"}]  # what the database's collation takes for the same

    merger = Merger(fetch)
    for _ in range(3):
        assert await merger.rows(STATEMENT, {"fleet": 1}, "A") == [{"code": "a"}, {"code": "A"}]
        await asyncio.sleep(0)


# --- the same thing for several -------------------------------------------------------------------------------------


async def test_the_same_thing_is_made_once_for_all_who_want_it_now_and_again_later() -> None:
    made: list[int] = []

    async def make() -> int:
        await asyncio.sleep(0.005)
        made.append(1)
        return len(made)

    sharing = Sharing()
    assert await asyncio.gather(sharing.once("x", make), sharing.once("x", make)) == [1, 1]
    assert await sharing.once("x", make) == 2
    assert sorted(await asyncio.gather(sharing.once("x", make), sharing.once("y", make))) == [3, 4]


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    async def make() -> str:
        await asyncio.sleep(0.005)
        return "made"

    sharing = Sharing()
    first, second = (asyncio.create_task(sharing.once("x", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "made"
    assert first.cancelled()


async def test_what_fails_fails_for_all_and_is_made_anew_later() -> None:
    async def fail() -> str:
        await asyncio.sleep(0)
        raise DatabaseUnavailable("gone")

    async def make() -> str:
        return "made"

    sharing = Sharing()
    answers = await asyncio.gather(sharing.once("x", fail), sharing.once("x", fail), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    assert await sharing.once("x", make) == "made"


# --- reads of one caller --------------------------------------------------------------------------------------------


class Pool:
    """Answers each statement with its own text; notes what was sent together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[str] = []
        monkeypatch.setattr(merging, "fetch_each", self.fetch_each)

    async def fetch_each(self, statements: Sequence[Statement]) -> list[list[Row]]:
        self.sent.append("".join(sql for sql, _ in statements))
        await asyncio.sleep(0.005)
        if self.error:
            raise self.error
        return [[{"sql": sql, "parameters": parameters}] for sql, parameters in statements]


async def read(*statements: str) -> str:
    """What a read of some statements, one after another, was answered."""
    return "".join([(await fetch_all(sql))[0]["sql"] for sql in statements])


async def test_statements_that_are_asked_for_at_the_same_time_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)
    assert await together(read("a", "b"), read("c"), read("d", "e", "f")) == ["ab", "c", "def"]
    assert pool.sent == ["acd", "be", "f"]


async def test_reads_within_reads_go_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)

    async def outer(depth: int) -> Any:
        return await (together(read(str(depth)), outer(depth - 1)) if depth else read("0"))

    assert await together(read("a"), outer(3), read("b", "c")) == ["a", ["3", ["2", ["1", "0"]]], "bc"]
    assert [set(each) for each in pool.sent] == [set("ab3210"), {"c"}]


async def test_however_deep_a_read_is_it_goes_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those within it are begun before anything is sent, so nobody has to guess when all have asked."""
    pool = Pool(monkeypatch)

    async def deep(depth: int) -> Any:
        return await (deep(depth - 1) if depth else together(read("b"), together(read("c"))))

    assert await together(read("a"), deep(20)) == ["a", ["b", ["c"]]]
    assert [set(each) for each in pool.sent] == [set("abc")]


async def test_what_is_no_statement_is_waited_for_by_the_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def other() -> str:
        return await future + await read("c")

    async def patient() -> str:
        try:
            return await asyncio.wait_for(asyncio.Event().wait(), 0.01) and ""
        except TimeoutError:
            return "late"

    asyncio.get_running_loop().call_later(0.01, future.set_result, "x")
    assert await together(other(), read("a", "b"), patient()) == ["xc", "ab", "late"]
    assert pool.sent == ["a", "b", "c"]


async def test_what_a_read_begins_beside_itself_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task may outlive who has begun it; nobody would send what it asks for."""
    pool = Pool(monkeypatch)
    monkeypatch.setattr(mysql, "fetch_each", pool.fetch_each)

    async def begin() -> str:
        return await asyncio.create_task(read("t", "u"))

    assert await together(begin(), read("a")) == ["tu", "a"]
    assert sorted(pool.sent) == ["a", "t", "u"]


async def test_a_read_may_know_what_to_do_about_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, DatabaseUnavailable("gone"))

    async def careful() -> str:
        try:
            return await read("a")
        except DatabaseUnavailable:
            return "nothing"

    assert await together(careful(), together(careful())) == ["nothing", ["nothing"]]
    assert pool.sent == ["a"]


async def test_each_round_trip_of_what_is_read_within_ends_with_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)

    async def body() -> list[str]:
        return [*await together(read("a", "b"), read("c")), await read("d")]

    found, ends = await ending_with(("z", {"n": 1}), body())
    assert found == ["ab", "c", "d"]
    assert pool.sent == ["acz", "bz", "dz"]
    assert ends == [[{"sql": "z", "parameters": {"n": 1}}]] * 3
    assert await together(read("e")) == ["e"]
    assert pool.sent[3:] == ["e"]


async def test_each_statement_keeps_its_parameters_and_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    Pool(monkeypatch)
    first, second = await asyncio.gather(
        together(fetch_all("a", {"n": 1}), fetch_all("a", {"n": 2})), together(fetch_all("a", {"n": 3}))
    )
    assert [rows[0]["parameters"]["n"] for rows in (*first, *second)] == [1, 2, 3]


async def test_what_two_reads_of_a_caller_ask_alike_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)
    first, second, other = await together(fetch_all("a", {"n": 1}), fetch_all("a", {"n": 1}), fetch_all("a", {"n": 2}))
    assert (first, second is first, other[0]["parameters"]) == ([{"sql": "a", "parameters": {"n": 1}}], True, {"n": 2})
    assert pool.sent == ["aa"]
    assert await together(read("b"), read("b")) == ["b", "b"]
    assert pool.sent == ["aa", "b"]


async def test_callers_do_not_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests are never in one round trip: one would wait for the statements of the other."""
    pool = Pool(monkeypatch)
    await asyncio.gather(together(read("a"), read("b")), together(read("c"), read("d")))
    assert sorted(pool.sent) == ["ab", "cd"]


async def test_an_error_of_the_database_reaches_who_asked_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, DatabaseUnavailable("gone"))
    with pytest.raises(DatabaseUnavailable):
        await together(read("a", "b"), read("c"))
    assert pool.sent == ["ac"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_one_read_raises_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)

    async def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await together(read("a", "b"), wrong())
    await asyncio.sleep(0.02)
    assert "b" not in "".join(pool.sent)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_caller_that_is_cancelled_ends_its_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch)
    caller = asyncio.create_task(together(read("a", "b"), read("c", "d")))
    await asyncio.sleep(0.002)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.sleep(0.02)
    assert pool.sent == ["ac"]
