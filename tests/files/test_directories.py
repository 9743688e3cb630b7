"""Directories of files that are being written: what is left of a killed process goes, what is in use stays."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from apps.files import directories
from apps.files.directories import PREFIX, Directory, remove_stale
from apps.files.processes import Writers
from tests.files.test_processes import content, job

OWNER = """
from pathlib import Path
from apps.files.directories import Directory
made = Directory()
(Path(made.path) / "file.xlsx").write_text("half")
print(made.path, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for temporary directories of this test alone, all of which count as old."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(directories, "LOCKED_AFTER_S", -1.0)
    return tmp_path


def test_what_a_killed_process_left_behind_is_removed_and_not_before(temporary: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        left = Path(owner.stdout.readline().strip())
        assert (remove_stale(), left.is_dir()) == (0, True)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert (remove_stale(), left.exists()) == (1, False)
    assert list(temporary.iterdir()) == []


def test_one_in_use_stays_and_one_that_is_removed_is_gone(temporary: Path) -> None:
    ours = Directory()
    assert (remove_stale(), Path(ours.path).is_dir()) == (0, True)
    ours.remove()
    assert list(temporary.iterdir()) == []


def test_one_that_was_made_just_now_may_not_be_locked_yet(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "LOCKED_AFTER_S", 60.0)
    made = temporary / f"{PREFIX}new"
    made.mkdir()
    assert (remove_stale(), made.is_dir()) == (0, True)


def test_what_only_has_the_name_is_left_alone(temporary: Path) -> None:
    (temporary / f"{PREFIX}file").write_text("a file")
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    assert remove_stale() == 0
    assert len(list(temporary.iterdir())) == 3


async def test_the_first_file_of_a_process_removes_what_others_left(temporary: Path) -> None:
    stale = temporary / f"{PREFIX}stale"
    stale.mkdir()
    several = Writers(2)
    try:
        await content(await several.start(job(), 1))
        assert not stale.exists()
        stale.mkdir()
        await content(await several.start(job(), 1))
        assert stale.exists()  # once: not at each file
    finally:
        await several.close()


async def test_a_writer_that_cannot_be_started_leaves_no_directory(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = Writers(2)
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    with pytest.raises(OSError):
        await several.start(job(), 1)
    assert (several.writing, list(temporary.iterdir())) == (0, [])
