"""Trucks or drivers by code, and their sums in columns: what lists of them are made from. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, overload

import numpy as np
import numpy.typing as npt

from apps.fleet.columns import Column
from apps.fleet.sums.blocks import Ids, at_ids, python_values, sums_of

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ById:
    """Sums as columns by name, in the order of ascending ids."""

    ids: Ids
    columns: dict[str, Column]

    def of(self, wanted: Ids) -> dict[str, Column]:
        """Those of these ids, in their order; null where there is nothing."""
        return dict(zip(self.columns, at_ids(self.ids, self.columns.values(), wanted), strict=True))

    def rows(self, names: Sequence[str]) -> dict[int, Row]:
        """Some of them as they are served, by id."""
        columns = [python_values(name, self.columns[name], ~np.isnan(self.columns[name])) for name in names]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        return dict(zip(self.ids.tolist(), rows, strict=True))

    def led_by(self, others: Self) -> Self:
        """With what others have in these columns, whose ids are less."""
        columns = {name: np.concatenate((others.columns[name], column)) for name, column in self.columns.items()}
        return replace(self, ids=np.concatenate((others.ids, self.ids)), columns=columns)


@dataclass(frozen=True, slots=True)
class Listing:
    """Who could be in a list: ids, codes, names, and by its name what `more` is told of them, by code."""

    ids: Ids
    codes: list[Any]
    names: list[Any]
    more: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row], key: str, *more: str) -> Self:
        ids = np.array([row["id"] for row in rows], np.int64)
        codes, names = ([row[column] for row in rows] for column in (key, "name"))
        return cls(ids, codes, names, {column: [row[column] for row in rows] for column in more})

    def those(self, which: npt.NDArray[np.bool_]) -> Self:
        return self if which.all() else self.at(np.flatnonzero(which).tolist())

    def at(self, places: Sequence[int]) -> Self:
        """Those at these places, in their order."""
        return self._with(self.ids[np.array(places, np.intp)], lambda column: [column[place] for place in places])

    def part(self, start: int, end: int | None = None) -> Self:
        which = slice(start, end)
        return self._with(self.ids[which], lambda column: column[which])

    def _with(self, ids: Ids, of: Callable[[list[Any]], list[Any]]) -> Self:
        more = {name: of(column) for name, column in self.more.items()}
        return replace(self, ids=ids, codes=of(self.codes), names=of(self.names), more=more)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Summed(Sequence[Row]):
    """Those that have days in a period, and their sums: a column for each, decimals as whole numbers.

    As a sequence, and by `rows`, they are rows: `id`, the code by its KEY, `name`, and the sums as they are served.
    """

    KEY: ClassVar[str]
    CALLED: ClassVar[Mapping[str, str]] = {}  # what sums are called that have another name as they are served

    ids: Ids
    codes: list[Any]
    names: list[Any]
    columns: dict[str, Column]  # in the order that was asked for

    @classmethod
    def of(cls, listing: Listing, sums: ById) -> Self:
        """Of those listed the ones that have sums."""
        found = listing.those(np.isin(listing.ids, sums.ids))
        return cls(found.ids, found.codes, found.names, sums.of(found.ids))

    @classmethod
    def with_or_without(cls, listing: Listing, sums: ById) -> Self:
        """All of those listed; sums of who has no days are null."""
        return cls(listing.ids, listing.codes, listing.names, sums.of(listing.ids))

    def and_then(self, others: Self) -> Self:
        if not len(self):
            return others
        columns = {name: np.concatenate((column, others.columns[name])) for name, column in self.columns.items()}
        ids = np.concatenate((self.ids, others.ids))
        return replace(self, ids=ids, codes=self.codes + others.codes, names=self.names + others.names, columns=columns)

    def at(self, places: Sequence[int]) -> Self:
        """Those at these places, in their order."""
        which = np.array(places, np.intp)
        codes, names = ([each[place] for place in places] for each in (self.codes, self.names))
        columns = {name: column[which] for name, column in self.columns.items()}
        return replace(self, ids=self.ids[which], codes=codes, names=names, columns=columns)

    def without(self, places: Iterable[int]) -> Self:
        """All but those at these places, in their order."""
        return self.at(sorted(set(range(len(self))).difference(places)))

    def totals(self) -> Row:
        """The sums of all of them; null where nothing is measured."""
        if not len(self):
            return dict.fromkeys(self.columns)
        table, start = np.array(list(self.columns.values())), np.zeros(1, np.intp)
        return sums_of(table, start, self._named(), list(self.columns))[0]

    def rows(self) -> list[Row]:
        columns = zip(self._named(), self.columns.values(), strict=True)
        values = [python_values(name, column, ~np.isnan(column)) for name, column in columns]
        keys = ("id", self.KEY, "name", *self.columns)
        each = zip(self.ids.tolist(), self.codes, self.names, *values, strict=True)
        return [dict(zip(keys, row, strict=True)) for row in each]

    def _named(self) -> list[str]:
        """What the columns are called in the blocks."""
        named_as = {called: name for name, called in self.CALLED.items()}
        return [named_as.get(name, name) for name in self.columns]

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, which: int) -> Row: ...
    @overload
    def __getitem__(self, which: slice) -> Self: ...
    def __getitem__(self, which: int | slice) -> Row | Self:
        if isinstance(which, int):
            return self.at([which]).rows()[0]
        columns = {name: column[which] for name, column in self.columns.items()}
        return replace(self, ids=self.ids[which], codes=self.codes[which], names=self.names[which], columns=columns)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows())
