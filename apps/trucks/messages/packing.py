"""Messages in columns as few bytes, and back, exactly. Pure.

A column is whole numbers wherever its values are decimals of few places, as most readings are: then the differences
from message to message are small, and the most that is left is bytes that repeat. Others keep all their bits.
"""

import struct
import zlib
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from apps.trucks.detection.points import Booleans, Floats, Integers
from apps.trucks.messages.columns import NUMBERS, OF_EACH, OF_FIX, MessageColumns

LAYOUT = 1  # of these bytes: another one makes all packs unreadable, and they are packed anew

_PLACES = (0, 1, 2, 3, 5, 7, 10)  # decimal places that are tried; beyond 2^53 nothing would be exact
_EXACT = 2.0**53
_LEVEL = 6
_OF_ALL = frozenset((*OF_EACH, *OF_FIX))
_COUNT = struct.Struct("<I")
_COLUMN = struct.Struct("<BBBq")  # whether some are null, decimal places, bytes a difference, the first number
_NULL, _BITS = 254, 255  # instead of decimal places: nothing but nulls; the bits of the values
_DIFFERENCES: dict[int, npt.DTypeLike] = {1: "<i1", 2: "<i2", 4: "<i4", 8: "<i8"}


class _Column(NamedTuple):
    head: bytes
    content: bytes


def pack(columns: MessageColumns) -> bytes:
    """The bytes of messages with all columns; the same messages make the same bytes."""
    packed = [_packed(columns.numbers[name]) for name in NUMBERS]
    parts = [
        _COUNT.pack(len(columns)),
        *(each.head for each in packed),
        *(each.content for each in packed),
        orjson.dumps(columns.dtc),
    ]
    return zlib.compress(b"".join(parts), _LEVEL)


def unpack(content: bytes, readings: Collection[str] = NUMBERS) -> MessageColumns:
    """The messages of these bytes. Of what sensors read only these columns, which is less work than all."""
    data = zlib.decompress(content)
    (count,) = _COUNT.unpack_from(data)
    heads = _COUNT.size + _COLUMN.size * len(NUMBERS)
    reader = _Reader(data, heads, count)
    numbers = {}
    for number, name in enumerate(NUMBERS):
        head = _COLUMN.unpack_from(data, _COUNT.size + number * _COLUMN.size)
        if name in _OF_ALL or name in readings:
            numbers[name] = reader.column(*head)
        else:
            reader.skip(*head)
    dtc: list[tuple[int, str]] = [(at, told) for at, told in orjson.loads(data[reader.at :])]
    return MessageColumns(numbers, dtc)


def _packed(values: Floats) -> _Column:
    is_null = np.isnan(values)
    if is_null.all():
        return _Column(_COLUMN.pack(0, _NULL, 0, 0), b"")
    nulls = np.packbits(is_null).tobytes() if is_null.any() else b""
    known = values[~is_null]
    places = next((places for places in _PLACES if _is_decimal(known, places)), None)
    if places is None:
        return _Column(_COLUMN.pack(bool(nulls), _BITS, 8, 0), nulls + _shuffled(known.view(np.int64)))
    whole = _scaled(known, places)
    differences = np.diff(whole)
    width = _width(differences)
    content = _shuffled(differences.astype(_DIFFERENCES[width])) if width else b""
    return _Column(_COLUMN.pack(bool(nulls), places, width, int(whole[0])), nulls + content)


def _is_decimal(values: Floats, places: int) -> bool:
    """Whether all values are the nearest ones to decimals of so many places, to the last bit."""
    if np.abs(values).max().item() * 10.0**places >= _EXACT:
        return False
    return np.array_equal(_unscaled(_scaled(values, places), places).view(np.int64), values.view(np.int64))


def _scaled(values: Floats, places: int) -> Integers:
    return np.rint(values * 10.0**places).astype(np.int64)


def _unscaled(whole: Integers | Floats, places: int) -> Floats:
    """A quotient of two exact numbers is the nearest one there is: what reading the decimal gives."""
    exact = whole.astype(np.float64, copy=False)
    return exact / 10.0**places if places else exact


def _width(differences: Integers) -> int:
    """The bytes that hold each of them; 0 where all are 0."""
    if not differences.any():
        return 0
    lowest, highest = int(differences.min()), int(differences.max())
    return next(width for width in _DIFFERENCES if -(2 ** (8 * width - 1)) <= lowest and highest < 2 ** (8 * width - 1))


def _shuffled(numbers: npt.NDArray[Any]) -> bytes:
    """All first bytes, all second bytes and so on: the high ones are alike, and then take hardly any place."""
    return numbers.view(np.uint8).reshape(len(numbers), -1).T.tobytes()


class _Reader:
    """Takes columns off the unpacked bytes, one after the other."""

    def __init__(self, data: bytes, at: int, count: int) -> None:
        self.data = data
        self.at = at
        self.count = count

    def column(self, has_nulls: int, places: int, width: int, first: int) -> Floats:
        if places == _NULL:
            return np.full(self.count, np.nan)
        is_null = self._nulls() if has_nulls else None
        known = self.count if is_null is None else self.count - int(is_null.sum())
        values = self._bits(known) if places == _BITS else self._decimals(known, places, width, first)
        if is_null is None:
            return values
        column = np.full(self.count, np.nan)
        column[~is_null] = values
        return column

    def skip(self, has_nulls: int, places: int, width: int, first: int) -> None:
        if places != _NULL:
            known = self.count - int(self._nulls().sum()) if has_nulls else self.count
            self.at += known * width if places == _BITS else max(0, known - 1) * width

    def _nulls(self) -> Booleans:
        return np.unpackbits(self._bytes((self.count + 7) // 8), count=self.count).astype(np.bool_)

    def _bits(self, known: int) -> Floats:
        return self._numbers(known, 8).view(np.float64)

    def _decimals(self, known: int, places: int, width: int, first: int) -> Floats:
        # Sums of differences of up to four bytes are exact as doubles, those of eight need not be.
        sums: Integers | Floats = np.zeros(known, np.int64) if width == 8 else np.zeros(known)
        if width:
            np.cumsum(self._numbers(known - 1, width), dtype=sums.dtype, out=sums[1:])
        sums += first
        return _unscaled(sums, places)

    def _numbers(self, count: int, width: int) -> npt.NDArray[Any]:
        """What `_shuffled` has put into bytes."""
        planes = self._bytes(count * width).reshape(width, count)
        return np.ascontiguousarray(planes.T).reshape(-1).view(_DIFFERENCES[width])

    def _bytes(self, count: int) -> npt.NDArray[np.uint8]:
        found = np.frombuffer(self.data, dtype=np.uint8, count=count, offset=self.at)
        self.at += count
        return found
