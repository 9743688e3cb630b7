"""Sensors whose values are texts."""

from typing import Any

import pytest

from tests.trucks.sensors.definitions import MARKER, message, sensor, table, value


@pytest.mark.parametrize(
    ("type", "p", "sent", "expected"),
    [
        ("driver", "avl_driver", {"avl_driver": "0042"}, "0042"),
        ("driver", "avl_driver", {"avl_driver": "1E999"}, "1E999"),
        ("driver", "avl_driver", {"avl_driver": 42}, "42"),
        ("driver", "avl_driver", {"avl_driver": 42.0}, "42"),
        ("driver", "avl_driver", {"avl_driver": 2**60 + 1}, str(2**60 + 1)),
        ("driver", "avl_driver", {"avl_driver": 1.5}, "1.5"),
        ("driver", "avl_driver", {"avl_driver": ""}, None),
        ("driver", "avl_driver", {"avl_driver": MARKER}, None),
        ("driver", "avl_driver", {"avl_driver": str(MARKER)}, None),
        ("driver", "avl_driver", {"avl_driver": [1]}, None),
        ("driver", "a|b", {"b": "X7"}, "X7"),
        ("driver", "a|b", {"a": "", "b": "X7"}, "X7"),
        ("custom", "dtc", {"dtc": "SPN100/FMI1"}, "SPN100/FMI1"),
        ("custom", "dtc", {"dtc": "5.5"}, 5.5),
        ("custom", "dtc", {"dtc": "nan"}, None),
        ("custom", "dtc", {"dtc": ""}, None),
        ("custom", "a|b", {"a": 5, "b": "text"}, 5),
        ("custom", "a|b", {"a": [5], "b": "text"}, "text"),
        ("custom", "a+const1", {"a": "text"}, None),
        ("engine rpm", "a", {"a": "text"}, None),
        ("weight", "a", {"a": "text"}, None),
    ],
)
def test_texts_stay_texts_where_no_number_is_meant(type: str, p: str, sent: dict[str, Any], expected: object) -> None:
    assert value(sensor(1, type, p), sent) == expected


def test_an_empty_text_drops_no_text_but_a_number() -> None:
    compiled = table(sensor(1, "driver", "card"), sensor(2, "engine rpm", "rpm"))
    assert compiled.readings(message({"card": ""})).dropped == 0
    assert compiled.readings(message({"rpm": ""})).dropped == 1
