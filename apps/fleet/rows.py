"""Rows of an answer, made of columns by name: their JSON at once, without an object for each value of a row. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.columns import Column, is_column

Table: TypeAlias = Mapping[str, Any]
_FRACTIONS = ("_pct", "_l", "_kmh", "_100km", "safety_score", "safety_score_change")
_EXACT = 1e14  # less is written to its last place as it is


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in whole numbers of their last place, as answers have them."""

    amounts: Column
    places: int
    currency: str

    def texts(self, before: bytes) -> list[bytes]:
        """The JSON of each, after what stands before it."""
        head, tail = before + b'{"amount":"', b'","currency":%b}' % orjson.dumps(self.currency)
        known = ~np.isnan(self.amounts)
        values = np.where(known, self.amounts, 0.0)
        if np.abs(values).max() < _EXACT:
            written = b"%b%%.%df%b" % (head.replace(b"%", b"%%"), self.places, tail)
            texts = list(map(written.__mod__, (values / 10**self.places).tolist()))
        else:
            decimals = (Decimal(value).scaleb(-self.places) for value in values.tolist())
            texts = [b"%b%b%b" % (head, f"{value:f}".encode(), tail) for value in decimals]
        return _known(texts, known, before + b"null")


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
        self.json = b"[%b]" % b",".join(_rows(table, length))

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
    """The JSON of rows, put together column by column; what is the same in all rows stands before the next column."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._columns: list[list[bytes]] = []
        self._before = b""

    def add(self, table: Table) -> None:
        mark = b"{"
        for name, column in table.items():
            self._before += b'%b"%b":' % (mark, name.encode())
            self._add(name, column)
            mark = b","
        self._before += b"}"

    def rows(self) -> list[bytes]:
        return list(map(b"".join, zip(*self._columns, [self._before] * self._length, strict=True)))

    def _add(self, name: str, column: Any) -> None:
        if is_column(column):
            self._put(numbers(column, is_fraction(name)))
        elif isinstance(column, Money):
            self._columns.append(column.texts(self._taken()))
        elif isinstance(column, list):
            self._put(_texts(column))
        elif isinstance(column, tuple):
            self._before += b"["
            self._put(_lists(column, self._length))
            self._before += b"]"
        elif isinstance(column, Mapping):
            self.add(column)
        else:
            self._before += orjson.dumps(column)

    def _put(self, texts: bytes | list[bytes]) -> None:
        """One text for each row, or all of them with commas between them and none within: no JSON has a line's end."""
        before = self._taken()
        if isinstance(texts, bytes):
            self._columns.append((before + texts.replace(b",", b"\n" + before)).split(b"\n"))
        else:
            self._columns.append([before + text for text in texts])

    def _taken(self) -> bytes:
        before, self._before = self._before, b""
        return before


def _lists(elements: tuple[Some, ...], length: int) -> list[bytes]:
    """Those of each row, with commas between them."""
    texts = [_known(_rows(each.table, length), each.is_there, b"") for each in elements]
    if not texts:
        return [b""] * length
    return list(map(b",".join, map(partial(filter, None), zip(*texts, strict=True))))


def _known(texts: list[bytes], known: npt.NDArray[np.bool_], otherwise: bytes) -> list[bytes]:
    if known.all():
        return texts
    return [text if is_known else otherwise for text, is_known in zip(texts, known.tolist(), strict=True)]


def _texts(values: list[Any]) -> bytes | list[bytes]:
    """The JSON of each value, at once where no comma is within one."""
    json = orjson.dumps(values)[1:-1]
    return json if json.count(b",") == len(values) - 1 else list(map(orjson.dumps, values))


def is_fraction(name: str) -> bool:
    """Whether a figure of this name has decimal places as it is served."""
    return name.endswith(_FRACTIONS)


def numbers(column: Column, has_places: bool) -> bytes | list[bytes]:
    """The JSON of each number, with places or whole."""
    known = ~np.isnan(column)
    values = column if has_places else np.where(known, column, 0).astype(np.int64)
    json = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return json if has_places or known.all() else _known(json.split(b","), known, b"null")
