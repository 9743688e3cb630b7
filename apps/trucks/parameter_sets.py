"""The detection parameters in force for a truck on a day: defaults, then the fleet's, then the truck's own."""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable
from copy import copy
from dataclasses import asdict
from functools import lru_cache

import orjson
from django.db.models import Q, QuerySet

from apps.trucks.models import ParameterSet
from apps.trucks.parameters import DEFAULTS, NAMES, Parameters


class ParameterHistory:
    """All parameter sets that concern one truck, read once."""

    def __init__(self, fleet_id: int, truck_id: int, sets: Iterable[ParameterSet] | None = None) -> None:
        """`sets`: those of the fleet's that may concern the truck, in the order of their days, if they are at hand."""
        read = _sets(fleet_id, [truck_id]) if sets is None else sets
        concerned = [each for each in read if each.truck_id in (None, truck_id)]
        # The fleet's before the truck's: what comes later wins.
        self._sets = sorted(concerned, key=lambda each: each.truck_id is not None)

    @classmethod
    def of_trucks(cls, fleet_id: int, truck_ids: Collection[int]) -> "dict[int, ParameterHistory]":
        """Those of several trucks, read once."""
        sets = list(_sets(fleet_id, truck_ids))
        return {truck_id: cls(fleet_id, truck_id, sets) for truck_id in truck_ids}

    def with_proposed(self, proposed: ParameterSet) -> "ParameterHistory":
        """As if a set were in force besides, or for the one of its key if it has any.

        Later ones of its kind still win, and a truck's own over a fleet's.
        """
        other = copy(self)
        others = [each for each in self._sets if each.pk != proposed.pk]
        by_day = sorted([*others, proposed], key=lambda each: each.effective_from)  # of one day the proposed last
        other._sets = sorted(by_day, key=lambda each: each.truck_id is not None)
        return other

    def on(self, day: dt.date) -> Parameters:
        values: dict[str, float] = {}
        for each in self._sets:
            if each.effective_from <= day:
                values |= each.values
        return DEFAULTS.overridden(values) if values else DEFAULTS


def _sets(fleet_id: int, truck_ids: Collection[int]) -> QuerySet[ParameterSet]:
    concerned = Q(truck=None) | Q(truck__in=truck_ids)
    return ParameterSet.objects.filter(concerned, fleet=fleet_id).order_by("effective_from")


@lru_cache(maxsize=1_024)
def extremes(stored: tuple[str, ...]) -> tuple[Parameters, Parameters]:
    """The lowest and the highest value of each parameter, of a fleet's sets (JSON) for any truck on any day."""
    sets = [DEFAULTS.overridden(orjson.loads(values)) for values in stored]
    every = [asdict(each) for each in (DEFAULTS, *sets)]
    lowest, highest = ({name: pick(each[name] for each in every) for name in NAMES} for pick in (min, max))
    return Parameters(**lowest), Parameters(**highest)


def version(parameters: Parameters) -> str:
    """A short name of these values: equal values, equal version."""
    return hashlib.blake2b(orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
