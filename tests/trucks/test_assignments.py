"""Who has a truck when, of several who are said to have it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trucks.assignments import (
    FOREVER,
    LONGEST_LOGIN_S,
    Assignment,
    Binding,
    Bound,
    Login,
    Shift,
    Source,
    bindings_of,
    bound,
    differences,
    driver_at,
    logged_in,
    main_driver,
    parts,
    renewed,
    shifts,
)
from apps.trucks.messages.normal import key_card_of

ANA, BEN, EVE = 1, 2, 3


def said(driver: int, start: int, end: int | None, source: Source = Source.BINDING) -> Assignment:
    return Assignment(driver, start, end, source)


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ([], []),
        ([said(ANA, 10, None)], [(10, FOREVER, ANA)]),
        ([said(ANA, 10, 20), said(ANA, 20, 30)], [(10, 30, ANA)]),
        ([said(ANA, 10, 20), said(BEN, 25, 30)], [(10, 20, ANA), (25, 30, BEN)]),
        # Who was bound last counts; when they leave, the one who stayed bound counts again.
        ([said(ANA, 10, 50), said(BEN, 20, 30)], [(10, 20, ANA), (20, 30, BEN), (30, 50, ANA)]),
        ([said(ANA, 10, None), said(BEN, 20, None)], [(10, 20, ANA), (20, FOREVER, BEN)]),
        ([said(BEN, 10, 50), said(ANA, 10, 50)], [(10, 50, BEN)]),
        # Staff know better than Wialon, and Wialon better than a key card, whoever came last.
        ([said(ANA, 10, 50), said(EVE, 5, 20, Source.MANUAL)], [(5, 20, EVE), (20, 50, ANA)]),
        ([said(ANA, 10, 20), said(BEN, 15, 30, Source.MESSAGE)], [(10, 20, ANA), (20, 30, BEN)]),
        # A key card says nothing any more once its owner was released.
        ([said(ANA, 10, 20), said(ANA, 11, 30, Source.MESSAGE)], [(10, 20, ANA)]),
        ([said(ANA, 10, 20), said(ANA, 20, 30, Source.MESSAGE)], [(10, 30, ANA)]),
        ([said(ANA, 10, None), said(ANA, 5, 30, Source.MESSAGE)], [(5, FOREVER, ANA)]),
    ],
)
def test_one_driver_at_a_time_counts(assignments: list[Assignment], expected: list[tuple[int, int, int]]) -> None:
    assert shifts(assignments) == expected
    assert shifts(reversed(assignments)) == expected


@pytest.mark.parametrize(
    ("had", "expected"),
    [
        ([], None),
        ([(0, 1_000, ANA)], ANA),
        ([(100, 140, ANA), (140, 200, BEN)], BEN),
        ([(100, 150, BEN), (150, 200, ANA)], BEN),  # of equals the earlier
        ([(100, 120, ANA), (120, 150, BEN), (150, 200, ANA)], ANA),
        ([(160, 200, ANA)], None),  # nobody is known for most of it
        ([(150, 200, ANA)], None),
        ([(149, 200, ANA)], ANA),
        ([(0, 100, ANA), (200, 300, BEN)], None),
    ],
)
def test_a_trip_is_of_who_had_the_truck_for_most_of_it(had: list[tuple[int, int, int]], expected: int | None) -> None:
    assert main_driver([Shift(*each) for each in had], 100, 200) == expected


def is_release(other: Assignment, each: Assignment) -> bool:
    """Whether the other one's end takes away what a key card says."""
    kinds = each.source, other.source
    ends = other.end is not None and other.end > each.start
    return kinds == ("message", "binding") and other.driver_id == each.driver_id and ends


LISTS = st.lists(
    st.builds(
        lambda driver, start, length, source: Assignment(driver, start, length and start + length, source),
        st.integers(1, 4),
        st.integers(0, 30),
        st.none() | st.integers(1, 20),
        st.sampled_from(Source),
    ),
    max_size=8,
)


def counts(assignments: list[Assignment], t: int) -> int | None:
    """Second by second, from the words of the page."""
    then = [each for each in assignments if each.start <= t and (each.end is None or t < each.end)]
    released = {each for each in then for other in assignments if is_release(other, each) and (other.end or 0) <= t}
    then = [each for each in then if each not in released]
    for source in ("manual", "binding", "message"):
        if told := [each for each in then if each.source == source]:
            return max((each.start, each.driver_id) for each in told)[1]
    return None


@given(LISTS)
def test_shifts_say_of_every_second_who_counts(assignments: list[Assignment]) -> None:
    found = shifts(assignments)
    assert [driver_at(found, t) for t in range(60)] == [counts(assignments, t) for t in range(60)]
    assert all(
        one.end < other.start or one.driver_id != other.driver_id for one, other in zip(found, found[1:], strict=False)
    )


@given(LISTS, st.integers(0, 50), st.integers(1, 20))
def test_parts_are_the_whole_interval_and_nothing_else(assignments: list[Assignment], start: int, length: int) -> None:
    cut = list(parts(shifts(assignments), start, start + length))
    assert [t for first, last, _ in cut for t in range(first, last)] == list(range(start, start + length))
    assert all(counts(assignments, t) == driver for first, last, driver in cut for t in range(first, last))


