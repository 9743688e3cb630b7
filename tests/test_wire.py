"""Whatever the network does to the bytes, an answer is whole and its own, or an error; on either event loop."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomysql
import pytest
import uvloop
from django.conf import settings
from pymysql.err import InternalError, OperationalError

from apps import mysql, pool, resultset
from apps.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[[Awaitable[Any]], Any]
ROWS = "SELECT seq AS n, REPEAT(seq, 1 + seq % 300) AS text FROM seq_{first}_to_{last}"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


class Line:
    """A network path to the database that cuts what the server says into pieces, and may break in the middle."""

    def __init__(self, seed: int = 0, breaks_after: int | None = None) -> None:
        self._dice = random.Random(seed)
        self._left = math.inf if breaks_after is None else breaks_after  # bytes until it breaks
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def connected(self, socket: Path | None = None) -> AsyncIterator[Wire]:
        """A connection through it: from a port, or from a socket at this path."""
        if socket is None:
            server = await asyncio.start_server(self._carry_both, "127.0.0.1", 0)
            where = {"HOST": "127.0.0.1", "PORT": server.sockets[0].getsockname()[1]}
        else:
            server = await asyncio.start_unix_server(self._carry_both, socket)
            where = {"HOST": str(socket)}
        try:
            async with connected(**where) as wire:
                yield wire
        finally:
            server.close()
            for writer in self._writers:
                writer.close()

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        database = settings.DATABASES["default"]
        far_reader, far_writer = await asyncio.open_connection(database["HOST"], int(database["PORT"]))
        self._writers |= {writer, far_writer}
        with suppress(OSError):
            await asyncio.gather(self._carry(reader, far_writer), self._cut(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    async def _cut(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            while data:
                size = self._dice.choice((1, 2, 3, 4, 5, 50, 500, 5_000))
                self._left -= size
                if self._left < 0:
                    writer.transport.abort()
                    return
                writer.write(data[:size])
                data = data[size:]
                await asyncio.sleep(0)
        writer.close()


@asynccontextmanager
async def connected(**changed: Any) -> AsyncIterator[Wire]:
    arguments = mysql._connection_arguments({**settings.DATABASES["default"], **changed}, 30)
    wire = Wire(await aiomysql.connect(**arguments))
    try:
        yield wire
    finally:
        await wire.quit()


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [{"n": n, "text": str(n) * (1 + n % 300)} for n in range(first, last + 1)]


# --- what arrives in pieces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_answers_are_whole_wherever_the_network_cuts_them(run: Run, seed: int) -> None:
    async def main() -> None:
        dice = random.Random(seed)
        async with Line(seed).connected() as wire:
            for _ in range(40):
                first = dice.randint(1, 400)
                last = first + dice.choice((0, 1, 5, 50))
                assert await resultset.rows_of(wire, ROWS.format(first=first, last=last)) == rows(first, last)
            assert not wire.is_lost()

    run(main())


def test_an_answer_of_megabytes_waits_for_a_reader_that_is_busy(run: Run) -> None:
    async def main() -> None:
        async with connected() as wire:
            wire.send("SELECT REPEAT('x', 30000) AS text FROM seq_1_to_800")
            await asyncio.sleep(0.3)
            assert (1 << 20) < len(wire._unread) < 8_000_000  # of 24 million: the rest is with the server
            data = b""
            while not (len(data) > 24_000_000 and data[-9:-5] == b"\x05\x00\x00" + bytes([(801 + 3) % 256])):
                data += await asyncio.wait_for(wire.read(), 5)
            assert data.count(b"x" * 30_000) == 800

    run(main())


# --- what breaks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [200, 700, 1_500, 9_000])
def test_a_path_that_breaks_is_a_lost_connection_never_half_an_answer(run: Run, after: int) -> None:
    async def main() -> None:
        complete = 0
        with pytest.raises(OperationalError) as error:
            async with Line(1, breaks_after=after).connected() as wire:
                for _ in range(1_000):
                    assert await resultset.rows_of(wire, ROWS.format(first=1, last=3)) == rows(1, 3)
                    complete += 1
        assert error.value.args[0] in pool.UNAVAILABLE
        assert complete < 1_000

    run(main())


def test_a_server_that_has_left_is_known_before_anything_is_asked(run: Run) -> None:
    async def main() -> None:
        async with connected() as wire, connected() as other:
            [own] = await resultset.rows_of(wire, "SELECT CONNECTION_ID() AS id")
            assert not wire.is_lost()
            await resultset.rows_of(other, f"KILL {own['id']}")
            await asyncio.sleep(0.05)
            assert wire.is_lost()
            with pytest.raises(OperationalError) as error:
                await resultset.rows_of(wire, "SELECT 1")
            assert error.value.args[0] in pool.LOST

    run(main())


def test_what_is_said_unasked_makes_a_connection_useless(run: Run) -> None:
    async def main() -> None:
        async with connected() as wire:
            wire.data_received(b"\x01\x00\x00\x01\x07")
            assert wire.is_lost()

    run(main())


def test_a_reader_that_is_cancelled_leaves_the_loop_in_peace(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        dice = random.Random(2)
        for _ in range(30):
            async with connected() as wire:
                reader = asyncio.create_task(resultset.rows_of(wire, "SELECT SLEEP(0.001), REPEAT('x', 100000)"))
                await asyncio.sleep(dice.random() * 0.003)
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        await asyncio.sleep(0.01)

    run(main())
    assert caplog.text == ""


def test_who_gives_up_reads_nothing_more(run: Run) -> None:
    async def main() -> None:
        async with connected() as wire:
            reading = asyncio.create_task(resultset.rows_of(wire, "SELECT SLEEP(0.1) AS n"))
            await asyncio.sleep(0.02)
            wire.give_up()
            with pytest.raises(TimeoutError):
                await reading
            await asyncio.sleep(0.15)  # the answer arrives
            assert wire.is_lost()
            assert wire._unread == b""
            with pytest.raises(TimeoutError):
                await wire.read()

    run(main())


# --- taking over ----------------------------------------------------------------------------------------------------


def test_a_connection_with_something_under_way_is_not_taken_over(run: Run) -> None:
    async def main() -> None:
        arguments = mysql._connection_arguments(settings.DATABASES["default"], 30)
        async with aiomysql.connect(**arguments) as connection:
            await connection._execute_command(3, "SELECT 1")
            await asyncio.sleep(0.05)
            with pytest.raises(InternalError, match="more has arrived"):
                Wire(connection)

    run(main())


def test_a_server_that_left_before_is_not_waited_for(run: Run) -> None:
    async def main() -> None:
        arguments = mysql._connection_arguments(settings.DATABASES["default"], 30)
        async with connected() as other:
            connection = await aiomysql.connect(**arguments)
            await resultset.rows_of(other, f"KILL {connection.thread_id()}")
            await asyncio.sleep(0.05)
            wire = Wire(connection)
            assert wire.is_lost()
            with pytest.raises(OperationalError):
                await asyncio.wait_for(wire.read(), 1)
            wire.close()

    run(main())


def test_a_socket_of_this_machine_is_a_way_too(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Line().connected(tmp_path / "socket") as wire:
            assert wire.connection.unix_socket
            assert await resultset.rows_of(wire, ROWS.format(first=1, last=500)) == rows(1, 500)

    run(main())


# --- goodbye --------------------------------------------------------------------------------------------------------


def test_a_pool_whose_server_has_left_is_closed_all_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop raises an error of its own where something is written to a connection that is gone."""
    monkeypatch.setattr(settings, "POOL_MIN", 1)
    monkeypatch.setattr(settings, "POOL_MAX", 1)

    async def main() -> None:
        await mysql.open_pool()
        [pooled] = await mysql.fetch_all("SELECT CONNECTION_ID() AS id")
        async with connected() as other:
            await resultset.rows_of(other, f"KILL {pooled['id']}")
        await asyncio.sleep(0.05)
        await mysql.close_pool()
        assert mysql.pool_stats() is None

    run(main())
