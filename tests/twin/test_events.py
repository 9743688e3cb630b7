"""Idling, speeding, harsh driving and faults, by hand."""

import pytest

from tests.twin.by_hand import DAY, NEXT_DAY, at, days, message, the_day


def test_idling_broken_by_silence_is_two_idle_events_and_a_short_one_none() -> None:
    """
    08:00–08:10 (cap), 08:30–08:32 = 120 s, then off; 09:00–09:01:59 = 119 s; 23:59–00:02 over midnight = 180 s.
    """
    on = [message(at(clock), 0, ign=1) for clock in ("08:00", "08:30", "09:00", "23:59")]
    off = [message(at(clock), 0, ign=0) for clock in ("08:32", "09:01:59")]
    rows = days([*on, *off, message(at("00:02", NEXT_DAY), 0, ign=0)], until=at("24:00", NEXT_DAY))
    assert [event[:2] for event in rows[DAY]["events"]["idle"]] == [
        (at("08:00"), at("08:10")),
        (at("08:30"), at("08:32")),
        (at("23:59"), at("24:00") + 120),
    ]
    assert rows[DAY]["idle_s"] == 600 + 120 + 119 + 60
    assert (rows[NEXT_DAY]["idle_events"], rows[NEXT_DAY]["idle_s"]) == (0, 120)


@pytest.mark.parametrize(
    ("fastest", "severity"),
    [(105, None), (106, "minor"), (113, "minor"), (114, "moderate"), (129, "moderate"), (130, "severe")],
)
def test_speeding_is_as_severe_as_its_largest_excess(fastest: int, severity: str | None) -> None:
    """Limit 105: over it by at most 8 minor, by at most 24 moderate. Points without a fix do not interrupt it."""
    start = at("08:00")
    messages = [message(start, min(fastest, 107), ign=1), message(start + 60, ign=1)]
    row = the_day([*messages, message(start + 120, fastest, ign=1), message(start + 180, 105, ign=1)])
    assert row["events"]["speeding"] == ([(start, start + 180, severity, fastest)] if severity else [])
    assert row["speeding_s"] == (180 if severity else 0)
    assert [row[f"speeding_{name}"] for name in ("minor", "moderate", "severe")] == [
        int(name == severity) for name in ("minor", "moderate", "severe")
    ]


def test_speeding_ends_with_the_engine_at_the_cap_and_is_no_episode_under_30_seconds() -> None:
    """
    08:00 for 29 s: none. 08:30 for 30 s. 09:00 until the engine is off at 09:01, whatever the GPS says then, and 09:30
    until it is off at 09:32, without a fix. 10:00, silence: until 10:10 and not longer.
    23:59:30 until 00:01: 30 s of it in the first day, 60 s in the second.
    """
    fast = [message(at(t), 120, ign=1) for t in ("08:00", "08:30", "09:00", "09:30", "10:00", "23:59:30")]
    slow = [message(at(t), 90, ign=1) for t in ("08:00:29", "08:30:30", "09:35", "11:00")]
    off = [message(at("09:01"), 150, ign=0), message(at("09:32"), ign=0)]
    rows = days([*fast, *slow, *off, message(at("00:01", NEXT_DAY), 80, ign=1)], until=at("24:00", NEXT_DAY))
    assert [episode[:2] for episode in rows[DAY]["events"]["speeding"]] == [
        (at("08:30"), at("08:30:30")),
        (at("09:00"), at("09:01")),
        (at("09:30"), at("09:32")),
        (at("10:00"), at("10:10")),
        (at("23:59:30"), at("00:01", NEXT_DAY)),
    ]
    first, second = rows.values()
    assert (first["speeding_moderate"], first["speeding_s"]) == (5, 30 + 60 + 120 + 600 + 30)
    assert (second["speeding_moderate"], second["speeding_s"]) == (0, 60)


def test_speeding_is_measured_without_a_fix_when_an_episode_reaches_into_the_day() -> None:
    messages = [message(at("23:59"), 120, ign=1), message(at("00:01", NEXT_DAY), ign=0)]
    row = days(messages, until=at("24:00", NEXT_DAY))[NEXT_DAY]
    assert (row["speeding_s"], row["speeding_moderate"], row["fixes"]) == (60, 0, 0)


def test_the_highest_speed_is_that_of_the_fixes_whatever_the_engine_does() -> None:
    messages = [message(at("08:00"), 40, ign=1), message(at("08:01"), 90, ign=0)]
    assert the_day(messages)["max_speed_kmh"] == 90


def test_harsh_driving_is_what_the_device_says_and_else_what_dense_speeds_show() -> None:
    """
    DAY: the device says 1 of braking at 08:00, 0 of cornering at 09:00, nothing of acceleration.
    50 → 33 km/h in 1 s is 4.72 m/s², above 4.6, but the device tells of braking: it does not count.
    33 → 54 km/h in 2 s is 2.92 m/s², above 2.8, and 54 → 65 in 1 s is 3.06: one acceleration of 3 s.
    NEXT_DAY: nothing is told, and 3 s between fixes are too many.
    """
    t = at("12:00")
    messages = [message(at("08:00"), harsh_braking=1), message(at("09:00"), harsh_cornering=0)]
    messages += [message(t + s, v) for s, v in ((0, 50), (1, 33), (3, 54), (4, 65))]
    messages += [message(t + 86_400, 50), message(t + 86_403, 0)]
    rows = days(messages, until=at("24:00", NEXT_DAY))
    names = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
    assert [rows[DAY][name] for name in names] == [1, 1, 0]
    assert rows[DAY]["events"]["harsh"] == [
        (at("08:00"), at("08:00"), "braking", "device"),
        (t + 1, t + 4, "acceleration", "speed"),
    ]
    assert [rows[NEXT_DAY][name] for name in names] == [None, None, None]


def test_a_fault_opens_when_it_is_first_told_and_a_text_that_is_no_list_of_codes_tells_nothing() -> None:
    said = {"08:00": "SPN100/FMI1", "09:00": "n/a", "10:00": "spn100/fmi1; 3251-15-SA0", "11:00": "", "12:00": "100/1"}
    row = the_day([message(at(clock), dtc=text) for clock, text in said.items()])
    assert (row["faults_opened"], row["dropped_values"]) == (3, 1)
    assert row["events"]["faults"] == [
        (at("08:00"), at("08:00"), "opened", 100, 1, 255, "severe"),
        (at("10:00"), at("10:00"), "opened", 3251, 15, 0, "minor"),
        *sorted(
            [
                (at("11:00"), at("11:00"), "cleared", 100, 1, 255, "severe"),
                (at("11:00"), at("11:00"), "cleared", 3251, 15, 0, "minor"),
            ]
        ),
        (at("12:00"), at("12:00"), "opened", 100, 1, 255, "severe"),
    ]
