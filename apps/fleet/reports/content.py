"""What a daily mail says: the figures as sentences and cells, in the fleet's units. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from apps.accounts.units import UnitSystem
from apps.fleet.reports.figures import Cost, DailyFigures, FleetFigures, Sums, TruckFigures, Unspread
from apps.fleet.reports.wording import Number, comparison, count, date, duration, listed, moment, number

TRUCKS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose figures they are, and how these people read them."""

    fleet: str
    zone: ZoneInfo
    units: UnitSystem
    currency: str


@dataclass(frozen=True, slots=True)
class KeyFigure:
    label: str
    value: str
    comparison: str
    note: str


@dataclass(frozen=True, slots=True)
class TruckLine:
    code: str
    name: str
    distance: str
    moving: str
    idle: str
    fuel: str
    consumption: str
    speeding: str
    coverage: str
    attention: Sequence[str]  # what about the truck wants to be looked at
    has_data: bool


@dataclass(frozen=True, slots=True)
class DailyContent:
    """All words and cells of the mail, the trucks that want attention first; without data there are no key figures."""

    reader: Reader
    day: str
    short_day: str
    day_before: str
    gist: str  # a few words, for the subject
    headline: str
    highlights: Sequence[KeyFigure]
    key_figures: Sequence[KeyFigure]
    trucks: Sequence[TruckLine]
    trucks_hidden: int
    completeness: str
    revision: int


def daily_content(figures: DailyFigures, reader: Reader) -> DailyContent:
    lines = _truck_lines(figures, reader)
    key_figures = [_key_figure(measure, figures) for measure in _measures(figures, reader)] if figures.has_data else []
    return DailyContent(
        reader=reader,
        day=f"{date(figures.day)} {figures.day.year}",
        short_day=date(figures.day),
        day_before=date(figures.before.day),
        gist=_gist(figures, reader.units),
        headline=_headline(figures, reader),
        highlights=key_figures[:3],
        key_figures=key_figures[3:],
        trucks=lines[:TRUCKS_SHOWN],
        trucks_hidden=max(0, len(lines) - TRUCKS_SHOWN),
        completeness=_completeness(figures, reader.zone),
        revision=figures.revision,
    )


# --- sentences -------------------------------------------------------------------------------------------------------


def _gist(figures: DailyFigures, units: UnitSystem) -> str:
    sums = figures.fleet.sums
    if not figures.trucks:
        return "no trucks yet"
    if sums is None or not sums.has_data:
        return "no data"
    used = f"{sums.truck_days_used:,} of {count(len(figures.trucks), 'truck')}"
    return used if sums.distance_m is None else f"{used}, {_distance(sums, units)}"


def _headline(figures: DailyFigures, reader: Reader) -> str:
    if not figures.trucks:
        return f"{reader.fleet} has no trucks yet, so there is nothing to report for {date(figures.day)}."
    if figures.fleet.sums is None or not figures.has_data:
        return f"No data for {date(figures.day)}: none of {count(len(figures.trucks), 'truck')} reported."
    silent = len(figures.trucks_without_data)
    gap = f"; {count(silent, 'truck')} {'has' if silent == 1 else 'have'} no data" if silent else ""
    return f"{_what_was_done(figures, figures.fleet.sums, reader.units)}{gap}."


def _what_was_done(figures: DailyFigures, sums: Sums, units: UnitSystem) -> str:
    used = f"{sums.truck_days_used:,}" if sums.truck_days_used else "None"
    trucks = f"{used} of {count(len(figures.trucks), 'truck')}"
    if sums.distance_m is None:
        return f"{trucks} worked on {date(figures.day)}, distance was not measured"
    if not sums.truck_days_used:
        return f"{trucks} worked on {date(figures.day)}, {_distance(sums, units)} were driven in all"
    return f"{trucks} drove {_distance(sums, units)} on {date(figures.day)}"


