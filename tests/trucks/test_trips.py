import pytest

from apps.trucks.detection.points import Evidence, Point
from apps.trucks.detection.trips import Stop, Trip
from tests.builders import at, detected, driving, idling, parked, point, points


def trips(points: list[Point], as_of: str = "1d 00:00", **options) -> list[Trip]:
    return detected(points, as_of, **options).trips


def stops(points: list[Point], as_of: str = "1d 00:00", **options) -> list[Stop]:
    return detected(points, as_of, **options).stops


def span(event: Trip | Stop) -> tuple[int, int]:
    return event.started_at, event.ended_at


TEN_MINUTES = parked("07:00", "08:00") + driving("08:00", "08:10") + parked("08:10", "12:00", km=10)


def test_a_trip_is_from_the_first_moving_point_to_the_point_after_the_last():
    [trip] = trips(TEN_MINUTES)
    assert span(trip) == (at("08:00"), at("08:10"))
    assert not trip.is_open


def test_a_trip_knows_how_far_how_long_and_how_fast():
    standing = idling("08:10", "08:12", km=10)
    [trip] = trips(
        driving("08:00", "08:10") + standing + driving("08:12", "08:22", 90, km=10) + parked("08:22", "09:00", 25)
    )
    assert (trip.distance_m, trip.distance_source) == (25_000, "gps")
    assert (trip.moving_s, trip.idle_s, trip.parked_s, trip.no_data_s) == (1200, 120, 0, 0)
    assert (trip.mean_speed_kmh, trip.max_speed_kmh) == (75, 90)  # over the moving time


def test_the_parts_of_a_trip_are_its_duration():
    quiet = points(
        "08:10 ign=0 km=10", "08:12 ign=1 v=60 km=10", "08:42 ign=1 v=60 km=20", "08:43 ign=0 km=21", "09:00 ign=0"
    )
    [trip] = trips(driving("08:00", "08:10") + quiet)
    assert (trip.moving_s, trip.idle_s, trip.parked_s, trip.no_data_s) == (600 + 600 + 60, 0, 120, 1200)
    assert trip.duration_s == 43 * 60


@pytest.mark.parametrize(("clock", "number"), [("08:14:59", 1), ("08:15:00", 2)])
def test_stillness_of_trip_end_s_ends_a_trip(clock: str, number: int):
    halting = driving("08:00", "08:10") + points("08:10 ign=1 v=0 km=10")
    found = trips(halting + driving(clock, "08:30", km=10) + parked("08:30", "09:00", 25))
    assert len(found) == number


def test_short_stillness_stays_inside_the_trip():
    [trip] = trips(
        driving("08:00", "08:10")
        + idling("08:10", "08:14", 10)
        + driving("08:14", "08:20", km=10)
        + parked("08:20", "09:00", 16)
    )
    assert span(trip) == (at("08:00"), at("08:20"))
    assert trip.idle_s == 240


def test_the_point_after_the_last_moving_one_may_come_late():
    [trip] = trips(driving("08:00", "08:10") + points("08:12:34 ign=1 v=0 km=10", "09:00 ign=0"))
    assert trip.ended_at == at("08:12:34")


@pytest.mark.parametrize(("clock", "ends"), [("09:09:00", ["09:30"]), ("09:09:01", ["08:09", "09:30"])])
def test_silence_of_more_than_an_hour_ends_a_trip_at_the_last_point_before_it(clock: str, ends: list[str]):
    found = trips(driving("08:00", "08:10") + driving(clock, "09:30", km=20) + parked("09:30", "11:00", km=41))
    assert [trip.ended_at for trip in found] == [at(end) for end in ends]


def test_shorter_silence_stays_inside_the_trip_as_no_data():
    [trip] = trips(driving("08:00", "08:10") + driving("08:39", "08:50", km=40) + parked("08:50", "09:00", km=51))
    assert span(trip) == (at("08:00"), at("08:50"))
    assert trip.no_data_s == 20 * 60  # 30 minutes between the points, 10 of them held


