"""How much space the database's disk has left: a full one ends the server, so reading stops before."""

import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings

from apps.mysql import fetch_all_sync

OK, NOT_KNOWN = "ok", "not known"
_LOOK_EVERY_S = 10
_WHERE = "SELECT @@datadir AS datadir, @@hostname AS hostname"
# MariaDB's plugin DISKS; without the privilege FILE it shows nothing.
_PLUGIN = "SELECT 1 AS n FROM information_schema.PLUGINS WHERE plugin_name = 'DISKS' AND plugin_status = 'ACTIVE'"
_DISKS = "SELECT path, total, available FROM information_schema.DISKS"


class DiskFull(Exception):
    """There is less space than must be kept free; it goes on by itself when there is more."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that the database's files lie on, in any one unit."""

    total: int
    free: int

    @property
    def free_pct(self) -> float:
        return 100 * self.free / self.total


def measure() -> Disk | None:
    """The database's disk: as the server itself tells, or as it is seen here if the server runs here; else None."""
    (where,) = fetch_all_sync(_WHERE)
    datadir = str(where["datadir"])
    return _as_told(datadir) or _as_seen(datadir, str(where["hostname"]))


def _as_told(datadir: str) -> Disk | None:
    if not fetch_all_sync(_PLUGIN):
        return None
    return disk_of(datadir, ((row["path"], row["total"], row["available"]) for row in fetch_all_sync(_DISKS)))


def disk_of(directory: str, mounts: Iterable[tuple[str, int, int]]) -> Disk | None:
    """Of mount points with their sizes that one on which a directory lies: the innermost."""
    disks = {PurePosixPath(path): Disk(total, free) for path, total, free in mounts if total}
    outwards = [PurePosixPath(directory), *PurePosixPath(directory).parents]
    return next((disks[path] for path in outwards if path in disks), None)


def _as_seen(datadir: str, hostname: str) -> Disk | None:
    """Only if the server bears our machine's name: a directory of the same name may be there on another one, too."""
    if hostname != socket.gethostname() or not Path(datadir).is_dir():
        return None
    found = os.statvfs(datadir)
    return Disk(found.f_blocks, found.f_bavail) if found.f_blocks else None


def verdict() -> str:
    """`ok`, `not known`, or in words that there is too little."""
    if not settings.MIN_FREE_DISK_PCT:
        return NOT_KNOWN
    disk = measure()
    if disk is None:
        return NOT_KNOWN
    if disk.free_pct >= settings.MIN_FREE_DISK_PCT:
        return OK
    return (
        f"{disk.free_pct:.1f} % of the database's disk is free, less than {settings.MIN_FREE_DISK_PCT} %: "
        "nothing is read from Wialon until there is more"
    )


class SpaceGuard:
    """Something to hold while messages are stored: it may be asked before each of them."""

    def __init__(self) -> None:
        self._looked: float | None = None

    def renew(self) -> None:
        """Looks every ten seconds. Raises DiskFull where there is known to be too little space."""
        if self._looked is not None and time.monotonic() - self._looked < _LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        if (found := verdict()) not in (OK, NOT_KNOWN):
            raise DiskFull(found)
