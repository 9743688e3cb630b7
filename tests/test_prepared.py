"""A statement that the server keeps ready gives the same rows as one that is sent whole, and never those of before."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from time import perf_counter

import aiomysql
import pytest
from django.conf import settings
from django.db import connection
from pymysql.err import OperationalError, ProgrammingError

from apps import mysql, prepared, resultset
from apps.fleet.sums import queries as sum_queries
from apps.pool import StatementTimeout
from apps.prepared import Repeated
from apps.trucks.queries import FLEET_STILL, at_revision
from apps.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)

ECHO = "SELECT %(a)s AS a, '100 %%?' AS percent, %(b)s AS b, %(a)s AS a_again"
VALUES = (
    7, -1, 2**63 - 1, 0.1, Decimal("1.20"), True, None, "", "T-00005", "it's", 'a "quote"', "back\\slash\\",
    "100 % ? %s", "Müller 🚚", "line\nbreak\0zero", dt.date(2026, 3, 29), dt.datetime(2026, 3, 29, 2, 30, 0, 123456),
)  # fmt: skip


class Watched(Wire):
    """Keeps what it has sent."""

    def __init__(self, connection: object) -> None:
        super().__init__(connection)
        self.sent: list[str] = []

    def send_ready(self, data: bytes) -> None:
        self.sent.append(data[5:].decode(errors="replace"))
        super().send_ready(data)


@asynccontextmanager
async def connected() -> AsyncIterator[Watched]:
    wire = Watched(await aiomysql.connect(**mysql._connection_arguments(settings.DATABASES["default"], 30)))
    try:
        yield wire
    finally:
        await wire.quit()


@asynccontextmanager
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(settings, "POOL_MIN", 1)
    monkeypatch.setattr(settings, "POOL_MAX", 1)
    await mysql.open_pool()
    try:
        yield
    finally:
        await mysql.close_pool()


@pytest.fixture
def table() -> Iterator[None]:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE prepared_probe (code VARCHAR(20) PRIMARY KEY, n INT) SELECT 'a' AS code, 1 AS n")
    yield
    cursor.execute("DROP TABLE prepared_probe")


PROBE = "SELECT * FROM prepared_probe WHERE code = %(code)s"


def rows_of(wire: Wire, sql: str, values: dict[str, object]) -> Awaitable[list[resultset.Row]]:
    return prepared.rows_of(wire, Repeated(sql, values))


def fetch_often(sql: str, **values: object) -> Awaitable[list[resultset.Row]]:
    return mysql.fetch_often(Repeated(sql, values))


def kinds(rows: list[resultset.Row]) -> list[tuple[str, type, object]]:
    return [(name, type(value), value) for row in rows for name, value in row.items()]


# --- the same -------------------------------------------------------------------------------------------------------


async def test_values_of_every_kind_arrive_as_they_do_in_a_statement_that_is_sent_whole() -> None:
    async with connected() as wire, connected() as other:
        other.keeps_statements = False
        for a in VALUES:
            for b in (3, "x"):
                bound = {"a": a, "b": b}
                assert kinds(await rows_of(wire, ECHO, bound)) == kinds(await rows_of(other, ECHO, bound))
    assert len(wire.prepared) == 1


async def test_only_the_first_time_all_of_it_is_sent_and_in_the_same_round_trip() -> None:
    async with connected() as wire:
        for n in (1, 2, 3):
            assert await rows_of(wire, "SELECT %(n)s AS n /* long */", {"n": n}) == [{"n": n}]
    assert wire.sent == [
        "PREPARE s0 FROM 'SELECT ? AS n /* long */';\nEXECUTE s0 USING 1",
        "EXECUTE s0 USING 2",
        "EXECUTE s0 USING 3",
    ]


async def test_mysql_is_sent_the_whole_statement() -> None:
    connection = await aiomysql.connect(**mysql._connection_arguments(settings.DATABASES["default"], 30))
    connection.server_version = "8.0.36"
    wire = Watched(connection)
    for n in (1, 2):
        assert await rows_of(wire, "SELECT %(n)s AS n", {"n": n}) == [{"n": n}]
    await wire.quit()
    assert wire.sent == ["SELECT 1 AS n", "SELECT 2 AS n"]


async def test_who_asks_again_sees_what_was_committed_meanwhile(table: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pool(monkeypatch), connected() as writer:
        for n in range(5):
            await resultset.rows_of(writer, f"UPDATE prepared_probe SET n = {n}")
            assert await fetch_often(PROBE, code="a") == [{"code": "a", "n": n}]


async def test_the_same_bytes_are_the_same_rows_and_are_read_once(table: None) -> None:
    read = Repeated(PROBE, {"code": "a"})
    async with connected() as wire, connected() as writer:
        found = [await prepared.rows_of(wire, read) for _ in range(3)]
        assert found[1] is found[2]
        await resultset.rows_of(writer, "UPDATE prepared_probe SET n = 7")
        found.append(await prepared.rows_of(wire, read))
        await resultset.rows_of(writer, "DELETE FROM prepared_probe")
        found.append(await prepared.rows_of(wire, read))
    assert found == [[{"code": "a", "n": 1}]] * 3 + [[{"code": "a", "n": 7}], []]


async def test_reads_of_the_same_statement_with_other_values_are_not_taken_for_one_another() -> None:
    reads = [Repeated("SELECT %(n)s AS n", {"n": n}) for n in (1, 1.0, True, Decimal("1.0"), "1")]
    async with connected() as wire:
        found = [[(await prepared.rows_of(wire, read))[0]["n"] for read in reads] for _ in range(4)]
    assert list(map(repr, found)) == 4 * ["[1, 1.0, 1, Decimal('1.0'), '1']"]


async def test_what_the_server_says_of_its_state_is_noted_with_the_same_bytes_too() -> None:
    read = Repeated("SELECT %(n)s AS n", {"n": 1})
    async with connected() as wire:
        for _ in range(2):
            await prepared.rows_of(wire, read)
        wire.connection.server_status = 0  # as if another statement had left it so
        await prepared.rows_of(wire, read)
        assert wire.connection.get_autocommit()


async def test_short_answers_are_noted_for_as_long_as_somebody_asks() -> None:
    async with connected() as wire:
        reads = [Repeated("SELECT REPEAT('x', %(n)s) AS text", {"n": n}) for n in (10, 5_000)]
        for read in 3 * reads:
            await prepared.rows_of(wire, read)
        short, long = (wire.kept[read] for read in reads)
        assert short.rows == [{"text": 10 * "x"}]
        assert not long.answer and not long.rows
        del read, reads
        assert not wire.kept


async def test_a_read_that_is_longer_than_a_packet_is_sent_in_several() -> None:
    read = Repeated("SELECT LENGTH(%(text)s) AS length", {"text": 17_000_000 * "x"})
    async with connected() as wire:
        await resultset.rows_of(wire, "SET max_statement_time = 60")
        found = [await prepared.rows_of(wire, read) for _ in range(3)]
    assert found == 3 * [[{"length": 17_000_000}]]


async def test_a_table_that_is_changed_is_read_as_it_is(table: None) -> None:
    async with connected() as wire, connected() as writer:
        assert await rows_of(wire, PROBE, {"code": "a"}) == [{"code": "a", "n": 1}]
        await resultset.rows_of(writer, "ALTER TABLE prepared_probe MODIFY n DECIMAL(5, 2), ADD m INT DEFAULT 4")
        for _ in range(2):
            assert await rows_of(wire, PROBE, {"code": "a"}) == [{"code": "a", "n": Decimal("1.00"), "m": 4}]
    assert len(wire.sent) == 3


# --- where it is not kept -------------------------------------------------------------------------------------------


async def test_a_server_that_does_not_know_it_any_more_is_sent_it_whole() -> None:
    """As behind something that shares its connections."""
    async with connected() as wire:
        await rows_of(wire, ECHO, {"a": 1, "b": 2})
        await resultset.rows_of(wire, "DEALLOCATE PREPARE s0")
        for a in (3, 4):
            [row] = await rows_of(wire, ECHO, {"a": a, "b": 2})
            assert row["a"] == a
    assert [text.split()[0] for text in wire.sent] == ["PREPARE", "DEALLOCATE", "EXECUTE", "SELECT", "SELECT"]


async def test_a_statement_of_a_kind_that_is_not_kept_is_sent_whole() -> None:
    async with connected() as wire:
        for _ in range(2):
            assert await rows_of(wire, "PREPARE inner_one FROM %(text)s", {"text": "SELECT 1"}) == []
    assert [text.split()[1] for text in wire.sent] == ["s0", "inner_one", "inner_one"]


@pytest.mark.parametrize("code", [1461, 1615])
async def test_a_server_that_keeps_too_many_or_changes_its_tables_is_sent_it_whole(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_of = resultset.each_of

    async def refusing(wire: Wire, statements: list[str], names: list[str]) -> list[list[resultset.Row]]:
        if statements[0].startswith(("PREPARE", "EXECUTE")):
            raise OperationalError(code, "not now")
        return await each_of(wire, statements, names)

    monkeypatch.setattr(resultset, "each_of", refusing)
    async with connected() as wire:
        for n in (1, 2):
            assert await rows_of(wire, "SELECT %(n)s AS n", {"n": n}) == [{"n": n}]
    assert wire.sent == ["SELECT 1 AS n", "SELECT 2 AS n"]


async def test_of_many_statements_a_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_MOST", 3)
    async with connected() as wire:
        for _ in range(2):
            for number in range(6):
                assert await rows_of(wire, f"SELECT {number} AS n, %(a)s AS a", {"a": "x"}) == [{"n": number, "a": "x"}]
    assert len(wire.prepared) == 3
    assert [text.split()[0] for text in wire.sent[6:]] == ["EXECUTE"] * 3 + ["SELECT"] * 3


# --- several in one round trip --------------------------------------------------------------------------------------


async def each_n(wire: Wire, *numbers: int) -> list[int]:
    """What statements that differ in this number gave, all sent together."""
    statements = [(f"SELECT {number} AS n, %(a)s AS a", {"a": "x"}) for number in numbers]
    return [rows[0]["n"] for rows in await prepared.rows_of_each(wire, statements)]


async def test_values_of_every_kind_are_the_same_in_one_of_several() -> None:
    async with connected() as wire, connected() as other:
        other.keeps_statements = False
        for a in VALUES:
            several = [(ECHO, {"a": a, "b": 3}), ("SELECT 1 AS one", None), (ECHO, {"a": "x", "b": a})]
            kept, sent_whole = [await prepared.rows_of_each(each, several) for each in (wire, other)]
            assert list(map(kinds, kept)) == list(map(kinds, sent_whole))
    assert list(wire.recent) == [ECHO]


async def test_of_several_those_are_kept_that_are_asked_for_once_more() -> None:
    several = [("SELECT %(n)s AS n", {"n": 1}), ("SELECT %(m)s AS m", {"m": 2}), ("SELECT 3 AS three", None)]
    async with connected() as wire:
        for number in range(3):
            assert await prepared.rows_of_each(wire, several) == [[{"n": 1}], [{"m": 2}], [{"three": 3}]], number
    kept = ["EXECUTE r0 USING 1", "EXECUTE r1 USING 2", "SELECT 3 AS three"]
    made = ["PREPARE r0 FROM 'SELECT ? AS n'", kept[0], "PREPARE r1 FROM 'SELECT ? AS m'", *kept[1:]]
    whole = ["SELECT 1 AS n", "SELECT 2 AS m", kept[2]]
    assert wire.sent == [";\n".join(each) for each in (whole, made, kept)]


@pytest.mark.parametrize(
    ("sql", "is_kept"),
    [
        (at_revision(sum_queries.FLEET_PARTS), True),
        (FLEET_STILL, True),
        ("SELECT n.a FROM (SELECT %(a)s AS a) n", False),
        ("SELECT 1 AS a WHERE %(a)s IN (\n    SELECT 1)", False),
        ("SELECT %(a)s AS a UNION ALL SELECT 2", False),
        ("SELECT COALESCE((SELECT MAX(%(a)s)), 0) AS a", False),
    ],
)
def test_statements_with_subqueries_are_sent_whole_but_for_single_values(sql: str, is_kept: bool) -> None:
    assert prepared._is_plain(sql) == is_kept


async def test_what_is_not_plain_is_never_kept() -> None:
    async with connected() as wire:
        for _ in range(3):
            several = [("SELECT n.a FROM (SELECT %(a)s AS a) n", {"a": 1}), ("SELECT %(a)s AS a", {"a": 2})]
            assert await prepared.rows_of_each(wire, several) == [[{"a": 1}], [{"a": 2}]]
    assert list(wire.recent) == ["SELECT %(a)s AS a"]


async def test_what_was_asked_for_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_MOST", 3)
    monkeypatch.setattr(prepared, "_MOST_ONCE", 4)
    async with connected() as wire:
        for _ in range(3):
            for numbers in ((1, 2), (3, 1), (4, 5, 6, 7), (1, 1), (7, 2)):
                assert await each_n(wire, *numbers) == list(numbers)
        assert len(wire.recent) == 3
        assert len(wire.asked_once) <= 4
        assert sorted(wire.recent.values()) == [0, 1, 2]


async def test_of_several_that_the_server_does_not_know_any_more_all_are_sent_whole() -> None:
    async with connected() as wire:
        for _ in range(2):
            await each_n(wire, 1, 2)
        await resultset.rows_of(wire, "DEALLOCATE PREPARE r1")
        assert await each_n(wire, 1, 2) == [1, 2]
        assert await each_n(wire, 2, 1) == [2, 1]
    assert wire.sent[-1].startswith("SELECT 2")
    assert not wire.recent


async def test_a_table_that_is_changed_is_read_as_it_is_among_several(table: None) -> None:
    async with connected() as wire, connected() as writer:
        for _ in range(3):
            assert await prepared.rows_of_each(wire, [(PROBE, {"code": "a"})]) == [[{"code": "a", "n": 1}]]
        await resultset.rows_of(writer, "ALTER TABLE prepared_probe MODIFY n DECIMAL(5, 2)")
        assert await prepared.rows_of_each(wire, [(PROBE, {"code": "a"})]) == [[{"code": "a", "n": Decimal("1.00")}]]


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_an_error_of_the_statement_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pool(monkeypatch):
        for _ in range(2):
            with pytest.raises(ProgrammingError, match="nowhere"):
                await fetch_often("SELECT * FROM nowhere WHERE n = %(n)s", n=1)
        assert await fetch_often("SELECT %(n)s AS n", n=1) == [{"n": 1}]


async def test_the_server_ends_it_at_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "QUERY_TIMEOUT_S", 0.3)
    async with pool(monkeypatch), connected() as other:
        for _ in range(2):
            began = perf_counter()
            with pytest.raises(StatementTimeout):
                await fetch_often("SELECT SLEEP(%(s)s) /* kept_ready */", s=9)
            assert perf_counter() - began < 1
        await asyncio.sleep(0.2)
        running = "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE %(text)s"
        [row] = await rows_of(other, f"{running} AND id <> CONNECTION_ID()", {"text": "%kept_ready%"})
    assert row["n"] == 0


async def test_a_connection_that_is_killed_is_replaced_and_the_statement_made_ready_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pool(monkeypatch), connected() as other:
        sql = "SELECT CONNECTION_ID() AS id, SLEEP(%(s)s) AS slept"
        [first] = await fetch_often(sql, s=0)
        reading = asyncio.create_task(fetch_often(sql, s=0.3))
        await asyncio.sleep(0.1)
        await resultset.rows_of(other, f"KILL {first['id']}")
        [second] = await reading
        [third] = await fetch_often(sql, s=0)
    assert first["id"] != second["id"] == third["id"]
