import asyncio
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from time import perf_counter

import pytest
from django.db import connection

from apps import mysql
from apps.mysql import fetch_all, fetch_all_sync
from apps.pool import StatementTimeout
from tests.pooled import count, opened

pytestmark = pytest.mark.django_db(transaction=True)


# --- both ways read the same ----------------------------------------------------------------------------------------

ALL_KINDS = """
SELECT 1 AS small, 9223372036854775807 AS big, SUM(x.n) AS sum_of_integers, SUM(x.amount) AS sum_of_decimals,
    CAST(0.1 AS DOUBLE) AS real_number, 'Müller 🚚' AS text, NULL AS nothing, CAST('2026-03-29' AS DATE) AS day,
    CAST('2026-03-29 02:30:00.123456' AS DATETIME(6)) AS instant, CAST(x'00ff' AS BINARY) AS bytes, '{"a": 1}' AS json,
    COUNT(*) AS rows_read, %(text)s AS given_text, %(none)s AS given_none, %(number)s AS given_number
FROM (SELECT 2 AS n, CAST('1.20' AS DECIMAL(10, 2)) AS amount UNION ALL SELECT 3, 2.30) x
"""
GIVEN = {"text": "100 % of 'it' \\ \"so\"", "none": None, "number": 1.5}


def test_both_ways_give_the_same_values_of_the_same_types() -> None:
    pooled = asyncio.run(fetch_all(ALL_KINDS, GIVEN))
    assert pooled == fetch_all_sync(ALL_KINDS, GIVEN)
    assert [type(value) for value in pooled[0].values()] == [
        type(value) for value in fetch_all_sync(ALL_KINDS, GIVEN)[0].values()
    ]
    assert pooled[0] == {
        "small": 1, "big": 9223372036854775807, "sum_of_integers": 5, "sum_of_decimals": Decimal("3.50"),
        "real_number": 0.1, "text": "Müller 🚚", "nothing": None, "day": dt.date(2026, 3, 29),
        "instant": dt.datetime(2026, 3, 29, 2, 30, 0, 123456), "bytes": b"\x00\xff", "json": '{"a": 1}',
        "rows_read": 2, "given_text": GIVEN["text"], "given_none": None, "given_number": Decimal("1.5"),
    }  # fmt: skip
    assert type(pooled[0]["sum_of_integers"]) is int


