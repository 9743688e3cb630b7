"""Figures of many rows at once: a formula that takes a number takes a column of them, too. Pure.

A number may be null. A column is an array of doubles, NaN where null; whole numbers are exact up to 2^53. What is said
of a number here holds for each of a column, to the last digit. What only adds, or takes one column from another, needs
none of this: NaN is null in every sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[np.float64]
_MOST = 2**62
_EXACT = 1e14  # less is written to its last place as it is
_LARGE = 1e9  # beyond it products are not exact enough to tell
_CLOSE = 1e-6  # to the middle between two numbers: which of them is nearer is decided by Python


def is_column(value: Any) -> TypeGuard[Column]:
    return isinstance(value, np.ndarray)


def percentage(part: Column, whole: Column) -> Column:
    """100 × part ÷ whole, null where the whole is zero or either is null."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Column = np.where(whole == 0, np.nan, 100 * part / whole)
    return found


def rounded(values: Column, places: int) -> Column:
    """As Python rounds each of them: by its exact value, halves to even."""
    scale = 10.0**places
    scaled = values * scale
    found: Column = np.rint(scaled) / scale
    doubtful = (np.abs(scaled - np.floor(scaled) - 0.5) < _CLOSE) | (np.abs(scaled) > _LARGE)
    for place in np.flatnonzero(doubtful).tolist():
        found[place] = round(float(values[place]), places)
    return found


def at_most(values: Column, limits: Column) -> list[bool | None]:
    """Whether values are at most as large as their limits; null where either is."""
    is_known = ~(np.isnan(values) | np.isnan(limits))
    pairs = zip((values <= limits).tolist(), is_known.tolist(), strict=True)
    return [met if known else None for met, known in pairs]


# --- money: columns of whole numbers of the last place --------------------------------------------------------------


def total(amounts: Iterable[Column], length: int) -> Column:
    """The sums of columns; null where all of them are."""
    table = np.array([np.full(length, np.nan), *amounts])
    known = ~np.isnan(table)
    found: Column = np.where(known.any(axis=0), np.where(known, table, 0.0).sum(axis=0), np.nan)
    return found


def per(cents: Column, quantity: Column, unit: int = 1) -> Column:
    """The amount per unit of a quantity in ten-thousandths, halves to even; null without quantity (`figures.per`)."""
    found = np.full(len(cents), np.nan)
    known = ~np.isnan(cents) & ~np.isnan(quantity) & (quantity != 0)
    if known.any():
        found[known] = _nearest(cents[known], 100 * unit, quantity[known])
    return found


def _nearest(values: Column, factor: int, divisors: Column) -> Column:
    """values × factor ÷ divisors, all whole, as whole numbers; what is below zero stays so, be it as -0."""
    kind = np.int64 if np.abs(values).max() < _MOST // factor else object  # Python's whole numbers have no end
    wholes = values.astype(np.int64).astype(kind) * factor
    by = divisors.astype(np.int64).astype(kind)
    floors, rest = wholes // by, wholes % by
    up = (2 * rest > by) | ((2 * rest == by) & (floors % 2 == 1))
    found: Column = np.copysign((floors + up).astype(np.float64), values)
    return found


def money(column: Column, places: int, currency: str) -> list[dict[str, str] | None]:
    """Amounts as answers have them, of whole numbers of their last place."""
    return [None if text is None else {"amount": text, "currency": currency} for text in texts(column, places)]


def texts(column: Column, places: int) -> list[str | None]:
    written, scale = f"%.{places}f", 10**places
    return [
        None if value != value else written % (value / scale) if abs(value) < _EXACT else _text(value, places)
        for value in column.tolist()
    ]


def _text(value: float, places: int) -> str:
    return f"{Decimal(int(value)).scaleb(-places):f}"


# --- rows of columns ------------------------------------------------------------------------------------------------


def is_fraction(name: str) -> bool:
    """Whether a figure of this name has decimal places as it is served."""
    return name.endswith(("_pct", "_l", "_kmh", "_100km"))


def rows(table: Mapping[str, Any], length: int) -> list[dict[str, Any]]:
    """One row each of so many, of columns by name: arrays, lists, tables of the same length, or one value for all."""
    columns = [_values(name, column, length) for name, column in table.items()]
    return list(map(dict, map(zip, repeat(tuple(table)), zip(*columns, strict=True))))  # nothing of it is Python's loop


def _values(name: str, column: Any, length: int) -> Sequence[Any]:
    if isinstance(column, Mapping):
        return rows(column, length)
    if is_column(column):
        return numbers(column, is_fraction(name))
    return column if isinstance(column, list) else [column] * length


def numbers(column: Column, has_places: bool) -> list[Any]:
    """Its numbers, with places or whole, and nulls."""
    known = ~np.isnan(column)
    values: list[Any] = (column if has_places else np.where(known, column, 0).astype(np.int64)).tolist()
    if known.all():
        return values
    return [value if is_known else None for value, is_known in zip(values, known.tolist(), strict=True)]
