"""Refuels, drains and levels, by hand."""

import pytest

from tests.twin.by_hand import IGNITION_ONLY, NEXT_DAY, at, days, levels, message, sensor, the_day


def test_a_refuel_is_the_difference_of_medians_and_its_steps_join() -> None:
    """
    100 101 99 100 102 | +150 at 08:30, +98 at 09:00 | 350 348 349 352 351. The steps are 08:25–08:30 and 09:00–09:05:
    exactly 1,800 s apart, one event. Median before 100, after 350: 250 l. Start 08:25, end 09:05.
    Balance: level 100 → 351, so 100 − 351 + 250 = −1 l: it sloshes, and is not clipped.
    """
    before = levels(("08:05", 100), ("08:10", 101), ("08:15", 99), ("08:20", 100), ("08:25", 102), ign=1)
    between = levels(("08:30", 252), ("09:00", 252), ign=1)
    after = levels(("09:05", 350), ("09:10", 348), ("09:15", 349), ("09:20", 352), ("09:25", 351), ign=1)
    row = the_day([*before, *between, *after])
    assert row["events"]["fuel"] == [("refuel", at("08:25"), at("09:05"), 250)]
    assert (row["refuels"], row["refuel_l"], row["drains"], row["drain_l"]) == (1, 250, 0, 0)
    assert (row["fuel_used_l"], row["fuel_source"], row["idle_fuel_l"]) == (-1, "level", None)


def test_steps_more_than_half_an_hour_apart_are_two_refuels() -> None:
    """
    Steps 08:25–08:30 and 09:00:01–09:05, 1,801 s apart; medians of fewer readings where there are fewer.
    First: of 100, and of 250 250 350: 150 l. Second: of 100 250 250, and of 350: 100 l.
    """
    row = the_day(levels(("08:25", 100), ("08:30", 250), ("09:00:01", 250), ("09:05", 350)))
    assert row["events"]["fuel"] == [
        ("refuel", at("08:25"), at("08:30"), 150),
        ("refuel", at("09:00:01"), at("09:05"), 100),
    ]


def test_a_theft_begins_with_the_engine_off_and_leaves_the_figures_when_dismissed() -> None:
    """
    Off, 400 → 320 at 02:00: a drain of 80. Later with the engine on 320 → 280: no drain, 40 l used.
    Balance 400 − 280 − 80 = 40 l; when the drain is dismissed the 80 l count as used: 120 l.
    """
    messages = levels(("01:00", 400), ("02:00", 320)) + levels(("08:00", 320), ("10:00", 280), ign=1)
    row, after = the_day(messages), the_day(messages, dismissed=frozenset({at("01:00")}))
    assert row["events"]["fuel"] == [("drain", at("01:00"), at("02:00"), 80)]
    assert (row["drains"], row["drain_l"], row["fuel_used_l"], row["refuels"]) == (1, 80, 40, 0)
    assert (after["drains"], after["drain_l"], after["fuel_used_l"]) == (0, 0, 120)
    assert after["events"]["fuel"] == row["events"]["fuel"]


@pytest.mark.parametrize(("step", "kind"), [(30, "refuel"), (29.9, None), (-29.9, None), (-30, "drain")])
def test_a_step_of_thirty_litres_is_an_event(step: float, kind: str | None) -> None:
    row = the_day(levels(("08:00", 200), ("08:10", 200 + step)))
    assert [event[0] for event in row["events"]["fuel"]] == ([kind] if kind else [])


def test_the_level_at_midnight_lies_on_the_straight_line_between_its_readings() -> None:
    """300 l at 22:00, 270 l at 01:00: at midnight 280. 20 l used before it, 10 + 6 l after it."""
    messages = levels(("22:00", 300), ign=1) + levels(("01:00", 270), ("02:00", 264), ign=1, day=NEXT_DAY)
    rows = days(messages, until=at("24:00", NEXT_DAY))
    assert [row["fuel_used_l"] for row in rows.values()] == pytest.approx([20, 16])


def test_several_tanks_are_summed_and_a_missing_one_leaves_no_level() -> None:
    """100 + 200 = 300 l, then one tank alone, then 100 + 160 = 260 l."""
    sens = IGNITION_ONLY | sensor(2, "fuel level", "left") | sensor(3, "fuel level", "right", m="l")
    readings = [{"left": 100, "right": 200}, {"left": 90}, {"left": 100, "right": 160}]
    messages = [message(at(f"0{n}:00"), 0, ign=1, **levels) for n, levels in enumerate(readings)]
    assert the_day(messages, sens)["fuel_used_l"] == pytest.approx(40)


@pytest.mark.parametrize(
    ("sensors", "tank_l", "used_l"),
    [
        ([("%", "left")], 400, 40),
        ([("%", "left")], None, None),
        ([("%", "left"), ("%", "right")], 400, None),
        ([("%", "left"), ("l", "right")], 400, 20),
    ],
)
def test_a_level_in_per_cent_counts_alone_and_with_the_capacity_of_the_tank(
    sensors: list[tuple[str, str]], tank_l: float | None, used_l: float | None
) -> None:
    """50 % → 40 % of 400 l are 40 l; beside it the right tank goes from 90 to 70 l."""
    sens = IGNITION_ONLY.copy()
    for number, (unit, parameter) in enumerate(sensors, start=2):
        sens |= sensor(number, "fuel level", parameter, m=unit)
    messages = [message(at("01:00"), 0, ign=1, left=50, right=90), message(at("02:00"), 0, ign=1, left=40, right=70)]
    found = the_day(messages, sens, tank_l=tank_l)["fuel_used_l"]
    assert found == (None if used_l is None else pytest.approx(used_l))


def test_drains_need_engine_evidence() -> None:
    messages = [message(at("01:00"), level=300), message(at("02:00"), level=200)]
    row = the_day(messages, sensor(1, "fuel level", "level"))
    assert (row["refuels"], row["drains"], row["drain_l"], row["fuel_used_l"]) == (0, None, None, 100)


def test_a_refuel_over_midnight_belongs_wholly_to_the_first_day_and_the_level_line_to_both() -> None:
    """100 → 300 l from 23:50 to 00:10: the line is at 200 at midnight. −100 + 200 = 100 and 200 − 300 = −100 l used."""
    messages = levels(("23:50", 100), ign=1) + levels(("00:10", 300), ign=1, day=NEXT_DAY)
    rows = days(messages, until=at("24:00", NEXT_DAY))
    assert [row["refuel_l"] for row in rows.values()] == [200, 0]
    assert [row["fuel_used_l"] for row in rows.values()] == pytest.approx([100, -100])
