"""Questions asked in turns, one at a time, so that what else goes on in the machine is the same for all of them.

With one connection, client, server and database take turns; which core the system puts each on makes a difference of
up to a half, and it changes from second to second. So they stay on one core, and what is compared is asked a tenth of a
second each, in an order that moves on from turn to turn. A client of its own, as wrk asks for whole seconds.
"""

from __future__ import annotations

import os
import socket
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

from tests.bench import servers

_LEAST = 3  # answers of a turn
_COUNTED = 5  # answers whose rows are counted


class Asker:
    """A connection to a server that is kept open, on which one question is asked after the other."""

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self._socket = socket.create_connection((where.hostname, where.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, question: bytes) -> None:
        """Sends a request and reads its answer whole. Raises RuntimeError for one that is neither 200 nor 304."""
        self._socket.sendall(question)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        if data[9:12] not in (b"200", b"304"):
            raise RuntimeError(f"{question[:200]!r} was answered with {data[:200]!r}")
        left = _length(data[:end].lower()) - (len(data) - end - 4)
        while left > 0:
            left -= len(self._more())

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise RuntimeError("the server has closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


def _length(head: bytes) -> int:
    _, _, after = head.partition(b"\r\ncontent-length: ")
    return int(after.split(b"\r\n", 1)[0] or 0)


def question(path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass(slots=True)
class Turns:
    """What one question took, by turns: median milliseconds, microseconds of CPU; and rows the database read for it."""

    p50_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    rows: int = 0

    def ms(self) -> float:
        return statistics.median(self.p50_ms)

    def both_us(self) -> float:
        """CPU of the server and the database."""
        return statistics.median(map(sum, zip(self.cpu_us, self.database_us, strict=True)))

    def times(self, other: Turns) -> float:
        """How many times as long as the other it takes: the median over turns, in each of which both were asked."""
        return statistics.median(a / b for a, b in zip(self.p50_ms, other.p50_ms, strict=True))

    def times_the_work(self, other: Turns) -> float:
        """The same of CPU."""
        each = zip(self.cpu_us, self.database_us, other.cpu_us, other.database_us, strict=True)
        return statistics.median((a + b) / (c + d) for a, b, c, d in each)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question is asked, and what it is measured by."""

    asker: Asker
    server_pids: Sequence[int]
    database_pid: int

    def turn(self, question: bytes, seconds: float, turns: Turns) -> None:
        """Asks for so long, and notes what it took. The first answer is not counted."""
        self.asker.ask(question)
        times: list[float] = []
        server, database = cpu_ns(self.server_pids), cpu_ns([self.database_pid])
        until = perf_counter() + seconds
        while len(times) < _LEAST or perf_counter() < until:
            began = perf_counter()
            self.asker.ask(question)
            times.append(perf_counter() - began)
        turns.p50_ms.append(1000 * statistics.median(times))
        turns.cpu_us.append((cpu_ns(self.server_pids) - server) / 1000 / len(times))
        turns.database_us.append((cpu_ns([self.database_pid]) - database) / 1000 / len(times))

    def rows(self, question: bytes) -> int:
        """How many rows the database reads for an answer: the fewest, as now and then a key is looked up, too."""
        self.asker.ask(question)
        return _fewest(lambda: self.asker.ask(question)) - _fewest(lambda: None)


def _fewest(act: Callable[[], object]) -> int:
    return min(_counted(act) for _ in range(_COUNTED))


def _counted(act: Callable[[], object]) -> int:
    before = rows_read()
    act()
    return rows_read() - before


def rows_read() -> int:
    """Rows that all connections have read so far, by the database's own count."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def cpu_ns(pids: Iterable[int]) -> int:
    """What all threads of some processes have used so far; `times` of a process count hundredths of a second."""
    total = 0
    for pid in pids:
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # a thread that has just ended
                total += int(file.read_text().split()[0])
    return total


@contextmanager
def on_cores(pids: Sequence[int], cores: set[int]) -> Iterator[None]:
    """All threads of some processes, and this one, stay on some cores; afterwards they may run where this one could."""
    before = os.sched_getaffinity(0)
    _keep_on([*pids, os.getpid()], cores)
    try:
        yield
    finally:
        _keep_on([*pids, os.getpid()], before)


def _keep_on(pids: Iterable[int], cores: set[int]) -> None:
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def asking(*several: servers.Server) -> Iterator[list[Place]]:
    """Each of the servers with a connection, all of them, the database and the client on one core."""
    database, pids = servers.database_pid(), [server.pids() for server in several]
    places = [Place(Asker(server.address), own, database) for server, own in zip(several, pids, strict=True)]
    with on_cores([database, *sum(pids, [])], {max(os.sched_getaffinity(0))}):
        try:
            yield places
        finally:
            for place in places:
                place.asker.close()
