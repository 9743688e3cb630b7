"""Works on backfills of both kinds, on whichever worker it is."""

import time
from collections.abc import Callable

from apps.fleet import summaries
from apps.trucks import backfills
from apps.trucks.models import Backfill
from apps.trucks.sync.resync import Resync
from apps.trucks.wialon import Retry

_WAIT_S = 0.5
_REBUILD_S = 2  # at a stretch, until the days that are done are counted


def work(
    backfill_id: int, *, seconds: float, give_way: Callable[[], bool] = lambda: False, retry: Retry | None = None
) -> None:
    """Works on a backfill until nothing of it is free, or so long. Any number of workers may do so at once."""
    backfill = Backfill.objects.select_related("fleet").get(pk=backfill_id)
    if backfill.kind == Backfill.Kind.RESYNC:
        Resync(backfill, seconds=seconds, give_way=give_way, retry=retry).work()
    else:
        _rebuild(backfill, time.monotonic() + seconds, give_way)


def _rebuild(backfill: Backfill, deadline: float, give_way: Callable[[], bool]) -> None:
    """Marks days and rebuilds what is marked, some of them at a time, so that other days do not wait behind all."""
    while time.monotonic() < deadline:
        has_marked = _mark(backfill)
        summaries.rebuild(backfill.fleet, seconds=_REBUILD_S)
        waiting = backfills.settle(backfill.pk)
        if (not has_marked and not waiting) or give_way():
            return
        if not has_marked:
            time.sleep(_WAIT_S)


def _mark(backfill: Backfill) -> bool:
    """Marks as many days as may wait, of as many trucks as there are. Whether there were any to mark."""
    has_marked = False
    while (chunk := backfills.claim(backfill.pk)) is not None:
        chunk.mark()
        has_marked = True
    return has_marked
