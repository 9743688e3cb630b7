"""The rows of statements from an aiomysql connection: those of its own cursor, for a quarter of the work.

aiomysql waits twice for each packet, and takes a packet for each column, which it parses at each statement anew: half
of what a short read costs. Here bytes are taken as they come, and a description of columns in the same bytes as that
statement's last one is passed over in one step.

The protocol: a packet is a length of three bytes, a number of one byte, and what it says. A result is the number of
columns, a packet for each column, an end, a packet for each row, an end; in place of each there may be an error. The
last end says whether another result follows.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pymysql.constants import FIELD_TYPE, SERVER_STATUS
from pymysql.converters import decoders
from pymysql.err import InternalError, raise_mysql_exception
from pymysql.protocol import FieldDescriptorPacket

from apps.wire import Kept, Wire

Row = dict[str, Any]
Columns = tuple[tuple[str, Callable[[bytes], Any]], ...]

_NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES = 0xFB, 0xFC, 0xFD, 0xFE
_OK, _END, _ERROR = 0x00, 0xFE, 0xFF
_HEAD = 4
_CONTINUED = 0xFFFFFF  # a packet of this length goes on in the next one
_MOST_KNOWN = 1_000  # statements
_LONGEST_ANSWERED = 1_000  # bytes: of states and keys; documents differ anyway
_BINARY = 63  # the character set of bytes
_TEXTS = {
    FIELD_TYPE.BIT, FIELD_TYPE.BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.STRING,
    FIELD_TYPE.TINY_BLOB, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR, FIELD_TYPE.GEOMETRY,
}  # fmt: skip


def number(text: str) -> int | Decimal:
    """A DECIMAL: an integer when it has no decimal places, which is what sums of integers are."""
    return Decimal(text) if "." in text else int(text)


CONVERTERS: dict[int, Callable[[Any], Any]] = {
    **decoders, FIELD_TYPE.DECIMAL: number, FIELD_TYPE.NEWDECIMAL: number
}  # fmt: skip


async def rows_of(wire: Wire, sql: str, name: str | None = None) -> list[Row]:
    """The rows of a complete statement; none for one that has no rows. `name` and errors as of `each_of`."""
    return (await each_of(wire, [sql], [name or sql]))[0]


async def each_of(wire: Wire, statements: Sequence[str], names: Sequence[str]) -> list[list[Row]]:
    """The rows of each of some complete statements, which are sent together and run one after another.

    `names`: what the statements are without their parameters; under that their columns are remembered.
    Raises pymysql's errors, OperationalError 2013 where the server leaves. After any exception, being cancelled
    included, the connection may be half-read: close it.
    """
    packets = _Packets(wire, wire.send(statements[0] if len(statements) == 1 else ";\n".join(statements)))
    results: list[list[Row]] = []
    for name in names:
        rows, status = await _result(packets, name, wire.connection.encoding)
        results.append(rows)
        if bool(status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS) != (len(results) < len(names)):
            raise InternalError("a statement with several results, or with none")
    wire.connection.server_status = status
    return results


async def rows_again(wire: Wire, kept: Kept, name: str) -> list[Row]:
    """The rows of a statement that was asked before: in the same bytes as the last time they are those of the last
    time, which are not to be changed. `name` and errors as of `each_of`.
    """
    wire.send_ready(kept.question)
    data = await wire.read()
    if data == kept.answer:
        wire.connection.server_status = kept.status
        return kept.rows
    packets = _Packets(wire, kept.number, data)
    rows, status = await _result(packets, name, wire.connection.encoding)
    if status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
        raise InternalError("a statement with several results")
    wire.connection.server_status = status
    if packets.were_all(data) and len(data) <= _LONGEST_ANSWERED:
        kept.answer, kept.rows, kept.status = data, rows, status
    return rows


async def _result(packets: "_Packets", name: str, encoding: str) -> tuple[list[Row], int]:
    """The rows of one result, and what the server says of its state at their end."""
    if packets.is_empty():
        await packets.more()
    columns = packets.known_columns(name)
    if columns is None:
        first = await packets.next()
        if first[0] == _OK:
            return [], _status(first, _length(first, _length(first, 1)[1])[1])
        columns = await packets.described(name, first, encoding)
    rows: list[Row] = []
    while True:
        packets.take(rows, columns)
        packet = packets.here() or await packets.next()
        if packet[0] == _END and len(packet) < 9:
            return rows, _status(packet, 3)
        rows.append(_row(packet, 0, columns))


# By statement: the bytes that described its columns the last time, the columns, and the number of the last packet.
_known: dict[str, tuple[bytes, Columns, int]] = {}


class _Packets:
    """What the server sends in answer to one command, packet by packet."""

    __slots__ = ("_at", "_data", "_number", "_wire")

    def __init__(self, wire: Wire, number: int, data: bytes = b"") -> None:
        """`number`: that of the last packet of the command. `data`: what has come already."""
        self._wire = wire
        self._data = data
        self._at = 0
        self._number = number

    def is_empty(self) -> bool:
        """Whether all that has come is taken."""
        return self._at == len(self._data)

    def were_all(self, data: bytes) -> bool:
        """Whether nothing has come but these bytes, of which nothing is left."""
        return self._data is data and self.is_empty()

    async def more(self) -> None:
        """Waits until more has come. Raises as `Wire.read`."""
        data = await self._wire.read()
        self._data = data if self.is_empty() else self._data[self._at :] + data
        self._at = 0

    async def next(self) -> bytes:
        """What the next packet says. Raises the error that it is."""
        while (packet := self.here()) is None:
            await self.more()
        return packet

    def here(self) -> bytes | None:
        """The same, if all of it has come."""
        at, number = self._at, self._number
        packet = self._one()
        if packet is not None and len(packet) == _CONTINUED:
            packet = self._continued(packet)
        if packet is None:
            self._at, self._number = at, number
        elif packet[0] == _ERROR:
            raise_mysql_exception(packet)
        return packet

    def known_columns(self, name: str) -> Columns | None:
        """The statement's columns, if what describes them has come and says, byte by byte, what it said before."""
        known = _known.get(name)
        if known is None or not self._data.startswith(known[0], self._at) or known[0][3] != (self._number + 1) % 256:
            return None
        self._at += len(known[0])
        self._number = known[2]
        return known[1]

    async def described(self, name: str, first: bytes, encoding: str) -> Columns:
        """The columns whose number the first packet said, remembered if what describes them has come in one piece."""
        data, began = self._data, self._at - len(first) - _HEAD
        number, _ = _length(first, 0)
        packets = tuple([self.here() or await self.next() for _ in range(number)])
        await self.next()  # the end of the columns
        columns = _columns(packets, encoding)
        if self._data is data:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[name] = data[began : self._at], columns, self._number
        return columns

    def take(self, rows: list[Row], columns: Columns) -> None:
        """Takes the rows that have come whole, each in one packet: most of what is read, so a loop without calls."""
        data, at, size = self._data, self._at, len(self._data)
        while (start := at + _HEAD) < size:
            end = start + (data[at] | data[at + 1] << 8 | data[at + 2] << 16)
            is_long = end - start == _CONTINUED
            if end > size or is_long or data[start] == _ERROR or (data[start] == _END and end - start < 9):
                break
            self._count(data[start - 1])
            rows.append(_row(data, start, columns))
            at = end
        self._at = at

    def _one(self) -> bytes | None:
        data, start = self._data, self._at + _HEAD
        if len(data) < start:
            return None
        end = start + int.from_bytes(data[self._at : start - 1], "little")
        if len(data) < end:
            return None
        self._count(data[start - 1])
        self._at = end
        return data[start:end]

    def _continued(self, begun: bytes) -> bytes | None:
        parts = [begun]
        while len(parts[-1]) == _CONTINUED:
            part = self._one()
            if part is None:
                return None
            parts.append(part)
        return b"".join(parts)

    def _count(self, number: int) -> None:
        """Packets have numbers in a row: another number is of an answer that somebody has not read to its end."""
        self._number = (self._number + 1) % 256
        if number != self._number:
            raise InternalError(f"packet {number} where {self._number} was due")


