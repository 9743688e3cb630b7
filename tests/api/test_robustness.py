"""Whatever is asked, the server, as it is run in production, never fails."""

import datetime as dt
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from apps.accounts.keys import SCOPES
from tests import rows
from tests.api.endpoints import DOCUMENT, OPERATIONS

ROOT = Path(__file__).parent.parent.parent
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FEW, MANY = 4, 60  # for each operation, valid and not: the same few in every run, others whenever many are asked for


@pytest.fixture
def server(transactional_db: None, settings) -> Iterator[str]:
    """The address of the application under Granian, on the database of the tests."""
    with socket.create_server(("127.0.0.1", 0)) as once_free:
        port = once_free.getsockname()[1]
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=settings.DATABASES["default"]["NAME"]))
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "fleet_project.asgi:application"], cwd=ROOT, env={**os.environ, "DATABASE_URL": database}
    )
    try:
        yield _once_it_answers(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _once_it_answers(address: str) -> str:
    for _ in range(100):
        try:
            httpx.get(f"{address}/healthz").raise_for_status()
            return address
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def a_fleet_with_everything() -> str:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    yesterday = dt.date.today() - dt.timedelta(days=1)
    rows.truck_day(truck, yesterday)
    rows.cost(truck, "fuel", "10.00", yesterday)
    rows.fleet_day(fleet, yesterday)
    rows.latest(truck)
    rows.trip(truck, dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    rows.backfill(fleet, truck)
    rows.sum_up()  # the server reads them
    return rows.api_key(fleet, scopes=SCOPES)


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_no_question_makes_the_server_fail(examples: int, server: str) -> None:
    headers = {"Authorization": f"Bearer {a_fleet_with_everything()}"}
    statuses: dict[int, int] = {}

    def ask_about(path: str, method: str, mode: GenerationMode) -> None:
        @settings(
            max_examples=examples, deadline=None, derandomize=examples == FEW, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            if "truck_id" in case.path_parameters and mode is GenerationMode.POSITIVE:
                case.path_parameters["truck_id"] = "T-1"
            if "backfill_id" in case.path_parameters and mode is GenerationMode.POSITIVE:
                case.path_parameters["backfill_id"] = 1
            answer = case.call(base_url=server, headers=headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)

        ask()

    for path in (*OPERATIONS, "/api/v2/exports/{list_name}"):
        for method in DOCUMENT["paths"][path]:
            ask_about(path, method.upper(), GenerationMode.POSITIVE)
            ask_about(path, method.upper(), GenerationMode.NEGATIVE)
    assert statuses[200] > 20
    assert statuses[422] > 20
