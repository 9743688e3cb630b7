"""Metric values, as texts, in US units. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.accounts.units import LITRES_PER_GALLON, US

PLACES = 3
MONEY_PLACES = 4
MPG_PLACES = 2  # of a consumption to two places a third one would be wrong: 26.67 is 8.819, and 26.666… is 8.821


@dataclass(frozen=True, slots=True)
class Measure:
    """What a name ends in instead, and the conversion; what has no value in the other unit is None."""

    us_suffix: str
    convert: Callable[[float], float | None]
    places: int = PLACES

    def of(self, text: str) -> str | None:
        """A metric number as text in US units."""
        value = self.convert(float(text))
        return None if value is None else str(round(value, self.places))


# By the end of a field's name; the longer ends first.
MEASURES: Mapping[str, Measure] = {
    "_l_per_100km": Measure("_mpg", US.consumption, MPG_PLACES),
    "_per_km": Measure("_per_mi", lambda amount: amount * US.metres_per_distance / 1000, MONEY_PLACES),
    "_per_l": Measure("_per_gal", lambda amount: amount * LITRES_PER_GALLON, MONEY_PLACES),
    "_kmh": Measure("_mph", US.speed),
    "_m": Measure("_mi", US.distance),
    "_l": Measure("_gal", US.volume),
    "litres": Measure("gallons", US.volume),
}
