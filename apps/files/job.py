"""What a file is made of, as the process that writes it is told. Plain data: no Django, no open connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.files.cells import Column

FileFormat = Literal["csv", "xlsx"]
State = Mapping[str, Any]  # `revision`, and `known_until`: the second up to which all trucks are known, or None


@dataclass(frozen=True, slots=True)
class Statement:
    """Rows that the database is asked for, with the fleet's state as of the same snapshot.

    `sql` selects the fields of the columns in their order, `count` one row with their number, `state` one row.
    """

    sql: str
    count: str
    state: str
    parameters: Mapping[str, Any]
    database: Mapping[str, Any] = field(repr=False)  # arguments of MySQLdb.connect


@dataclass(frozen=True, slots=True)
class Pages:
    """Rows that are there already, as JSON arrays of rows of texts; and the state that they are of."""

    pages: tuple[bytes, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Job:
    """One file. `facts`: what its sheet About, or its comment, says of it, beside what follows from the state."""

    format: FileFormat
    title: str
    columns: tuple[Column, ...]
    zone: str
    facts: tuple[tuple[str, str], ...]
    source: Statement | Pages
    most_rows: int
    directory: str = ""  # where the writer may put what it needs; whoever started it removes it
    bom: bool = False
    comment: bool = False
