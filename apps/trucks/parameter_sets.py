"""The detection parameters in force for a truck on a day: defaults, then the fleet's, then the truck's own."""

import datetime as dt
import hashlib

import orjson
from django.db.models import Q

from apps.trucks.models import ParameterSet
from apps.trucks.parameters import DEFAULTS, Parameters


class ParameterHistory:
    """All parameter sets that concern one truck, read once."""

    def __init__(self, fleet_id: int, truck_id: int) -> None:
        sets = ParameterSet.objects.filter(Q(truck=None) | Q(truck=truck_id), fleet=fleet_id).order_by("effective_from")
        # The fleet's before the truck's: what comes later wins.
        self._sets = sorted(sets, key=lambda each: each.truck_id is not None)

    def on(self, day: dt.date) -> Parameters:
        values: dict[str, float] = {}
        for each in self._sets:
            if each.effective_from <= day:
                values |= each.values
        return DEFAULTS.overridden(values) if values else DEFAULTS


def parameters_in_force(fleet_id: int, truck_id: int, day: dt.date) -> Parameters:
    return ParameterHistory(fleet_id, truck_id).on(day)


def version(parameters: Parameters) -> str:
    """A short name of these values: equal values, equal version."""
    return hashlib.blake2b(orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
