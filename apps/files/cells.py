"""What a column of a file is. Plain: the process that writes files knows no schemas."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    MONEY = "money"
    TEXT = "text"
    DAY = "day"
    INSTANT = "instant"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """`field`: its name among the flat fields of a row; `name`: in the file; `measure`: how it becomes another unit."""

    field: str
    name: str
    kind: Kind
    about: str
    measure: str | None = None
