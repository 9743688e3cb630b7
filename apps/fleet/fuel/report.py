"""What the API says of a fleet's fuel in a period: all its trucks are read, since each is held against others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import orjson

from apps import merging
from apps.accounts.amounts import money, rounded
from apps.accounts.answers import dumps
from apps.accounts.calendar import ONE_DAY
from apps.accounts.paging import Page
from apps.accounts.periods import Period, of_days
from apps.fleet import queries
from apps.fleet.columns import Column
from apps.fleet.figures import coverage_pct
from apps.fleet.fuel import parameters as fuel_parameters
from apps.fleet.fuel import queries as fuel_queries
from apps.fleet.fuel.consumption import BASELINE_DAYS, Burn, Comparison, Consumption, against_baseline, together
from apps.fleet.fuel.figures import burn, figures, in_columns, shown, total
from apps.fleet.fuel.ranking import Key, Ranking, TruckFuel
from apps.fleet.rows import Rows
from apps.fleet.sums import trucks as truck_sums
from apps.fleet.sums.summed import ById
from apps.fleet.sums.trucks import Sums
from apps.mysql import Row, fetch_all
from apps.trucks import remembered

_NOTHING = Burn(None, None, 0)
_JUDGED_BY = ("length_s", "no_data_s", *fuel_queries.BURN, "fuel_used_l", "idle_fuel_l", "drain_l")  # and ordered


def baseline_of(period: Period) -> Period:
    """The days that a period is held against."""
    return of_days(period.first - BASELINE_DAYS * ONE_DAY, period.first - ONE_DAY, period.zone)


@dataclass(frozen=True, slots=True)
class Named:
    """A truck of the fleet: what answers call it, its class, empty where it has none, and the ids of its groups."""

    id: int
    code: str
    name: str
    vehicle_class: str
    class_name: str  # the same in any case
    group_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Report:
    """The trucks with days in the period, the groups (id → name), and the fleet's parameters on its last day."""

    ranking: Ranking
    sums: ById  # of the trucks
    groups: Mapping[int, str]
    parameters: Mapping[str, float]
    currency: str

    @classmethod
    async def read(cls, fleet_id: int, currency: str, period: Period, facts: int) -> Self:
        """`facts`: the revision of the fleet's facts, as far as known."""
        asked, before = (queries.period(fleet_id, each.first, each.last) for each in (period, baseline_of(period)))
        found = await merging.together(
            remembered.facts.made(fuel_queries.TRUCKS, {"fleet": fleet_id}, facts, named),
            remembered.facts.made(fuel_queries.GROUPS, {"fleet": fleet_id}, facts, list),
            fetch_all(fuel_queries.PARAMETER_SETS, asked),
            truck_sums.by_id(asked, fuel_queries.FIGURES),
            truck_sums.sums(before, fuel_queries.BURN),
        )
        return cls.of(currency, *found)

    @classmethod
    def of(
        cls,
        currency: str,
        known: Mapping[int, Named],
        groups: Sequence[Row],
        sets: Sequence[Row],
        fuel: ById,
        baselines: Sums,
    ) -> Self:
        """From the trucks there are, the rows of the statements, and the sums."""
        in_general, by_truck = fuel_parameters.in_force(sets)
        trucks = {
            pk: _truck(known[pk], row, baselines.get(pk), by_truck.get(pk, in_general)["fuel_min_km"])
            for pk, row in fuel.rows(_JUDGED_BY).items()
            if pk in known
        }
        return cls(Ranking(trucks), fuel, {row["id"]: row["name"] for row in groups}, in_general, currency)

    def page(self, sort: str, group_id: int | None, page: Page) -> tuple[list[TruckFuel], dict[str, Any]]:
        """The trucks after the page's key, of a group or all, at most as many as it takes, and the answer's `page`."""
        keyed = self.ranking.in_order(sort, group_id)
        after: Key | None = None if page.after is None else orjson.loads(page.after)
        rows: list[dict[str, Any]] = [
            {"key": orjson.dumps(key).decode(), "truck": truck} for key, truck in keyed if not after or key > after
        ]
        found, echo = page.cut(rows[: page.limit + 1], "key")
        return [row["truck"] for row in found], echo

    def items(self, trucks: Sequence[TruckFuel], alerts: Mapping[int, Sequence[Row]]) -> Rows:
        """Trucks as they are listed, with their rows of alerts."""
        found = [truck.consumption for truck in trucks]
        unranked = [each.unranked for each in found]
        peers = list(map(self.ranking.against_peers, trucks))
        table = {
            "truck_id": [truck.code for truck in trucks],
            "name": [truck.name for truck in trucks],
            "vehicle_class": [truck.vehicle_class or None for truck in trucks],
            "groups": [sorted(self.groups[pk] for pk in truck.group_ids if pk in self.groups) for truck in trucks],
            **in_columns(self.sums_of(trucks), self.currency),
            "coverage_pct": [rounded(each.coverage_pct) for each in found],
            "ranked": [reason is None for reason in unranked],
            "unranked_reason": unranked,
            "baseline": {
                **_comparisons(map(self.ranking.against_baseline, trucks)),
                "distance_m": [each.baseline.distance_m for each in found],
                "days": [each.baseline.days for each in found],
            },
            "peers": {**_comparisons(each for _, each in peers), "trucks": [others for others, _ in peers]},
            "alerts": [self._alerts(alerts.get(truck.id, ())) for truck in trucks],
        }
        return Rows(table, len(trucks))

    def sums_of(self, trucks: Sequence[TruckFuel]) -> dict[str, Column]:
        return self.sums.of(np.array([truck.id for truck in trucks], np.int64))

    def _alerts(self, rows: Sequence[Row]) -> orjson.Fragment:
        return orjson.Fragment(dumps([_alert(row, self.currency) for row in rows]) if rows else b"[]")

    def summary(self, own: Burn, baseline: Burn, group_id: int | None = None) -> dict[str, Any]:
        """What stands beside the figures of the fleet, or of a group; `own` and `baseline` are theirs."""
        trucks = self.ranking.of_group(group_id)
        ranked = sum(truck.consumption.unranked is None for truck in trucks)
        comparison = against_baseline(own, baseline, self.parameters["fuel_min_km"])
        return {
            "trucks_ranked": ranked,
            "trucks_unranked": len(trucks) - ranked,
            "baseline": _with_exposure(comparison, baseline),
            "groups": self._groups(group_id),
            "parameters": self.parameters,
        }

    def _groups(self, only: int | None) -> list[dict[str, Any]]:
        """Groups by name, or one, with the trucks that are in them now; trucks of no group come last, without name."""
        found: list[tuple[str | None, list[TruckFuel]]] = [
            (name, self.ranking.of_group(pk)) for pk, name in self.groups.items() if only in (None, pk)
        ]
        if only is None:
            trucks = self.ranking.trucks.values()
            found.append((None, [truck for truck in trucks if not truck.group_ids & self.groups.keys()]))
        return [self._group(name, members) for name, members in found if members]

    def _group(self, name: str | None, members: Sequence[TruckFuel]) -> dict[str, Any]:
        sums = total(self.sums_of(members))
        baseline = together([truck.consumption.baseline for truck in members])
        comparison = against_baseline(burn(sums), baseline, self.parameters["fuel_min_km"])
        return {
            "group": name,
            "trucks": len(members),
            **shown(figures(sums), self.currency),
            "baseline": _with_exposure(comparison, baseline),
        }


