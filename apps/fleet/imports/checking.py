"""A file's rows against the ledger: what each would become, and what is wrong with it. Writes nothing."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError

from apps.accounts.models import Fleet
from apps.fleet.imports import sheets, values
from apps.fleet.imports.kinds import Column, Kind
from apps.fleet.imports.sheets import Sheet, Unreadable, shown
from apps.fleet.imports.values import Cell, Mistake
from apps.fleet.ledger.changes import LedgerRow, touched_days
from apps.fleet.ledger.exchange import Exchange
from apps.fleet.models import CostEntry, CostRate, ExchangeRate, FuelPrice, FuelPurchase
from apps.trucks.models import Truck, TruckGroup

_RELATIONS = ("fleet", "truck", "group", "imported")
# What names a row of a kind once, its instant or day first: the same again, in the file or in the ledger, is refused.
_KEYS: dict[type[LedgerRow], tuple[str, ...]] = {
    CostRate: ("effective_from", "line", "basis", "truck_id", "group_id"),
    FuelPrice: ("effective_at", "group_id"),
    FuelPurchase: ("purchased_at", "truck_id", "reference"),
    ExchangeRate: ("effective_from", "currency"),
}


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the file writes what can be written in several ways; null: as its own values tell."""

    decimal: str | None = None  # point, comma
    dates: str | None = None  # day first, month first


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a cell, or with a row as a whole: where, what stands there, what is expected."""

    row: int
    column: str
    value: str
    problem: str
    expected: str

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", {self.column}" if self.column else "")
        value = f"{self.value!r} " if self.value else ""
        return f"{where}: {value}{self.problem}" + (f"; expected: {self.expected}" if self.expected else "")


@dataclass(slots=True)
class Checked:
    """What a file would do. With errors nothing of it is written."""

    kind: Kind
    read_as: str
    conventions: Conventions
    row_count: int
    rows: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # of the rows in the file, side by side with `rows`
    errors: list[RowError] = field(default_factory=list)
    touched: set[tuple[int, dt.date]] = field(default_factory=set)  # (truck, day) to be computed anew

    @property
    def bad_rows(self) -> int:
        return len({error.row for error in self.errors})

    @property
    def sums(self) -> dict[str, Decimal]:
        """Currency → amount of the good rows, for kinds with amounts of money."""
        found: dict[str, Decimal] = {}
        for row in self.rows if self.kind.has_money else ():
            money: Any = row
            found[money.currency] = found.get(money.currency, Decimal("0.00")) + money.amount
        return dict(sorted(found.items()))

    @property
    def touched_trucks(self) -> int:
        return len({truck_id for truck_id, _ in self.touched})


def check(fleet: Fleet, kind: Kind, content: bytes, conventions: Conventions | None = None) -> Checked:
    """What the file would write, or what is wrong with it, row by row. Raises Unreadable for the file as a whole."""
    sheet = sheets.read(content, kind.names)
    _require_columns(kind, sheet)
    if not sheet.rows:
        raise Unreadable("The file has no rows below the names of the columns.")
    judged = _judged(kind, sheet, conventions or Conventions())
    checked = Checked(kind, sheet.read_as, judged, len(sheet.rows))
    readers, made = _readers(fleet, judged), _maker(fleet, kind)
    for number, cells in sheet.rows:
        row, errors = _row(kind, sheet.header, number, cells, readers, made)
        checked.errors += errors
        if row is not None:
            checked.rows.append(row)
            checked.numbers.append(number)
    checked.errors += _repeated(checked)
    checked.errors.sort(key=lambda error: error.row)
    checked.touched = set() if checked.errors else touched_days(checked.rows)
    return checked


def _require_columns(kind: Kind, sheet: Sheet) -> None:
    """Raises Unreadable: a column that is misspelt would otherwise be left out in silence."""
    names = list(sheet.header)
    problems = [
        *(f"the column {name or '(without a name)'} is not known" for name in names if name not in kind.names),
        *(f"the column {name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"the column {each.name} is missing" for each in kind.columns if each.is_required and each.name not in names),
    ]
    if kind.either and not set(kind.either) & set(names):
        problems.append(f"one of the columns {', '.join(kind.either)} is missing")
    if problems:
        raise Unreadable(f"Row {sheet.header_row}: {'; '.join(problems)}. The columns are {', '.join(kind.names)}.")


# --- cells ---

Readers = Mapping[str, Callable[[Cell], Any]]


def _judged(kind: Kind, sheet: Sheet, asked: Conventions) -> Conventions:
    """The file's conventions: as asked, else as its own values tell."""

    def texts(*types: str) -> Iterator[str]:
        wanted = [_holds(kind, name) in types for name in sheet.header]
        for _, cells in sheet.rows:
            yield from (cell for cell, is_one in zip(cells, wanted, strict=False) if is_one and isinstance(cell, str))

    return Conventions(
        asked.decimal or values.convention_of(values.number_readings(text) for text in texts("number")),
        asked.dates
        or values.convention_of(values.date_readings(values.day_part(text)) for text in texts("day", "instant")),
    )


