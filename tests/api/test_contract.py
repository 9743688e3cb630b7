"""The API keeps to its OpenAPI document, and the document in docs/ is the code's."""

import datetime as dt
import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from django.core.management import CommandError, call_command
from pydantic import BaseModel

from apps.accounts.models import Fleet
from apps.fleet.models import Benchmark
from apps.trucks.models import SyncRun
from tests import rows
from tests.api.endpoints import DOCUMENT, EVERY_PATH, OPERATIONS, PATHS, parameters_of, route_of

Get = Callable[..., httpx.Response]
ROOT = Path(__file__).parent.parent.parent


def operation(path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][route_of(path)]["get"]


def closed(schema: Any) -> Any:
    """The schema with every object closed: an undeclared field is an error here, though clients should bear it."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    return {**parts, "additionalProperties": False} if "properties" in schema else parts


def check(schema: dict[str, Any], instance: Any) -> None:
    whole = {**closed(schema), "components": closed(DOCUMENT["components"])}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(instance)


def full_fleet() -> Fleet:
    """A fleet in which every list has rows and every field that may be null is not."""
    fleet = rows.fleet()
    truck = rows.truck(fleet, sensor_problems=[[7, "Fuel level", "unknown operator"]], make="Volvo")
    now = dt.datetime.now(dt.UTC)
    rows.known(truck, now)
    rows.latest(truck, now)
    rows.group(fleet, "North", truck)
    driver = rows.driver(fleet, truck=truck, bound_at=now)
    for day in (rows.DAY, rows.DAY - dt.timedelta(days=31)):
        rows.truck_day(truck, day, driver)
        rows.cost(truck, "fuel", "180.10", day)
        rows.cost(truck, "tolls", "11.00", day, source="actual")
        rows.fleet_day(fleet, day)
    rows.fuel_alert(truck)
    rows.trip(truck)
    rows.speeding(truck)
    rows.message(truck)
    for make in (rows.stop, rows.idle_event, rows.fuel_event, rows.harsh_event, rows.fault_change, rows.open_fault):
        make(truck)
    Benchmark.objects.get_or_create(
        year=2024, line="fuel", defaults={"amount": 1, "currency": "USD", "source": "A", "edition": "1"}
    )
    SyncRun.objects.create(fleet=fleet, status="ok", started_at=now, finished_at=now)
    rows.backfill(fleet, truck, days_done=1, error="Unavailable", started_at=now, finished_at=now)
    rows.revision(fleet, 3)
    return fleet


def empty_fleet() -> Fleet:
    fleet = rows.fleet()
    rows.truck(fleet)
    rows.driver(fleet)
    rows.backfill(fleet)
    return fleet


@pytest.mark.parametrize(
    ("fleet", "path"), [(full_fleet, path) for path in EVERY_PATH] + [(empty_fleet, path) for path in PATHS]
)
def test_every_answer_is_as_declared(api_get: Get, path: str, fleet: Callable[[], Fleet]) -> None:
    query = "?from=2026-03-01&to=2026-03-31" if "from" in parameters_of(path) else ""
    answer = api_get(f"{path}{query}", rows.api_key(fleet()))
    declared = operation(path)["responses"]["200"]
    check(declared["content"]["application/json"]["schema"], answer.json())
    assert {name.lower() for name in declared["headers"]} <= set(answer.headers)


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_error_is_as_declared(api_get: Get, path: str) -> None:
    key = rows.api_key(empty_fleet())
    answers = [api_get(path), api_get(f"{path}?no=1", key), api_get(path, key, {"Accept": "image/png"})]
    if "T-1" in path or "D-1" in path:
        answers.append(api_get(path.replace("T-1", "T-2").replace("D-1", "D-2"), key))
    for answer in answers:
        declared = operation(path)["responses"][str(answer.status_code)]
        check(declared["content"]["application/problem+json"]["schema"], answer.json())
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_operation_has_an_example_that_is_as_declared(path: str) -> None:
    content = operation(path)["responses"]["200"]["content"]["application/json"]
    check(content["schema"], content["example"])


def unlike(shown: Any, answer: Any, where: str = "") -> list[str]:
    """Where an excerpt has other fields than the answer; what it leaves out it marks with an ellipsis."""
    if not (isinstance(shown, dict) and isinstance(answer, dict)):
        return []
    named = shown.keys() - {"…"}
    other = named - answer.keys() if "…" in shown else named ^ answer.keys()
    inside = (unlike(shown[name], answer[name], f"{where}/{name}") for name in named & answer.keys())
    return [f"{where}/{name}" for name in other] + [each for part in inside for each in part]


def test_the_answer_in_the_readme_has_the_fields_of_a_real_one(api_get: Get) -> None:
    [shown] = re.findall(r"```json\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    answer = api_get("/api/v2/fleet/summary?period=last7", rows.api_key(full_fleet()))
    assert unlike(json.loads(shown), answer.json()) == []


def test_every_field_and_parameter_is_described() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bare = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, part in schema.get("properties", {}).items()
        if "description" not in part and "$ref" not in part and "items" not in part
    ]
    assert bare == []
    for path in OPERATIONS:
        named = [parameter for parameter in operation(path)["parameters"] if parameter["in"] != "path"]
        assert all(parameter["schema"].get("description") or parameter.get("description") for parameter in named)


def test_no_two_shapes_have_one_name() -> None:
    """The document has one place for a name: of two shapes one would be described by the other."""
    shapes, waiting = {}, [BaseModel]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__module__.startswith("apps.") and "[" not in model.__name__:
            assert shapes.setdefault(model.__name__, model) is model


def test_the_document_is_a_valid_schema_throughout() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})
        assert schema["type"] == "object" or "enum" in schema, name


# --- the copies in docs/ --------------------------------------------------------------------------------------------


def test_the_checked_in_document_is_that_of_the_code() -> None:
    out = StringIO()
    call_command("openapi", "--check", stdout=out)
    assert out.getvalue() == "openapi.json is up to date\n"


def test_a_document_that_is_out_of_date_is_told_what_changed(tmp_path: Path, settings) -> None:
    settings.OPENAPI_FILE = tmp_path / "openapi.json"
    call_command("openapi", stdout=StringIO())
    written = settings.OPENAPI_FILE.read_text()
    assert json.loads(written)["openapi"] == "3.1.0"
    settings.OPENAPI_FILE.write_text(written.replace("cost_per_km", "cost_per_mile"))
    with pytest.raises(CommandError, match=r"(?s)out of date.*-.*cost_per_mile.*\+.*cost_per_km"):
        call_command("openapi", "--check")


def test_the_manual_shows_every_endpoint() -> None:
    manual = (ROOT / "docs" / "api.md").read_text()
    for path in OPERATIONS:
        shown = re.sub(r"\\{\w+\\}", "[^/ ?]+", re.escape(path.removeprefix("/api/v2")))
        assert re.search(rf"`GET {shown}`", manual), path
        assert re.search(rf"curl[^\n]*/api/v2{shown}(?![\w/-])", manual), path
