"""Many rows into a table at once, by LOAD DATA LOCAL INFILE: several times as fast as INSERT, where it is allowed."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

# How servers and clients say that they do not take files: MariaDB before and after 10.5, MySQL 8, the client library.
_FORBIDDEN = frozenset({1148, 4166, 3948, 2068})
_is_forbidden = False

_LOAD = """
LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET binary
FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({columns}) {set_constants}
"""


def load(table: str, constants: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the rows (at least one) were stored; if not, then none was, and INSERT can say what is wrong.

    A file is taken with a warning where INSERT would fail: a key that exists is left out, a number cut to its range.
    So what did not go in row by row and without a warning is undone.
    """
    global _is_forbidden  # a property of the server: learnt once in each process
    if _is_forbidden:
        return False
    try:
        with transaction.atomic():
            _send(table, constants, columns)
    except _Inexact:
        return False
    except OperationalError as error:
        if error.args[0] not in _FORBIDDEN:
            raise
        _is_forbidden = True
        logger.info("the database takes no files (local_infile): rows are inserted, which is slower")
        return False
    return True


class _Inexact(Exception):
    """Rows were left out or changed on their way in."""


def _send(table: str, constants: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> None:
    common = {name: values[0] for name, values in columns.items() if _is_said_once(values)}
    constants = {**constants, **common}
    numbers = {name: values for name, values in columns.items() if name not in common and not _are_texts(values)}
    texts = {name: values for name, values in columns.items() if name not in common and name not in numbers}
    names = "SET " + ", ".join(f"{name} = %s" for name in constants) if constants else ""
    statement = _LOAD.format(table=table, columns=", ".join([*numbers, *texts]), set_constants=names)
    with tempfile.NamedTemporaryFile(prefix="rows-") as file, connection.cursor() as cursor:
        file.write(lines(list(numbers.values()), list(texts.values())))
        file.flush()
        cursor.execute(statement, [file.name, *constants.values()])
        if cursor.rowcount != len(next(iter(columns.values()))) or cursor.connection.warning_count():
            raise _Inexact


def _is_said_once(values: Sequence[Any]) -> bool:
    """Whether all rows have the same text, or none: that need not stand in every line."""
    first = values[0]
    return (first is None or isinstance(first, str)) and values.count(first) == len(values)


def _are_texts(values: Sequence[Any]) -> bool:
    """Whether they are texts or bytes; else they are numbers. Raises TypeError where they are neither."""
    kind = next((type(value) for value in values if value is not None), int)
    if not issubclass(kind, int | float | str | bytes):
        raise TypeError(f"{kind.__name__}: neither numbers nor texts")
    return issubclass(kind, str | bytes)


def lines(numbers: Sequence[Sequence[Any]], texts: Sequence[Sequence[str | bytes | None]]) -> bytes:
    """The rows as the server reads them: one per line, values apart by tabs, null as \\N.

    First the columns of numbers (at least one; booleans are numbers, too), then those of texts and bytes.
    """
    cells = [map(_cell, values) for values in texts]
    return b"\n".join(map(b"\t".join, zip(_of_numbers(numbers), *cells, strict=True))) + b"\n"


def _of_numbers(columns: Sequence[Sequence[Any]]) -> list[bytes]:
    """The values of each row, apart by tabs: written by one call for all rows, a tenth of the time of one by one."""
    text = orjson.dumps(list(zip(*columns, strict=True)))[2:-2]
    for said, meant in ((b"null", b"\\N"), (b"true", b"1"), (b"false", b"0")):
        text = text.replace(said, meant)
    return text.replace(b"],[", b"\n").replace(b",", b"\t").split(b"\n")


def _cell(value: str | bytes | None) -> bytes:
    if value is None:
        return b"\\N"
    text = value.encode() if isinstance(value, str) else value
    return text.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")
