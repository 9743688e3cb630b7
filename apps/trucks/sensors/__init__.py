"""Sensor tables of Wialon units: from raw messages to what they measure."""

from .definition import Problem, SensorDefinition, TableRow, parse_definitions
from .device import DEFAULT_EVENTS, DeviceEvents, EventParameter, FaultCode
from .frame import SensorValue
from .table import Readings, SensorTable

__all__ = [
    "DEFAULT_EVENTS",
    "DeviceEvents",
    "EventParameter",
    "FaultCode",
    "Problem",
    "Readings",
    "SensorDefinition",
    "SensorTable",
    "SensorValue",
    "TableRow",
    "parse_definitions",
]
