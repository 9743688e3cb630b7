"""Rows are those that aiomysql's own cursor gives, however the bytes arrive; what is odd is an error."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomysql
import pytest
from django.conf import settings
from pymysql.err import InternalError, OperationalError, ProgrammingError

from apps import mysql, resultset

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
async def connected() -> AsyncIterator[Any]:
    arguments = mysql._connection_arguments(settings.DATABASES["default"], 30)
    async with aiomysql.connect(**arguments) as connection:
        yield connection


async def by_cursor(connection: Any, sql: str) -> list[resultset.Row]:
    async with connection.cursor(aiomysql.DictCursor) as cursor:
        await cursor.execute(sql)
        return list(await cursor.fetchall())


class Recorder:
    """A stream that keeps what went through it."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.data = b""

    async def read(self, size: int) -> bytes:
        data: bytes = await self._reader.read(size)
        self.data += data
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class Replay:
    """A connection that answers anything with recorded bytes, in pieces of a size."""

    encoding = "utf8"
    server_status = 0

    def __init__(self, data: bytes, piece: int) -> None:
        self._pieces = iter([data[start : start + piece] for start in range(0, len(data), piece)])
        self._reader = self

    async def _execute_command(self, command: int, sql: str) -> None: ...

    async def read(self, size: int) -> bytes:
        return next(self._pieces, b"")


async def recorded(sql: str) -> tuple[list[resultset.Row], bytes]:
    async with connected() as connection:
        recorder = connection._reader = Recorder(connection._reader)
        return await resultset.rows_of(connection, sql), recorder.data


# --- the same rows --------------------------------------------------------------------------------------------------


async def test_rows_are_those_of_the_drivers_own_cursor() -> None:
    async with connected() as connection:
        for _ in range(2):  # the second time the columns are known
            ours, theirs = await resultset.rows_of(connection, KINDS), await by_cursor(connection, KINDS)
            assert list(ours[0]) == list(theirs[0])
            for name in ours[0]:
                assert (name, ours[0][name], type(ours[0][name])) == (name, theirs[0][name], type(theirs[0][name]))


async def test_texts_of_any_length_are_whole() -> None:
    lengths = " UNION ALL ".join(f"SELECT {length} AS n, REPEAT('x', {length}) AS text" for length in LENGTHS)
    async with connected() as connection:
        rows = await resultset.rows_of(connection, f"SELECT * FROM ({lengths}) x ORDER BY n")
    assert [(row["n"], len(row["text"])) for row in rows] == [(length, length) for length in LENGTHS]


async def test_a_row_of_more_than_16_megabytes_comes_in_several_packets() -> None:
    megabytes = 1 << 24
    async with connected() as connection:
        if (await by_cursor(connection, "SELECT @@max_allowed_packet AS most"))[0]["most"] < 3 * megabytes:
            await by_cursor(connection, f"SET GLOBAL max_allowed_packet = {3 * megabytes}")  # for connections to come
    async with connected() as connection:
        row = (await resultset.rows_of(connection, f"SELECT REPEAT('y', {megabytes + 5}) AS text, 7 AS n"))[0]
    assert (len(row["text"]), row["n"]) == (megabytes + 5, 7)