def test_instants_with_an_offset_are_asked_for_in_utc() -> None:
    instant = dt.datetime(2026, 3, 29, 3, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    statement = "SELECT CAST(%(t)s AS DATETIME) AS t"
    expected = [{"t": dt.datetime(2026, 3, 29, 1, 30)}]
    assert asyncio.run(fetch_all(statement, {"t": instant})) == expected
    assert fetch_all_sync(statement, {"t": instant}) == expected


@pytest.mark.parametrize("values", [[1, 2], (1, 2), {1}, {"a": 1}])
def test_a_list_is_no_parameter(values: object) -> None:
    with pytest.raises(TypeError, match="ids: a statement takes single values"):
        asyncio.run(fetch_all("SELECT 1 IN %(ids)s", {"ids": values}))
    with pytest.raises(TypeError, match="ids: a statement takes single values"):
        fetch_all_sync("SELECT 1 IN %(ids)s", {"ids": values})


def test_without_parameters_a_percent_sign_is_itself() -> None:
    assert asyncio.run(fetch_all("SELECT '100 %' LIKE '%0 %' AS x")) == [{"x": 1}]
    assert fetch_all_sync("SELECT '100 %' LIKE '%0 %' AS x") == [{"x": 1}]


def test_the_synchronous_way_reads_inside_the_transaction() -> None:
    connection.cursor().execute("CREATE TEMPORARY TABLE only_here (n INT) SELECT 7 AS n")
    assert fetch_all_sync("SELECT n FROM only_here") == [{"n": 7}]
    connection.cursor().execute("DROP TEMPORARY TABLE only_here")


# --- the session ----------------------------------------------------------------------------------------------------


async def test_sessions_commit_by_themselves_in_utc_and_end_long_statements(settings) -> None:
    settings.QUERY_TIMEOUT_S = 1.5
    async with opened():
        session = (await fetch_all("SELECT @@autocommit AS a, @@time_zone AS z, @@max_statement_time AS t"))[0]
        isolation = await fetch_all("SHOW SESSION VARIABLES LIKE 'tx_isolation'")
    assert session == {"a": 1, "z": "+00:00", "t": Decimal("1.500000")}
    assert isolation[0]["Value"] == "READ-COMMITTED"


@pytest.fixture
def table() -> Iterator[None]:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE pool_probe (n INT) ENGINE=InnoDB SELECT 1 AS n")
    yield
    cursor.execute("DROP TABLE pool_probe")


def test_a_pooled_connection_sees_what_was_committed_since_and_holds_nothing(table: None, settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 1
    with asyncio.Runner() as runner:
        runner.run(mysql.open_pool())
        assert runner.run(count("SELECT n FROM pool_probe")) == 1
        connection.cursor().execute("UPDATE pool_probe SET n = 2")
        assert runner.run(count("SELECT n FROM pool_probe")) == 2
        connection.cursor().execute("SET lock_wait_timeout = 1")
        connection.cursor().execute("TRUNCATE pool_probe")  # waits for whoever still reads, in vain
        assert runner.run(fetch_all("SELECT n FROM pool_probe")) == []
        runner.run(mysql.close_pool())


# --- several statements ---------------------------------------------------------------------------------------------


async def test_several_statements_with_their_own_parameters_take_one_connection_and_one_place(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 1
    async with opened():
        reads = mysql.pool_totals().reads
        found = await mysql.fetch_each(
            [("SELECT %(n)s AS n, CONNECTION_ID() AS c", {"n": 1}), ("SELECT '%' AS x, CONNECTION_ID() AS c", None)]
        )
        assert mysql.pool_totals().reads == reads + 1
    [first], [second] = found
    assert (first["n"], second["x"], first["c"]) == (1, "%", second["c"])


async def test_each_of_several_statements_sees_what_is_committed_when_it_begins(table: None) -> None:
    async with opened():
        reading = asyncio.create_task(
            mysql.fetch_each([("SELECT n, SLEEP(0.4) FROM pool_probe", None), ("SELECT n FROM pool_probe", None)])
        )
        await asyncio.sleep(0.1)
        await fetch_all("UPDATE pool_probe SET n = 2")
        first, second = await reading
    assert (first[0]["n"], second[0]["n"]) == (1, 2)


async def test_several_statements_are_given_up_at_one_deadline(settings) -> None:
    settings.QUERY_TIMEOUT_S = 0.3
    async with opened():
        began = perf_counter()
        with pytest.raises(StatementTimeout):
            await mysql.fetch_each([("SELECT SLEEP(0.2)", None)] * 10)
        assert perf_counter() - began < 1


# --- open and close -------------------------------------------------------------------------------------------------

ABORTED = "SHOW GLOBAL STATUS LIKE 'Aborted_clients'"


def test_closing_says_goodbye_to_the_server(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 4
    before = fetch_all_sync(ABORTED)

    async def open_and_close() -> None:
        async with opened():
            assert mysql.pool_stats()["size"] == 4

    asyncio.run(open_and_close())
    assert fetch_all_sync(ABORTED) == before
    assert mysql.pool_stats() is None


def test_closing_waits_for_those_who_read() -> None:
    async def read_while_closing() -> int:
        await mysql.open_pool()
        reader = asyncio.create_task(count("SELECT SLEEP(0.2) + 3"))
        await asyncio.sleep(0.05)
        await mysql.close_pool()
        return await reader

    assert asyncio.run(read_while_closing()) == 3


def test_without_a_pool_each_read_connects_and_says_goodbye() -> None:
    before = fetch_all_sync(ABORTED)
    for _ in range(5):
        assert asyncio.run(count("SELECT 1")) == 1
    assert fetch_all_sync(ABORTED) == before


def test_a_write_beside_the_request_is_finished_before_the_pool_closes(table: None) -> None:
    async def write() -> None:
        async with opened():
            mysql.execute_soon("UPDATE pool_probe SET n = SLEEP(0.1) + %(n)s", {"n": 9})

    asyncio.run(write())
    assert fetch_all_sync("SELECT n FROM pool_probe") == [{"n": 9}]


def test_a_failing_write_beside_the_request_is_only_logged(caplog) -> None:
    async def write() -> None:
        async with opened():
            mysql.execute_soon("UPDATE nowhere SET n = %(n)s", {"n": 9})

    asyncio.run(write())
    assert "a write beside a request failed" in caplog.text
