"""Counters, distance and what is left out of it, by hand."""

from tests.twin.by_hand import NEXT_DAY, at, days, message, the_day


def test_a_counter_that_falls_counts_nothing_and_one_reset() -> None:
    """100.0 → 100.5 → 0.0 → 0.2 km: 500 + 0 + 200 = 700 m. The hours fall too: 7.0 → 7.5 → 1.0: 0.5 h."""
    readings = [("08:00", 100.0, 7.0), ("09:00", 100.5, 7.5), ("10:00", 0.0, 1.0), ("11:00", 0.2, 1.0)]
    row = the_day([message(at(clock), ign=1, odo=odo, hours=hours) for clock, odo, hours in readings])
    assert (row["distance_m"], row["engine_hours"], row["counter_resets"]) == (700, 0.5, 2)


def test_readings_more_than_35_days_apart_are_not_connected() -> None:
    first = at("00:00")
    for apart, metres in ((35 * 86_400, 35_000), (35 * 86_400 + 1, 0)):
        messages = [message(first, 0, ign=0, odo=0), message(first + apart, 0, ign=0, odo=35)]
        rows = days(messages, until=first + 36 * 86_400)
        assert sum(row["distance_odometer_m"] or 0 for row in rows.values()) == metres
        assert (rows[NEXT_DAY]["distance_odometer_m"] is None) == (metres == 0)


def test_a_leg_over_more_than_35_days_is_neither_distance_nor_gap() -> None:
    first = at("00:00")
    for apart, metres in ((35 * 86_400, 35_000), (35 * 86_400 + 1, 0)):
        messages = [message(first, 0, ign=0), message(first + apart, 0, km=35, ign=0)]
        rows = days(messages, until=first + 36 * 86_400)
        assert sum(row["distance_gap_m"] or 0 for row in rows.values()) == metres


def test_no_state_is_carried_over_more_than_35_days() -> None:
    """A cap of 40 days holds for 35; ignition and speed seen 35 days ago still tell, a second later no more."""
    first, day_36 = at("00:00"), at("00:00") + 35 * 86_400
    cap = {"parked_gap_cap_s": 40 * 86_400}
    rows = days([message(first, 0, ign=0)], until=first + 37 * 86_400, parameters=cap)
    assert sum(row["parked_s"] for row in rows.values()) == 35 * 86_400
    for seen_again, moving_s in ((day_36, 60), (day_36 + 1, 0)):
        messages = [message(first, 50, ign=1), message(seen_again), message(seen_again + 60, 0, ign=0)]
        last = list(days(messages, until=day_36 + 3_600).values())[-1]
        assert (last["moving_s"], last["idle_s"]) == (moving_s, 0)


def test_fast_legs_are_left_out_and_legs_over_silence_stand_apart() -> None:
    """
    08:00 → 08:10 10 km: counted. 08:10 → 08:11 50 km, 3,000 km/h, and the 50 km back: left out.
    08:12 → 09:12:01, 3,601 s, 30 km: over silence. 09:12:01 → 10:12:01, 3,600 s, 20 km: counted. 10 + 20 = 30 km.
    """
    places = [("08:00", 0), ("08:10", 10), ("08:11", 60), ("08:12", 10), ("09:12:01", 40), ("10:12:01", 60)]
    row = the_day([message(at(clock), 60, km=km, ign=1) for clock, km in places])
    assert (row["distance_gps_m"], row["drift_m"], row["distance_gap_m"]) == (30_000, 0, 30_000)
    assert (row["distance_m"], row["distance_source"]) == (30_000, "gps")


def test_drift_has_both_ends_parked() -> None:
    """Parked → parked 20 m is drift; parked → moving 1,000 m and moving → parked 2,000 m are not."""
    track = [("08:00", 0, 0, 0), ("08:10", 0, 0.02, 0), ("08:20", 40, 1.02, 1), ("08:30", 0, 3.02, 0)]
    row = the_day([message(at(clock), speed, km=km, ign=ign) for clock, speed, km, ign in track])
    assert (row["distance_gps_m"], row["drift_m"], row["distance_m"]) == (3_020, 20, 3_000)
