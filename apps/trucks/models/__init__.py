"""What each truck is and did.

High-volume tables have natural primary keys led by the fleet and no foreign keys; they are written in bulk, replaced
whole and partitioned by time, all of which a surrogate key or a foreign key would only slow down.
"""

from apps.trucks.models import views
from apps.trucks.models.assignments import DriverAssignment, DriverLogin
from apps.trucks.models.backfills import Backfill, BackfillDay
from apps.trucks.models.days import Correction, DirtyDay, FactsRevision, SummaryRevision, TruckDay, TruckDayFigures
from apps.trucks.models.events import (
    FaultChange,
    FuelEvent,
    HarshEvent,
    IdleEvent,
    OpenFault,
    SpeedingEpisode,
    Stop,
    Trip,
)
from apps.trucks.models.mappings import EventMapping
from apps.trucks.models.messages import LatestValues, Message, PackedDay, QuarantinedMessage
from apps.trucks.models.places import ProductivePlace
from apps.trucks.models.reviews import DrainReview, FaultAcknowledgement
from apps.trucks.models.sync import FleetSync, FleetWatermark, SyncRun, TruckSync
from apps.trucks.models.trucks import Driver, ParameterSet, SensorTableVersion, Truck, TruckGroup, UnitCounters

__all__ = [
    "Backfill",
    "BackfillDay",
    "Correction",
    "DirtyDay",
    "DrainReview",
    "Driver",
    "DriverAssignment",
    "DriverLogin",
    "EventMapping",
    "FactsRevision",
    "FaultAcknowledgement",
    "FaultChange",
    "FleetSync",
    "FleetWatermark",
    "FuelEvent",
    "HarshEvent",
    "IdleEvent",
    "LatestValues",
    "Message",
    "OpenFault",
    "PackedDay",
    "ParameterSet",
    "ProductivePlace",
    "QuarantinedMessage",
    "SensorTableVersion",
    "SpeedingEpisode",
    "Stop",
    "SummaryRevision",
    "SyncRun",
    "Trip",
    "Truck",
    "TruckDay",
    "TruckDayFigures",
    "TruckGroup",
    "TruckSync",
    "UnitCounters",
    "views",
]
