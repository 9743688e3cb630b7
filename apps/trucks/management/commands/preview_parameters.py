"""What other parameters would change in the last days, before they are entered."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import Fleet
from apps.accounts.terminal import fleet_named, progress_bar
from apps.trucks.models import Truck
from apps.trucks.parameter_preview import Difference, EventChange, TruckPreview, differences, preview, trucks_of
from apps.trucks.parameters import check_values

MOST_DAYS = 366
Row = dict[str, Any]


class Command(BaseCommand):
    help = "Shows what other detection parameters would change in the last days. Writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")
        parser.add_argument("--truck", metavar="CODE", help="as this truck's own parameters; else as the fleet's")
        parser.add_argument("--days", type=int, default=7, metavar="N", help="up to the watermark (default 7)")
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument("values", nargs="+", metavar="name=value", help="see docs/metrics.md")

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = fleet_named(options["fleet"])
        truck = None if options["truck"] is None else _truck(fleet, options["truck"])
        values = parsed(options["values"])
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days is from 1 to {MOST_DAYS}")
        found = []
        total = len(trucks_of(fleet, truck))
        with progress_bar(f"preview {fleet.name}") as report:
            for each in preview(fleet, values, options["days"], truck):
                found.append(each)
                report(len(found), total)
        if options["format"] == "json":
            self.stdout.write(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2).decode())
        else:
            self.stdout.write(as_table(found))


def _truck(fleet: Fleet, code: str) -> Truck:
    try:
        return Truck.objects.get(fleet=fleet, code=code)
    except Truck.DoesNotExist:
        raise CommandError(f"there is no truck {code!r} in {fleet.name}") from None


def parsed(texts: Sequence[str]) -> dict[str, float]:
    """Parameters by name. Raises CommandError, naming it, for what is no parameter or no value of one."""
    values: dict[str, float] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        try:
            if not sign:
                raise ValueError("not of the form name=value")
            values[name] = _number(value)
            check_values({name: values[name]})
        except ValueError as error:
            raise CommandError(f"{text!r}: {error}") from None
    return values


def _number(text: str) -> float:
    """Raises ValueError."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    return int(number) if number.is_integer() else number


def as_json(found: Sequence[TruckPreview]) -> Row:
    """The trucks that would change, and the total over all that were looked at; instants are RFC 3339 in UTC."""
    old, new = [day for each in found for day in each.old], [day for each in found for day in each.new]
    return {
        "truck_days": len(old),
        "truck_days_changed": sum(len(each.changed_days) for each in found),
        "total": [_difference(each) for each in differences(old, new)],
        "trucks": [
            {
                "truck_id": each.truck.code,
                "days_changed": [day.isoformat() for day in each.changed_days],
                "figures": [_difference(difference) for difference in each.differences],
                "events": [_event(event) for event in each.events],
            }
            for each in found
            if each.changed_days
        ],
    }


def _difference(each: Difference) -> Row:
    return {"figure": each.figure, "old": each.old, "new": each.new, "difference": each.by}


def _event(each: EventChange) -> Row:
    return {
        "change": "appears" if each.appears else "vanishes",
        "kind": each.kind,
        "started_at": _instant(each.started_at),
        "ended_at": None if each.ended_at is None else _instant(each.ended_at),
    }


def _instant(t: int) -> str:
    return dt.datetime.fromtimestamp(t, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_table(found: Sequence[TruckPreview]) -> str:
    """The same in lines and columns."""
    result = as_json(found)
    lines = [f"{result['truck_days_changed']} of {result['truck_days']} truck-days would change"]
    for truck in result["trucks"]:
        lines += ["", f"{truck['truck_id']}: {', '.join(truck['days_changed'])}", *_figures(truck["figures"])]
        lines += [
            f"  {event['change']}: {event['kind']} {event['started_at']} to {event['ended_at'] or 'now'}"
            for event in truck["events"]
        ]
    if result["total"]:
        lines += ["", "All trucks", *_figures(result["total"])]
    return "\n".join(lines)


def _figures(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    heads = ("figure", "old", "new", "difference")
    cells = [heads, *(tuple(_text(row[name]) for name in heads) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    return [
        "  "
        + line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in cells
    ]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
