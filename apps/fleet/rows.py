"""Rows of an answer, made of columns by name: their JSON at once, without an object for each value of a row. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.columns import Column, is_column

Table: TypeAlias = Mapping[str, Any]
_FRACTIONS = ("_pct", "_l", "_kmh", "_100km", "safety_score", "safety_score_change")


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in whole numbers of their last place, as answers have them."""

    amounts: Column
    places: int
    currency: str

    def texts(self) -> list[list[bytes]]:
        """The JSON of each, in parts."""
        known = ~np.isnan(self.amounts)
        values = np.where(known, self.amounts, 0.0)
        if np.abs(values).max() >= _LARGE:
            return [_known(list(map(self._text, values.tolist())), known, b"null")]
        wholes, rest = np.divmod(np.abs(values).astype(np.int64), unit := 10**self.places)
        heads, ends = np.where(known, values < 0, _NO_AMOUNT), np.where(known, rest, unit)
        return [
            list(map(_HEADS.__getitem__, heads.tolist())),
            _known(_dumps(wholes).split(b","), known, b""),
            list(map(_ends(self.places, self.currency).__getitem__, ends.tolist())),
        ]

    def _text(self, value: float) -> bytes:
        amount = f"{Decimal(value).scaleb(-self.places):f}"
        return orjson.dumps({"amount": amount, "currency": self.currency})


_LARGE = 2**62
_HEADS = (b'{"amount":"', b'{"amount":"-', b"null")
_NO_AMOUNT = 2


@lru_cache(maxsize=64)  # those of a currency to four places take a megabyte
def _ends(places: int, currency: str) -> list[bytes]:
    """What follows upon whole amounts, by the rest; the last one upon none."""
    tail = b'","currency":%b}' % orjson.dumps(currency)
    return [*(b".%0*d%b" % (places, rest, tail) for rest in range(10**places)), b""]


@dataclass(frozen=True, slots=True)
class Some:
    """An element of the lists of some rows."""

    is_there: npt.NDArray[np.bool_]
    table: Table


class Rows(Sequence[dict[str, Any]]):
    """So many rows of a table; one by one they are what their JSON says.

    A column is an array of numbers with null for NaN, a list of values, `Money`, a table for an object in each row, a
    tuple of `Some` for a list in each row, or one value for all.
    """

    def __init__(self, table: Table, length: int) -> None:
        self._length = length
        self.json = _array(_rows(table, length))

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = orjson.loads(self.json)
        return rows

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, which: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, which: int | slice) -> Any:
        return self._rows[which]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)


def _rows(table: Table, length: int) -> list[bytes]:
    """The JSON of each."""
    if not length:
        return []
    lines = _Lines(length)
    lines.add(table)
    return lines.rows()


class _Lines:
    """The JSON of rows, put together column by column; what is the same in all rows stands between the columns."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._columns: list[Iterable[bytes]] = []
        self._before = b""

    def add(self, table: Table) -> None:
        mark = b"{"
        for name, column in table.items():
            self._before += b'%b"%b":' % (mark, name.encode())
            self._add(name, column)
            mark = b","
        self._before += b"}"

    def rows(self) -> list[bytes]:
        self._end_before()
        return list(map(b"".join, zip(*self._columns, strict=True)))

    def _add(self, name: str, column: Any) -> None:
        if is_column(column):
            self._put(numbers(column, is_fraction(name)))
        elif isinstance(column, Money):
            self._put(*column.texts())
        elif isinstance(column, list):
            self._put(_texts(column))
        elif isinstance(column, tuple):
            self._before += b"["
            self._add_list(column)
            self._before += b"]"
        elif isinstance(column, Mapping):
            self.add(column)
        else:
            self._before += orjson.dumps(column)

    def _add_list(self, elements: tuple[Some, ...]) -> None:
        """Those of each row, with commas between them; what is in all rows is as the columns beside the list."""
        led = np.zeros(self._length, np.bool_)  # rows that have an element before
        for each in elements:
            if each.is_there.all() and (led.all() or not led.any()):
                self._before += b"," if led.any() else b""
                self.add(each.table)
            else:
                self._put(_told(_rows(each.table, self._length), each.is_there, led))
            led |= each.is_there

    def _put(self, *texts: list[bytes]) -> None:
        """The text of each row, in parts."""
        self._end_before()
        self._columns += texts

    def _end_before(self) -> None:
        self._columns.append(repeat(self._before, self._length))
        self._before = b""


def _array(texts: list[bytes]) -> bytes:
    if not texts:
        return b"[]"
    texts[0] = b"[" + texts[0]  # before they are together: that is large, and would be copied
    texts[-1] += b"]"
    return b",".join(texts)


def _told(texts: list[bytes], is_there: npt.NDArray[np.bool_], led: npt.NDArray[np.bool_]) -> list[bytes]:
    """Those that are there, after a comma where they are led by others; else nothing."""
    each = zip(texts, is_there.tolist(), led.tolist(), strict=True)
    return [(b"," + text if is_led else text) if is_one else b"" for text, is_one, is_led in each]


def _known(texts: list[bytes], known: npt.NDArray[np.bool_], otherwise: bytes) -> list[bytes]:
    if known.all():
        return texts
    return [text if is_known else otherwise for text, is_known in zip(texts, known.tolist(), strict=True)]


def _texts(values: list[Any]) -> list[bytes]:
    """The JSON of each value, at once where no comma is within one."""
    json = orjson.dumps(values)[1:-1]
    return json.split(b",") if json.count(b",") == len(values) - 1 else list(map(orjson.dumps, values))


def is_fraction(name: str) -> bool:
    """Whether a figure of this name has decimal places as it is served."""
    return name.endswith(_FRACTIONS)


def numbers(column: Column, has_places: bool) -> list[bytes]:
    """The JSON of each number, with places or whole."""
    known = ~np.isnan(column)
    texts = _dumps(column if has_places else np.where(known, column, 0).astype(np.int64)).split(b",")
    return texts if has_places else _known(texts, known, b"null")


def _dumps(values: npt.NDArray[Any]) -> bytes:
    """The JSON of each, with commas between them."""
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