HALTING = driving("08:00", "08:10") + points("08:10 ign=1 v=0 km=10", "08:12 ign=1 v=0 km=10")


@pytest.mark.parametrize("onward", [[], driving("10:00", "10:10", km=10) + parked("10:10", "11:00", km=20)])
def test_silence_ends_a_trip_that_did_not_stand_long_enough_at_the_last_point_before_it(onward: list[Point]):
    """Whether or not anything is known of later."""
    [trip, *_] = trips(HALTING + onward, trip_end_s=86_400)
    assert (trip.ended_at, trip.is_open) == (at("08:12"), False)


@pytest.mark.parametrize("onward", [[], driving("10:00", "10:10", km=10) + parked("10:10", "11:00", km=20)])
def test_silence_after_standing_ends_the_trip_where_it_stood(onward: list[Point]):
    [trip, *_] = trips(HALTING + onward)
    assert (trip.ended_at, trip.is_open) == (at("08:10"), False)


@pytest.mark.parametrize(("end", "number"), [("08:00:59", 0), ("08:01:00", 1)])
def test_a_trip_shorter_than_trip_min_s_is_none(end: str, number: int):
    assert len(trips(points("08:00 ign=1 v=60 km=0", f"{end} ign=0 km=1", "09:00 ign=0 km=1"))) == number


@pytest.mark.parametrize(("km", "number"), [(0.099, 0), (0.1, 1)])
def test_a_trip_shorter_than_trip_min_m_is_none(km: float, number: int):
    assert len(trips(points("08:00 ign=1 v=6 km=0", f"08:05 ign=0 km={km}", "09:00 ign=0"))) == number


def test_a_trip_whose_distance_is_not_measured_is_not_too_short():
    carried = points("07:00 ign=1 v=60")
    [trip] = trips(
        points("08:00 ign=1", "08:05 ign=1", "08:10 ign=0", "09:00 ign=0"), earlier=carried, trip_max_gap_s=900
    )
    assert (trip.distance_m, trip.distance_source, trip.mean_speed_kmh, trip.max_speed_kmh) == (None,) * 4


def test_the_odometer_is_the_better_distance():
    by_odometer = points("08:00 ign=1 v=60 km=0 odo=1000", "08:10 ign=0 km=9 odo=11000", "09:00 ign=0 km=9")
    [trip] = trips(by_odometer)
    assert (trip.distance_m, trip.distance_source) == (10_000, "odometer")


def test_the_distance_of_a_trip_is_its_share_of_what_was_read():
    coarse = [
        point("07:50", odo=0),
        *driving("08:00", "08:10"),
        point("08:10", ign=0, km=10),
        point("08:20", ign=0, odo=30_000),
    ]
    [trip] = trips(coarse)
    assert trip.distance_m == 10_000


def test_drift_within_a_trip_is_no_distance():
    ferry = driving("08:00", "08:05") + points("08:05 ign=0 km=5", "08:08 ign=0 km=7") + driving("08:09", "08:20", km=7)
    [trip] = trips(ferry + parked("08:20", "09:00", km=18))
    assert trip.distance_m == 16_000


def test_fuel_of_a_trip_is_by_the_counter():
    [trip] = trips(points("08:00 ign=1 v=60 used=100", "08:10 ign=0 km=10 used=103.5", "09:00 ign=0 used=103.5"))
    assert trip.fuel_l == pytest.approx(3.5)
    assert trips(TEN_MINUTES)[0].fuel_l is None


def test_a_trip_has_the_places_of_its_ends():
    [trip] = trips(TEN_MINUTES)
    assert (trip.lat, trip.lon) == (50, 10)
    assert trip.end_lat == pytest.approx(50 + 10 / 111.195, abs=1e-5)


def test_a_trip_without_engine_evidence_has_no_idling():
    moving = points("08:00 v=60 km=0", "08:10 v=0 km=10", "08:12 v=60 km=10", "08:20 v=0 km=18", "09:00 v=0 km=18")
    [trip] = trips(moving, evidence=Evidence.NONE)
    assert (trip.moving_s, trip.idle_s, trip.parked_s) == (1080, None, 120)


