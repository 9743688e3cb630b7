"""Sensor tables and messages as tests make them."""

import json
from typing import Any

from hypothesis import strategies as st

from apps.trucks.sensors import SensorTable

MARKER = -348201.3876
BOUNDS = {"lower_bound": 10, "upper_bound": 20}
FLOATS = st.floats(-1e6, 1e6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["engine rpm", "mileage", "fuel level", "custom", "driver", "temperature", "engine operation"])
WILD_SENSOR = st.fixed_dictionaries(
    {"id": st.integers(1, 4) | JSON},
    optional={
        "n": st.sampled_from(["A", "B", "PTO"]) | JSON,
        "t": TYPES | JSON,
        "m": st.sampled_from(["l", "%", "km", "mi"]) | JSON,
        "p": st.sampled_from(["x", "[A]", "[B]*x", "x|y", "#x-x", "x:2", "in1", "x/y", "x^y"]) | JSON,
        "f": st.sampled_from([0, 1, 2, 0x40]) | JSON,
        "c": st.just('{"lower_bound":0,"upper_bound":50}') | JSON,
        "vt": st.integers(0, 5) | JSON,
        "vs": st.integers(0, 4) | JSON,
        "tbl": st.lists(st.fixed_dictionaries({"x": FLOATS, "a": FLOATS, "b": FLOATS}), max_size=3) | JSON,
    },
)
WILD_MESSAGE = st.fixed_dictionaries(
    {},
    optional={"p": st.dictionaries(st.sampled_from("xy"), JSON) | JSON, "pos": JSON, "i": JSON, "f": JSON, "t": JSON},
)


def sensor(id: int, type: str = "custom", p: str = "x", **fields: Any) -> dict[str, Any]:
    """A definition as Wialon sends it; `c` may be given as a dict."""
    config = fields.pop("c", {})
    base = {"n": f"Sensor {id}", "d": "", "m": "", "f": 0, "vt": 0, "vs": 0, "tbl": []}
    return {
        "id": id,
        "t": type,
        "p": p,
        **base,
        "c": json.dumps(config) if isinstance(config, dict) else config,
        **fields,
    }


def table(*sensors: dict[str, Any], tank_l: float | None = None) -> SensorTable:
    return SensorTable.compile({str(each["id"]): each for each in sensors}, tank_l)


def message(p: Any = None, **fields: Any) -> dict[str, Any]:
    return {"t": 1_763_900_000, "f": 7, "tp": "ud", "pos": None, "i": 0, "o": 0, "p": {} if p is None else p} | fields


def value(definition: dict[str, Any], p: Any = None, previous: dict[str, Any] | None = None, **fields: Any) -> Any:
    before = None if previous is None else message(previous)
    return table(definition).evaluate(message(p, **fields), before)[definition["id"]]


def expression_value(text: str, p: dict[str, Any], previous: dict[str, Any] | None = None, **fields: Any) -> Any:
    return value(sensor(1, "counter", text), p, previous, **fields)


def fatal(compiled: SensorTable) -> dict[int | None, str]:
    return {problem.sensor_id: problem.reason for problem in compiled.problems if problem.fatal}


def row(x: Any, a: Any, b: Any) -> dict[str, Any]:
    return {"x": x, "a": a, "b": b}


def readings(*sensors: dict[str, Any], tank_l: float | None = None, **p: Any) -> Any:
    return table(*sensors, tank_l=tank_l).readings(message(p))
