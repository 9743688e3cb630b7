"""The bytes between an aiomysql connection and its server, without asyncio's streams.

A stream copies what arrives into a buffer and out of it again, and is asked through three coroutines. Here what arrives
goes to whoever waits for it, as it is. Opening a connection, with its TLS, its authentication and its session, remains
aiomysql's.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from pymysql.constants import COMMAND, CR
from pymysql.err import InternalError, OperationalError

_QUERY = bytes([COMMAND.COM_QUERY])
_LONGEST = 0xFFFFFF  # a packet of this length goes on in the next one
_MOST_UNREAD = 1 << 20


@dataclass(slots=True)
class Kept:
    """What a connection knows of a statement that is sent again and again: how it is sent, and the last answer."""

    question: bytes
    number: int  # of its last packet
    answer: bytes = b""  # as it came; nothing where that is not worth keeping
    rows: list[dict[str, Any]] = field(default_factory=list)
    status: int = 0  # the server's state at its end


class Wire(asyncio.Protocol):
    """What an open connection sends and receives, for one statement at a time.

    After any exception but an error that the server sent, being cancelled included, close it: it may be half-read.
    """

    def __init__(self, connection: Any) -> None:
        """Takes the place of the connection's stream. Raises InternalError if something is under way on it."""
        self.connection = connection
        self.due = 0.0  # when whoever reads gives up, by the loop's clock
        self.free_since = 0.0
        self.keeps_statements = "MariaDB" in connection.server_version
        self.prepared: dict[str, int] = {}  # what the server keeps ready for this connection, and under which number
        self.recent: OrderedDict[str, int] = OrderedDict()  # the same of what was asked for last, numbered by itself
        self.asked_once: set[str] = set()
        self.kept: WeakKeyDictionary[object, Kept] = WeakKeyDictionary()  # by what is asked, while that is there
        self._loop = asyncio.get_running_loop()
        self._transport = connection._writer.transport
        self._waiter: asyncio.Future[bytes] | None = None
        self._unread = b""
        self._is_paused = False
        self._error: Exception | None = None
        before = connection._reader
        if before._buffer:
            raise InternalError("more has arrived than was asked for")
        self._transport.set_protocol(self)
        if before.at_eof() or before.exception() is not None:
            self._fail(_lost(before.exception()))

    def is_lost(self) -> bool:
        """Whether a statement would have no answer of its own: the server has left, or has said something unasked."""
        return self._error is not None or bool(self._unread) or self._transport.is_closing()

    def send(self, sql: str) -> int:
        """Sends a statement; what it says is to be read to its end before the next one. The number of its last packet,
        which the answer's go on from. Raises OperationalError 2013 where the server has left."""
        data, number = self.ready(sql)
        self.send_ready(data)
        return number

    def ready(self, sql: str) -> tuple[bytes, int]:
        """A statement as it is sent, and the number of its last packet."""
        data = sql.encode(self.connection.encoding, "surrogateescape")
        if len(data) + 1 < _LONGEST:
            return b"%b\0%b%b" % ((len(data) + 1).to_bytes(3, "little"), _QUERY, data), 0
        packets = _packets(_QUERY + data)
        return b"".join(packets), (len(packets) - 1) % 256

    def send_ready(self, data: bytes) -> None:
        """Sends what `ready` has made. Raises as `send`."""
        if self._error is not None:
            raise self._error
        self._transport.write(data)

    def read(self) -> "asyncio.Future[bytes]":
        """What has arrived since the last call, as soon as there is something; to be awaited before the next call.

        Raises OperationalError 2013 where the server leaves, TimeoutError after `give_up`.
        """
        waiter = self._waiter = self._loop.create_future()
        if self._unread:
            waiter.set_result(self._taken())
        elif self._error is not None:
            waiter.set_exception(self._error)
        return waiter

    def forget_prepared(self) -> None:
        """From now on statements are sent whole."""
        self.keeps_statements = False
        self.prepared.clear()
        self.recent.clear()
        self.kept.clear()

    def give_up(self) -> None:
        """Ends the reading: nothing that arrives from now on is taken."""
        self._unread = b""
        self._fail(TimeoutError())

    def close(self) -> None:
        """Without a word."""
        self.connection.close()

    async def quit(self) -> None:
        """Says goodbye to the server, if it is still there."""
        if self.is_lost():
            self.close()
        else:
            await self.connection.ensure_closed()

    def _taken(self) -> bytes:
        data, self._unread = self._unread, b""
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._error)

    # --- what the event loop calls ----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(data)
        elif self._error is None:
            self._unread += data
            if len(self._unread) > _MOST_UNREAD and not self._is_paused:
                self._is_paused = True
                self._transport.pause_reading()

    def eof_received(self) -> None:
        self._fail(_lost(None))

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(_lost(error))


def _lost(error: Exception | None) -> OperationalError:
    return OperationalError(CR.CR_SERVER_LOST, f"Lost connection to the server ({error or 'it has left'})")


def _packets(payload: bytes) -> list[bytes]:
    """A command in as many packets as it takes: the last one is shorter than the longest, and may be empty."""
    parts = [payload[start : start + _LONGEST] for start in range(0, len(payload) + 1, _LONGEST)]
    return [len(part).to_bytes(3, "little") + bytes([number % 256]) + part for number, part in enumerate(parts)]
