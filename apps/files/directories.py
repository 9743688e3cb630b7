"""The directories that files are put together in. Whoever is killed leaves its own behind: the next one removes it.

Each is locked as long as the process that made it lives, whatever its number and whoever else sees the disk. A tick of
a worker could not do this: it may run on another machine than the web server.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "fleet-export-"
LOCKED_AFTER_S = 60.0  # the longest between its making and its lock, with ample time


class Directory:
    """A new directory, ours until it is removed."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes it with all that is in it. To be called once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_stale() -> int:
    """Removes the directories whose processes are gone. Returns how many."""
    removed = 0
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with _taken_over(path) as is_stale:
            if is_stale:
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed


@contextmanager
def _taken_over(path: Path) -> Iterator[bool]:
    """Whether nobody has it any more; meanwhile nobody else takes it."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # gone, no directory, or somebody else's
        yield False
        return
    try:
        yield _is_old(lock) and _is_free(lock)
    finally:
        os.close(lock)


def _is_old(lock: int) -> bool:
    return time.time() - os.fstat(lock).st_ctime > LOCKED_AFTER_S


def _is_free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
