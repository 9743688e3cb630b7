"""Sensor tables of Wialon units: from raw messages to what they measure."""

from .definition import Problem, SensorDefinition, TableRow, parse_definitions
from .table import Readings, SensorTable

__all__ = ["Problem", "Readings", "SensorDefinition", "SensorTable", "TableRow", "parse_definitions"]
