"""The daily summaries of a fleet on stdout."""

import argparse
import csv
import datetime as dt
from collections.abc import Iterator
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.amounts import shown
from apps.accounts.models import Fleet
from apps.accounts.terminal import fleet_named
from apps.trucks.models import Truck, TruckDay
from apps.trucks.queries import DAY_FIGURES

COLUMNS = ["truck_wialon_id", "day", *DAY_FIGURES]


class Command(BaseCommand):
    help = "Writes the daily summaries of a period, one row a truck and day; the columns are those of docs/metrics.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")
        parser.add_argument("--from", dest="first", required=True, metavar="D", type=_day, help="first day, included")
        parser.add_argument("--to", dest="last", required=True, metavar="D", type=_day, help="last day, included")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["first"] > options["last"]:
            raise CommandError("--from is later than --to")
        rows = _rows(fleet_named(options["fleet"]), options["first"], options["last"])
        write = self._write_csv if options["format"] == "csv" else self._write_json
        write(rows)

    def _write_csv(self, rows: Iterator[dict[str, Any]]) -> None:
        writer = csv.DictWriter(self.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    def _write_json(self, rows: Iterator[dict[str, Any]]) -> None:
        self.stdout.write("[", ending="")
        for number, row in enumerate(rows):
            self.stdout.write((",\n" if number else "\n") + orjson.dumps(row).decode(), ending="")
        self.stdout.write("\n]")


def _rows(fleet: Fleet, first: dt.date, last: dt.date) -> Iterator[dict[str, Any]]:
    """By day and truck; null is absent in CSV and null in JSON; instants are RFC 3339 in UTC."""
    wialon_ids = dict(Truck.objects.filter(fleet=fleet).values_list("id", "wialon_id"))
    days = TruckDay.objects.filter(fleet_id=fleet.id, day__range=(first, last)).order_by("day", "truck_id")
    for row in days.values("truck_id", "day", *DAY_FIGURES).iterator(2_000):
        row["truck_wialon_id"] = wialon_ids[row.pop("truck_id")]
        yield {name: _text(row[name]) for name in COLUMNS}


def _text(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, dt.date) else shown(value)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-01") from None
