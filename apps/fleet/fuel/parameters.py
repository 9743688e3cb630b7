"""The parameters that consumption is compared by, of a fleet and its trucks on a day. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from apps.trucks.parameters import DEFAULTS

NAMES = ("fuel_min_km", "fuel_deviation_pct")
Values = dict[str, float]


def in_force(sets: Sequence[Mapping[str, Any]]) -> tuple[Values, dict[int, Values]]:
    """The fleet's values, and those of trucks with some of their own; from rows of `fuel_queries.PARAMETER_SETS`."""
    in_general: Values = {name: getattr(DEFAULTS, name) for name in NAMES}
    by_truck: dict[int, Values] = {}
    for row in sets:  # the fleet's come first
        values = {name: value for name, value in orjson.loads(row["values"]).items() if name in in_general}
        if row["truck_id"] is None:
            in_general |= values
        elif values:
            by_truck[row["truck_id"]] = {**by_truck.get(row["truck_id"], in_general), **values}
    return in_general, by_truck
