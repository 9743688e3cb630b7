"""Rebuilds all out-of-date days of a fleet, in the foreground."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.terminal import fleet_named, progress_bar
from apps.fleet import summaries


class Command(BaseCommand):
    help = "Rebuilds the daily summaries that are out of date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = fleet_named(options["fleet"])
        total, done = summaries.waiting(fleet.id), 0
        with progress_bar(f"summarise {fleet.name}") as report:

            def count(claimed: int) -> None:
                nonlocal done
                done += claimed
                report(done, max(total, done))

            outcome = summaries.rebuild(fleet, progress=count)
        self.stdout.write(
            f"{outcome.claimed} days rebuilt, {outcome.changed} changed, {outcome.failed} failed"
            + (f", {outcome.sealed} of them sealed and left as they are" if outcome.sealed else "")
        )
        if outcome.failed:
            raise CommandError("some days could not be rebuilt; the log and the admin's list of dirty days say why")
