"""Metric figures in the units that a fleet's people read. Pure; everything stored and served stays metric."""

from dataclasses import dataclass
from decimal import Decimal

METRES_PER_MILE = 1609.344
LITRES_PER_GALLON = 3.785411784  # the US liquid gallon


@dataclass(frozen=True, slots=True)
class UnitSystem:
    """Labels and conversions of one system of units. What is null stays null."""

    distance_label: str
    volume_label: str
    speed_label: str
    consumption_label: str
    metres_per_distance: float
    litres_per_volume: float
    economy: bool  # consumption is distance per volume, not volume per 100 of distance

    def distance(self, metres: float | None) -> float | None:
        return None if metres is None else metres / self.metres_per_distance

    def volume(self, litres: float | None) -> float | None:
        return None if litres is None else litres / self.litres_per_volume

    def per_volume(self, per_litre: Decimal | None) -> Decimal | None:
        """Money per litre or gallon."""
        return None if per_litre is None else per_litre * Decimal(str(self.litres_per_volume))

    def speed(self, kmh: float | None) -> float | None:
        return None if kmh is None else kmh * 1000 / self.metres_per_distance

    def consumption(self, litres_per_100_km: float | None) -> float | None:
        """l/100 km, or mpg: null where nothing, or less, was burnt."""
        if litres_per_100_km is None or not self.economy:
            return litres_per_100_km
        if litres_per_100_km <= 0:
            return None
        return 100_000 * self.litres_per_volume / self.metres_per_distance / litres_per_100_km

    def per_distance(self, amount: Decimal | None, metres: int | None) -> Decimal | None:
        """Money per km or mile; null without distance."""
        if amount is None or not metres:
            return None
        return amount * Decimal(str(self.metres_per_distance)) / metres


METRIC = UnitSystem("km", "l", "km/h", "l/100 km", 1000.0, 1.0, economy=False)
US = UnitSystem("mi", "gal", "mph", "mpg", METRES_PER_MILE, LITRES_PER_GALLON, economy=True)
_SYSTEMS = {"metric": METRIC, "us": US}


def unit_system(name: str) -> UnitSystem:
    """The system that a fleet's `units` names. Raises KeyError for another name."""
    return _SYSTEMS[name]
