"""Who synchronises a fleet now: a lease in its row, in the database's time, so that clocks of workers do not matter."""

import datetime as dt
import secrets
import time

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from apps.trucks.models import FleetSync

LEASE = dt.timedelta(seconds=120)
_RENEW_AFTER_S = 15
_LONGEST_PAUSE_S = 3600


class LeaseLost(Exception):
    """Somebody else synchronises the fleet now: this worker was away for longer than its lease."""


class Lease:
    """The right to synchronise one fleet, held until released or not renewed in time."""

    def __init__(self, fleet_id: int, owner: str) -> None:
        self.fleet_id = fleet_id
        self._owner = owner
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Call it often; it writes only now and then. Raises LeaseLost."""
        if time.monotonic() - self._renewed < _RENEW_AFTER_S:
            return
        if not self._mine().update(lease_until=Now() + LEASE):
            raise LeaseLost(f"the sync of fleet {self.fleet_id} went on elsewhere")
        self._renewed = time.monotonic()

    def release(self, *, next_in_s: float) -> None:
        """Gives the fleet back, due again after so many seconds."""
        due = Now() + dt.timedelta(seconds=next_in_s)
        self._mine().update(lease_until=None, lease_owner="", due_at=due)

    def _mine(self) -> QuerySet[FleetSync]:
        return FleetSync.objects.filter(fleet_id=self.fleet_id, lease_owner=self._owner)


def due_fleets() -> list[int]:
    """Active fleets whose time has come and that nobody holds."""
    return list(
        FleetSync.objects.filter(Q(due_at=None) | Q(due_at__lte=Now()), _free(), fleet__is_active=True)
        .order_by("due_at")
        .values_list("fleet_id", flat=True)
    )


def claim(fleet_id: int, *, only_if_due: bool) -> Lease | None:
    """The fleet's lease, or None: somebody has it, or (if asked) it is not due."""
    owner = secrets.token_hex(8)
    fleet = FleetSync.objects.filter(_free(), fleet_id=fleet_id)
    if only_if_due:
        fleet = fleet.filter(Q(due_at=None) | Q(due_at__lte=Now()))
    return Lease(fleet_id, owner) if fleet.update(lease_owner=owner, lease_until=Now() + LEASE) else None


def pause_after_failures(fleet_id: int, *, interval_s: float) -> float:
    """How long to wait after another failed pass: doubling from the interval up to an hour."""
    FleetSync.objects.filter(fleet_id=fleet_id).update(consecutive_failures=F("consecutive_failures") + 1)
    failures = FleetSync.objects.values_list("consecutive_failures", flat=True).get(fleet_id=fleet_id)
    doubled: float = interval_s * 2 ** min(failures - 1, 10)
    return min(doubled, _LONGEST_PAUSE_S)


def no_failures(fleet_id: int) -> None:
    FleetSync.objects.filter(fleet_id=fleet_id).exclude(consecutive_failures=0).update(consecutive_failures=0)


def units_are_stale(fleet_id: int, after_s: int) -> bool:
    """Whether units, groups and drivers were last read longer ago than this, or never."""
    fresh = FleetSync.objects.filter(fleet_id=fleet_id, units_refreshed_at__gt=Now() - dt.timedelta(seconds=after_s))
    return not fresh.exists()


def units_were_refreshed(fleet_id: int) -> None:
    FleetSync.objects.filter(fleet_id=fleet_id).update(units_refreshed_at=Now())


def _free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=Now())
