"""The API's answer about a fleet's fuel, as declared in OpenAPI."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, Field

from apps.accounts.parameters import DayPeriod, Paging
from apps.accounts.schemas import DISTANCE_M, FreshnessEcho, Instant, Money, PageEcho, PeriodEcho, described
from apps.files.answers import Exportable
from apps.fleet.schemas import GROUP
from apps.trucks.schemas import CODE

_NOT_RANKED = Literal["not_measured", "distance_too_short", "not_positive", "coverage_too_low"]
_REASONS = Literal[
    "not_measured", "distance_too_short", "not_positive", "coverage_too_low", "baseline_not_measured",
    "baseline_too_short", "baseline_not_positive", "no_class", "too_few_peers",
]  # fmt: skip
Sort = Literal[
    "truck_id", "deviation_pct", "-deviation_pct", "peers_deviation_pct", "-peers_deviation_pct",
    "consumption_l_per_100km", "-consumption_l_per_100km", "fuel_used_l", "-fuel_used_l", "idle_fuel_l",
    "-idle_fuel_l", "drain_l", "-drain_l",
]  # fmt: skip
_CONSUMPTION = "Litres ÷ distance of the truck-days on which both are measured."


class FuelSearch(DayPeriod, Paging, Exportable):
    sort: Sort = Field(
        "truck_id",
        description="By which figure; with - from the highest down. Trucks that do not have it, or stand outside the "
        "ranking by consumption or deviation, come last.",
    )
    group: str | None = GROUP


class FuelFigures(BaseModel):
    truck_days: int | None = described("Truck-days in the period.", 28)
    distance_m: int | None = described(DISTANCE_M, 11_360_000)
    fuel_used_l: float | None = described("Litres used, measured by counter or level.", 3_612.5)
    consumption_l_per_100km: float | None = described(_CONSUMPTION, 31.8)
    consumption_l: float | None = described("Its litres.", 3_612.5)
    fuel_distance_m: int | None = described("Its distance.", 11_360_000)
    consumption_days: int | None = described("On how many truck-days both are measured.", 26)
    fuel_cost: Money | None = Field(
        description="Litres used at the prices of their time: an estimate. Invoices for fuel are in the cost line "
        "`fuel` of summary and cost analysis. Null where none has a price."
    )
    fuel_priced_l: float | None = described("Of the litres used those with a price.", 3_612.5)
    idle_fuel_l: float | None = described("Of the litres used those while idle; null without a fuel counter.", 96.4)
    idle_cost: Money | None = Field(description="What they cost.")
    idle_productive_cost: Money | None = Field(description="Of it idling productively.")
    refuels: int | None = described("Refuels; null where the level was not measured.", 9)
    refuel_l: float | None = described("Their litres.", 3_980.0)
    drains: int | None = described("Drains, suspected or confirmed; dismissed ones are none.", 1)
    drain_l: float | None = described("Their litres.", 85.5)
    drain_priced_l: float | None = described("Of them those with a price.", 85.5)
    drain_cost: Money | None = Field(
        description="What these cost when they went; null where there were drains and none has a price."
    )
    suspected_drains: int | None = described("Drains that nobody has reviewed.", 1)
    suspected_drain_l: float | None = described("Their litres.", 85.5)
    suspected_drain_cost: Money | None = Field(description="What those of them with a price cost; null where none has.")


class _Compared(BaseModel):
    consumption_l_per_100km: float | None = described("What it is compared with; null: `reason` says why.", 29.9)
    deviation_pct: float | None = described("By how much its own consumption is above it (negative: below).", 6.35)
    reason: _REASONS | None = described("Why it is not compared; null: it is.", None)


class Baseline(_Compared):
    """The 28 days before the period: Σ litres ÷ Σ distance."""

    distance_m: int | None = described("Distance of those days with measured fuel.", 12_110_000)
    days: int = described("How many truck-days these are.", 27)


class PeersOfClass(_Compared):
    """The median of the other trucks of its class that are ranked in this period."""

    trucks: int = described("How many others; three at least are compared with.", 7)


class FuelAlertItem(BaseModel):
    """A week, Monday to Sunday, whose consumption deviates from the 28 days before it by more than the parameter."""

    week: dt.date = described("Its Monday.", "2026-03-02")
    state: Literal["open", "acknowledged", "dismissed"] = described("What a person said of it.", "open")
    consumption_l_per_100km: float = described(_CONSUMPTION, 34.4)
    baseline_l_per_100km: float = described("The same of the 28 days before.", 29.9)
    deviation_pct: float = described("By how much it is above that (negative: below).", 15.05)
    threshold_pct: float = described("The parameter `fuel_deviation_pct` in force on its Sunday.", 15)
    distance_m: int = described("Distance with measured fuel.", 2_914_000)
    excess_l: float = described("Litres more than the baseline would have taken (negative: less).", 131.1)
    excess_cost: Money | None = Field(description="What they cost at the week's mean price; null without a price.")
    note: str | None = described("What a person noted.", None)
    reviewed_at: Instant | None = described("When somebody last said something of it.", None)


class FuelOfTruck(FuelFigures):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    vehicle_class: str | None = described("Its class, by staff or by Wialon's profile; null: none.", "heavy_truck")
    groups: list[str] = described("Names of the groups it is in.", ["North"])
    coverage_pct: float | None = described("Part of the truck's time that is known, in per cent.", 98.2)
    ranked: bool = described("Whether it stands in rankings by consumption and deviation.", True)
    unranked_reason: _NOT_RANKED | None = described("Why not: too little measured, driven or known; null: it is.", None)
    baseline: Baseline
    peers: PeersOfClass
    alerts: list[FuelAlertItem] = Field(description="Alerts of weeks that reach into the period, by week.")


class FuelOfGroup(FuelFigures):
    group: str | None = described("Name of the group; null: trucks of no group.", "North")
    trucks: int = described("How many trucks with days in the period are in it now.", 8)
    baseline: Baseline


class FuelParameters(BaseModel):
    """The fleet's parameters in force on the last day of the period."""

    fuel_min_km: float = described("Distance with measured fuel that a consumption needs to be compared.", 500)
    fuel_deviation_pct: float = described("A week that deviates by more from its baseline is an alert.", 15)


