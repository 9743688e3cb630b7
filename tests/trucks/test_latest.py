"""The document of a truck's latest values."""

import orjson
import pytest

from apps.trucks.sync.latest import Latest, document
from tests.trucks.sensors.definitions import sensor, table


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (205.20000000000002, 205.2),
        (7_449.200000000001, 7_449.2),
        (604.0, 604.0),
        ("00A1B2C3", "00A1B2C3"),
        (None, None),
    ],
)
def test_a_value_is_shown_without_what_doubles_leave_over(value: float | str | None, shown: float | str | None) -> None:
    latest = Latest(values={"1": (value, 1_773_100_800)})
    (found,) = orjson.loads(document(latest, table(sensor(1, "a"))))["sensors"]
    assert (found["value"], found["at"]) == (shown, "2026-03-10T00:00:00Z")
