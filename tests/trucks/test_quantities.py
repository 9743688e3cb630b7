from itertools import accumulate
from math import fsum

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.trucks.detection.quantities import CONNECTED_S, Spread, connects, counter, intervals_of


def spread(readings: list[int], amounts: list[float]) -> Spread:
    return Spread.of(np.array(readings, dtype=np.int64), np.array(amounts), np.ones(len(amounts), dtype=np.bool_))


SPREAD = spread([0, 10, 20], [5.0, 10.0])


@pytest.mark.parametrize(
    ("start", "end", "amount"),
    [
        (0, 20, 15),  # all
        (0, 10, 5),  # one piece
        (5, 15, 7.5),  # a half of both
        (4, 6, 1),  # inside one piece
        (-10, 30, 15),  # nothing outside
    ],
)
def test_an_amount_is_spread_evenly_over_its_time(start: int, end: int, amount: float):
    assert SPREAD.between(start, end) == pytest.approx(amount)


def test_a_cut_loses_nothing():
    whole = spread([0, 7], [1.0])
    assert fsum([whole.between(0, 3), whole.between(3, 7)]) == pytest.approx(1.0)


def test_where_nothing_was_read_the_amount_is_not_measured():
    assert SPREAD.between(21, 30) is None
    assert SPREAD.between(-10, 0) is None
    assert spread([], []).between(0, 10) is None


def test_a_reading_without_another_measures_zero():
    assert spread([5], []).between(0, 10) == 0


def test_readings_around_measure_what_is_between_them():
    assert spread([0, 100], [50.0]).between(40, 60) == pytest.approx(10)


def test_an_empty_interval_measures_nothing():
    assert SPREAD.between(5, 5) is None
    assert SPREAD.between(8, 2) is None


def test_a_whole_piece_is_not_changed_by_the_division():
    assert spread([0, 3], [0.1]).between(0, 3) == 0.1


def test_readings_connect_up_to_35_days_apart():
    assert connects(np.array([0, CONNECTED_S, 2 * CONNECTED_S + 1])).tolist() == [True, False]


def test_a_decrease_of_a_counter_counts_zero_and_is_a_reset():
    odometer = counter([0, 10, 20, 30, 40], [100, 150, 20, 50, 50])
    assert odometer.increase.between(0, 40) == 80
    assert odometer.increase.between(10, 20) == 0
    assert odometer.resets == [20]


@pytest.mark.parametrize(("start", "end", "resets"), [(0, 31, 1), (20, 21, 1), (0, 20, 0), (21, 31, 0), (31, 99, None)])
def test_a_reset_counts_where_its_later_reading_is(start: int, end: int, resets: int | None):
    assert counter([0, 10, 20, 30], [100, 150, 20, 50]).count_resets(start, end) == resets


def test_a_counter_never_read_has_nothing():
    empty = counter([], [])
    assert (empty.increase.between(0, 99), empty.count_resets(0, 99)) == (None, None)


PIECES = st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1e6), st.booleans()), max_size=12)
INTERVALS = st.lists(st.tuples(st.integers(-5, 120), st.integers(-5, 120)), max_size=8)


@given(PIECES, INTERVALS)
@example([(5, 0.1, True)], [(1, 2), (0, 5), (5, 5), (4, 3), (9, 20)])
@example([], [(0, 10)])
def test_of_many_intervals_each_gets_to_the_last_bit_what_it_gets_alone(
    pieces: list[tuple[int, float, bool]], intervals: list[tuple[int, int]]
):
    times = np.array(list(accumulate((step for step, _, _ in pieces), initial=0)), dtype=np.int64)
    amounts = np.array([amount for _, amount, _ in pieces], dtype=np.float64)
    whole = Spread.of(times, amounts, np.array([is_kept for _, _, is_kept in pieces], dtype=np.bool_))
    asked = intervals_of(intervals)
    assert whole.parts_of(asked) == [whole.parts(*each) for each in intervals]
    assert whole.between_each(asked) == [whole.between(*each) for each in intervals]
    assert [whole.is_measured(*each) for each in intervals] == [whole.between(*each) is not None for each in intervals]
