"""Who synchronises a fleet now: a lease in its row, in the database's time, so that clocks of workers do not matter."""

import datetime as dt
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from apps.trucks.models import FleetSync

LEASE = dt.timedelta(seconds=120)
RENEW_AFTER_S = 15
_LONGEST_PAUSE_S = 3600
REFUSALS = 3  # logins refused in a row, after which Wialon is no longer asked
PROBE_S = 6 * 3600  # but for this: a token that was made valid again is found without anybody's help


class Lost(Exception):
    """What this worker works on went on elsewhere: it was away for longer than its lease."""


class Renewable(Protocol):
    def renew(self) -> None:
        """Call it often; it writes only now and then. Raises Lost."""


class Holding:
    """What a worker holds and has to renew while it works: its leases, and that there is space for what it stores."""

    def __init__(self, *leases: Renewable) -> None:
        self._leases = list(leases)

    def renew(self) -> None:
        for lease in self._leases:
            lease.renew()

    @contextmanager
    def also(self, lease: Renewable) -> Iterator[None]:
        self._leases.append(lease)
        try:
            yield
        finally:
            self._leases.remove(lease)


class LeaseLost(Lost):
    """Somebody else synchronises the fleet now."""


class Lease:
    """The right to synchronise one fleet, held until released or not renewed in time."""

    def __init__(self, fleet_id: int, owner: str) -> None:
        self.fleet_id = fleet_id
        self._owner = owner
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Call it often; it writes only now and then. Raises LeaseLost."""
        if time.monotonic() - self._renewed < RENEW_AFTER_S:
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
        FleetSync.objects.filter(Q(due_at=None) | Q(due_at__lte=Now()), free(), fleet__is_active=True)
        .order_by("due_at")
        .values_list("fleet_id", flat=True)
    )


def claim(fleet_id: int, *, only_if_due: bool) -> Lease | None:
    """The fleet's lease, or None: somebody has it, or (if asked) it is not due."""
    owner = secrets.token_hex(8)
    fleet = FleetSync.objects.filter(free(), fleet_id=fleet_id)
    if only_if_due:
        fleet = fleet.filter(Q(due_at=None) | Q(due_at__lte=Now()))
    return Lease(fleet_id, owner) if fleet.update(lease_owner=owner, lease_until=Now() + LEASE) else None


def pause_after_failures(fleet_id: int, *, interval_s: float) -> float:
    """How long to wait after another failed pass: doubling from the interval up to an hour."""
    FleetSync.objects.filter(fleet_id=fleet_id).update(consecutive_failures=F("consecutive_failures") + 1)
    failures = FleetSync.objects.values_list("consecutive_failures", flat=True).get(fleet_id=fleet_id)
    doubled: float = interval_s * 2 ** min(failures - 1, 10)
    return min(doubled, _LONGEST_PAUSE_S)


def pause_after_refusal(fleet_id: int, *, interval_s: float) -> float:
    """How long to wait after another refused login: as after any failure, but hardly ever from the third on."""
    FleetSync.objects.filter(fleet_id=fleet_id).update(refused_logins=F("refused_logins") + 1)
    pause = pause_after_failures(fleet_id, interval_s=interval_s)
    return PROBE_S if FleetSync.objects.filter(fleet_id=fleet_id, refused_logins__gte=REFUSALS).exists() else pause


def claim_notice(fleet_id: int) -> bool:
    """Whether staff is to be told now that logins are refused; true once until one succeeds."""
    untold = FleetSync.objects.filter(fleet_id=fleet_id, refused_logins__gte=REFUSALS, owner_told_at=None)
    return bool(untold.update(owner_told_at=Now()))


def give_back_notice(fleet_id: int) -> None:
    """It could not be sent: somebody is to try again."""
    FleetSync.objects.filter(fleet_id=fleet_id).update(owner_told_at=None)


def no_failures(fleet_id: int) -> None:
    failed = FleetSync.objects.filter(Q(consecutive_failures__gt=0) | Q(refused_logins__gt=0), fleet_id=fleet_id)
    failed.update(consecutive_failures=0, refused_logins=0, owner_told_at=None)


def try_again(fleet_id: int) -> None:
    """The account was changed: what failed with the old one is forgotten, and the fleet is due at once."""
    FleetSync.objects.filter(fleet_id=fleet_id).update(
        consecutive_failures=0, refused_logins=0, owner_told_at=None, due_at=None
    )


def units_are_stale(fleet_id: int, after_s: int) -> bool:
    """Whether units, groups and drivers were last read longer ago than this, or never."""
    fresh = FleetSync.objects.filter(fleet_id=fleet_id, units_refreshed_at__gt=Now() - dt.timedelta(seconds=after_s))
    return not fresh.exists()


def units_were_refreshed(fleet_id: int) -> None:
    FleetSync.objects.filter(fleet_id=fleet_id).update(units_refreshed_at=Now())


def free() -> Q:
    """Rows that nobody holds, or not any more."""
    return Q(lease_until=None) | Q(lease_until__lte=Now())
