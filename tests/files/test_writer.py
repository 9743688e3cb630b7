"""The process that writes files: it streams, its memory stays flat, and what goes wrong can be told."""

import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from apps import mysql
from apps.files.cells import Column, Kind
from apps.files.job import Job, Pages, Statement

ROOT = Path(__file__).parent.parent.parent
STATE = "SELECT 7 AS revision, 1773162000 AS known_until"  # 2026-03-10, 12:00 in Chicago
COLUMNS = tuple(Column(name, name, Kind.NUMBER, "") for name in ("seq", "a", "b", "c", "d", "e"))
pytestmark = pytest.mark.django_db


def job(rows: str = "SELECT 1, 2, 3, 4, 5, 6", count: str = "SELECT 1 AS rows_found", **how: object) -> Job:
    source = Statement(rows, count, STATE, {}, mysql.streaming_arguments())
    return replace(Job("csv", "Days", COLUMNS, "America/Chicago", (("Fleet", "Prairie"),), source, 1_000), **how)


def many(rows: int) -> str:
    return f"SELECT seq, 1.5, 'text', NULL, seq * 7, seq FROM seq_1_to_{rows} ORDER BY seq"


def started(asked: Job) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.files.writer"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdin.write(pickle.dumps(asked))
    process.stdin.close()
    return process


def written(asked: Job) -> tuple[dict, bytes, int, int]:
    """The first line, the file, the exit status, and the most memory in MB."""
    process = started(asked)
    said, content = json.loads(process.stdout.readline()), process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return said, content, process.returncode, usage.ru_maxrss // 1024


def test_the_state_comes_first_and_then_the_file() -> None:
    assert written(job())[:3] == (
        {"state": {"revision": 7, "known_until": 1773162000}},
        b"seq,a,b,c,d,e\r\n1,2,3,4,5,6\r\n",
        0,
    )


def test_a_comment_says_what_the_file_is() -> None:
    content = written(job(comment=True))[1]
    assert content.splitlines()[0] == b"# Fleet: Prairie; Known up to: 2026-03-10T12:00:00-05:00; Revision: 7"


def test_rows_that_are_there_already_are_written_as_well() -> None:
    pages = Pages((b'[["1",null,"2","3","4","5"]]', b"[]"), {"revision": 1, "known_until": None})
    said, content, *_ = written(job(source=pages, comment=True))
    assert said == {"state": {"revision": 1, "known_until": None}}
    assert content.splitlines()[0] == b"# Fleet: Prairie; Known up to: no data yet; Revision: 1"
    assert content.splitlines()[2:] == [b"1,,2,3,4,5"]


def test_memory_does_not_grow_with_the_rows_and_no_row_is_lost() -> None:
    _, small, _, of_small = written(job(many(4_000)))
    _, large, _, of_large = written(job(many(400_000)))
    assert (small.count(b"\r\n"), large.count(b"\r\n")) == (4_001, 400_001)
    assert large.endswith(b"400000,1.5,text,,2800000,400000\r\n")
    assert of_large <= of_small + 5


def test_memory_of_a_workbook_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    *_, of_small = written(job(many(2_000), format="xlsx", directory=str(tmp_path)))
    _, content, status, of_large = written(job(many(60_000), format="xlsx", directory=str(tmp_path)))
    assert (content[:2], status) == (b"PK", 0)
    assert of_large <= of_small + 10


def test_the_first_rows_are_there_before_the_last_are_read() -> None:
    slow = "SELECT seq, SLEEP(IF(seq = 3000, 3, 0)), 3, 4, 5, 6 FROM seq_1_to_4000 ORDER BY seq"
    began = time.perf_counter()
    process = started(job(slow))
    process.stdout.readline()
    assert process.stdout.read(1_000).startswith(b"seq,a,b,c,d,e\r\n1,0,3,4,5,6\r\n")
    assert time.perf_counter() - began < 3
    assert process.stdout.read().endswith(b"4000,0,3,4,5,6\r\n")
    assert process.wait() == 0


def test_a_reader_that_does_not_read_holds_up_the_writer() -> None:
    process = started(job(many(1_000_000)))
    process.stdout.readline()
    time.sleep(2)
    assert process.poll() is None
    process.stdout.close()  # nobody reads any more
    assert process.wait(10) != 0


def test_too_many_rows_are_refused_before_any_is_read() -> None:
    said, content, status, _ = written(job("SELECT no_such_column", "SELECT 1001 AS rows_found"))
    assert (said, content, status) == ({"refused": "too-many-rows", "rows": 1001}, b"", 0)


def test_a_statement_that_fails_is_told_instead_of_a_file() -> None:
    said, content, status, _ = written(job("SELECT no_such_column"))
    assert (said["refused"], content, status) == ("unavailable", b"", 0)


def test_a_database_that_is_not_there_is_told() -> None:
    asked = job()
    database = {**asked.source.database, "host": "127.0.0.1", "port": 9}
    database.pop("unix_socket", None)
    assert written(replace(asked, source=replace(asked.source, database=database)))[0]["refused"] == "unavailable"


def test_a_file_that_breaks_off_ends_with_an_error() -> None:
    breaks = "SELECT seq, EXP(IF(seq = 390000, 10000, 1)), 3, 4, 5, 6 FROM seq_1_to_400000 ORDER BY seq"
    said, content, status, _ = written(job(breaks))
    assert "state" in said
    assert 0 < content.count(b"\r\n") < 400_000
    assert status != 0


def test_all_is_read_in_one_snapshot(transactional_db: None) -> None:
    """What is committed between the state and the rows is in neither."""
    from tests import rows

    rows.fleet("Before")
    asked = job("SELECT name, 2, 3, 4, 5, 6 FROM fleet", columns=(replace(COLUMNS[0], kind=Kind.TEXT), *COLUMNS[1:]))
    state = "SELECT COUNT(*) AS revision, NULL AS known_until, SLEEP(1.5) AS slept FROM fleet"
    process = started(replace(asked, source=replace(asked.source, state=state)))
    time.sleep(1)
    rows.fleet("After")
    assert json.loads(process.stdout.readline())["state"]["revision"] == 1
    assert process.stdout.read().decode().split()[1:] == ["Before,2,3,4,5,6"]
    assert process.wait() == 0