@given(LISTS, LISTS)
def test_differences_are_the_seconds_with_another_driver(before: list[Assignment], after: list[Assignment]) -> None:
    found = differences(shifts(before), shifts(after))
    changed = {t for start, end in found for t in range(start, min(end, 60))}
    assert changed == {t for t in range(60) if counts(before, t) != counts(after, t)}
    assert all(one[1] < other[0] for one, other in zip(found, found[1:], strict=False))


@pytest.mark.parametrize(
    ("logins", "expected"),
    [
        ([], []),
        ([(100, ANA)], [(ANA, 100, 100 + LONGEST_LOGIN_S)]),
        ([(100, ANA), (200, BEN)], [(ANA, 100, 200), (BEN, 200, 200 + LONGEST_LOGIN_S)]),
        ([(100, ANA), (200, None)], [(ANA, 100, 200)]),  # logged out, or nobody who is known
        ([(100, ANA), (200, ANA)], [(ANA, 100, 200), (ANA, 200, 200 + LONGEST_LOGIN_S)]),
        ([(100, ANA), (100, BEN), (99, EVE)], [(EVE, 99, 100), (BEN, 100, 100 + LONGEST_LOGIN_S)]),
    ],
)
def test_a_login_holds_until_the_next_and_not_over_the_longest_shift(
    logins: list[tuple[int, int | None]], expected: list[tuple[int, int, int]]
) -> None:
    found = logged_in(Login(*each) for each in logins)
    assert [(each.driver_id, each.start, each.end) for each in found] == expected


@pytest.mark.parametrize(
    ("message", "card"),
    [
        ({"f": 0x21, "p": {"avl_driver": " 00A1 "}}, "00A1"),
        ({"f": 0x20, "p": {"avl_driver": 42}}, "42"),
        ({"f": 0x20, "p": {"avl_driver": ""}}, ""),
        ({"f": 0x20, "p": {"avl_driver": "000000"}}, ""),
        ({"f": 0x20, "p": {"avl_driver": 0}}, ""),
        ({"f": 0x20, "p": {"avl_driver": "A" * 80}}, "A" * 64),
        ({"f": 0x1, "p": {"avl_driver": "00A1"}}, None),
        ({"f": 0x20, "p": {}}, None),
        ({"f": 0x20, "p": None}, None),
        ({"f": None, "p": {"avl_driver": "00A1"}}, None),
        ({"f": 0x20, "p": {"avl_driver": [1]}}, None),
        ({"f": 0x20, "p": {"avl_driver": True}}, None),
    ],
)
def test_a_message_tells_of_a_key_card_by_its_flag(message: dict[str, Any], card: str | None) -> None:
    assert key_card_of(message) == card


# --- bindings -------------------------------------------------------------------------------------------------------

A, B = 7, 8


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], []),
        ([(10, A)], [(A, 10, None)]),
        ([(10, A), (20, None)], [(A, 10, 20)]),
        ([(10, A), (20, B), (30, None)], [(A, 10, 20), (B, 20, 30)]),
        ([(10, A), (20, None), (20, B)], [(A, 10, 20), (B, 20, None)]),
        ([(10, A), (15, A), (20, None), (25, None)], [(A, 10, 20)]),
        ([(20, None), (10, A)], [(A, 10, 20)]),
        ([(10, None)], []),
    ],
)
def test_a_driver_has_a_truck_until_the_next_binding(
    steps: list[tuple[int, int | None]], expected: list[tuple[int, int, int | None]]
) -> None:
    assert bound(Binding(*step) for step in steps) == expected
    assert bound(bindings_of(Bound(*each) for each in expected)) == expected


STORED = [Bound(A, 10, 20), Bound(B, 30, None)]


@pytest.mark.parametrize(
    ("told", "first_t", "now_bound", "expected"),
    [
        ([(30, B)], 25, (30, B), STORED),
        ([(10, A), (20, None), (30, B)], 0, (30, B), STORED),
        ([(30, B), (40, None)], 25, (40, None), [(A, 10, 20), (B, 30, 40)]),
        ([], 25, None, [(A, 10, 20)]),  # a binding that was deleted
        ([(22, A), (30, B)], 15, (30, B), [(A, 10, 30), (B, 30, None)]),  # not freed at 20, after all
        ([], 35, (30, B), STORED),
        ([], 35, (33, None), [(A, 10, 20), (B, 30, 33)]),  # told by the driver's data alone
        ([(40, A)], 35, (30, B), [(A, 10, 20), (B, 30, 40), (A, 40, None)]),  # bound since the driver's data were read
        ([], None, (45, A), [(A, 10, 20), (B, 30, 45), (A, 45, None)]),  # the past could not be read
        ([], None, (30, B), STORED),
    ],
)
def test_what_is_told_replaces_what_was_known_from_there_on(
    told: list[tuple[int, int | None]],
    first_t: int | None,
    now_bound: tuple[int, int | None] | None,
    expected: list[tuple[int, int, int | None]],
) -> None:
    now = None if now_bound is None else Binding(*now_bound)
    found = renewed(STORED, [Binding(*each) for each in told], first_t, now)
    assert found == expected
    assert renewed(found, [Binding(*each) for each in told], first_t, now) == expected