@pytest.mark.parametrize(
    ("as_of", "is_open"),
    [("08:10:00", True), ("08:14:59", True), ("08:15:00", False)],
)
def test_a_trip_is_open_until_it_stood_for_trip_end_s(as_of: str, is_open: bool):
    [trip] = trips(TEN_MINUTES, as_of)
    assert (trip.is_open, trip.ended_at) == (is_open, at(as_of if is_open else "08:10"))


@pytest.mark.parametrize(("as_of", "is_open"), [("08:09", True), ("09:09:00", True), ("09:09:01", False)])
def test_a_moving_trip_is_open_until_the_silence_is_too_long(as_of: str, is_open: bool):
    [trip] = trips(driving("08:00", "08:10"), as_of)
    assert (trip.is_open, trip.ended_at) == (is_open, at(as_of if is_open else "08:09"))


def test_an_open_trip_that_is_still_too_short_is_none_yet():
    assert trips(driving("08:00", "08:01", step=5), as_of="08:00:59") == []


def test_an_open_trip_goes_up_to_as_of():
    [trip] = trips(driving("08:00", "08:10"), as_of="08:39")
    assert (trip.duration_s, trip.moving_s, trip.no_data_s) == (39 * 60, 19 * 60, 20 * 60)


def test_a_trip_goes_on_over_midnight():
    [trip] = trips(driving("-1d 23:30", "00:30") + parked("00:30", "01:00", km=60))
    assert span(trip) == (at("-1d 23:30"), at("00:30"))


TWO_TRIPS = TEN_MINUTES + driving("12:00", "12:10", km=10) + parked("12:10", "14:00", km=20)


def test_a_stop_is_from_the_end_of_a_trip_to_the_start_of_the_next():
    first, last = stops(TWO_TRIPS, as_of="14:00")
    assert (span(first), first.is_open) == ((at("08:10"), at("12:00")), False)
    assert (span(last), last.is_open) == ((at("12:10"), at("14:00")), True)


def test_a_stop_knows_what_the_truck_did():
    standing = idling("08:10", "08:30", km=10) + parked("08:30", "09:00", km=10)
    first, _ = stops(
        driving("08:00", "08:10") + standing + driving("09:00", "09:10", km=10) + parked("09:10", "10:00", 20)
    )
    assert (first.idle_s, first.parked_s, first.no_data_s) == (1200, 1800, 0)
    assert first.lat == pytest.approx(50 + 10 / 111.195, abs=1e-5)


def test_a_stop_after_a_silence_that_ended_a_trip_begins_with_the_silence():
    first, _ = stops(driving("08:00", "08:10") + driving("11:00", "11:10", km=50) + parked("11:10", "12:00", km=60))
    assert span(first) == (at("08:09"), at("11:00"))
    assert (first.idle_s, first.parked_s, first.no_data_s) == (0, 0, at("11:00") - at("08:19"))


def test_what_is_too_short_for_a_trip_is_part_of_the_stop():
    shunting = points("10:00 ign=1 v=10 km=10", "10:00:30 ign=0 km=10.05")
    both = TEN_MINUTES[:-12] + shunting + driving("12:00", "12:10", km=10) + parked("12:10", "14:00", km=20)
    assert [span(stop) for stop in stops(both, as_of="14:00")][0] == (at("08:10"), at("12:00"))


def test_there_is_no_stop_before_the_first_trip_or_while_one_is_open():
    assert stops(parked("00:00", "08:00")) == []
    assert stops(driving("08:00", "08:10"), as_of="08:10") == []


def test_a_stop_without_engine_evidence_has_no_idling():
    moving = points("08:00 v=60 km=0", "08:10 v=0 km=10")
    [stop] = stops(moving, as_of="09:00", evidence=Evidence.NONE)
    assert (stop.idle_s, stop.parked_s) == (None, 3000)


@pytest.mark.parametrize("nothing", [[], parked("00:00", "1d 00:00"), points("08:00 ign=1 v=60")])
def test_no_trip_where_nothing_drives(nothing: list[Point]):
    assert trips(nothing) == []
