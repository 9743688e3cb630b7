"""Rows of an answer, made of columns by name: their JSON at once, without an object for each value of a row. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import orjson

from apps.fleet.columns import Column, is_column

Table: TypeAlias = Mapping[str, Any]
_Piece: TypeAlias = bytes | list[bytes]  # of a row's JSON: the same in all rows, or one each
_FRACTIONS = ("_pct", "_l", "_kmh", "_100km", "safety_score", "safety_score_change")
_EXACT = 1e14  # less is written to its last place as it is


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in whole numbers of their last place, as answers have them."""

    amounts: Column
    places: int
    currency: str

    def texts(self) -> list[bytes]:
        """The JSON of each."""
        head, tail = b'{"amount":"', b'","currency":%b}' % orjson.dumps(self.currency)
        known = ~np.isnan(self.amounts)
        values = np.where(known, self.amounts, 0.0)
        if np.abs(values).max() < _EXACT:
            written = b"%b%%.%df%b" % (head, self.places, tail)
            texts = list(map(written.__mod__, (values / 10**self.places).tolist()))
        else:
            decimals = (Decimal(int(value)).scaleb(-self.places) for value in values.tolist())
            texts = [b"%b%b%b" % (head, f"{value:f}".encode(), tail) for value in decimals]
        return _known(texts, known, b"null")


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
        self.json = b"[%b]" % b",".join(_joined(_object(table, length), length))

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


def _object(table: Table, length: int) -> list[_Piece]:
    pieces: list[_Piece] = []
    for name, column in table.items() if length else ():
        pieces.append(b'%b"%b":' % (b"," if pieces else b"{", name.encode()))
        pieces += _pieces(name, column, length)
    return [*pieces, b"}"]


def _pieces(name: str, column: Any, length: int) -> list[_Piece]:
    if is_column(column):
        return [numbers(column, is_fraction(name))]
    if isinstance(column, Money):
        return [column.texts()]
    if isinstance(column, list):
        return [list(map(orjson.dumps, column))]
    if isinstance(column, tuple):
        return [b"[", _lists(column, length), b"]"]
    return _object(column, length) if isinstance(column, Mapping) else [orjson.dumps(column)]


def _lists(elements: tuple[Some, ...], length: int) -> list[bytes]:
    """Those of each row, with commas between them."""
    texts = [_known(_joined(_object(each.table, length), length), each.is_there, b"") for each in elements]
    if not texts:
        return [b""] * length
    return list(map(b",".join, map(partial(filter, None), zip(*texts, strict=True))))


def _joined(pieces: Iterable[_Piece], length: int) -> list[bytes]:
    """Each row's pieces, of which those that are the same in all rows are put together first."""
    columns: list[list[bytes]] = []
    same = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            same += piece
        else:
            columns += [[same] * length, piece]
            same = b""
    return list(map(b"".join, zip(*columns, [same] * length, strict=True)))


def _known(texts: list[bytes], known: npt.NDArray[np.bool_], otherwise: bytes) -> list[bytes]:
    if known.all():
        return texts
    return [text if is_known else otherwise for text, is_known in zip(texts, known.tolist(), strict=True)]


def is_fraction(name: str) -> bool:
    """Whether a figure of this name has decimal places as it is served."""
    return name.endswith(_FRACTIONS)


def numbers(column: Column, has_places: bool) -> list[bytes]:
    """The JSON of each number, with places or whole."""
    known = ~np.isnan(column)
    values = column if has_places else np.where(known, column, 0).astype(np.int64)
    json = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return _known(json[1:-1].split(b","), known, b"null")
