"""The figures of a fleet's day: metric, null where nothing was measured. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Self

from apps.fleet.utilization.ratios import Usage, Utilization, litres_per_100_km, percentage, utilization


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over truck-days, named as in docs/metrics.md."""

    truck_days: int
    truck_days_used: int
    length_s: int
    available_s: int
    moving_s: int
    engine_moving_s: int | None
    idle_s: int | None
    idle_productive_s: int | None
    no_data_s: int
    engine_on_s: int | None
    distance_m: int | None
    fuel_used_l: float | None
    fuel_distance_m: int | None
    consumption_l: float | None
    speeding_minor: int | None
    speeding_moderate: int | None
    speeding_severe: int | None
    refuels: int | None
    refuel_l: float | None
    drains: int | None
    drain_l: float | None  # without dismissed drains, as their number
    suspected_drains: int | None  # of `drains` those that nobody has reviewed; the others are confirmed

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self | None:
        """The sums of a statement's row; null for a sum over no truck-day."""
        if not row["truck_days"]:
            return None
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @property
    def coverage_pct(self) -> float | None:
        return percentage(self.length_s - self.no_data_s, self.length_s)

    @property
    def has_data(self) -> bool:
        return self.no_data_s < self.length_s

    @property
    def consumption_l_100km(self) -> float | None:
        return litres_per_100_km(self.consumption_l, self.fuel_distance_m)

    @property
    def speeding(self) -> int | None:
        """Episodes of all severities."""
        counts = (self.speeding_minor, self.speeding_moderate, self.speeding_severe)
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    @property
    def utilization(self) -> Utilization:
        return utilization(
            Usage(
                moving_s=self.moving_s,
                engine_moving_s=self.engine_moving_s,
                idle_s=self.idle_s,
                idle_productive_s=self.idle_productive_s,
                engine_on_s=self.engine_on_s,
                available_s=self.available_s,
                truck_days=self.truck_days,
                truck_days_used=self.truck_days_used,
            )
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """All lines of a day; the sources its amounts come from (actual, allocated, estimated)."""

    amount: Decimal
    sources: frozenset[str]

    @property
    def is_estimated(self) -> bool:
        return "estimated" in self.sources


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """A fleet's day; no sums where no truck has that day, no cost where nothing was priced."""

    day: dt.date
    sums: Sums | None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class TruckFigures:
    """A truck's day, and how far it is known; no sums if it never reported until then."""

    code: str
    name: str
    sums: Sums | None
    max_speed_kmh: float | None = None
    known_until: dt.datetime | None = None

    @property
    def has_data(self) -> bool:
        return self.sums is not None and self.sums.has_data


@dataclass(frozen=True, slots=True)
class Unspread:
    """How many invoices that cover the day are not in its cost as they should be."""

    waiting: int  # their shares follow
    no_exchange_rate: int  # they cost nothing until there is one


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """All that one mail shows, of one revision of the fleet's summaries."""

    fleet: FleetFigures
    before: FleetFigures
    days: Sequence[FleetFigures]  # the trend: ascending, the day itself the last; without cost
    trucks: Sequence[TruckFigures]  # by code
    day_end: dt.datetime
    outdated: int  # truck-days whose inputs have changed and which are not recalculated yet
    revision: int
    unspread: Unspread

    @property
    def day(self) -> dt.date:
        return self.fleet.day

    @property
    def has_data(self) -> bool:
        return self.fleet.sums is not None and self.fleet.sums.has_data

    @property
    def known_until(self) -> dt.datetime | None:
        """How far all trucks that have the day are known."""
        return min((truck.known_until for truck in self.trucks if truck.known_until), default=None)

    @property
    def trucks_without_data(self) -> list[TruckFigures]:
        return [truck for truck in self.trucks if not truck.has_data]

    @property
    def trucks_behind(self) -> list[TruckFigures]:
        """Those that are not known up to the end of the day: their figures may still grow."""
        return [truck for truck in self.trucks if truck.known_until is None or truck.known_until < self.day_end]
