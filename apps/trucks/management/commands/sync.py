"""One pass of the sync over a fleet, or a backfill, in the foreground."""

import datetime as dt
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.calendar import day_bounds
from apps.accounts.models import Fleet
from apps.accounts.terminal import fleet_named, progress_bar
from apps.trucks import backfills
from apps.trucks.models import Backfill, SyncRun, Truck
from apps.trucks.sync import leases, units
from apps.trucks.sync.passes import synchronise
from apps.trucks.sync.resync import Resync
from apps.trucks.sync.session import SharedSession, connection
from apps.trucks.sync.truck_pass import DAY_S
from apps.trucks.wialon import WialonClient, WialonError

_SHARE_S = 5  # until the progress is shown anew
_PATIENCE_S = 150  # longer than a lease: whoever died holding it is waited out


class Command(BaseCommand):
    help = "Fetches what is new in Wialon, or reads a period again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")
        when = "a date (a whole day of the fleet), an instant with an offset, or epoch seconds"
        parser.add_argument("--from", dest="first", metavar="T", help=f"read anew from here on: {when}")
        parser.add_argument(
            "--to", dest="last", metavar="T", help=f"read anew up to here: {when}; without it up to now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = fleet_named(options["fleet"])
        first, last = _instant(options["first"], fleet, end=False), _instant(options["last"], fleet, end=True)
        if first is not None or last is not None:
            self._backfill(fleet, first, last)
        if last is None:
            self._live(fleet)

    def _live(self, fleet: Fleet) -> None:
        lease = _claim(fleet)
        with progress_bar(f"sync {fleet.name}") as report:
            run = synchronise(fleet, lease, looks_back=True, progress=report)
        self._tell(run)

    def _backfill(self, fleet: Fleet, first: int | None, last: int | None) -> None:
        if not fleet.trucks.exists():
            _read_units(fleet)
        last = int(time.time()) if last is None else last
        first = last - settings.INITIAL_HISTORY_DAYS * DAY_S if first is None else first
        try:
            backfill = backfills.create(fleet, "resync", first, last, None, "the command line")
        except backfills.BackfillRefused as refused:
            raise CommandError(f"--{refused.field}: {refused}") from None
        with progress_bar(f"backfill {fleet.name}") as report:
            backfill = backfills.to_the_end(backfill, _share, report)
        self._tell_backfill(backfill)

    def _tell_backfill(self, backfill: Backfill) -> None:
        self.stdout.write(
            f"backfill {backfill.pk} {backfill.status}: {backfill.days_done} of {backfill.days_total} truck-days, "
            f"{backfill.messages_loaded} messages loaded, {backfill.messages_new} new, "
            f"{backfill.messages_removed} removed, {backfill.days_failed} truck-days failed"
        )
        for truck_id, day, error in backfills.failures(backfill):
            self.stderr.write(f"{Truck.objects.get(pk=truck_id).code}, {day}: {error}")
        if not backfill.is_over:
            raise CommandError(f"{backfill.error}; it goes on by itself as soon as Wialon can be read")
        if backfill.status != Backfill.Status.DONE:
            raise CommandError(backfill.error or f"it was {backfill.status}")

    def _tell(self, run: SyncRun) -> None:
        self.stdout.write(
            f"{run.status}: {run.trucks} trucks, {run.trucks_with_news} with news, "
            f"{run.messages_loaded} messages loaded, "
            f"{run.messages_new} new, {run.messages_quarantined} quarantined, {run.messages_refused} refused, "
            f"{run.messages_too_old} too old, "
            f"{run.trucks_failed} trucks failed"
        )
        for error in run.truck_errors:
            self.stderr.write(f"{error['truck']}: {error['error']}")
        if run.status in (SyncRun.Status.FAILED, SyncRun.Status.PAUSED):
            raise CommandError(run.error)


def _share(backfill_id: int) -> None:
    backfill = Backfill.objects.select_related("fleet").get(pk=backfill_id)
    Resync(backfill, seconds=_SHARE_S).work()


def _read_units(fleet: Fleet) -> None:
    """A fleet that was never read has no trucks yet. Raises CommandError."""
    lease = _claim(fleet)
    try:
        session = SharedSession(fleet.wialon_url, fleet.wialon_token, connection())
        with WialonClient(fleet.wialon_url, fleet.wialon_token, session=session, before_try=lease.renew) as client:
            units.refresh(fleet, client)
    except WialonError as error:
        raise CommandError(str(error)) from None
    finally:
        lease.release(next_in_s=0)


def _claim(fleet: Fleet) -> leases.Lease:
    deadline = time.monotonic() + _PATIENCE_S
    while (lease := leases.claim(fleet.id, only_if_due=False)) is None:
        if time.monotonic() > deadline:
            raise CommandError("a sync of this fleet is under way; try again when it is done")
        time.sleep(0.5)
    return lease


def _instant(text: str | None, fleet: Fleet, *, end: bool) -> int | None:
    """UTC seconds; of a day its first or its last second. Raises CommandError."""
    if text is None:
        return None
    try:
        t = _second(text, fleet, end=end)
    except (ValueError, OverflowError):
        raise CommandError(
            f"{text!r} is neither a date, nor an instant such as 2026-03-01T06:00:00+01:00, nor epoch seconds"
        ) from None
    if not 0 <= t < 2**31:
        raise CommandError(f"{text!r} is not within the years 1970 to 2037")
    return t


def _second(text: str, fleet: Fleet, *, end: bool) -> int:
    if text.isdecimal():
        return int(text)
    if len(text) == 10:
        start, following = day_bounds(dt.date.fromisoformat(text), fleet.zone)
        return following - 1 if end else start
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise CommandError(f"{text!r} has no offset: add Z or +01:00")
    return int(instant.timestamp())
