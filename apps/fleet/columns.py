"""Figures of many rows at once: a formula that takes a number takes a column of them, too. Pure.

A number may be null. A column is an array of doubles, NaN where null; whole numbers are exact up to 2^53. What is said
of a number here holds for each of a column, to the last digit. What only adds, or takes one column from another, needs
none of this: NaN is null in every sum.
"""

import heapq
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[np.float64]
_MOST = 2**62
_LARGE = 1e15  # beyond it products are not exact enough to tell
_CLOSE = 2.0**-20, 2.0**-50  # to the middle between two numbers, and as a part of them: Python decides which is nearer


def is_column(value: Any) -> TypeGuard[Column]:
    return isinstance(value, np.ndarray)


def percentage(part: Column, whole: Column) -> Column:
    """100 × part ÷ whole, null where the whole is zero or either is null."""
    return ratio(100 * part, whole)


def ratio(part: Column, whole: Column) -> Column:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Column = np.where(whole == 0, np.nan, part / whole)
    return found


def rounded(values: Column, places: int) -> Column:
    """As Python rounds each of them: by its exact value, halves to even; never to -0."""
    scale = 10.0**places
    scaled = values * scale
    found: Column = np.rint(scaled) / scale
    size = np.abs(scaled)
    close = np.maximum(_CLOSE[0], size * _CLOSE[1])
    doubtful = (np.abs(scaled - np.floor(scaled) - 0.5) < close) | (size > _LARGE)
    for place in np.flatnonzero(doubtful).tolist():
        found[place] = round(float(values[place]), places)
    return found + 0.0


def at_most(values: Column, limits: Column) -> list[bool | None]:
    """Whether values are at most as large as their limits; null where either is."""
    is_known = ~(np.isnan(values) | np.isnan(limits))
    pairs = zip((values <= limits).tolist(), is_known.tolist(), strict=True)
    return [met if known else None for met, known in pairs]


def least_first(values: Column, keys: Sequence[str], limit: int) -> list[int]:
    """The places of at most `limit` of the least values, these first; equals by key. Nulls are none."""
    places = np.flatnonzero(~np.isnan(values))
    if limit < len(places):
        most = np.partition(values[places], limit - 1)[limit - 1]
        less = np.flatnonzero(values < most).tolist()
        equal = np.flatnonzero(values == most).tolist()
        found = less + heapq.nsmallest(limit - len(less), equal, key=keys.__getitem__)
    else:
        found = places.tolist()
    return sorted(found, key=lambda place: (values[place], keys[place]))


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
    """values × factor ÷ divisors, all whole, as whole numbers."""
    kind = np.int64 if np.abs(values).max() < _MOST // factor else object  # Python's whole numbers have no end
    wholes = values.astype(np.int64).astype(kind) * factor
    by = divisors.astype(np.int64).astype(kind)
    floors, rest = wholes // by, wholes % by
    up = (2 * rest > by) | ((2 * rest == by) & (floors % 2 == 1))
    found: Column = (floors + up).astype(np.float64)
    return found
