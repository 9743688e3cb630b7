"""What trucks' days are computed with besides their messages: read once for many trucks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from apps.trucks import drivers
from apps.trucks.assignments import Shift
from apps.trucks.detection.fuel import Review
from apps.trucks.models import DrainReview
from apps.trucks.parameter_sets import ParameterHistory
from apps.trucks.productive_places import PlaceHistory


@dataclass(frozen=True, slots=True)
class Rules:
    """Those of one truck, for all of its days."""

    parameters: ParameterHistory
    places: PlaceHistory
    reviews: Mapping[int, Review]  # what was said of its drains, by their start; of several the last
    shifts: Sequence[Shift]  # who had it when


def rules_of(fleet_id: int, truck_ids: Collection[int]) -> dict[int, Rules]:
    """The rules of each of these trucks of a fleet: four statements, however many they are."""
    parameters = ParameterHistory.of_trucks(fleet_id, truck_ids)
    places = PlaceHistory.of_trucks(fleet_id, truck_ids)
    reviews, shifts = _reviews(fleet_id, truck_ids), drivers.shifts_of(fleet_id, truck_ids)
    return {
        truck_id: Rules(parameters[truck_id], places[truck_id], reviews[truck_id], shifts[truck_id])
        for truck_id in truck_ids
    }


def _reviews(fleet_id: int, truck_ids: Collection[int]) -> dict[int, dict[int, Review]]:
    found: dict[int, dict[int, Review]] = {truck_id: {} for truck_id in truck_ids}
    rows = DrainReview.objects.filter(fleet=fleet_id, truck__in=truck_ids).order_by("reviewed_at", "pk")
    for truck_id, at, verdict in rows.values_list("truck_id", "started_at", "verdict"):
        found[truck_id][int(at.timestamp())] = Review(verdict)
    return found
