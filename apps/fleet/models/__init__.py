"""What the trucks' days cost, how well they were used, and who is told."""

from apps.fleet.models.costs import CostBasis, CostLine, CostRate, CostSource, FuelPrice, TruckDayCost
from apps.fleet.models.days import FleetDay, FleetDayCost
from apps.fleet.models.reports import ReportDelivery, ReportFile, ReportRun, ReportSchedule

__all__ = [
    "CostBasis",
    "CostLine",
    "CostRate",
    "CostSource",
    "FleetDay",
    "FleetDayCost",
    "FuelPrice",
    "ReportDelivery",
    "ReportFile",
    "ReportRun",
    "ReportSchedule",
    "TruckDayCost",
]