class AlertCounts(BaseModel):
    """Alerts of all trucks, or of the group's, of weeks that reach into the period."""

    open: int = described("That nobody has reviewed.", 1)
    acknowledged: int = described("That somebody has taken note of.", 0)
    dismissed: int = described("That have a good reason, as somebody said.", 0)


class FuelOfFleet(FuelFigures):
    trucks_ranked: int = described("Trucks in the ranking.", 10)
    trucks_unranked: int = described("Trucks outside it.", 2)
    baseline: Baseline
    groups: list[FuelOfGroup] = Field(
        description="Groups that have trucks with days in the period, by name; a truck may be in several. Trucks of no "
        "group come last, without name. Where a group is asked for, it alone."
    )
    parameters: FuelParameters
    alerts: AlertCounts


class FuelBefore(FuelFigures):
    period: PeriodEcho


class FuelChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    truck_days: float | None = described("Change of `truck_days`.", 0.0)
    distance_m: float | None = described("Change of `distance_m`.", 3.1)
    fuel_used_l: float | None = described("Change of `fuel_used_l`.", 2.6)
    consumption_l_per_100km: float | None = described("Change of `consumption_l_per_100km`.", -0.49)
    consumption_l: float | None = described("Change of `consumption_l`.", 2.6)
    fuel_distance_m: float | None = described("Change of `fuel_distance_m`.", 3.1)
    consumption_days: float | None = described("Change of `consumption_days`.", 0.0)
    fuel_cost: float | None = described("Change of `fuel_cost`.", 4.0)
    fuel_priced_l: float | None = described("Change of `fuel_priced_l`.", 2.6)
    idle_fuel_l: float | None = described("Change of `idle_fuel_l`.", -3.9)
    idle_cost: float | None = described("Change of `idle_cost`.", -2.7)
    idle_productive_cost: float | None = described("Change of `idle_productive_cost`.", 0.0)
    refuels: float | None = described("Change of `refuels`.", 0.0)
    refuel_l: float | None = described("Change of `refuel_l`.", 1.9)
    drains: float | None = described("Change of `drains`.", -50.0)
    drain_l: float | None = described("Change of `drain_l`.", -41.2)
    drain_priced_l: float | None = described("Change of `drain_priced_l`.", -41.2)
    drain_cost: float | None = described("Change of `drain_cost`.", -40.0)
    suspected_drains: float | None = described("Change of `suspected_drains`.", 0.0)
    suspected_drain_l: float | None = described("Change of `suspected_drain_l`.", 4.2)
    suspected_drain_cost: float | None = described("Change of `suspected_drain_cost`.", 5.1)


class FuelAnswer(BaseModel):
    data: list[FuelOfTruck] = Field(description="Trucks with days in the period, in the order of `sort`.")
    summary: FuelOfFleet = Field(description="The whole fleet, or the group, whatever the page.")
    previous: FuelBefore = Field(description="The same figures of the period of equal length before.")
    change_pct: FuelChange
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho
