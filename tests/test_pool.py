import asyncio
import random
import socket
from time import perf_counter

import pytest
from django.db import connection
from pymysql.err import ProgrammingError

from apps import mysql, pool
from apps.mysql import fetch_all
from apps.pool import BREAKER_S, DatabaseUnavailable, PoolFull, StatementTimeout, _Deadlines
from tests.pooled import count, opened, until_zero

pytestmark = pytest.mark.django_db(transaction=True)


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
