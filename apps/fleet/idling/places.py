"""Where trucks idle: in a named productive place, else in a cell of a grid of about 250 m. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from math import cos, degrees, floor, radians
from typing import TypeVar

from apps.accounts.amounts import to_place
from apps.trucks.detection.places import EARTH_RADIUS_M, Spot

CELL_M = 250
UNKNOWN = "?"  # without a fix
_NAMED, _CELL = "=", "@"
_MOST_COLUMNS = 2**18  # of a row there are fewer
_HEIGHT = degrees(CELL_M / EARTH_RADIUS_M)
_CENT = Decimal("0.01")
T = TypeVar("T", float, Decimal)


@dataclass(frozen=True, slots=True)
class Idling:
    """One idle event, or the sum of several; litres and money null where not measured or priced."""

    spot: str
    events: int
    idle_s: int
    productive_s: int
    fuel_l: float | None
    productive_fuel_l: float | None
    cost: Decimal | None
    productive_cost: Decimal | None


def spot_of(place: str | None, lat: float | None, lon: float | None) -> str:
    """The key of where a truck idled: of the place by its name, else of the cell that the fix lies in."""
    if place is not None:
        return f"{_NAMED}{place.strip()}"
    if lat is None or lon is None:
        return UNKNOWN
    row = floor((lat + 90) / _HEIGHT)
    columns = _columns(row)
    return f"{_CELL}{row}.{floor((lon + 180) / 360 * columns) % columns}"


def name_of(spot: str) -> str | None:
    """The name of a named place; null of a cell."""
    return spot.removeprefix(_NAMED) if spot.startswith(_NAMED) else None


def centre_of(spot: str) -> Spot | None:
    """The middle of a cell; null of a named place, and where it is not known."""
    if not spot.startswith(_CELL):
        return None
    row, column = _row_and_column(spot)
    return (row + 0.5) * _HEIGHT - 90, (column + 0.5) * 360 / _columns(row) - 180


def _row_and_column(spot: str) -> tuple[int, int]:
    row, column = spot.removeprefix(_CELL).split(".")
    return int(row), int(column)


def number_of(spot: str) -> int | None:
    """A cell as a whole number below 2^35; null of a named place, and where it is not known."""
    if not spot.startswith(_CELL):
        return None
    row, column = _row_and_column(spot)
    return row * _MOST_COLUMNS + column


def cell_of(number: int) -> str:
    """The key of the cell with this number."""
    row, column = divmod(number, _MOST_COLUMNS)
    return f"{_CELL}{row}.{column}"


def _columns(row: int) -> int:
    """How many cells there are around the earth at this latitude, each about as wide as high."""
    return max(1, round(360 * cos(radians((row + 0.5) * _HEIGHT - 90)) / _HEIGHT))


def productive_part(cost: Decimal | None, fuel_l: float | None, productive_l: float | None) -> Decimal | None:
    """What the productive litres of an event cost, in proportion to all of it."""
    if cost is None or fuel_l is None or productive_l is None:
        return None
    share = Decimal(repr(productive_l)) / Decimal(repr(fuel_l)) if fuel_l else Decimal(0)
    return to_place(cost * share, _CENT)


def by_spot(events: Iterable[Idling]) -> list[Idling]:
    """The sums of each spot, by key."""
    found: dict[str, Idling] = {}
    for event in events:
        found[event.spot] = _sum(found[event.spot], event) if event.spot in found else event
    return [found[spot] for spot in sorted(found)]


def _sum(one: Idling, other: Idling) -> Idling:
    return replace(
        one,
        events=one.events + other.events,
        idle_s=one.idle_s + other.idle_s,
        productive_s=one.productive_s + other.productive_s,
        fuel_l=_total(one.fuel_l, other.fuel_l),
        productive_fuel_l=_total(one.productive_fuel_l, other.productive_fuel_l),
        cost=_total(one.cost, other.cost),
        productive_cost=_total(one.productive_cost, other.productive_cost),
    )


def _total(one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
