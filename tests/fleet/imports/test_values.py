"""Numbers, days and instants as files write them: by the file's own convention, and never guessed."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.imports import values
from apps.fleet.imports.values import COMMA, DAY_FIRST, MONTH_FIRST, POINT, Cell, Mistake

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1234", "1234", "1234"),
        ("-12", "-12", "-12"),
        ("1234.50", "1234.50", None),
        ("1234,50", None, "1234.50"),
        ("1,234.50", "1234.50", None),
        ("1.234,50", None, "1234.50"),
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("12,345,678", "12345678", None),
        ("0,123", None, "0.123"),  # no thousands begin with 0
        ("1234.567", "1234.567", None),  # nor have they four digits before the mark
        ("1 234,50", None, "1234.50"),
        ("1\u00a0234", "1234", "1234"),
        ("1'234.50", "1234.50", None),
        ("−3.5", "-3.5", None),
        ("1,2,3", None, None),
        ("1 23", None, None),
        ("12 USD", None, None),
        ("1e5", None, None),
        ("", None, None),
        ("٣", None, None),
    ],
)
def test_a_number_by_each_convention(text: str, point: str | None, comma: str | None) -> None:
    expected = {name: Decimal(value) for name, value in ((POINT, point), (COMMA, comma)) if value is not None}
    assert values.number_readings(text) == expected


def test_the_file_s_convention_is_that_of_the_values_that_allow_but_one() -> None:
    readings = [values.number_readings(text) for text in ("1,234", "7", "1,50")]
    assert values.convention_of(readings) == COMMA
    assert values.convention_of(readings[:2]) is None


def test_an_ambiguous_number_is_read_by_the_convention_and_refused_without_one() -> None:
    assert values.number("1,234", COMMA) == Decimal("1.234")
    assert values.number("1,234", POINT) == Decimal("1234")
    with pytest.raises(Mistake, match=r"may be 1234 or 1\.234"):
        values.number("1,234", None)


def test_a_number_of_the_other_convention_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="does not have a decimal point"):
        values.number("1,50", POINT)


@pytest.mark.parametrize(
    ("cell", "expected"), [(12, "12"), (12.5, "12.5"), (0.1 + 0.2, "0.3"), (1e-4, "0.0001"), (-3.0, "-3")]
)
def test_a_spreadsheet_s_number_is_what_it_shows(cell: float, expected: str) -> None:
    assert values.number(cell, None) == Decimal(expected)


@pytest.mark.parametrize(
    "cell", [True, None, float("nan"), float("inf"), 1e20, dt.date(2026, 3, 5), "abc", "1" + 30 * "0"]
)
def test_what_is_no_number(cell: Cell) -> None:
    with pytest.raises(Mistake, match="no number"):
        values.number(cell, POINT)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from([POINT, COMMA]))
def test_a_number_written_by_a_convention_is_read_by_it(number: Decimal, convention: str) -> None:
    grouped = f"{number:,}"
    text = grouped if convention == POINT else grouped.translate(str.maketrans(",.", ".,"))
    assert values.number(text, convention) == number
    readings = values.number_readings(text)
    assert convention in readings


# --- days ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-05", dt.date(2026, 3, 5)),
        ("2026/3/5", dt.date(2026, 3, 5)),
        ("05.03.2026", dt.date(2026, 3, 5)),
        ("31/03/2026", dt.date(2026, 3, 31)),
        ("03-31-2026", None),
        ("03/03/2026", dt.date(2026, 3, 3)),
    ],
)
def test_a_day_with_the_day_first(text: str, expected: dt.date | None) -> None:
    assert values.date_readings(text).get(DAY_FIRST) == expected


def test_a_day_that_may_be_two_is_refused_unless_the_file_tells() -> None:
    with pytest.raises(Mistake, match="may be 2026-05-03 or 2026-03-05"):
        values.day("05/03/2026", None)
    assert values.day("05/03/2026", DAY_FIRST) == dt.date(2026, 3, 5)
    assert values.day("05/03/2026", MONTH_FIRST) == dt.date(2026, 5, 3)
    assert values.day("04/04/2026", None) == dt.date(2026, 4, 4)
    order = values.convention_of(values.date_readings(text) for text in ("05/03/2026", "2026-01-02", "3/31/2026"))
    assert order == MONTH_FIRST
    with pytest.raises(Mistake, match="no day with the month first"):
        values.day("31/03/2026", MONTH_FIRST)


@pytest.mark.parametrize("cell", ["5.3.26", "2026-02-29", "32/01/2026", "March 5", 45_000, 45_000.0, True, ""])
def test_what_is_no_day(cell: Cell) -> None:
    with pytest.raises(Mistake, match="is no day"):
        values.day(cell, DAY_FIRST)


def test_a_spreadsheet_s_day_has_no_time() -> None:
    assert values.day(dt.datetime(2026, 3, 5), None) == dt.date(2026, 3, 5)
    with pytest.raises(Mistake, match="only a day"):
        values.day(dt.datetime(2026, 3, 5, 6), None)


# --- instants ---


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2026-03-05 14:30", "2026-03-05T20:30:00"),
        ("2026-03-05T14:30:15", "2026-03-05T20:30:15"),
        ("2026-03-05 2:30 PM", "2026-03-05T20:30:00"),
        ("2026-03-05 12:05 am", "2026-03-05T06:05:00"),
        ("2026-03-05 1:05 AM", "2026-03-05T07:05:00"),
        ("2026-03-05 12:05 PM", "2026-03-05T18:05:00"),
        ("2026-03-05T14:30Z", "2026-03-05T14:30:00"),
        ("2026-03-05 14:30+02:00", "2026-03-05T12:30:00"),
        ("2026-03-05 14:30 -0600", "2026-03-05T20:30:00"),
        ("2026-03-05", "2026-03-05T06:00:00"),
        ("2026-07-05", "2026-07-05T05:00:00"),
        (dt.datetime(2026, 3, 5, 14, 30), "2026-03-05T20:30:00"),
        (dt.date(2026, 3, 5), "2026-03-05T06:00:00"),
    ],
)
def test_an_instant_is_by_the_fleet_s_clocks_unless_it_says_otherwise(cell: Cell, utc: str) -> None:
    assert values.instant(cell, None, CHICAGO) == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


def test_a_time_that_the_clocks_skip_or_repeat_is_refused() -> None:
    with pytest.raises(Mistake, match="does not exist in America/Chicago"):
        values.instant("2026-03-08 02:30", None, CHICAGO)
    with pytest.raises(Mistake, match="has twice"):
        values.instant("2026-11-01 01:30", None, CHICAGO)
    assert values.instant("2026-11-01 01:30-06:00", None, CHICAGO).hour == 7


@pytest.mark.parametrize(
    "cell",
    [
        "2026-03-05 25:00", "2026-03-05 13:00 PM", "2026-03-05 0:30 AM", "2026-03-05 14:61", "noon", 45_000.5, None,
        "2026-03-05 14:30+99:00", "2026-03-05 14:30+05:99", "0001-01-01 00:00", "0001-01-01", "9999-12-31 23:59-05:00",
        dt.datetime(1, 1, 1), dt.date(9999, 12, 31),
    ],
)  # fmt: skip
def test_what_is_no_instant(cell: Cell) -> None:
    with pytest.raises(Mistake):
        values.instant(cell, None, CHICAGO)


def test_the_order_of_an_instant_s_day_is_the_file_s() -> None:
    assert values.day_part("03/05/2026 14:30") == "03/05/2026"
    assert values.instant("03/05/2026 14:30", MONTH_FIRST, CHICAGO).day == 5
