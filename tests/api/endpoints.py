"""Every endpoint of the API, from its own document, as paths that a test can ask for."""

from fleet_project.api import api

DOCUMENT = api.get_openapi_schema()
OPERATIONS = list(DOCUMENT["paths"])
PATHS = [path.replace("{truck_id}", "T-1") for path in OPERATIONS]
TRUCK_PATHS = [path for path in PATHS if "/trucks/" in path]


def parameters_of(path: str) -> set[str]:
    """Names of the query parameters of one of PATHS."""
    operation = DOCUMENT["paths"][path.replace("T-1", "{truck_id}")]["get"]
    return {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}


PERIOD_PATHS = [path for path in PATHS if "period" in parameters_of(path)]
PAGED_PATHS = [path for path in PATHS if "cursor" in parameters_of(path)]
