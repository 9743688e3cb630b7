"""Four trucks of three blocks, in two groups, and the days of a quarter that a test gives them."""

import datetime as dt
from typing import Any

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.mysql import fetch_all_sync
from apps.trucks.models import TruckGroup
from tests import rows

FIRST, LAST = dt.date(2026, 1, 13), dt.date(2026, 4, 12)  # 90 days: days, pentads and months
TRUCKS = (3, 60, 64, 700)


def four_trucks() -> Fleet:
    """`All` and `Some` of them are groups."""
    made = rows.fleet(timezone="UTC")
    trucks = [rows.truck(made, f"T-{pk}", id=pk) for pk in TRUCKS]
    rows.group(made, "All", *trucks)
    rows.group(made, "Some", *trucks[1:3])
    return made


def of_group(statement: str, name: str, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """What the statement reads of the group for a day to a day."""
    group = TruckGroup.objects.get(name=name)
    return fetch_all_sync(statement, {**queries.period(group.fleet_id, first, last), "id": group.pk})
