"""The monthly partitions of `message`: made ahead, and dropped without holding up anybody who reads or writes.

A change of partitions needs the table for itself for a moment, and whoever comes while it waits for that would wait
behind it. So it never waits: where the table is in use it is refused at once, and tried again.
"""

import datetime as dt
import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet

from apps.accounts.models import SHORTEST_RETENTION_DAYS
from apps.trucks.messages import packs
from apps.trucks.messages.sealing import REACH_S, kept_since
from apps.trucks.models import TruckSync

logger = logging.getLogger(__name__)

MONTHS_AHEAD = 3
SHORTEST_KEPT_S = SHORTEST_RETENTION_DAYS * 86_400 + REACH_S
LAST = "p_later"  # what is later than all months; empty as long as months are made ahead
TRIES, PAUSE_S = 20, 0.5

# The names stand in the server's catalogue, which the ORM does not know.
_PARTITIONS = """
SELECT partition_name, partition_description FROM information_schema.partitions
WHERE table_schema = DATABASE() AND table_name = 'message' AND partition_name IS NOT NULL
ORDER BY partition_ordinal_position
"""
_HAS_ROWS = "SELECT 1 FROM message WHERE fleet_id = %s AND truck_id = %s AND t >= %s AND t < %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class Partition:
    """The messages of [start, end), UTC seconds."""

    name: str
    start: int
    end: int | None  # None: without an end


def partitions() -> list[Partition]:
    """All partitions, ascending; the first also has all that is older."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        rows = [(name, None if end == "MAXVALUE" else int(end)) for name, end in cursor.fetchall()]
    starts = [0, *(end for _, end in rows if end is not None)]
    return [Partition(name, start, end) for (name, end), start in zip(rows, starts, strict=True)]


def month_start(t: float) -> int:
    """The first second of the UTC month that the instant lies in."""
    at = dt.datetime.fromtimestamp(t, dt.UTC)
    return int(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def months_from(t: float) -> Iterator[int]:
    """The first seconds of UTC months, from the one that the instant lies in, without end."""
    start = month_start(t)
    while True:
        yield start
        start = month_start(start + 32 * 86_400)


def make_ahead(now: float) -> int:
    """Makes the months up to three months from now that are not there yet. Returns how many; repeating it makes none.

    Raises OperationalError where the table was in use at each try.
    """
    *_, last = partitions()
    until = next(itertools.islice(months_from(now), MONTHS_AHEAD, None))
    starts = list(itertools.takewhile(lambda start: start <= until, months_from(last.start)))
    if not starts:
        return 0
    ends = itertools.islice(months_from(last.start), 1, None)
    pieces = [f"PARTITION p{_month(start)} VALUES LESS THAN ({end})" for start, end in zip(starts, ends, strict=False)]
    pieces.append(f"PARTITION {LAST} VALUES LESS THAN MAXVALUE")
    with _own_connection() as own:
        for attempt in range(1, TRIES + 1):
            try:
                _alter(own, f"REORGANIZE PARTITION {LAST} INTO ({', '.join(pieces)})")
                break
            except OperationalError as error:
                if attempt == TRIES or not _is_in_use(error):
                    raise
            time.sleep(PAUSE_S)
    return len(starts)


def _month(start: int) -> str:
    return f"{dt.datetime.fromtimestamp(start, dt.UTC):%Y%m}"


def drop_gone(now: float) -> list[str]:
    """Drops the partitions of which nothing is kept any more; one in use waits for next time. Returns their names.

    None that a policy could not have reached yet, however empty: messages may still come for it.
    """
    dropped = []
    with _own_connection() as own:
        for partition in partitions():
            if partition.end is None or partition.end > now - SHORTEST_KEPT_S:
                break
            if not _is_gone(own, partition.start, partition.end):
                break
            if not _drop(own, partition, partition.end):
                logger.info("partition in use, not dropped", extra={"partition": partition.name})
                break
            dropped.append(partition.name)
    return dropped


def _drop(own: Any, partition: Partition, end: int) -> bool:
    """Whether it was dropped, after some tries."""
    for attempt in range(TRIES):
        time.sleep(PAUSE_S if attempt else 0)
        try:
            with transaction.atomic():
                # None of theirs can come between looking and dropping.
                list(_writers(end).select_for_update(nowait=True).values_list("pk"))
                if not _is_gone(own, partition.start, end):
                    return False
                _forget_packs(end)
                _alter(own, f"DROP PARTITION {partition.name}")
            return True
        except OperationalError as error:
            if not _is_in_use(error):
                raise
    return False


def _forget_packs(end: int) -> None:
    """Takes away whatever is packed of the messages before an instant."""
    for fleet_id, truck_id in TruckSync.objects.order_by("truck_id").values_list("fleet_id", "truck_id"):
        packs.forget(fleet_id, truck_id, 0, end - 1)


def _writers(end: int) -> QuerySet[TruckSync]:
    """The trucks that may still get messages from before an instant."""
    return TruckSync.objects.filter(Q(raw_since_t=None) | Q(raw_since_t__lt=end)).order_by("truck_id")


def _is_gone(own: Any, start: int, end: int) -> bool:
    """Whether no truck has messages in [start, end) that are kept."""
    with own.cursor() as cursor:
        for fleet_id, truck_id, floor in TruckSync.objects.values_list("fleet_id", "truck_id", "raw_since_t"):
            since = start if floor is None else max(start, kept_since(floor))
            if since < end and cursor.execute(_HAS_ROWS, [fleet_id, truck_id, since, end]):
                return False
    return True


@contextmanager
def _own_connection() -> Iterator[Any]:
    """A connection besides Django's: altering a table ends the transaction, and Django's may hold the table itself."""
    own: Any = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 1")
        yield own
    finally:
        own.close()


def _alter(own: Any, change: str) -> None:
    """Changes the table's partitions, if nobody uses it; raises OperationalError else.

    MariaDB refuses at once. MySQL has no such option: there it waits for a second, and holds up others for so long.
    """
    with own.cursor() as cursor:
        cursor.execute(f"ALTER TABLE message {'NOWAIT ' if own.mysql_is_mariadb else ''}{change}")


def _is_in_use(error: OperationalError) -> bool:
    return error.args[0] in (1205, 3572)  # the latter is MySQL's for a row's lock that is not waited for
