"""The columns of files: the fields of the JSON answers' schemas, flat, with their units in their names. Pure.

An object within a row is flat in a file: `start: {lat, lon}` becomes `start_lat` and `start_lon`. A list of objects
that a field tells apart (`lines: [{line, amount}]`) becomes a column for each value that it can have: `line_fuel`; of
any other list of objects there is the number, and a list of texts is one text with commas. The fleet's money has its
currency in the name of its column; money as it was paid has it in a column beside it. Values are metric, as in JSON,
or of the system that is asked for. A ratio is rounded once: what becomes that of another unit is divided anew from the
parts that stand in its row.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from apps.accounts.schemas import Money, OwnMoney
from apps.files.cells import Column, Kind
from apps.files.measures import MEASURES


@dataclass(frozen=True, slots=True)
class Ratio:
    """A field that is the first of these fields which the row has, per so much of another."""

    parts: tuple[str, ...]
    per: int
    of: str

    def exact(self, values: Mapping[str, Any]) -> str | None:
        """As text, of a row that has both; None of others."""
        part = next((values[name] for name in self.parts if values.get(name) is not None), None)
        whole = values.get(self.of)
        return None if part is None or not whole else f"{Decimal(str(part)) * self.per / whole}"


_RATIOS: Mapping[str, Ratio] = {
    "cost_per_km": Ratio(("total_cost", "amount"), 1_000, "distance_m"),
    "fuel_cost_per_km": Ratio(("fuel_cost",), 1_000, "fuel_distance_m"),
    "consumption_l_per_100km": Ratio(("consumption_l",), 100_000, "fuel_distance_m"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A list whose objects one of their fields tells apart, with all values that it can have."""

    by: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The schemas whose fields are the columns, in order, and what is to be known of the lists in them."""

    schemas: tuple[type[BaseModel], ...]
    told: Mapping[str, Told]

    def columns(self, currency: str, units: str = "metric") -> tuple[Column, ...]:
        """The columns of a file in a currency and a system of units."""
        found: dict[str, Column] = {}
        for schema in self.schemas:
            for field, info in _fields(schema, self.told):
                found.setdefault(field, _column(field, info, currency, units))
        return tuple(found.values())

    def row(self, item: Mapping[str, Any], columns: Sequence[Column]) -> list[str | None]:
        """An item of a JSON answer's list as the texts of a row, such as the database sends them; null is None.

        `columns`: those of the file, by which ratios that it converts are not rounded before.
        """
        values = dict(_flat(item, self.told))
        return [_exact(values, column) or _text(values.get(column.field), column.kind) for column in columns]


def shape(*schemas: type[BaseModel], **told: Told) -> Shape:
    return Shape(schemas, told)


# --- from schemas ---------------------------------------------------------------------------------------------------


def _fields(schema: type[BaseModel], told: Mapping[str, Told]) -> Iterator[tuple[str, FieldInfo]]:
    """The flat fields of a schema: those of objects in it under their names joined."""
    schema.model_rebuild()  # what was named before it was there
    for name, info in schema.model_fields.items():
        inner, name = _inner(info.annotation), info.alias or name
        if inner is None or inner is Money or _is_counted(name, info, told):
            yield name, info
        elif inner is OwnMoney:
            yield from ((name, info), (f"{name}_currency", inner.model_fields["currency"]))
        elif get_origin(info.annotation) is list:
            for value in told[name].values:
                for part, of_part in _fields(inner, {}):
                    if part != told[name].by:
                        yield _told(name, value, part), of_part
        else:
            for part, of_part in _fields(inner, {}):
                yield _joined(name, part), of_part


def _is_counted(name: str, info: FieldInfo, told: Mapping[str, Told]) -> bool:
    return get_origin(info.annotation) is list and name not in told


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The schema of a field's objects; None of plain values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list):
        return next((found for part in get_args(annotation) if (found := _inner(part)) is not None), None)
    return None


def _joined(outer: str, inner: str) -> str:
    """`start`, `lat` → `start_lat`; but `driver`, `driver_id` → `driver_id`."""
    return inner if inner.startswith(f"{outer.removesuffix('s')}_") else f"{outer}_{inner}"


def _told(field: str, value: str, part: str) -> str:
    """`lines`, `fuel`, `amount` → `line_fuel`; a part that is no amount keeps its name: `source_actual_share_pct`."""
    name = f"{field.removesuffix('s')}_{value}"
    return name if part == "amount" else f"{name}_{part}"


def _column(field: str, info: FieldInfo, currency: str, units: str) -> Column:
    kind = next((mark for mark in info.metadata if isinstance(mark, Kind)), None) or _kind(info.annotation)
    measure = next((end for end in MEASURES if units == "us" and field.endswith(end)), None)
    name = field.removesuffix(measure) + MEASURES[measure].us_suffix if measure else field
    if kind is Kind.MONEY and _inner(info.annotation) is Money:
        name = f"{name}_{currency.lower()}"
    return Column(field, name, kind, _about(info), measure)


def _about(info: FieldInfo) -> str:
    return info.description or ""


_KINDS: Mapping[Any, Kind] = {
    int: Kind.NUMBER, float: Kind.NUMBER, str: Kind.TEXT, bool: Kind.BOOLEAN, dt.date: Kind.DAY,
    dt.datetime: Kind.INSTANT, Money: Kind.MONEY, OwnMoney: Kind.MONEY,
}  # fmt: skip


def _kind(annotation: Any) -> Kind:
    """Raises TypeError for what cannot stand in a cell."""
    if annotation in _KINDS:
        return _KINDS[annotation]
    if get_origin(annotation) is list:
        return Kind.NUMBER if _inner(annotation) else Kind.TEXT
    if get_origin(annotation) in (Union, UnionType, Literal, Annotated):
        for part in get_args(annotation):
            if isinstance(part, str):
                return Kind.TEXT
            if part is not type(None):
                return _kind(part)
    raise TypeError(f"{annotation} cannot stand in a cell")


# --- from items -----------------------------------------------------------------------------------------------------


def _flat(item: Mapping[str, Any], told: Mapping[str, Told]) -> Iterator[tuple[str, Any]]:
    for name, value in item.items():
        if isinstance(value, Mapping) and "currency" in value:
            yield from ((name, value["amount"]), (f"{name}_currency", value["currency"]))
        elif isinstance(value, Mapping):
            for part, inner in _flat(value, {}):
                yield _joined(name, part), inner
        elif name in told:
            for each in value:
                for part, inner in _flat(each, {}):
                    yield _told(name, each[told[name].by], part), inner
        else:
            yield name, value


def _exact(values: Mapping[str, Any], column: Column) -> str | None:
    """A ratio that is to be converted, from its parts, where the row has it and them."""
    ratio = _RATIOS.get(column.field) if column.measure else None
    return None if ratio is None or values.get(column.field) is None else ratio.exact(values)


def _text(value: Any, kind: Kind) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo is None else value.astimezone(dt.UTC)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Sequence):
        return ", ".join(value) if kind is Kind.TEXT else str(len(value))
    return str(value)
