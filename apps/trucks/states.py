"""How many trucks are in which state now, from what the statements count. Pure."""

from collections.abc import Mapping
from typing import Any

STATUSES = ("moving", "idle", "parked", "offline")


def by_status(counted: Mapping[str, Any], trucks: int) -> dict[str, int]:
    """By state, and as `never_reported`, how many of so many trucks there are: together all of them."""
    found = {status: int(counted[status]) for status in STATUSES if status != "parked"}
    reported = int(counted["reported"])
    found["parked"] = reported - sum(found.values())
    return {**{status: found[status] for status in STATUSES}, "never_reported": trucks - reported}
