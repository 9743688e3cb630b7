"""A file of invoices, rates, fuel prices or fuel purchases into a fleet's ledger: all of it, or nothing."""

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.terminal import fleet_named
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS
from apps.fleet.imports.sheets import Unreadable
from apps.fleet.models import LedgerImport


class Command(BaseCommand):
    help = (
        "Imports a CSV or XLSX file into the ledger. A file with any bad row, or one imported before, writes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--fleet", required=True, metavar="NAME")
        parser.add_argument("--kind", required=True, choices=list(KINDS))
        parser.add_argument("--check", action="store_true", help="only say what the file would do")
        parser.add_argument("--decimal", choices=LedgerImport.DecimalMark.values, help="unless the file's numbers tell")
        parser.add_argument("--dates", choices=LedgerImport.DateOrder.values, help="unless the file's dates tell")

    def handle(self, *args: Any, **options: Any) -> None:
        fleet, path = fleet_named(options["fleet"]), options["file"]
        conventions = Conventions(options["decimal"], options["dates"])
        try:
            content = path.read_bytes()
            if options["check"]:
                self._report(check(fleet, KINDS[options["kind"]], content, conventions))
                return
            imported = storing.received(fleet, options["kind"], path.name, content, getpass.getuser(), conventions)
            try:
                done = storing.store(imported)
            except (storing.Refused, Unreadable):
                imported.delete()
                raise
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except storing.BadRows as error:
            self._report(error.checked)
            return
        except (storing.Refused, Unreadable) as error:
            raise CommandError(str(error)) from error
        self._report(done)
        self.stdout.write(f"Written as import {imported.pk}; {imported.touched_days:,} truck-days are computed anew.")

    def _report(self, checked: Checked) -> None:
        """What the file does on stdout; each error on stderr. Raises CommandError if there are any."""
        for error in checked.errors:
            self.stderr.write(str(error))
        if checked.errors:
            raise CommandError(str(storing.BadRows(checked)))
        sums = ", ".join(f"{amount:,} {currency}" for currency, amount in checked.sums.items())
        self.stdout.write(f"{checked.row_count:,} rows ({checked.read_as})" + (f", {sums}" if sums else ""))
        self.stdout.write(f"{len(checked.touched):,} truck-days of {checked.touched_trucks:,} trucks touched")
