import asyncio
import datetime as dt
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from time import perf_counter

import pytest
from django.db import connection
from pymysql.err import ProgrammingError

from apps import mysql, pool
from apps.mysql import fetch_all, fetch_all_sync
from apps.pool import BREAKER_S, DatabaseUnavailable, PoolFull, StatementTimeout, _Deadlines

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    await mysql.open_pool()
    try:
        yield
    finally:
        await mysql.close_pool()


async def count(sql: str, **parameters: object) -> int:
    return next(iter((await fetch_all(sql, parameters))[0].values()))


async def until_zero(sql: str) -> int:
    """The first value of the statement once it is zero, or after a second."""
    for _ in range(50):
        if (left := await count(sql)) == 0:
            return 0
        await asyncio.sleep(0.02)
    return left


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


# --- nobody waits for ever ------------------------------------------------------------------------------------------


async def test_hundreds_of_cancelled_readers_leave_nobody_stuck(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 3
    settings.POOL_WAIT_S = 5
    dice = random.Random(1)
    async with opened():
        for _ in range(15):
            readers = [asyncio.create_task(fetch_all("SELECT SLEEP(0.004)")) for _ in range(30)]
            for reader in readers:
                await asyncio.sleep(dice.random() * 0.002)
                if dice.random() < 0.5:
                    reader.cancel()
            outcomes = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 10)
            assert {type(outcome) for outcome in outcomes} <= {list, asyncio.CancelledError}
        stats = mysql.pool_stats()
        assert (stats["used"], stats["waiting"]) == (0, 0)
        assert await asyncio.gather(*(count("SELECT 1") for _ in range(9))) == [1] * 9


async def test_a_full_pool_refuses_after_a_short_wait(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 2
    settings.POOL_WAIT_S = 0.1
    async with opened():
        holders = [asyncio.create_task(fetch_all("SELECT SLEEP(0.5)")) for _ in range(2)]
        await asyncio.sleep(0.05)
        began = perf_counter()
        with pytest.raises(PoolFull):
            await fetch_all("SELECT 1")
        assert perf_counter() - began < 0.3
        await asyncio.gather(*holders)
        assert await count("SELECT 1") == 1


async def test_a_slow_statement_is_given_up_at_the_deadline_and_ends_on_the_server(settings) -> None:
    settings.QUERY_TIMEOUT_S = 0.3
    running = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%endless%' AND id <> CONNECTION_ID()"
    )
    async with opened():
        began = perf_counter()
        with pytest.raises(StatementTimeout):
            await fetch_all("SELECT SLEEP(30) /* endless */")
        assert perf_counter() - began < 1
        assert await until_zero(running) == 0


class Line:
    """A network path to the database that can fall silent, as a firewall that drops packets does."""

    def __init__(self, settings) -> None:
        self._target = settings.DATABASES["default"]
        self.carries = asyncio.Event()
        self.carries.set()

    async def __aenter__(self) -> dict[str, object]:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return {**self._target, "HOST": "127.0.0.1", "PORT": self._server.sockets[0].getsockname()[1]}

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target["HOST"], int(self._target["PORT"]))
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self.carries.wait()
            writer.write(data)
        writer.close()


async def test_a_network_that_falls_silent_costs_the_deadline_and_no_later_answer(settings) -> None:
    settings.QUERY_TIMEOUT_S = 0.3
    settings.POOL_MIN = settings.POOL_MAX = 1
    line = Line(settings)
    async with line as settings.DATABASE_REPLICA, opened():
        line.carries.clear()
        began = perf_counter()
        with pytest.raises(StatementTimeout):
            await asyncio.wait_for(fetch_all("SELECT 1"), 2)
        assert perf_counter() - began < 1
        line.carries.set()
        assert [await count(f"SELECT {n}") for n in (2, 3)] == [2, 3]


async def test_a_server_that_accepts_but_never_greets_costs_one_wait_only(settings, monkeypatch) -> None:
    monkeypatch.setattr(pool, "CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.DATABASE_REPLICA = {
            **settings.DATABASES["default"],
            "HOST": "127.0.0.1",
            "PORT": mute.getsockname()[1],
        }
        settings.POOL_MIN = 1
        async with opened():
            await asyncio.sleep(BREAKER_S)
            began = perf_counter()
            with pytest.raises(DatabaseUnavailable):
                await fetch_all("SELECT 1")
            first = perf_counter() - began
            with pytest.raises(DatabaseUnavailable):
                await fetch_all("SELECT 1")
            second = perf_counter() - began - first
    assert 0.15 < first < 1
    assert second < 0.1


# --- connections that break -----------------------------------------------------------------------------------------


