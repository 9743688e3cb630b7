"""Every endpoint of the API that is read without knowing a row, from its own document, as paths to ask for."""

from fleet_project.api import api

DOCUMENT = api.get_openapi_schema()
OPERATIONS = [path for path, operations in DOCUMENT["paths"].items() if "get" in operations and "{row_id}" not in path]
PATHS = [path.replace("{truck_id}", "T-1") for path in OPERATIONS]
TRUCK_PATHS = [path for path in PATHS if "/trucks/" in path]


def parameters_of(path: str) -> set[str]:
    """Names of the query parameters of one of PATHS."""
    operation = DOCUMENT["paths"][path.replace("T-1", "{truck_id}")]["get"]
    return {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}


PERIOD_PATHS = [path for path in PATHS if "period" in parameters_of(path)]
PAGED_PATHS = [path for path in PATHS if "cursor" in parameters_of(path)]
