"""The process that writes one file: `python -m apps.files.writer`, a pickled Job on stdin, the file on stdout.

A process of its own, since putting together a large file takes seconds of CPU that the web server's event loop does
not have; its memory goes with it, and whoever no longer wants the file ends it. It imports no Django.

Before the file, stdout has a line of JSON: `{"state": …}`, or `{"refused": …}` and no file. What goes wrong later can
only be told by the exit status: the file is then cut off.
"""

import json
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import MySQLdb
from MySQLdb.constants import FIELD_TYPE
from MySQLdb.converters import conversions
from MySQLdb.cursors import SSCursor

from apps.accounts.calendar import as_utc
from apps.files import csv_file
from apps.files.job import Job, Pages, State, Statement

ROWS_AT_ONCE = 2_000
Batch = Sequence[Sequence[str | None]]
# Parameters as the driver writes them; values as the texts that the server sends.
_TEXTS = {number: str for name, number in vars(FIELD_TYPE).items() if name.isupper()}
_CONVERSIONS = {kind: convert for kind, convert in conversions.items() if not isinstance(kind, int)} | _TEXTS


class Refused(Exception):
    """There will be no file. The argument says why: `too-many-rows`, with their number."""


class Reply:
    """What goes to stdout: one line, then the file."""

    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self.has_begun = False

    def say(self, **line: Any) -> None:
        self.has_begun = True
        self.out.write(json.dumps(line).encode() + b"\n")
        self.out.flush()


def main() -> int:
    os.nice(10)  # whoever asks for an answer goes first
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody reads any more: end
    answer(pickle.load(sys.stdin.buffer), sys.stdout.buffer)
    return 0


def answer(job: Job, out: BinaryIO) -> None:
    """Says what there is to say of the file, and then the file itself."""
    reply = Reply(out)
    try:
        with _opened(job) as (state, batches):
            _write(job, state, batches, reply)
    except Refused as refusal:
        reply.say(refused=refusal.args[0], rows=refusal.args[1])
    except MySQLdb.Error as error:
        if reply.has_begun:
            raise
        reply.say(refused="unavailable", detail=repr(error))


def _write(job: Job, state: State, batches: Iterator[Batch], reply: Reply) -> None:
    facts = [*job.facts, *_facts(state, ZoneInfo(job.zone))]
    if job.format == "csv":
        first = next(batches, ())  # what is wrong with the statement shows here, while it can still be said
        reply.say(state=state)
        comment = "; ".join(f"{name}: {text}" for name, text in facts) if job.comment else None
        csv_file.write(chain([first], batches), job.columns, reply.out, bom=job.bom, comment=comment)
        return
    from apps.files import xlsx_file  # a CSV need not wait for its import

    file = Path(job.directory) / "file.xlsx"
    xlsx_file.write(batches, job.columns, file, title=job.title, zone=ZoneInfo(job.zone), facts=facts)
    reply.say(state=state)
    with file.open("rb") as content:
        shutil.copyfileobj(content, reply.out)


def _facts(state: State, zone: ZoneInfo) -> list[tuple[str, str]]:
    known_until = state["known_until"]
    known = "no data yet" if known_until is None else as_utc(known_until).astimezone(zone).isoformat()
    return [("Known up to", known), ("Revision", str(state["revision"]))]


# --- where the rows come from ---------------------------------------------------------------------------------------


@contextmanager
def _opened(job: Job) -> Iterator[tuple[State, Iterator[Batch]]]:
    """The state of the fleet, and the rows in batches. Raises Refused."""
    if isinstance(job.source, Pages):
        yield job.source.state, map(json.loads, job.source.pages)
        return
    with closing(MySQLdb.connect(**job.source.database, conv=_CONVERSIONS)) as connection:
        # One snapshot for all that is read, however long it takes; it blocks nobody.
        connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        rows = int(_one(connection, job.source.count, job.source.parameters)["rows_found"] or 0)
        if rows > job.most_rows:
            raise Refused("too-many-rows", rows)
        state = _numbers(_one(connection, job.source.state, job.source.parameters))
        yield state, _streamed(connection, job.source)


def _one(connection: Any, sql: str, parameters: Mapping[str, Any]) -> dict[str, str | None]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql, parameters)
        return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


def _numbers(row: Mapping[str, str | None]) -> State:
    return {name: int(text) if text is not None and text.isdecimal() else text for name, text in row.items()}


def _streamed(connection: Any, source: Statement) -> Iterator[Batch]:
    """The rows as the server sends them: it waits while they are not taken, and neither side keeps them."""
    with closing(connection.cursor(SSCursor)) as cursor:
        cursor.execute(source.sql, source.parameters)
        while batch := cursor.fetchmany(ROWS_AT_ONCE):
            yield batch


if __name__ == "__main__":
    sys.exit(main())
