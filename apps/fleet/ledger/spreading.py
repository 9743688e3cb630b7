"""How far invoices are spread: what answers say of each, and how many make the costs of a period incomplete."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from apps.accounts.periods import Period
from apps.fleet.ledger.queries import IS_SHORT
from apps.fleet.models import DirtyEntry
from apps.fleet.queries import OF_GROUP_TRUCKS, OF_ONE_TRUCK
from apps.mysql import Row, fetch_all, fetch_all_sync

SPREAD, WAITING, NO_RATE = "spread", "waiting", "no_exchange_rate"
_SOON = "it or its days are new: its shares follow within a minute"
_LATER = "its days have changed: its shares follow within ten minutes, and add up to it meanwhile"


def told(problem: str | None, is_short: bool) -> dict[str, str | None]:
    """The state of an invoice, from what is noted of it; no problem, not even an empty one: nothing is."""
    if problem is None:
        return {"state": SPREAD, "reason": None}
    if problem:
        return {"state": NO_RATE, "reason": problem}
    return {"state": WAITING, "reason": _SOON if is_short else _LATER}


def of_entry(fleet_id: int, entry_id: int) -> dict[str, str | None]:
    noted = DirtyEntry.objects.filter(fleet_id=fleet_id, entry_id=entry_id).first()
    if noted is None:
        return told(None, False)
    is_whole = noted.whole_at is not None and noted.whole_at <= noted.marked_at
    return told(noted.problem, noted.first_day is not None or is_whole)


# --- the costs of a period ------------------------------------------------------------------------------------------


def _of_trucks(which: str) -> str:
    """Invoices that any of these trucks bears a share of."""
    its = which.replace("truck_id", "e.truck_id", 1)
    groups = f"SELECT o.truckgroup_id FROM truck_group_truck o WHERE {which.replace('truck_id', 'o.truck_id', 1)}"
    return f"(e.truck_id IS NULL AND e.group_id IS NULL OR {its} OR e.group_id IN ({groups}))"


def _short(which: str) -> str:
    """One row: of how many invoices that cover a day of the period shares are missing, and how many have no rate."""
    return f"""
SELECT COALESCE(SUM(n.problem = '' AND {IS_SHORT}), 0) AS waiting, COALESCE(SUM(n.problem <> ''), 0) AS no_exchange_rate
FROM dirty_entry n JOIN cost_entry e ON e.id = n.entry_id AND e.fleet_id = n.fleet_id
WHERE n.fleet_id = %(fleet)s AND e.covers_from <= %(to_day)s AND e.covers_to >= %(from_day)s AND {which}
"""


_OF_FLEET, _OF_TRUCK, _OF_GROUP = (
    _short(each) for each in ("TRUE", _of_trucks(OF_ONE_TRUCK), _of_trucks(OF_GROUP_TRUCKS))
)


async def missing(
    fleet_id: int, period: Period | None, *, truck_id: int | None = None, group_id: int | None = None
) -> dict[str, dict[str, int]]:
    """What the freshness of costs says of invoices, of the fleet, a truck or a group; without a period of all.

    What is noted changes with the fleet's revision, or with its facts: so it may be part of a tagged answer.
    """
    statement = _OF_TRUCK if truck_id else _OF_GROUP if group_id else _OF_FLEET
    first, last = (dt.date.min, dt.date.max) if period is None else (period.first, period.last)
    asked = {**_covering(fleet_id, first, last), "id": truck_id or group_id}
    return {"unspread_invoices": _counted(await fetch_all(statement, asked))}


def missing_on(fleet_id: int, day: dt.date) -> dict[str, int]:
    """The same counts of the fleet's day, on Django's connection."""
    return _counted(fetch_all_sync(_OF_FLEET, _covering(fleet_id, day, day)))


def _covering(fleet_id: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    return {"fleet": fleet_id, "from_day": first, "to_day": last}


def _counted(rows: Sequence[Row]) -> dict[str, int]:
    return {name: int(number) for name, number in rows[0].items()}