def _holds(kind: Kind, name: str) -> str:
    column = kind.column(name)
    return column.holds if column else ""


def _readers(fleet: Fleet, judged: Conventions) -> Readers:
    """A function for each type of column, from a cell to its value. They raise Mistake."""
    trucks = {truck.code: truck for truck in Truck.objects.filter(fleet=fleet).defer("sensor_table")}
    groups: dict[str, list[TruckGroup]] = {}
    for group in TruckGroup.objects.filter(fleet=fleet):
        groups.setdefault(group.name, []).append(group)
    return {
        "text": _as_text,
        "number": partial(values.number, decimal=judged.decimal),
        "day": partial(values.day, order=judged.dates),
        "instant": partial(values.instant, order=judged.dates, zone=fleet.zone),
        "truck": partial(_truck, trucks),
        "group": partial(_group, groups),
    }


def _as_text(cell: Cell) -> str:
    """A cell that holds a name: a spreadsheet may have made a number of it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _truck(trucks: Mapping[str, Truck], cell: Cell) -> Truck:
    found = trucks.get(_as_text(cell))
    if found is None:
        raise Mistake("is no truck of the fleet")
    return found


def _group(groups: Mapping[str, Sequence[TruckGroup]], cell: Cell) -> TruckGroup:
    found = groups.get(_as_text(cell), ())
    if len(found) != 1:
        raise Mistake("is the name of several groups" if found else "is no group of the fleet")
    return found[0]


def _choice(column: Column, cell: Cell) -> str:
    """A choice by its value or its label: `Repair and maintenance` is `repair_maintenance`."""
    assert column.choices is not None
    text = sheets.column_name(cell)
    for value, label in column.choices.choices:
        if text in (value, sheets.column_name(label)):
            return str(value)
    raise Mistake("is not known")


# --- rows ---


Maker = Callable[[dict[str, Any]], LedgerRow]


def _maker(fleet: Fleet, kind: Kind) -> Maker:
    """Makes a row of its values. Rows of money are given the exchange rates, so that none looks them up by itself."""
    rate_of = Exchange(fleet).rate_of if kind.has_money else None

    def made(values: dict[str, Any]) -> LedgerRow:
        row = kind.model(fleet=fleet, **values)
        if isinstance(row, CostEntry | FuelPurchase):
            row.rate_of = rate_of
        return row

    return made


def _row(
    kind: Kind, header: Sequence[str], number: int, cells: Sequence[Cell], readers: Readers, made: Maker
) -> tuple[LedgerRow | None, list[RowError]]:
    """The row that the cells become, or their errors."""
    if len(cells) > len(header):
        problem = f"has {len(cells)} cells, and the header {len(header)}"
        hint = "quotes around a value that contains the delimiter, such as a decimal comma"
        return None, [RowError(number, "", "", problem, hint)]
    by_name: dict[str, Cell] = {**dict.fromkeys(kind.names), **dict(zip(header, cells, strict=False))}
    read, errors = _read(kind, number, by_name, readers)
    wrong = {error.column for error in errors}
    if _both(kind) in wrong:
        wrong.update(kind.either)
    row = made(kind.values(read))
    problems = _problems(row, _not_judged(row, wrong))
    errors += [_model_error(kind, number, by_name, name, text) for name, text in problems]
    errors.sort(key=lambda error: kind.names.index(error.column) if error.column in kind.names else len(kind.names))
    return (None, errors) if errors else (row, [])


def _both(kind: Kind) -> str:
    """Where it stands that not exactly one of two columns is filled."""
    return " and ".join(kind.either)


def _not_judged(row: LedgerRow, wrong: Collection[str]) -> set[str]:
    """Fields whose cells are refused, and those without a value: where one is needed, that is told already."""
    empty = {field.attname for field in row._meta.concrete_fields if getattr(row, field.attname) is None}
    return {*_RELATIONS, *wrong, *empty}


def _read(
    kind: Kind, number: int, by_name: Mapping[str, Cell], readers: Readers
) -> tuple[dict[str, Any], list[RowError]]:
    read: dict[str, Any] = {}
    errors = []
    for column in kind.columns:
        cell = by_name[column.name]
        if cell is None:
            if column.is_required:
                errors.append(RowError(number, column.name, "", "is empty", column.expected))
            continue
        try:
            read[column.name] = _choice(column, cell) if column.choices else readers[column.holds](cell)
        except Mistake as mistake:
            errors.append(RowError(number, column.name, shown(cell), str(mistake), column.expected))
    filled = [name for name in kind.either if by_name[name] is not None]
    if kind.either and len(filled) != 1:
        problem = "are both filled" if filled else "are empty"
        errors.append(RowError(number, _both(kind), "", problem, "exactly one of them"))
    return read, errors


def _problems(row: LedgerRow, left_out: Collection[str] = _RELATIONS) -> Iterator[tuple[str, str]]:
    """(field, message) of what the model refuses, of each field what is told first.

    Keys and relations are looked up for all rows at once instead.
    """
    told: set[str] = set()
    checks: tuple[Callable[[], None], ...] = (lambda: row.clean_fields(exclude=left_out), row.clean)
    for look in checks:
        try:
            look()
        except ValidationError as error:
            by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            yield from ((name, message) for name in by_field if name not in told for message in by_field[name])
            told.update(by_field)


def _model_error(kind: Kind, number: int, by_name: Mapping[str, Cell], name: str, text: str) -> RowError:
    # What was computed from another column, as litres from gallons, is wrong there.
    filled = [each for each in kind.either if by_name[each] is not None]
    column = kind.column(filled[0] if name in kind.either else name)
    if column is None:
        return RowError(number, "", "", text, "")
    return RowError(number, column.name, shown(by_name[column.name]), text.rstrip("."), column.expected)


def _repeated(checked: Checked) -> Iterator[RowError]:
    """An error for each row that is in the ledger already, or in the file before."""
    columns = _KEYS.get(checked.kind.model)
    if columns is None or not checked.rows:
        return
    instants = [getattr(row, columns[0]) for row in checked.rows]
    between = {"fleet": checked.rows[0].fleet_id, f"{columns[0]}__range": (min(instants), max(instants))}
    stored: Any = checked.kind.model._default_manager.filter(**between)
    known = {_key(values) for values in stored.values_list(*columns)}
    first: dict[tuple[Any, ...], int] = {}
    for number, row in zip(checked.numbers, checked.rows, strict=True):
        key = _key(getattr(row, column) for column in columns)
        what = ", ".join(column.removesuffix("_id") for column in columns)
        if key in known:
            yield RowError(number, "", "", f"is in the ledger already, by its {what}", "rows that are new")
        elif key in first:
            yield RowError(number, "", "", f"is the same as row {first[key]}, by its {what}", "each row once")
        else:
            first[key] = number


def _key(values: Iterable[Any]) -> tuple[Any, ...]:
    """As the database tells rows apart: in texts capitals do not matter."""
    return tuple(value.casefold() if isinstance(value, str) else value for value in values)
