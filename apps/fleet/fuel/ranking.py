"""Trucks by their fuel: each with its comparisons, in the order that is asked for. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from apps.fleet.fuel.consumption import Comparison, Consumption, Peers, against_baseline, against_peers, peers_by_class

Row: TypeAlias = Mapping[str, Any]
Key: TypeAlias = list[bool | float | str]  # outside the order?, its value, the truck's code


@dataclass(frozen=True, slots=True)
class TruckFuel:
    """A truck, and by `sums` what it is judged and ordered by of a period."""

    id: int
    code: str
    name: str
    vehicle_class: str
    group_ids: frozenset[int]
    sums: Row
    consumption: Consumption


@dataclass(frozen=True)
class Ranking:
    """All trucks of a fleet that have days in a period, by id."""

    trucks: Mapping[int, TruckFuel]

    @cached_property
    def _classes(self) -> Mapping[str, Peers]:
        return peers_by_class({truck.id: truck.consumption for truck in self.trucks.values()})

    def of_group(self, group_id: int | None) -> list[TruckFuel]:
        """The trucks of a group; without one all."""
        return [truck for truck in self.trucks.values() if group_id is None or group_id in truck.group_ids]

    def against_baseline(self, truck: TruckFuel) -> Comparison:
        found = truck.consumption
        return against_baseline(found.own, found.baseline, found.min_km)

    def against_peers(self, truck: TruckFuel) -> tuple[int, Comparison]:
        """How many others of its class there are, and the truck beside them."""
        return against_peers(truck.id, truck.consumption, self._classes)

    def in_order(self, sort: str, group_id: int | None = None) -> list[tuple[Key, TruckFuel]]:
        """The trucks, of a group or all, by the figure that `sort` names, with - from the highest down.

        Those without it, and in a ranking those outside the ranking, come last, by code.
        """
        figure, sign = _ORDERS[sort.removeprefix("-")], -1 if sort.startswith("-") else 1
        keyed = [(_key(figure(self, truck), sign, truck.code), truck) for truck in self.of_group(group_id)]
        return sorted(keyed, key=lambda pair: pair[0])


def _key(value: float | None, sign: int, code: str) -> Key:
    return [value is None, 0.0 if value is None else sign * value, code]


def _ranked(figure: Callable[[Ranking, TruckFuel], float | None]) -> Callable[[Ranking, TruckFuel], float | None]:
    """Null for trucks outside the ranking."""
    return lambda ranking, truck: figure(ranking, truck) if truck.consumption.unranked is None else None


_ORDERS: Mapping[str, Callable[[Ranking, TruckFuel], float | None]] = {
    "truck_id": lambda _, truck: 0.0,
    "deviation_pct": _ranked(lambda ranking, truck: ranking.against_baseline(truck).deviation_pct),
    "peers_deviation_pct": _ranked(lambda ranking, truck: ranking.against_peers(truck)[1].deviation_pct),
    "consumption_l_per_100km": _ranked(lambda _, truck: truck.consumption.own.l_per_100km),
    "fuel_used_l": lambda _, truck: truck.sums["fuel_used_l"],
    "idle_fuel_l": lambda _, truck: truck.sums["idle_fuel_l"],
    "drain_l": lambda _, truck: truck.sums["drain_l"],
}
