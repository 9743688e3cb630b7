"""Rows are those that aiomysql's own cursor gives, however the bytes arrive; what is odd is an error."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import aiomysql
import pytest
from django.conf import settings
from pymysql.constants import CR
from pymysql.err import InternalError, OperationalError, ProgrammingError

from apps import mysql, pool, resultset
from apps.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = """
SELECT CAST(1 AS SIGNED) AS small, -9223372036854775808 AS big, 0.25e0 AS real_number,
    CAST(3 AS DECIMAL(4, 2)) AS money,
    CAST('2026-03-29' AS DATE) AS day, CAST('2026-03-29 02:30:00.123456' AS DATETIME(6)) AS instant,
    CAST('-12:30:01' AS TIME) AS span, YEAR('2026-01-01') AS year, b'101' AS bits, x'00ff' AS bytes, 'ü🚚' AS text,
    NULL AS nothing, JSON_OBJECT('a', 1) AS json, '' AS empty, TIMESTAMP('2026-01-01') AS stamp
"""
LENGTHS = (0, 1, 250, 251, 252, 65_535, 65_536, 70_000)


@asynccontextmanager
async def connected() -> AsyncIterator[Wire]:
    async with opened() as connection:
        yield Wire(connection)


@asynccontextmanager
async def opened() -> AsyncIterator[Any]:
    """A connection that aiomysql reads from."""
    arguments = mysql._connection_arguments(settings.DATABASES["default"], 30)
    async with aiomysql.connect(**arguments) as connection:
        yield connection


async def by_cursor(sql: str) -> list[resultset.Row]:
    async with opened() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
        await cursor.execute(sql)
        return list(await cursor.fetchall())


class Recorder(Wire):
    """Keeps what it has received."""

    data = b""

    async def read(self) -> bytes:
        data = await super().read()
        self.data += data
        return data


class Replay(Wire):
    """Answers anything with recorded bytes, in pieces that end at the given places; then the server leaves."""

    def __init__(self, data: bytes, ends: Iterable[int]) -> None:
        self.connection = SimpleNamespace(encoding="utf8", server_status=0)
        edges = [0, *ends, len(data)]
        self._pieces = iter([data[start:end] for start, end in pairwise(edges) if end > start])

    def send(self, sql: str) -> int:
        return 0

    async def read(self) -> bytes:
        data = next(self._pieces, b"")
        if not data:
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection")
        return data


def every(piece: int, data: bytes) -> range:
    return range(piece, len(data), piece)


async def recorded(*statements: str) -> tuple[list[list[resultset.Row]], bytes]:
    async with opened() as connection:
        recorder = Recorder(connection)
        return await resultset.each_of(recorder, statements, statements), recorder.data


# --- the same rows --------------------------------------------------------------------------------------------------


async def test_rows_are_those_of_the_drivers_own_cursor() -> None:
    theirs = await by_cursor(KINDS)
    async with connected() as wire:
        for _ in range(2):  # the second time the columns are known
            ours = await resultset.rows_of(wire, KINDS)
            assert list(ours[0]) == list(theirs[0])
            for name in ours[0]:
                assert (name, ours[0][name], type(ours[0][name])) == (name, theirs[0][name], type(theirs[0][name]))


async def test_texts_of_any_length_are_whole() -> None:
    lengths = " UNION ALL ".join(f"SELECT {length} AS n, REPEAT('x', {length}) AS text" for length in LENGTHS)
    async with connected() as wire:
        rows = await resultset.rows_of(wire, f"SELECT * FROM ({lengths}) x ORDER BY n")
    assert [(row["n"], len(row["text"])) for row in rows] == [(length, length) for length in LENGTHS]


async def test_a_row_of_more_than_16_megabytes_comes_in_several_packets() -> None:
    megabytes = 1 << 24
    await allow_packets_of(3 * megabytes)
    async with connected() as wire:
        row = (await resultset.rows_of(wire, f"SELECT REPEAT('y', {megabytes + 5}) AS text, 7 AS n"))[0]
    assert (len(row["text"]), row["n"]) == (megabytes + 5, 7)


@pytest.mark.parametrize("beyond", [-3, -2, -1, 0, 5])
async def test_a_statement_of_more_than_16_megabytes_goes_in_several_packets(beyond: int) -> None:
    size = (1 << 24) + beyond - 1  # without the byte before it that says what it is
    text = "z" * (size - len("SELECT LENGTH('') AS n"))
    await allow_packets_of(3 << 24)
    async with connected() as wire:
        assert await resultset.rows_of(wire, f"SELECT LENGTH('{text}') AS n") == [{"n": len(text)}]
        assert await resultset.rows_of(wire, "SELECT 1 AS n") == [{"n": 1}]


async def allow_packets_of(size: int) -> None:
    """Of connections to come."""
    if (await by_cursor("SELECT @@max_allowed_packet AS most"))[0]["most"] < size:
        await by_cursor(f"SET GLOBAL max_allowed_packet = {size}")


async def test_no_rows_are_an_empty_list_and_a_statement_without_any_too() -> None:
    async with connected() as wire:
        assert await resultset.rows_of(wire, "SELECT 1 AS n FROM DUAL WHERE 1 = 0") == []
        assert await resultset.rows_of(wire, "DO 1") == []
        assert await resultset.rows_of(wire, "SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1_000])
async def test_it_does_not_matter_how_the_bytes_arrive(piece: int) -> None:
    [expected], data = await recorded(f"{KINDS} UNION ALL {KINDS}")
    assert await resultset.rows_of(Replay(data, every(piece, data)), "") == expected


async def test_nor_where_they_are_cut_whether_the_columns_are_known_or_not() -> None:
    statements = [KINDS, "DO 1", f"{KINDS} UNION ALL {KINDS}", "SELECT 1 AS n FROM DUAL WHERE 1 = 0"]
    expected, data = await recorded(*statements)
    dice = random.Random(5)
    for _ in range(500):
        ends = sorted(dice.sample(range(1, len(data)), dice.choice((0, 1, 2, 5, 30))))
        names = statements if dice.random() < 0.7 else [f"{name}/{dice.random()}" for name in statements]
        assert await resultset.each_of(Replay(data, ends), statements, names) == expected


async def test_other_columns_under_the_same_name_are_seen() -> None:
    async with connected() as wire:
        for sql, row in {
            "SELECT 1 AS n": {"n": 1},
            "SELECT '1' AS n": {"n": "1"},
            "SELECT 1 AS m": {"m": 1},
            "SELECT 2 AS n, 3 AS m": {"n": 2, "m": 3},
        }.items():
            for _ in range(2):
                assert await resultset.each_of(wire, [sql], ["the same"]) == [[row]]


async def test_no_more_statements_are_known_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resultset, "_MOST_KNOWN", 3)
    monkeypatch.setattr(resultset, "_known", {})
    async with connected() as wire:
        for number in range(10):
            await resultset.rows_of(wire, f"SELECT {number} AS n")
            assert 1 <= len(resultset._known) <= 3


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_an_error_instead_of_the_rows_or_among_them_is_raised_and_the_connection_goes_on() -> None:
    async with connected() as wire:
        with pytest.raises(ProgrammingError, match="no_such_table"):
            await resultset.rows_of(wire, "SELECT * FROM no_such_table")
        with pytest.raises(OperationalError) as among:
            await resultset.rows_of(
                wire, "SET STATEMENT max_statement_time = 0.2 FOR SELECT SLEEP(0.05) FROM seq_1_to_50"
            )
        assert among.value.args[0] == 1969
        assert await resultset.rows_of(wire, "SELECT 1 AS n") == [{"n": 1}]


async def test_a_server_that_leaves_in_the_middle_is_a_lost_connection() -> None:
    _, data = await recorded(KINDS)
    for end in (0, 3, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(OperationalError) as error:
            await resultset.rows_of(Replay(data[:end], every(64, data[:end])), KINDS)
        assert error.value.args[0] in pool.LOST


async def test_what_an_earlier_statement_left_behind_is_never_taken_for_the_answer() -> None:
    sql = "SELECT 1 AS n UNION ALL SELECT 2"
    _, data = await recorded(sql)
    without_the_first_packet = data[4 + data[0] :]
    with pytest.raises(InternalError, match="packet 2 where 1 was due"):
        await resultset.rows_of(Replay(without_the_first_packet, []), sql)


async def test_a_later_result_is_never_taken_for_the_first_though_its_columns_are_known() -> None:
    statements = ["SELECT 1 AS n", "SELECT 2 AS m"]
    _, data = await recorded(*statements)
    described = resultset._known[statements[1]][0]
    with pytest.raises(InternalError, match="where 1 was due"):
        await resultset.rows_of(Replay(data[data.index(described) :], []), statements[1])


async def test_a_second_result_is_refused() -> None:
    async with connected() as wire, connected() as other:
        await resultset.rows_of(
            other, "CREATE OR REPLACE PROCEDURE two_results() BEGIN SELECT 1 AS n; SELECT 2 AS n; END"
        )
        try:
            with pytest.raises(InternalError, match="several results"):
                await resultset.rows_of(wire, "CALL two_results()")
        finally:
            wire.connection.close()
            await resultset.rows_of(other, "DROP PROCEDURE two_results")


async def test_several_statements_are_sent_at_once_and_each_has_its_rows() -> None:
    statements = [KINDS, "DO 1", "SELECT 1 AS n FROM DUAL WHERE 1 = 0", "SELECT 'a;b' AS text UNION ALL SELECT 'c'"]
    found, data = await recorded(*statements)
    assert found[1:] == [[], [], [{"text": "a;b"}, {"text": "c"}]]
    for piece in (1, 7, 1_000):
        assert await resultset.each_of(Replay(data, every(piece, data)), statements, statements) == found
    async with connected() as wire:
        assert await resultset.each_of(wire, statements, statements) == found
        assert [found[0]] == [await resultset.rows_of(wire, KINDS)]
        assert wire.connection.get_autocommit()


async def test_an_error_in_one_of_several_statements_is_raised_and_the_connection_goes_on() -> None:
    async with connected() as wire:
        with pytest.raises(ProgrammingError, match="no_such_table"):
            statements = ["SELECT 1", "SELECT * FROM no_such_table", "SELECT 2"]
            await resultset.each_of(wire, statements, statements)
        assert await resultset.rows_of(wire, "SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("expected", [1, 3])
async def test_another_number_of_results_than_of_statements_is_refused(expected: int) -> None:
    _, data = await recorded("SELECT 1", "SELECT 2")
    with pytest.raises(InternalError, match="several results, or with none"):
        await resultset.each_of(Replay(data, []), [""] * expected, [""] * expected)


async def test_the_session_state_follows_the_server() -> None:
    async with connected() as wire:
        assert wire.connection.get_autocommit()
        await resultset.rows_of(wire, "SET autocommit = 0")
        await resultset.rows_of(wire, "SELECT 1")
        assert not wire.connection.get_autocommit()


async def test_many_at_once_keep_their_answers_apart() -> None:
    async def one(number: int) -> int:
        async with connected() as wire:
            rows = await resultset.rows_of(wire, f"SELECT {number} AS n, SLEEP(0.0{number % 3})")
            return int(rows[0]["n"])

    assert await asyncio.gather(*map(one, range(20))) == list(range(20))