async def test_the_application_starts_without_a_database_and_finds_it_later(settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once_free:
        closed = once_free.getsockname()[1]
    settings.DATABASE_REPLICA = {**settings.DATABASES["default"], "PORT": closed}
    async with opened():
        with pytest.raises(DatabaseUnavailable):
            await fetch_all("SELECT 1")


def test_connections_killed_while_idle_are_not_handed_out(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 1
    with asyncio.Runner() as runner:
        runner.run(mysql.open_pool())
        pooled = runner.run(count("SELECT CONNECTION_ID()"))
        connection.cursor().execute(f"KILL {pooled}")
        assert runner.run(count("SELECT CONNECTION_ID()")) != pooled
        runner.run(mysql.close_pool())


async def test_a_connection_killed_while_reading_is_replaced_and_the_read_repeated(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 2
    async with opened():
        reader = asyncio.create_task(count("SELECT SLEEP(0.3) + 5 /* victim */"))
        await asyncio.sleep(0.1)
        victim = await count(
            "SELECT id FROM information_schema.processlist WHERE info LIKE '%victim%' AND id <> CONNECTION_ID()"
        )
        await fetch_all(f"KILL {victim}")
        assert await reader == 5


async def test_a_statement_that_is_wrong_is_an_error_of_its_own_and_costs_no_connection() -> None:
    async with opened():
        before = mysql.pool_stats()["max"]
        for _ in range(before + 1):
            with pytest.raises(ProgrammingError):
                await fetch_all("SELECT FROM nowhere")
        assert mysql.pool_stats()["used"] == 0
        assert await count("SELECT 1") == 1


async def test_a_connection_idle_for_long_is_replaced(settings, monkeypatch) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 1
    monkeypatch.setattr(pool, "RECYCLE_S", 0.05)
    async with opened():
        first = await count("SELECT CONNECTION_ID()")
        assert await count("SELECT CONNECTION_ID()") == first
        await asyncio.sleep(0.1)
        assert await count("SELECT CONNECTION_ID()") != first


async def test_a_connection_that_failed_halfway_through_an_answer_is_not_used_again(settings) -> None:
    settings.POOL_MIN = settings.POOL_MAX = 1
    async with opened():
        await fetch_all("SET NAMES latin1")  # the driver goes on decoding UTF-8
        with pytest.raises(UnicodeDecodeError):
            await fetch_all("SELECT CHAR(252 USING latin1) AS x UNION ALL SELECT 'b' UNION ALL SELECT 'c'")
        assert await fetch_all("SELECT 'ü' AS x") == [{"x": "ü"}]


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


# --- the deadline of a statement ------------------------------------------------------------------------------------


class Late:
    """Stands for a wire whose reader has been told to give up, or not."""

    def __init__(self) -> None:
        self.due = 0.0
        self.is_over = False

    def give_up(self) -> None:
        self.is_over = True


async def test_each_statement_is_given_up_at_its_own_deadline_by_one_timer() -> None:
    loop = asyncio.get_running_loop()
    deadlines = _Deadlines(loop)
    now = loop.time()
    wires = [Late() for _ in range(5)]
    for wire, after_s in zip(wires, (0.1, 0.05, 0.2, 0.05, 9), strict=True):  # the second and fourth began before
        deadlines.begin(wire, now + after_s)
    deadlines.end(wires[3])
    over = []
    for after_s in (0.03, 0.075, 0.15, 0.25):
        await asyncio.sleep(now + after_s - loop.time())
        over.append([wire.is_over for wire in wires])
    assert over == [
        [False] * 5,
        [False, True, False, False, False],
        [True, True, False, False, False],
        [True, True, True, False, False],
    ]
    deadlines.end(wires[4])
    deadlines.close()


async def test_a_timer_that_finds_nothing_under_way_is_set_again_by_the_next_statement() -> None:
    loop = asyncio.get_running_loop()
    deadlines = _Deadlines(loop)
    deadlines.begin(first := Late(), loop.time() + 0.02)
    deadlines.end(first)
    await asyncio.sleep(0.04)
    deadlines.begin(second := Late(), loop.time() + 0.02)
    await asyncio.sleep(0.04)
    assert (first.is_over, second.is_over) == (False, True)


async def test_who_is_cancelled_at_the_deadline_is_cancelled_and_costs_no_connection(settings) -> None:
    settings.QUERY_TIMEOUT_S = 0.2
    settings.POOL_MIN = settings.POOL_MAX = 1
    async with opened():
        for wait_s in (0.19, 0.195, 0.2, 0.205):
            reader = asyncio.create_task(fetch_all("SELECT SLEEP(5)"))
            await asyncio.sleep(wait_s)
            reader.cancel()
            [outcome] = await asyncio.gather(reader, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError | StatementTimeout)
        assert await count("SELECT 3") == 3
        assert mysql.pool_stats()["used"] == 0


async def test_an_answer_that_comes_drop_by_drop_ends_at_the_deadline_too(settings) -> None:
    settings.QUERY_TIMEOUT_S = 0.3
    async with opened():
        began = perf_counter()
        with pytest.raises(StatementTimeout):
            await fetch_all(
                "SET STATEMENT max_statement_time = 9 FOR SELECT REPEAT('x', 20000), SLEEP(0.01) FROM seq_1_to_500"
            )
        assert 0.25 < perf_counter() - began < 1
