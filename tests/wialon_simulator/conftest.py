"""Fixtures: a frozen fleet to read from, simulators to change, and a plain client for the protocol."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from tests.wialon_simulator.client import NOW, Client, Json
from wialon_simulator import Simulator


@pytest.fixture(scope="session")
def fleet() -> Iterator[Simulator]:
    """Eight trucks, three days before a Sunday noon, standing still; only to be read."""
    with Simulator(trucks=8, days=3, seed=1, now=NOW, timezone="Europe/Berlin", frozen=True) as simulator:
        yield simulator


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators of a test's own: two trucks, one day, frozen, unless the test says otherwise."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Simulator:
            defaults = {"trucks": 2, "days": 1, "seed": 1, "now": NOW, "timezone": "Europe/Berlin", "frozen": True}
            return stack.enter_context(Simulator(**(defaults | settings)))

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Returns logged-in clients."""
    with ExitStack() as stack:

        def client(simulator: Simulator, *, login: bool = True) -> Client:
            made = Client(simulator)
            stack.enter_context(made.http)
            if login:
                made.login()
            return made

        yield client


@pytest.fixture
def read(fleet: Simulator, connect: Callable[..., Client]) -> Iterator[Client]:
    """A logged-in client of the fleet that is only read."""
    client = connect(fleet)
    yield client
    client.call("core/logout")


@pytest.fixture(scope="session")
def sensor_values() -> Callable[[Json, str, Json], list[float | None]]:
    """Calculates a message's values of all sensors of a type, as Wialon does: expression, bounds, table, validator."""
    return lambda unit, kind, message: [
        _calculated(unit, sensor, message) for sensor in unit["sens"].values() if sensor["t"] == kind
    ]


def _calculated(unit: Json, sensor: Json, message: Json) -> float | None:
    bounds = orjson.loads(sensor["c"])
    after = bool(sensor["f"] & 0x40)
    value = next((v for v in (_expression(text, message) for text in sensor["p"].split("|")) if v is not None), None)
    if value is None or (not after and _outside(value, bounds)):
        return None
    rows = [row for row in sensor["tbl"] if row["x"] <= value]
    if sensor["tbl"]:
        row = rows[-1] if rows else sensor["tbl"][0]
        value = row["a"] * value + row["b"]
    if after and _outside(value, bounds):
        return None
    if sensor["vt"] == 1:
        value = float(bool(value) and bool(_calculated(unit, unit["sens"][str(sensor["vs"])], message)))
    return value


def _outside(value: float, bounds: Json) -> bool:
    return not bounds.get("lower_bound", float("-inf")) <= value <= bounds.get("upper_bound", float("inf"))


def _expression(text: str, message: Json) -> float | None:
    values: Json = {}

    def named(match: re.Match[str]) -> str:
        name, bit = match["name"], match["bit"]
        if name.startswith("const"):
            return name.removeprefix("const")
        value = message["i"] >> int(name[2:]) - 1 & 1 if re.fullmatch(r"in\d", name) else message["p"].get(name)
        if isinstance(value, int | float) and bit:
            value = int(value) >> int(bit) - 1 & 1
        values[f"v{len(values)}"] = value
        return f"v{len(values) - 1}"

    code = re.sub(r"(?P<name>[A-Za-z]\w*(?:(?<=const)|(?<=const\d)|\b)(?:\.\d+)?)(?::(?P<bit>\d+))?", named, text)
    return eval(code, {}, values) if all(isinstance(v, int | float) for v in values.values()) else None
