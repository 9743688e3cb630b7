"""How much fuel trucks use for their distance, against what they used before and against their peers. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum

from apps.fleet.utilization.figures import RANKED_FROM_PCT
from apps.fleet.utilization.ratios import litres_per_100_km

BASELINE_DAYS = 28  # four whole weeks: every day of the week as often
FEWEST_PEERS = 3


class Reason(StrEnum):
    """Why a consumption is not compared."""

    NOT_MEASURED = "not_measured"  # no truck-day with litres and distance
    DISTANCE_TOO_SHORT = "distance_too_short"
    NOT_POSITIVE = "not_positive"  # a level balance that sloshed: no litres in all
    COVERAGE_TOO_LOW = "coverage_too_low"
    BASELINE_NOT_MEASURED = "baseline_not_measured"
    BASELINE_TOO_SHORT = "baseline_too_short"
    BASELINE_NOT_POSITIVE = "baseline_not_positive"
    NO_CLASS = "no_class"
    TOO_FEW_PEERS = "too_few_peers"


_OF_BASELINE = {
    Reason.NOT_MEASURED: Reason.BASELINE_NOT_MEASURED,
    Reason.DISTANCE_TOO_SHORT: Reason.BASELINE_TOO_SHORT,
    Reason.NOT_POSITIVE: Reason.BASELINE_NOT_POSITIVE,
}


@dataclass(frozen=True, slots=True)
class Burn:
    """Litres and metres of so many truck-days, those on which both are measured; null where there is none."""

    litres: float | None
    distance_m: int | None
    days: int

    @property
    def l_per_100km(self) -> float | None:
        return litres_per_100_km(self.litres, self.distance_m)

    def lack(self, min_km: float) -> Reason | None:
        """Why it is too little to be compared; null: it is enough."""
        if self.litres is None or self.distance_m is None:
            return Reason.NOT_MEASURED
        if not self.distance_m or self.distance_m < 1000 * min_km:
            return Reason.DISTANCE_TOO_SHORT
        return Reason.NOT_POSITIVE if self.litres <= 0 else None


def together(burns: Iterable[Burn]) -> Burn:
    """Several trucks' sums as one."""
    known = [burn for burn in burns if burn.litres is not None and burn.distance_m is not None]
    if not known:
        return Burn(None, None, 0)
    return Burn(
        fsum(burn.litres or 0 for burn in known),
        sum(burn.distance_m or 0 for burn in known),
        sum(burn.days for burn in known),
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a consumption is compared with, and by how much per cent it is above (below: negative).

    What it is compared with is null where that is too little, the deviation also where the truck's own is; `reason`
    says which.
    """

    l_per_100km: float | None
    deviation_pct: float | None
    reason: Reason | None


def against_baseline(own: Burn, baseline: Burn, min_km: float) -> Comparison:
    """A period beside the truck's own days before it."""
    lack = baseline.lack(min_km)
    if lack is not None:
        return Comparison(None, None, _OF_BASELINE[lack])
    return _compared(own, baseline.l_per_100km, own.lack(min_km))


def _compared(own: Burn, other: float | None, reason: Reason | None) -> Comparison:
    mine = own.l_per_100km
    if reason is not None or mine is None or not other:
        return Comparison(other, None, reason)
    return Comparison(other, 100 * (mine - other) / other, None)


@dataclass(frozen=True, slots=True)
class Consumption:
    """A truck's consumption in a period, and what it is judged by. `class_name`: empty where it has none."""

    own: Burn
    baseline: Burn
    coverage_pct: float | None
    min_km: float
    class_name: str

    @property
    def unranked(self) -> Reason | None:
        """Why it stands outside the ranking; null: it stands in it."""
        lack = self.own.lack(self.min_km)
        if lack is None and (self.coverage_pct is None or self.coverage_pct < RANKED_FROM_PCT):
            return Reason.COVERAGE_TOO_LOW
        return lack


@dataclass(frozen=True, slots=True)
class Peers:
    """The ranked trucks of a class: the consumption of each, ascending, and where each truck stands among them."""

    values: Sequence[float]
    places: Mapping[int, int]

    def median_of_others(self, truck_id: int) -> tuple[int, float | None]:
        """How many others there are, and their median; null of too few."""
        place = self.places.get(truck_id, len(self.values))
        number = len(self.values) - (truck_id in self.places)
        if number < FEWEST_PEERS:
            return number, None
        low, high = (self.values[at if at < place else at + 1] for at in ((number - 1) // 2, number // 2))
        return number, (low + high) / 2


def peers_by_class(trucks: Mapping[int, Consumption]) -> dict[str, Peers]:
    """The ranked trucks of each class; whoever stands outside the ranking is nobody's peer."""
    members: dict[str, list[tuple[float, int]]] = {}
    for truck_id, truck in trucks.items():
        value = truck.own.l_per_100km
        if truck.class_name and value is not None and truck.unranked is None:
            members.setdefault(truck.class_name, []).append((value, truck_id))
    return {name: _peers(sorted(found)) for name, found in members.items()}


def _peers(ordered: Collection[tuple[float, int]]) -> Peers:
    return Peers([value for value, _ in ordered], {truck_id: place for place, (_, truck_id) in enumerate(ordered)})


def against_peers(truck_id: int, truck: Consumption, classes: Mapping[str, Peers]) -> tuple[int, Comparison]:
    """How many others of its class there are, and its period beside their median."""
    if not truck.class_name:
        return 0, Comparison(None, None, Reason.NO_CLASS)
    peers = classes.get(truck.class_name)
    number, median = peers.median_of_others(truck_id) if peers else (0, None)
    if median is None:
        return number, Comparison(None, None, Reason.TOO_FEW_PEERS)
    return number, _compared(truck.own, median, truck.unranked)
