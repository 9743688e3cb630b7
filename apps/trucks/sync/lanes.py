"""A worker's second lane: a thread that works beside the first, so that one has the processor while the other waits.

Storing messages is half work of ours and half the database's, and reading them is waiting for Wialon. Both lanes take
their work as two workers do, by claims in the database, so nothing depends on there being one of them or two. Where
worker processes fill the cores by themselves, a second lane has nothing to fill, and costs: then there is one.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from apps.trucks.sync.leases import Lost

_processes = 1  # that share this machine's cores: a worker that has others beside it says so before they are forked


def share_cores(processes: int) -> None:
    """So many processes of this program work beside each other, this one included."""
    global _processes
    _processes = processes


def wanted() -> int:
    """How many lanes a worker has: as SYNC_LANES says, or two only where there are more cores than processes."""
    return settings.SYNC_LANES or _lanes_for(_processes, len(os.sched_getaffinity(0)))


def _lanes_for(processes: int, cores: int) -> int:
    return 2 if cores > processes else 1


class LaneClosed(Lost):
    """The worker ends what it does, and so does its second lane: what it has not stored is for others."""


class Lane:
    """Whether the second lane is to go on. It holds this as it holds its leases, and asks as often."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()

    def is_closed(self) -> bool:
        return self._closed.is_set()

    def renew(self) -> None:
        """Raises LaneClosed."""
        if self.is_closed():
            raise LaneClosed("the worker's first lane has ended")


@contextmanager
def beside(work: Callable[[Lane], object]) -> Iterator[None]:
    """Does the work in a second lane while the block goes on in the first; both are over at the end.

    The lane has a connection to the database of its own. It is closed where the block is broken off; what it raises is
    raised at the end of the block. Where one lane is wanted there is none, nor within a transaction: it would not see
    what was done in it.
    """
    if connection.in_atomic_block or wanted() == 1:
        yield
        return
    lane = Lane()
    pool = ThreadPoolExecutor(1, thread_name_prefix="lane")
    done = pool.submit(_with_own_connection, work, lane)
    try:
        yield
        done.result()
    finally:
        lane.close()
        pool.shutdown()


def _with_own_connection(work: Callable[[Lane], object], lane: Lane) -> None:
    try:
        work(lane)
    finally:
        connection.close()
