"""Every endpoint of the API that is read without knowing a row, from its own document, as paths to ask for."""

import re
from functools import reduce

from fleet_project.api import api

DOCUMENT = api.get_openapi_schema()
_PARTS = {
    "{truck_id}": "T-1",
    "{driver_id}": "D-1",
    "{day}": "2026-03-10",
    "{backfill_id}": "1",
}  # as tests/rows makes them
OPERATIONS = [
    path
    for path, operations in DOCUMENT["paths"].items()
    if "get" in operations and set(re.findall(r"{\w+}", path)) <= _PARTS.keys()
]


def asked(route: str) -> str:
    """The path of a route of the document, for the truck T-1."""
    return reduce(lambda path, name: path.replace(name, _PARTS[name]), _PARTS, route)


def route_of(path: str) -> str:
    """The route in the document of a path or a route."""
    return next(route for route in OPERATIONS if path in (route, asked(route)))


EVERY_PATH = [asked(route) for route in OPERATIONS]
PATHS = [path for path in EVERY_PATH if "/days/" not in path]  # what there is of any truck; a single day may be missing
TRUCK_PATHS = [path for path in PATHS if "/trucks/" in path]
DRIVER_PATHS = [path for path in PATHS if "/drivers/" in path]


def parameters_of(path: str) -> set[str]:
    """Names of the query parameters of one of PATHS."""
    operation = DOCUMENT["paths"][route_of(path)]["get"]
    return {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}


# In the ledger a period narrows lists that have none by themselves.
PERIOD_PATHS = [path for path in PATHS if "period" in parameters_of(path) and "/costs/" not in path]
PAGED_PATHS = [path for path in PATHS if "cursor" in parameters_of(path) and path != "/api/v2/backfills"]
