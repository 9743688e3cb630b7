"""Users of the API for Locust: `scripts/bench load` starts the servers and these, and tells of the outcome.

By hand, against a server that runs:

    LOAD_FLEETS='[{"key": "flt_…", "trucks": ["T-1", "T-2"]}]' locust -f tests/load/locustfile.py --headless \\
        --users 100 --run-time 60s --host http://127.0.0.1:8000

With LOAD_REPORT=FILE every answer's time is written there.
"""

import json
import os
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, events, task

FLEETS = json.loads(os.environ["LOAD_FLEETS"])
API = "/api/v2"
_next_fleet = iter(range(1_000_000))


class Asker(FastHttpUser):
    """What all users do: ask with the key of their fleet, and send back the tags of what they know."""

    abstract = True
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        fleet = FLEETS[next(_next_fleet) % len(FLEETS)]
        self.trucks = fleet["trucks"]
        self.headers = {"Authorization": f"Bearer {fleet['key']}"}
        self.tags: dict[str, str] = {}

    def truck(self) -> str:
        return str(random.choice(self.trucks))

    def ask(self, name: str, path: str) -> None:
        """Asks for what may be known already: 304 is an answer too."""
        known = {"If-None-Match": self.tags[path]} if path in self.tags else {}
        with self.rest(name, path, {200, 304}, **known) as answer:
            if answer.status_code == 200:
                self.tags[path] = answer.headers["ETag"]

    def rest(self, name: str, path: str, expected: set[int], **headers: str) -> Any:
        return _Checked(self, name, path, expected, headers)


class _Checked:
    """One request, which is a failure if its status is none of those expected."""

    def __init__(self, user: Asker, name: str, path: str, expected: set[int], headers: dict[str, str]) -> None:
        self._expected = expected
        self._request = user.client.get(
            f"{API}{path}", name=name, headers={**user.headers, **headers}, catch_response=True
        )

    def __enter__(self) -> Any:
        self._answer = self._request.__enter__()
        if self._answer.status_code in self._expected:
            self._answer.success()
        else:
            self._answer.failure(f"status {self._answer.status_code}")
        return self._answer

    def __exit__(self, *raised: Any) -> Any:
        return self._request.__exit__(*raised)


class Dispatcher(Asker):
    """Looks at trucks all day long."""

    weight = 60

    @task(12)
    def sensors(self) -> None:
        self.ask("sensors", f"/trucks/{self.truck()}/sensors")

    @task(3)
    def trucks_now(self) -> None:
        self.ask("trucks", "/trucks?limit=100")

    @task(2)
    def trips(self) -> None:
        self.ask("trips", f"/trucks/{self.truck()}/trips?period=last7")

    @task(1)
    def stops(self) -> None:
        self.ask("stops", f"/trucks/{self.truck()}/stops?period=last7")

    @task(1)
    def speeding(self) -> None:
        self.ask("speeding-events", f"/trucks/{self.truck()}/speeding-events?period=last30")

    @task(1)
    def fresh(self) -> None:
        self.ask("freshness", "/fleet/freshness?limit=100")


class Manager(Asker):
    """Looks at the fleet's figures."""

    weight = 30

    @task(5)
    def summary(self) -> None:
        self.ask("summary", f"/fleet/summary?period={random.choice(('last7', 'last30', 'month'))}")

    @task(3)
    def utilization(self) -> None:
        self.ask("utilization, 100 trucks", "/fleet/utilization?period=last30&limit=100")

    @task(3)
    def costs(self) -> None:
        self.ask("cost-analysis, 100 trucks", "/fleet/cost-analysis?period=last30&limit=100")

    @task(2)
    def driving(self) -> None:
        self.ask("driver-behavior, 100 trucks", "/fleet/driver-behavior?period=last30&limit=100")

    @task(2)
    def trends(self) -> None:
        self.ask("trends", "/fleet/trends?period=last30&by=day")

    @task(2)
    def fuel(self) -> None:
        self.ask("fuel, 100 trucks", "/fleet/fuel?period=last30&limit=100")

    @task(2)
    def days(self) -> None:
        self.ask("days", f"/trucks/{self.truck()}/days?period=last30")


class Program(Asker):
    """Fetches lists as files, now and then, and asks wrongly as often."""

    weight = 10

    @task(1)
    def days_of_a_truck(self) -> None:
        with self.rest("export: days, one truck", f"/exports/days?period=last30&truck_id={self.truck()}", {200}):
            pass

    @task(1)
    def costs_as_a_workbook(self) -> None:
        with self.rest("export: costs, XLSX", "/exports/cost-analysis?period=last7&format=xlsx", {200}):
            pass

    @task(4)
    def unknown_truck(self) -> None:
        with self.rest("wrong: no such truck (404)", "/trucks/NOBODYS/sensors", {404}):
            pass

    @task(4)
    def unknown_parameter(self) -> None:
        with self.rest("wrong: parameter (422)", "/fleet/summary?perid=last7", {422}):
            pass

    @task(2)
    def bad_key(self) -> None:
        with self.rest("wrong: key (401)", "/trucks", {401}, Authorization="Bearer flt_nonsense"):
            pass


# --- the report -----------------------------------------------------------------------------------------------------

_times: dict[str, list[float]] = defaultdict(list)
_failures: dict[str, list[str]] = defaultdict(list)


@events.request.add_listener
def _note(name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
    _times[name].append(response_time)
    if exception is not None:
        _failures[name].append(str(exception))


@events.quitting.add_listener
def _write(**_: Any) -> None:
    if report := os.environ.get("LOAD_REPORT"):
        Path(report).write_text(json.dumps({"times": _times, "failures": _failures}))
