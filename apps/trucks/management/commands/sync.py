"""One sync (or backfill) pass over a fleet, in the foreground."""

import datetime as dt
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.calendar import day_bounds
from apps.accounts.models import Fleet
from apps.accounts.terminal import fleet_named, progress_bar
from apps.trucks import leases
from apps.trucks.models import SyncRun
from apps.trucks.sync import synchronise
from apps.trucks.truck_pass import Window

_PATIENCE_S = 150  # longer than a lease: whoever died holding it is waited out


class Command(BaseCommand):
    help = "Fetches what is new in Wialon, or loads a period again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")
        when = "a date (a whole day of the fleet), an instant with an offset, or epoch seconds"
        parser.add_argument("--from", dest="first", metavar="T", help=f"load from here on: {when}")
        parser.add_argument("--to", dest="last", metavar="T", help=f"load up to here: {when}; without it up to now")

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = fleet_named(options["fleet"])
        first, last = _instant(options["first"], fleet, end=False), _instant(options["last"], fleet, end=True)
        window = Window(first, last, looks_back=True)
        if window.first_t is not None and window.last_t is not None and window.first_t > window.last_t:
            raise CommandError("--from is later than --to")
        lease = _claim(fleet)
        with progress_bar(f"sync {fleet.name}") as report:
            run = synchronise(fleet, lease, window=window, progress=report)
        self._tell(run)

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
        if run.status == SyncRun.Status.FAILED:
            raise CommandError(run.error)


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