def _status(packet: bytes, at: int) -> int:
    return int.from_bytes(packet[at : at + 2], "little")


@lru_cache(maxsize=1_000)
def _columns(described: tuple[bytes, ...], encoding: str) -> Columns:
    """Name and conversion of each column, from the packets that describe them."""
    fields = [FieldDescriptorPacket(packet, encoding) for packet in described]
    return tuple((field.name, _conversion(field, encoding)) for field in fields)


def _conversion(field: Any, encoding: str) -> Callable[[bytes], Any]:
    """What makes a column's value of its bytes: the rules of aiomysql."""
    convert = CONVERTERS.get(field.type_code)
    if field.type_code in _TEXTS:
        return bytes if field.charsetnr == _BINARY else _decoded(encoding)
    if convert in (int, float):
        return convert  # they take bytes of digits as they are
    if field.type_code == FIELD_TYPE.JSON or convert is None:
        return _decoded(encoding)
    return lambda data: convert(data.decode("ascii"))


def _decoded(encoding: str) -> Callable[[bytes], str]:
    return bytes.decode if encoding == "utf8" else lambda data: data.decode(encoding)


def _row(data: bytes, at: int, columns: Columns) -> Row:
    """The row that begins there."""
    row: Row = {}
    for name, convert in columns:
        length = data[at]
        at += 1
        if length == _NULL:
            row[name] = None
            continue
        if length > _NULL:
            length, at = _length(data, at - 1)
        row[name] = convert(data[at : at + length])
        at += length
    return row


def _length(packet: bytes, at: int) -> tuple[int, int]:
    """A length at a place in a packet, and the place after it: one byte, or a mark and two, three or eight bytes."""
    first = packet[at]
    if first < _NULL:
        return first, at + 1
    size = {_TWO_BYTES: 2, _THREE_BYTES: 3, _EIGHT_BYTES: 8}[first]
    end = at + 1 + size
    return int.from_bytes(packet[at + 1 : end], "little"), end