def _completeness(figures: DailyFigures, zone: ZoneInfo) -> str:
    """How far the figures reach, in the fleet's zone, and the trucks that may still change them."""
    if figures.fleet.sums is None or figures.known_until is None:
        return ""
    known = f"All reporting trucks are known up to {moment(figures.known_until, zone)}"
    text = f"{known}; coverage {number(figures.fleet.sums.coverage_pct, 1, '%')}."
    if behind := [f"{truck.code} ({_watermark(truck, zone)})" for truck in figures.trucks_behind]:
        text += f" Not complete yet: {listed(behind)}."
    if figures.outdated:
        text += f" Being recalculated: {count(figures.outdated, 'truck')}."
    return text + _unspread(figures.unspread)


def _unspread(unspread: Unspread) -> str:
    """What the cost lacks, or has as it was."""
    parts = []
    if number_of := unspread.waiting:
        waits = "waits" if number_of == 1 else "wait"
        parts.append(f"{count(number_of, 'invoice')} {waits} to be spread")
    if number_of := unspread.no_exchange_rate:
        lacks, it, costs = ("lacks", "it", "costs") if number_of == 1 else ("lack", "they", "cost")
        parts.append(f"{count(number_of, 'invoice')} {lacks} an exchange rate: {it} {costs} nothing until there is one")
    return f" The cost is not complete: {'; '.join(parts)}." if parts else ""


def _watermark(truck: TruckFigures, zone: ZoneInfo) -> str:
    if truck.known_until is None:
        return "nothing known of that day"
    return f"known up to {moment(truck.known_until, zone)}"


def _distance(sums: Sums, units: UnitSystem) -> str:
    return number(units.distance(sums.distance_m), 0, units.distance_label)


# --- key figures -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Measure:
    """How a key figure is taken from a day's sums and cost, and written."""

    label: str
    unit: str
    digits: int
    value: Callable[[Sums, Cost | None], Number | None]
    note: str = ""

    def of(self, day: FleetFigures) -> Number | None:
        return None if day.sums is None else self.value(day.sums, day.cost)


def _key_figure(measure: _Measure, figures: DailyFigures) -> KeyFigure:
    now, before = measure.of(figures.fleet), measure.of(figures.before)
    return KeyFigure(
        measure.label,
        number(now, measure.digits, measure.unit),
        comparison(now, before, measure.digits),
        measure.note if now is not None else "",
    )


def _measures(figures: DailyFigures, reader: Reader) -> list[_Measure]:
    """The first three are the highlights."""
    return [
        *_headline_measures(figures.fleet, reader),
        *_use_measures(figures),
        *_event_measures(figures, reader.units),
    ]


def _headline_measures(fleet: FleetFigures, reader: Reader) -> list[_Measure]:
    units = reader.units
    estimated = "estimated" if fleet.cost is not None and fleet.cost.is_estimated else ""
    return [
        _Measure("Distance", units.distance_label, 0, lambda sums, _: units.distance(sums.distance_m)),
        _Measure(
            "Consumption", units.consumption_label, 1, lambda sums, _: units.consumption(sums.consumption_l_100km)
        ),
        _Measure(
            f"Cost per {units.distance_label}",
            reader.currency,
            3,
            lambda sums, cost: units.per_distance(cost.amount, sums.distance_m) if cost else None,
            estimated,
        ),
        _Measure("Fuel", units.volume_label, 0, lambda sums, _: units.volume(sums.fuel_used_l)),
    ]


def _use_measures(figures: DailyFigures) -> list[_Measure]:
    trucks = f"of {len(figures.trucks):,}"
    return [
        _Measure("Trucks used", "", 0, lambda sums, _: sums.truck_days_used, trucks),
        _Measure(
            "Engine utilization", "%", 1, lambda sums, _: sums.utilization.engine_utilization_pct, "working ÷ engine on"
        ),
        _Measure("Idling", "%", 1, lambda sums, _: sums.utilization.idle_pct, "idle ÷ engine on"),
    ]


