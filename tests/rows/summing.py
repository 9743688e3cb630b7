"""Sums of the days that tests make: of all of them at once, when they are first read."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.db import connection

from apps.fleet.summaries import sums

_unsummed: set[tuple[int, int, dt.date]] = set()  # fleet, truck and day
_OF_SUMS = re.compile("(truck|driver|fleet|ranking)_(span|block)")


def sum_up_later(fleet_id: int, truck_id: int, day: dt.date) -> None:
    """Notes a day whose pentad and month are to be summed up before anybody reads them."""
    _unsummed.add((fleet_id, truck_id, day))
    if _before_reading not in connection.execute_wrappers:
        connection.execute_wrappers.append(_before_reading)


def _before_reading(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    if _unsummed and _OF_SUMS.search(sql):
        sum_up()
    return execute(sql, *rest)


def sum_up() -> None:
    """Sums up the pentads and months of the days that were made since the last call.

    Once for all of them, since a day by itself takes 25 ms: before the first statement about sums on the connection of
    the tests, and before a request to the application, as `AsgiClient` makes it. Who has sums read by another process
    or thread calls this.
    """
    days = list(_unsummed)
    forget_unsummed()
    was_captured, connection.force_debug_cursor = connection.force_debug_cursor, False  # nobody asked for these
    for fleet_id in {fleet_id for fleet_id, _, _ in days}:
        sums.of_spans(fleet_id, [(truck_id, day) for of_fleet, truck_id, day in days if of_fleet == fleet_id])
    connection.force_debug_cursor = was_captured


def forget_unsummed() -> None:
    """At the end of a test, when the days themselves are gone."""
    _unsummed.clear()
