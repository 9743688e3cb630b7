"""What becomes of a message: a fix, a point, nothing."""

from typing import Any

import pytest

from tests.twin.by_hand import DAY, LBS, POSITION, WIFI, at, days, message, the_day


@pytest.mark.parametrize(
    ("changed", "is_fix"),
    [
        ({"sc": 3}, True),
        ({"sc": 2}, False),
        ({"sc": 255}, True),
        ({"sc": None}, True),
        ({"x": 0, "y": 0}, False),
        ({"x": 0}, True),
        ({"y": 90.1}, False),
        ({"x": -180.1}, False),
        ({"f": POSITION | LBS}, False),
        ({"f": POSITION | WIFI}, False),
        ({"f": POSITION | 0x40000000}, True),
    ],
)
def test_what_is_a_fix(changed: dict[str, Any], is_fix: bool) -> None:
    one = message(at("08:00"), 40, ign=1)
    flags = changed.pop("f", one["f"])
    row = the_day([one | {"f": flags, "pos": one["pos"] | changed}])
    assert (row["messages"], row["fixes"]) == (1, int(is_fix))
    assert row["moving_s"] == (600 if is_fix else 0)
    assert row["max_speed_kmh"] == (40 if is_fix else None)
    assert row["speeding_s"] == (0 if is_fix else None)


def test_messages_of_one_second_are_one_point_in_which_the_later_registered_wins() -> None:
    """Of three messages at 08:00 the last registered has the speed, the second the odometer, the first the ignition."""
    t = at("08:00")
    first = message(t, 90, km=5, ign=1, odo=7) | {"rt": t + 1}
    second = message(t, 70, km=6, odo=8) | {"rt": t + 2}
    third = message(t, 30, km=7) | {"rt": t + 3}
    others = [message(t + 60, 0, km=7, ign=0, odo=9), message(t + 60, 0, km=7, ign=0, odo=9)]
    row = the_day([*others, third, first, second])
    assert (row["messages"], row["fixes"], row["max_speed_kmh"]) == (2, 2, 30)
    assert (row["distance_odometer_m"], row["distance_gps_m"], row["moving_s"]) == (1_000, 0, 60)
    assert row == the_day([second, first, third, *others])


def test_other_kinds_of_messages_and_what_lies_after_as_of_are_not_counted() -> None:
    event = message(at("08:30"), 90) | {"f": 0x600 | POSITION}
    rows = days([message(at("08:00"), 0, ign=0), event, message(at("09:00:01"), 70, ign=1)], until=at("09:00"))
    assert (rows[DAY]["messages"], rows[DAY]["max_speed_kmh"], rows[DAY]["parked_s"]) == (1, 0, 3_600)


def test_the_same_message_twice_is_one_and_another_of_its_second_counts_its_own_dropped_values() -> None:
    one = message(at("08:00"), ign="n/a")
    assert the_day([one, one, one | {"rt": one["rt"] + 1}])["dropped_values"] == 2