def _event_measures(figures: DailyFigures, units: UnitSystem) -> list[_Measure]:
    sums = figures.fleet.sums
    return [
        _Measure("Speeding episodes", "", 0, lambda sums, _: sums.speeding, _severities(sums) if sums else ""),
        _Measure("Refuels", "", 0, lambda sums, _: sums.refuels, _volume(sums.refuel_l if sums else None, units)),
        _Measure("Drains", "", 0, lambda sums, _: sums.drains, _drained(sums, units) if sums else _volume(None, units)),
    ]


def _drained(sums: Sums, units: UnitSystem) -> str:
    """The litres, and which of the drains people have confirmed: `46 l; 1 suspected, 1 confirmed`."""
    counts = ", ".join(f"{amount:,} {review}" for review, amount in _reviews(sums).items())
    return "; ".join(filter(None, (_volume(sums.drain_l, units), counts)))


def _reviews(sums: Sums) -> dict[str, int]:
    """How many of the drains are suspected and how many confirmed; empty without drains, or where that is not known."""
    if not sums.drains or sums.suspected_drains is None:
        return {}
    counts = {"suspected": sums.suspected_drains, "confirmed": sums.drains - sums.suspected_drains}
    return {review: amount for review, amount in counts.items() if amount}


def _severities(sums: Sums) -> str:
    counts = {"severe": sums.speeding_severe, "moderate": sums.speeding_moderate, "minor": sums.speeding_minor}
    return ", ".join(f"{number(amount)} {severity}" for severity, amount in counts.items())


def _volume(litres: float | None, units: UnitSystem) -> str:
    return number(units.volume(litres), 0, units.volume_label)


# --- trucks ----------------------------------------------------------------------------------------------------------


def _truck_lines(figures: DailyFigures, reader: Reader) -> list[TruckLine]:
    """First those that want attention, among them and among the others the farthest first."""
    behind = {truck.code for truck in figures.trucks_behind}
    lines = [(truck, _attention(truck, truck.code in behind, reader)) for truck in figures.trucks]
    lines.sort(key=lambda line: (not line[1], -_metres(line[0]), line[0].code))
    return [_truck_line(truck, attention, reader.units) for truck, attention in lines]


def _metres(truck: TruckFigures) -> int:
    return -1 if truck.sums is None or truck.sums.distance_m is None else truck.sums.distance_m


def _attention(truck: TruckFigures, is_behind: bool, reader: Reader) -> list[str]:
    sums = truck.sums
    if sums is None or not sums.has_data:
        return ["no data"]
    reasons = []
    if sums.drains and sums.suspected_drains != 0:  # whose drains are all confirmed has been looked at
        reasons.append(_drains(sums, sums.drains, reader.units))
    if sums.speeding_severe:
        reasons.append(count(sums.speeding_severe, "severe speeding episode"))
    if is_behind:
        reasons.append(_watermark(truck, reader.zone))
    return reasons


def _drains(sums: Sums, number_of: int, units: UnitSystem) -> str:
    """`1 suspected drain, 46 l`, and of both kinds `2 drains, 92 l; 1 suspected, 1 confirmed`."""
    reviews = list(_reviews(sums))
    if len(reviews) == 1:
        return f"{count(number_of, f'{reviews[0]} drain')}, {_volume(sums.drain_l, units)}"
    return f"{count(number_of, 'drain')}, {_drained(sums, units)}"


def _truck_line(truck: TruckFigures, attention: Sequence[str], units: UnitSystem) -> TruckLine:
    sums = truck.sums
    return TruckLine(
        code=truck.code,
        name="" if truck.name == truck.code else truck.name,
        distance=number(units.distance(sums.distance_m) if sums else None),
        moving=duration(sums.moving_s if sums else None),
        idle=duration(sums.idle_s if sums else None),
        fuel=number(units.volume(sums.fuel_used_l) if sums else None),
        consumption=number(units.consumption(sums.consumption_l_100km) if sums else None, 1),
        speeding=number(sums.speeding if sums else None),
        coverage=number(sums.coverage_pct if sums else None, 0, "%"),
        attention=attention,
        has_data=truck.has_data,
    )
