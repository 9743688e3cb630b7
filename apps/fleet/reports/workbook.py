"""A day's figures as an XLSX workbook: numbers as numbers, in the fleet's units, each column's unit in its header."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import xlsxwriter

from apps.accounts.units import UnitSystem
from apps.fleet.reports.content import Reader
from apps.fleet.reports.figures import DailyFigures, FleetFigures, Sums, TruckFigures
from apps.fleet.reports.wording import moment

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Truck names come from outside: what looks like a formula, a link or a number stays text.
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WHOLE, _ONE, _TWO = "#,##0", "#,##0.0", "#,##0.00"
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_DEFINITIONS = {
    "Empty cell": "not measured; 0 is measured and zero",
    "Distance": "odometer, else GPS without drift while parked",
    "Moving": "engine on, or unknown, and faster than walking pace; idle: engine on and standing",
    "Fuel": "fuel counter, else the balance of the tank's level with refuels and drains",
    "Consumption": "fuel ÷ distance of the truck-days whose fuel is measured",
    "Engine utilization": "(moving + productive idle) ÷ engine on",
    "Drain": "the fuel level fell while the engine was off; suspected until a person confirms or dismisses it",
    "Cost": "all cost lines of the day; estimated where it comes from rates and fuel prices, not from invoices",
    "Coverage": "the part of the day of which is known what the truck did",
    "Trucks used": "trucks with at least 1.6 km, or half an hour, of driving",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A header, how wide, how its values look, and where they come from."""

    header: str
    width: int
    number_format: str
    value: Callable[[Any], Any]


def daily_workbook(figures: DailyFigures, reader: Reader) -> bytes:
    """The sheets Trucks (of the day), Days (up to it) and About."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, _OPTIONS) as book:
        book.set_properties({"title": f"{reader.fleet}, {figures.day}"})
        _write_sheet(book, "Trucks", _truck_columns(reader), figures.trucks, frozen_columns=2)
        _write_sheet(book, "Days", _day_columns(reader.units), figures.days, frozen_columns=1)
        _write_about(book, _about(figures, reader))
    return content.getvalue()


def _write_sheet(book: Any, name: str, columns: Sequence[_Column], records: Sequence[Any], frozen_columns: int) -> None:
    sheet = book.add_worksheet(name)
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8EEF4"})
    for number, column in enumerate(columns):
        cell = book.add_format({"num_format": column.number_format})
        sheet.set_column(number, number, column.width, cell)
        sheet.write_string(0, number, column.header, heading)
        for row, record in enumerate(records, start=1):
            sheet.write(row, number, column.value(record), cell)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, frozen_columns)
    sheet.autofilter(0, 0, len(records), len(columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_about(book: Any, facts: Iterable[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 22, book.add_format({"bold": True}))
    sheet.set_column(1, 1, 90)
    for row, (name, text) in enumerate(facts):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, text)


def _about(figures: DailyFigures, reader: Reader) -> list[tuple[str, str]]:
    known_until = figures.known_until
    return [
        ("Fleet", reader.fleet),
        ("Day", str(figures.day)),
        ("Time zone", reader.zone.key),
        ("Known up to", moment(known_until, reader.zone) if known_until else "no data"),
        ("Summary revision", str(figures.revision)),
        ("Currency", reader.currency),
        ("Cost of the day", _cost(figures.fleet)),
        *_DEFINITIONS.items(),
    ]


def _cost(fleet: FleetFigures) -> str:
    if fleet.cost is None:
        return "not measured"
    return f"{fleet.cost.amount:,.2f} ({', '.join(sorted(fleet.cost.sources))})"


# --- columns ---------------------------------------------------------------------------------------------------------


def _truck_columns(reader: Reader) -> list[_Column]:
    units = reader.units
    return [
        _Column("Truck", 14, "@", lambda truck: truck.code),
        _Column("Name", 26, "@", lambda truck: truck.name),
        *_work_columns(units),
        _Column(f"Highest speed ({units.speed_label})", 11, _WHOLE, lambda truck: units.speed(truck.max_speed_kmh)),
        *_event_columns(units),
        _of("Coverage (%)", 11, _ONE, lambda sums: sums.coverage_pct),
        _Column(f"Known up to ({reader.zone.key})", 20, _MOMENT, lambda truck: _local(truck, reader)),
    ]


def _day_columns(units: UnitSystem) -> list[_Column]:
    return [
        _Column("Day", 12, _DAY, lambda fleet: fleet.day),
        _of("Trucks", 9, _WHOLE, lambda sums: sums.truck_days),
        _of("Trucks used", 9, _WHOLE, lambda sums: sums.truck_days_used),
        *_work_columns(units),
        _of("Engine utilization (%)", 11, _ONE, lambda sums: sums.utilization.engine_utilization_pct),
        *_event_columns(units),
        _of("Coverage (%)", 11, _ONE, lambda sums: sums.coverage_pct),
    ]


def _work_columns(units: UnitSystem) -> list[_Column]:
    return [
        _of(f"Distance ({units.distance_label})", 11, _ONE, lambda sums: units.distance(sums.distance_m)),
        _of("Moving (h)", 10, _TWO, lambda sums: _hours(sums.moving_s)),
        _of("Idle (h)", 10, _TWO, lambda sums: _hours(sums.idle_s)),
        _of("Idle (% of engine on)", 11, _ONE, lambda sums: sums.utilization.idle_pct),
        _of(f"Fuel ({units.volume_label})", 11, _ONE, lambda sums: units.volume(sums.fuel_used_l)),
        _of(
            f"Consumption ({units.consumption_label})",
            13,
            _ONE,
            lambda sums: units.consumption(sums.consumption_l_100km),
        ),
    ]


def _event_columns(units: UnitSystem) -> list[_Column]:
    volume = units.volume_label
    return [
        _of("Speeding, minor", 10, _WHOLE, lambda sums: sums.speeding_minor),
        _of("Speeding, moderate", 10, _WHOLE, lambda sums: sums.speeding_moderate),
        _of("Speeding, severe", 10, _WHOLE, lambda sums: sums.speeding_severe),
        _of("Refuels", 9, _WHOLE, lambda sums: sums.refuels),
        _of(f"Refuelled ({volume})", 11, _ONE, lambda sums: units.volume(sums.refuel_l)),
        _of("Drains", 10, _WHOLE, lambda sums: sums.drains),
        _of("Suspected drains", 10, _WHOLE, lambda sums: sums.suspected_drains),
        _of(f"Drained ({volume})", 11, _ONE, lambda sums: units.volume(sums.drain_l)),
    ]


def _of(header: str, width: int, number_format: str, value: Callable[[Sums], Any]) -> _Column:
    """A column of sums, empty where there are none."""
    return _Column(header, width, number_format, lambda record: value(record.sums) if record.sums else None)


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _local(truck: TruckFigures, reader: Reader) -> dt.datetime | None:
    """The truck's watermark as wall time: a workbook knows no zones."""
    return truck.known_until and truck.known_until.astimezone(reader.zone).replace(tzinfo=None)
