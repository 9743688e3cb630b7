import datetime as dt
from collections.abc import Callable

import httpx
import pytest

from apps.trucks import facts
from tests import rows

Get = Callable[..., httpx.Response]
DAY = "from=2026-03-10&to=2026-03-10"


def minutes(number: int) -> dt.datetime:
    return rows.NOON + dt.timedelta(minutes=number)


# --- trips ----------------------------------------------------------------------------------------------------------


def test_trips_belong_to_the_local_day_in_which_they_start(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck)
    midnight = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)  # in Chicago
    for start in (midnight - dt.timedelta(seconds=1), midnight, midnight + dt.timedelta(hours=24, seconds=-1)):
        rows.trip(truck, start, 600)
    rows.trip(truck, midnight + dt.timedelta(hours=24), 600)
    answer = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()
    assert [trip["started_at"] for trip in answer["data"]] == ["2026-03-10T05:00:00Z", "2026-03-11T04:59:59Z"]
    assert answer["summary"]["trips"] == 2


def test_a_trip_says_where_from_where_to_and_what_it_took(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.trip(rows.truck(fleet), idle_s=300, moving_s=3_000, no_data_s=300, fuel_l=30.5)
    (trip,) = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["data"]
    assert trip == {
        "started_at": "2026-03-10T17:00:00Z", "ended_at": "2026-03-10T18:00:00Z", "duration_s": 3_600,
        "start": {"lat": 41.85, "lon": -87.65}, "end": {"lat": 42.1, "lon": -88.2},
        "distance_m": 72_000, "distance_source": "odometer",
        "moving_s": 3_000, "idle_s": 300, "parked_s": 0, "no_data_s": 300,
        "mean_speed_kmh": 80.0, "max_speed_kmh": 96.0, "fuel_l": 30.5, "driver": None,
    }  # fmt: skip


def test_a_trip_says_who_drove_also_after_they_are_gone(api_get: Get) -> None:
    fleet = rows.fleet()
    driver = rows.driver(fleet, "Ana K.", code="ana", is_active=False)
    rows.trip(rows.truck(fleet), driver_id=driver.pk)
    (trip,) = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["data"]
    assert trip["driver"] == {"driver_id": "ana", "name": "Ana K."}


def test_a_trip_tells_nothing_of_another_fleet_s_driver(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.trip(rows.truck(fleet), driver_id=rows.driver(rows.fleet("Other"), "Bo").pk)
    (trip,) = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["data"]
    assert trip["driver"] is None


def test_an_open_trip_has_no_end_and_lasts_as_far_as_it_is_known(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.trip(rows.truck(fleet), seconds=900, ended_at=None, end_lat=None, end_lon=None, idle_s=None)
    (trip,) = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["data"]
    assert (trip["ended_at"], trip["duration_s"], trip["end"]) == (None, 900, {"lat": None, "lon": None})


def test_totals_are_of_the_whole_period_whatever_the_page(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck)
    for number in range(3):
        rows.trip(truck, minutes(60 * number), 600, distance_m=10_000, max_speed_kmh=80.0 + number)
    summary = api_get(f"/api/v2/trucks/T-1/trips?{DAY}&limit=1", rows.api_key(fleet)).json()["summary"]
    assert (summary["trips"], summary["distance_m"], summary["max_speed_kmh"]) == (3, 30_000, 82.0)


def test_without_days_totals_are_unknown_not_zero(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    answer = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()
    assert set(answer["summary"].values()) == {None}
    assert (answer["data"], answer["freshness"]["coverage_pct"]) == ([], None)


def test_a_day_without_trips_has_zeros(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.truck_day(rows.truck(fleet), moving_s=0, idle_s=0)
    summary = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["summary"]
    assert (summary["trips"], summary["distance_m"], summary["fuel_l"], summary["max_speed_kmh"]) == (0, 0, 0, None)


NOTHING = {
    "moving_s": 0, "idle_s": None, "idle_productive_s": None, "parked_s": 0, "engine_on_s": None, "trips": None,
    "stops": None, "idle_events": None, "distance_m": None, "distance_source": None, "fuel_used_l": None,
    "fuel_source": None, "max_speed_kmh": None,
}  # fmt: skip


def test_a_day_of_which_nothing_is_known_has_no_trips_that_are_none(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck, **NOTHING)
    answer = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()
    assert set(answer["summary"].values()) == {None}
    assert answer["freshness"]["coverage_pct"] == 0.0
    rows.truck_day(truck, rows.DAY - dt.timedelta(days=1), moving_s=0, idle_s=0, max_speed_kmh=0.0)
    two = api_get("/api/v2/trucks/T-1/trips?from=2026-03-09&to=2026-03-10", rows.api_key(fleet)).json()["summary"]
    assert two.pop("max_speed_kmh") is None, "no trip has one"
    assert set(two.values()) == {0}


def test_what_no_trip_took_is_zero_as_far_as_the_day_measures_it(api_get: Get) -> None:
    """Without engine evidence and fuel: trips that there were not took no distance, but who knows what idling."""
    fleet = rows.fleet()
    unknown = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None, "idle_events": None}
    rows.truck_day(rows.truck(fleet), **unknown, fuel_used_l=None, fuel_source=None, moving_s=0)
    summary = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["summary"]
    assert (summary["trips"], summary["distance_m"], summary["moving_s"]) == (0, 0, 0)
    assert (summary["idle_s"], summary["fuel_l"]) == (None, None)


def test_what_a_trip_measured_counts_though_its_day_did_not(api_get: Get) -> None:
    """One that begins shortly before midnight: the fuel counter's first reading is of the next day."""
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck, fuel_used_l=None, fuel_source=None)
    rows.trip(truck, fuel_l=2.5)
    assert api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["summary"]["fuel_l"] == 2.5


def test_what_no_trip_measured_is_null(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck)
    rows.trip(truck, fuel_l=None, idle_s=None)
    summary = api_get(f"/api/v2/trucks/T-1/trips?{DAY}", rows.api_key(fleet)).json()["summary"]
    assert (summary["fuel_l"], summary["idle_s"], summary["distance_m"]) == (None, None, 72_000)


def test_trips_between_instants_are_those_that_start_there(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for number in range(4):
        rows.trip(truck, minutes(10 * number), 300)
    query = "from=2026-03-10T12:10:00-05:00&to=2026-03-10T17:30:00Z"
    answer = api_get(f"/api/v2/trucks/T-1/trips?{query}", rows.api_key(fleet)).json()
    assert [trip["started_at"] for trip in answer["data"]] == ["2026-03-10T17:10:00Z", "2026-03-10T17:20:00Z"]
    assert answer["period"] == {
        "from": "2026-03-10T17:10:00Z",
        "to": "2026-03-10T17:30:00Z",
        "timezone": "America/Chicago",
    }


def test_yesterday_is_the_fleets_yesterday(api_get: Get) -> None:
    fleet = rows.fleet(timezone="Pacific/Auckland")
    truck = rows.truck(fleet)
    today = dt.datetime.now(fleet.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = (today - dt.timedelta(hours=2)).date()
    for start in (today - dt.timedelta(hours=2), today):
        rows.trip(truck, start.astimezone(dt.UTC), 60)
    answer = api_get("/api/v2/trucks/T-1/trips?period=yesterday", rows.api_key(fleet)).json()
    assert len(answer["data"]) == 1
    assert answer["period"] == {"from": str(yesterday), "to": str(yesterday), "timezone": "Pacific/Auckland"}


# --- speeding -------------------------------------------------------------------------------------------------------


def test_speeding_is_filtered_by_severity_and_counted_whatever_the_filter(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck)
    for number, severity in enumerate(("minor", "severe", "minor", "moderate")):
        rows.speeding(truck, minutes(number), 40 + number, severity=severity)
    key = rows.api_key(fleet)
    path = f"/api/v2/trucks/T-1/speeding-events?{DAY}"
    everything = api_get(path, key).json()
    assert [event["severity"] for event in everything["data"]] == ["minor", "severe", "minor", "moderate"]
    some = api_get(f"{path}&severity=severe&severity=moderate", key).json()
    assert [event["severity"] for event in some["data"]] == ["severe", "moderate"]
    assert some["summary"] == everything["summary"]
    assert some["summary"] == {
        "minor": {"episodes": 2, "duration_s": 82},
        "moderate": {"episodes": 1, "duration_s": 43},
        "severe": {"episodes": 1, "duration_s": 41},
    }


def test_an_episode_says_how_fast_how_long_and_where(api_get: Get) -> None:
    fleet = rows.fleet()
    rows.speeding(rows.truck(fleet), seconds=60, ended_at=None)
    (event,) = api_get(f"/api/v2/trucks/T-1/speeding-events?{DAY}", rows.api_key(fleet)).json()["data"]
    assert event == {
        "started_at": "2026-03-10T17:00:00Z", "ended_at": None, "severity": "minor", "limit_kmh": 105.0,
        "max_speed_kmh": 111.0, "excess_kmh": 6.0, "duration_s": 60, "distance_m": 1_800, "lat": 41.85, "lon": -87.65,
    }  # fmt: skip


@pytest.mark.parametrize("count", [0, None])
def test_no_speeding_is_zero_where_speed_was_measured_and_null_where_not(api_get: Get, count: int | None) -> None:
    """A day without a fix into which an episode reaches is measured, too."""
    fleet = rows.fleet()
    rows.truck_day(rows.truck(fleet), max_speed_kmh=None, speeding_s=count)
    answer = api_get(f"/api/v2/trucks/T-1/speeding-events?{DAY}", rows.api_key(fleet)).json()
    assert answer["summary"]["severe"] == {"episodes": count, "duration_s": count}


# --- days -----------------------------------------------------------------------------------------------------------

# docs/metrics.md's order.
NAMES = (
    "truck_wialon_id day messages fixes dropped_values quarantined moving_s idle_s idle_productive_s parked_s "
    "no_data_s engine_on_s night_driving_s distance_m distance_source distance_gps_m drift_m distance_gap_m "
    "distance_odometer_m engine_hours counter_resets fuel_used_l fuel_source idle_fuel_l max_speed_kmh trips stops "
    "idle_events speeding_minor speeding_moderate speeding_severe speeding_s harsh_braking harsh_acceleration "
    "harsh_cornering refuels refuel_l drains drain_l faults_opened coverage_pct status revision computed_at as_of "
    "sealed"
)


def test_a_day_has_the_names_of_the_metrics_in_their_order(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck)
    (day,) = api_get(f"/api/v2/trucks/T-1/days?{DAY}", rows.api_key(fleet)).json()["data"]
    assert " ".join(day) == NAMES
    assert (day["truck_wialon_id"], day["day"], day["distance_m"]) == (truck.wialon_id, "2026-03-10", 420_000)
    assert (day["harsh_braking"], day["harsh_cornering"], day["faults_opened"]) == (1, None, 0)


def test_days_come_in_order_or_newest_first_and_only_those_of_the_truck(api_get: Get) -> None:
    fleet = rows.fleet()
    truck, other = rows.truck(fleet), rows.truck(fleet, "T-2")
    for number in (3, 1, 2):
        rows.truck_day(truck, dt.date(2026, 3, number))
        rows.truck_day(other, dt.date(2026, 3, number))
    key = rows.api_key(fleet)
    path = "/api/v2/trucks/T-1/days?from=2026-03-02&to=2026-03-31"
    assert [day["day"] for day in api_get(path, key).json()["data"]] == ["2026-03-02", "2026-03-03"]
    assert [day["day"] for day in api_get(f"{path}&sort=-day", key).json()["data"]] == ["2026-03-03", "2026-03-02"]


def test_a_day_that_begins_before_what_is_kept_is_sealed(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for number in (1, 2, 3):
        rows.truck_day(truck, dt.date(2026, 3, number))
    key, path = rows.api_key(fleet), "/api/v2/trucks/T-1/days?from=2026-03-01&to=2026-03-31"
    assert [day["sealed"] for day in api_get(path, key).json()["data"]] == [False] * 3
    midnight = dt.datetime(2026, 3, 2, tzinfo=fleet.zone)
    rows.known(truck, raw_since_t=int(midnight.timestamp()) + 1)
    facts.changed(fleet.pk)
    assert [day["sealed"] for day in api_get(path, key).json()["data"]] == [True, True, False]


def test_coverage_is_of_the_days_that_were_answered(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.truck_day(truck, dt.date(2026, 3, 1), moving_s=0, idle_s=0, parked_s=86_400)
    rows.truck_day(truck, dt.date(2026, 3, 2), moving_s=0, idle_s=0, parked_s=0)
    key = rows.api_key(fleet)
    for path, coverage in (("to=2026-03-01", 100.0), ("to=2026-03-02", 50.0)):
        answer = api_get(f"/api/v2/trucks/T-1/days?from=2026-03-01&{path}", key).json()
        assert answer["freshness"]["coverage_pct"] == coverage
