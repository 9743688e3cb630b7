from apps.trucks.detection.points import Point, merge


def test_different_seconds_stay_as_they_are():
    points = [Point(1, ignition=True), Point(2, ignition=False)]
    assert merge(points) == points


def test_of_one_second_the_later_value_wins():
    assert merge([Point(1, ignition=True, rpm=800), Point(1, ignition=False, rpm=0)]) == [
        Point(1, ignition=False, rpm=0)
    ]


def test_a_value_that_the_later_lacks_stays():
    assert merge([Point(1, rpm=800, pto=True), Point(1, voltage=27.5)]) == [Point(1, rpm=800, pto=True, voltage=27.5)]


def test_a_later_zero_is_a_value():
    assert merge([Point(1, rpm=800), Point(1, rpm=0)]) == [Point(1, rpm=0)]


def test_place_and_speed_go_together():
    below, above = Point(1, lat=50, lon=10, speed_kmh=80), Point(1, lat=51, lon=11)
    assert merge([below, above]) == [Point(1, lat=51, lon=11)]


def test_a_later_message_without_a_fix_keeps_the_fix():
    assert merge([Point(1, 50, 10, 80), Point(1, ignition=True)]) == [Point(1, 50, 10, 80, ignition=True)]


def test_three_messages_of_one_second_are_one_point():
    assert merge([Point(1, rpm=1), Point(1, pto=True), Point(1, rpm=3)]) == [Point(1, rpm=3, pto=True)]


def test_nothing_merges_to_nothing():
    assert merge([]) == []
