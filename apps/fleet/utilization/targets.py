"""What is expected of a fleet, its groups and its trucks, and whether it was met. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.fleet.columns import Column, at_most

NAMES = ("target_utilization_pct", "target_idle_pct")
Row = Mapping[str, Any]
Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets in force on a day. A truck's own come before its groups', of several the first, then the fleet's."""

    of_fleet: Values
    groups: dict[int, Values] = field(default_factory=dict)  # in the order of their names
    trucks: dict[str, Values] = field(default_factory=dict)  # by code
    members: dict[str, set[int]] = field(default_factory=dict)  # truck → groups that have targets

    def of_group(self, group_id: int | None) -> Values:
        return self.of_fleet | (self.groups.get(group_id, {}) if group_id is not None else {})

    def of_truck(self, code: str) -> Values:
        found = dict(self.of_fleet)
        groups = self.members.get(code, set())
        for group_id in reversed(self.groups):
            if group_id in groups:
                found |= self.groups[group_id]
        return found | self.trucks.get(code, {})

    def of_trucks(self, codes: Sequence[str]) -> dict[str, list[float]]:
        """The same of many, by column."""
        each = [self.of_truck(code) if code in self.trucks or code in self.members else self.of_fleet for code in codes]
        return {name: [values[name] for values in each] for name in self.of_fleet}


def targets(defaults: Values, sets: Iterable[Row], of_groups: Iterable[Row], members: Iterable[Row]) -> Targets:
    """From what stands there: of each in the order in which it came into force, groups by name.

    A set has a `truck_id`, null for the fleet, and `values`; a group's row its `group_id` and the targets, null where
    it has none; a member `truck_id` and `group_id`. A set names what it changes, so earlier ones count for the rest; of
    a group's rows the last one counts whole.
    """
    found = Targets(dict(defaults))
    for row in sets:
        values = {name: row["values"][name] for name in NAMES if name in row["values"]}
        (found.of_fleet if row["truck_id"] is None else found.trucks.setdefault(row["truck_id"], {})).update(values)
    for row in of_groups:
        found.groups[row["group_id"]] = {name: row[name] for name in NAMES if row[name] is not None}
    for row in members:
        found.members.setdefault(row["truck_id"], set()).add(row["group_id"])
    return found


def held_in_columns(row: Mapping[str, Column], values: Mapping[str, list[float]]) -> dict[str, list[Any]]:
    """What `held_against` says of each row of columns."""
    wanted, idle = (np.array(values[name], np.float64) for name in NAMES)
    return {
        **values,
        "utilization_met": at_most(wanted, row["asset_utilization_pct"]),
        "idle_met": at_most(row["idle_pct"], idle),
    }


def held_against(row: Row, values: Values) -> dict[str, Any]:
    """The targets beside which figures stand, and whether they were met; null where the figure is not measured."""
    utilization, idle = row["asset_utilization_pct"], row["idle_pct"]
    return {
        **values,
        "utilization_met": None if utilization is None else utilization >= values["target_utilization_pct"],
        "idle_met": None if idle is None else idle <= values["target_idle_pct"],
    }