def named(rows: Iterable[Row]) -> dict[int, Named]:
    """By id, from the rows of `fuel_queries.TRUCKS`."""
    return {row["id"]: _named(row) for row in rows}


def _named(row: Row) -> Named:
    vehicle_class, groups = row["vehicle_class"].strip(), orjson.loads(row["group_ids"] or "[]")
    return Named(row["id"], row["truck_id"], row["name"], vehicle_class, vehicle_class.casefold(), frozenset(groups))


def _truck(named: Named, sums: Row, baseline: Row | None, min_km: float) -> TruckFuel:
    return TruckFuel(
        id=named.id,
        code=named.code,
        name=named.name,
        vehicle_class=named.vehicle_class,
        group_ids=named.group_ids,
        sums=sums,
        consumption=Consumption(
            own=burn(sums),
            baseline=_NOTHING if baseline is None else burn(baseline),
            coverage_pct=coverage_pct(sums),
            min_km=min_km,
            class_name=named.class_name,
        ),
    )


def _alert(row: Row, currency: str) -> dict[str, Any]:
    measures = ("consumption_l_per_100km", "baseline_l_per_100km", "deviation_pct", "threshold_pct", "excess_l")
    return {
        "week": row["week"],
        "state": row["state"],
        **{name: rounded(row[name]) for name in measures},
        "distance_m": row["distance_m"],
        "excess_cost": money(row["excess_cost"], currency),
        "note": row["note"] or None,
        "reviewed_at": row["reviewed_at"],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "consumption_l_per_100km": rounded(found.l_per_100km),
        "deviation_pct": rounded(found.deviation_pct),
        "reason": found.reason,
    }


def _comparisons(found: Iterable[Comparison]) -> dict[str, list[Any]]:
    """The same of many, as columns."""
    each = list(found)
    return {
        "consumption_l_per_100km": [rounded(one.l_per_100km) for one in each],
        "deviation_pct": [rounded(one.deviation_pct) for one in each],
        "reason": [one.reason for one in each],
    }


def _with_exposure(found: Comparison, baseline: Burn) -> dict[str, Any]:
    return {**_comparison(found), "distance_m": baseline.distance_m, "days": baseline.days}