async def test_no_rows_are_an_empty_list_and_a_statement_without_any_too() -> None:
    async with connected() as connection:
        assert await resultset.rows_of(connection, "SELECT 1 AS n FROM DUAL WHERE 1 = 0") == []
        assert await resultset.rows_of(connection, "DO 1") == []
        assert await resultset.rows_of(connection, "SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1_000])
async def test_it_does_not_matter_how_the_bytes_arrive(piece: int) -> None:
    expected, data = await recorded(f"{KINDS} UNION ALL {KINDS}")
    assert await resultset.rows_of(Replay(data, piece), "") == expected


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_an_error_instead_of_the_rows_or_among_them_is_raised_and_the_connection_goes_on() -> None:
    async with connected() as connection:
        with pytest.raises(ProgrammingError, match="no_such_table"):
            await resultset.rows_of(connection, "SELECT * FROM no_such_table")
        with pytest.raises(OperationalError) as among:
            await resultset.rows_of(
                connection, "SET STATEMENT max_statement_time = 0.2 FOR SELECT SLEEP(0.05) FROM seq_1_to_50"
            )
        assert among.value.args[0] == 1969
        assert await resultset.rows_of(connection, "SELECT 1 AS n") == [{"n": 1}]


async def test_a_server_that_leaves_in_the_middle_is_a_lost_connection() -> None:
    _, data = await recorded(KINDS)
    for end in (0, 3, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(OperationalError) as error:
            await resultset.rows_of(Replay(data[:end], 64), "")
        assert error.value.args[0] in mysql.LOST


async def test_what_an_earlier_statement_left_behind_is_never_taken_for_the_answer() -> None:
    _, data = await recorded("SELECT 1 AS n UNION ALL SELECT 2")
    without_the_first_packet = data[4 + data[0] :]
    with pytest.raises(InternalError, match="packet 2 where 1 was due"):
        await resultset.rows_of(Replay(without_the_first_packet, 64), "")


async def test_a_second_result_is_refused() -> None:
    async with connected() as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("CREATE OR REPLACE PROCEDURE two_results() BEGIN SELECT 1; SELECT 2; END")
        try:
            with pytest.raises(InternalError, match="several results"):
                await resultset.rows_of(connection, "CALL two_results()")
        finally:
            connection.close()
            async with connected() as other, other.cursor() as cursor:
                await cursor.execute("DROP PROCEDURE two_results")


async def test_several_statements_are_sent_at_once_and_each_has_its_rows() -> None:
    statements = [KINDS, "DO 1", "SELECT 1 AS n FROM DUAL WHERE 1 = 0", "SELECT 'a;b' AS text UNION ALL SELECT 'c'"]
    async with connected() as connection:
        recorder = connection._reader = Recorder(connection._reader)
        found = await resultset.each_of(connection, statements)
        assert found[1:] == [[], [], [{"text": "a;b"}, {"text": "c"}]]
        for piece in (1, 7, 1_000):
            assert await resultset.each_of(Replay(recorder.data, piece), statements) == found
        assert [found[0]] == [await resultset.rows_of(connection, KINDS)]
        assert connection.get_autocommit()


async def test_an_error_in_one_of_several_statements_is_raised_and_the_connection_goes_on() -> None:
    async with connected() as connection:
        with pytest.raises(ProgrammingError, match="no_such_table"):
            await resultset.each_of(connection, ["SELECT 1", "SELECT * FROM no_such_table", "SELECT 2"])
        assert await resultset.rows_of(connection, "SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("expected", [1, 3])
async def test_another_number_of_results_than_of_statements_is_refused(expected: int) -> None:
    async with connected() as connection:
        recorder = connection._reader = Recorder(connection._reader)
        await resultset.each_of(connection, ["SELECT 1", "SELECT 2"])
    with pytest.raises(InternalError, match="several results, or with none"):
        await resultset.each_of(Replay(recorder.data, 64), [""] * expected)


async def test_the_session_state_follows_the_server() -> None:
    async with connected() as connection:
        assert connection.get_autocommit()
        await resultset.rows_of(connection, "SET autocommit = 0")
        await resultset.rows_of(connection, "SELECT 1")
        assert not connection.get_autocommit()


async def test_many_at_once_keep_their_answers_apart() -> None:
    async def one(number: int) -> int:
        async with connected() as connection:
            rows = await resultset.rows_of(connection, f"SELECT {number} AS n, SLEEP(0.0{number % 3})")
            return int(rows[0]["n"])

    assert await asyncio.gather(*map(one, range(20))) == list(range(20))
