"""How the admin shows a sensor's latest value to people."""

from typing import Any

import pytest

from apps.trucks.admin.trucks import _reading


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (190.05923076923077, "l", "190.059 l"),
        (123456.789, "km", "123,456.789 km"),
        (12.0, "V", "12 V"),
        (1.0, "On/Off", "on"),
        (0, "on/off", "off"),
        ("card 7", "", "card 7"),
        (None, "l", "–"),
    ],
)
def test_a_value_is_shown_without_the_noise_of_its_arithmetic(value: Any, unit: str, shown: str) -> None:
    assert _reading({"value": value, "unit": unit}) == shown
