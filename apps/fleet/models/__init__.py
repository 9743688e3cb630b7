"""What the trucks' days cost, how well they were used, and who is told."""

from apps.fleet.models.benchmarks import Benchmark
from apps.fleet.models.blocks import DriverBlock, FleetBlock, RankingBlock, TruckBlock
from apps.fleet.models.costs import (
    RATED_LINES,
    UNALLOCATED,
    CostBasis,
    CostLine,
    CostRate,
    CostSource,
    FuelMoney,
    FuelPrice,
    TruckDayCost,
    TruckDayFuel,
)
from apps.fleet.models.days import FleetDay, FleetDayCost
from apps.fleet.models.drivers import TruckDayDriver, TruckDayDriverCost, TruckSpanDriver, TruckSpanDriverCost
from apps.fleet.models.fuel_alerts import DirtyFuelWeek, FuelAlert
from apps.fleet.models.hours import FleetDayHours, TruckDayHours
from apps.fleet.models.idle_places import IdlePlaceSpan, TruckDayIdlePlace
from apps.fleet.models.imports import LedgerImport
from apps.fleet.models.ledger import (
    AllocationBasis,
    CostAllocation,
    CostEntry,
    DirtyEntry,
    ExchangeRate,
    FuelPurchase,
)
from apps.fleet.models.reports import ReportDelivery, ReportFile, ReportRun, ReportSchedule
from apps.fleet.models.spans import FleetSpan, FleetSpanCost, TruckSpan, TruckSpanCost, TruckSpanFuel
from apps.fleet.models.working_time import CalendarHoliday, GroupTarget, WorkingCalendar, WorkshopStay

__all__ = [
    "UNALLOCATED",
    "AllocationBasis",
    "Benchmark",
    "CalendarHoliday",
    "CostAllocation",
    "CostBasis",
    "CostEntry",
    "RATED_LINES",
    "CostLine",
    "CostRate",
    "CostSource",
    "DirtyEntry",
    "DirtyFuelWeek",
    "DriverBlock",
    "ExchangeRate",
    "FleetBlock",
    "FleetDay",
    "FleetDayCost",
    "FleetDayHours",
    "FleetSpan",
    "FleetSpanCost",
    "FuelAlert",
    "FuelMoney",
    "FuelPrice",
    "FuelPurchase",
    "IdlePlaceSpan",
    "GroupTarget",
    "LedgerImport",
    "RankingBlock",
    "ReportDelivery",
    "ReportFile",
    "ReportRun",
    "ReportSchedule",
    "TruckBlock",
    "TruckDayCost",
    "TruckDayDriver",
    "TruckDayDriverCost",
    "TruckDayFuel",
    "TruckDayHours",
    "TruckDayIdlePlace",
    "TruckSpan",
    "TruckSpanCost",
    "TruckSpanFuel",
    "TruckSpanDriver",
    "TruckSpanDriverCost",
    "WorkingCalendar",
    "WorkshopStay",
]
