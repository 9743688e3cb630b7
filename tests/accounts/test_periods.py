import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.periods import EARLIEST, FOR_EVER, LATEST, NAMES, NOT_AT_ALL, Period, PeriodError, requested

CHICAGO = ZoneInfo("America/Chicago")
NOW = dt.datetime(2026, 8, 20, 3, 30, tzinfo=dt.UTC)  # Wednesday the 19th, 22:30 in Chicago


def period(
    from_: str | None = None, to: str | None = None, name: str | None = None, *, max_days: int = 400, **changes: object
) -> Period:
    return requested(from_, to, name, **{"now": NOW, "zone": CHICAGO, "max_days": max_days, **changes})  # type: ignore[arg-type]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-08-19", "2026-08-19"),
        ("yesterday", "2026-08-18", "2026-08-18"),
        ("week", "2026-08-17", "2026-08-19"),
        ("month", "2026-08-01", "2026-08-19"),
        ("quarter", "2026-07-01", "2026-08-19"),
        ("last7", "2026-08-12", "2026-08-18"),
        ("last30", "2026-07-20", "2026-08-18"),
        ("last90", "2026-05-21", "2026-08-18"),
    ],
)
def test_a_named_period_is_seen_from_today_in_the_fleets_zone(name: str, first: str, last: str) -> None:
    assert period(name=name).echo() == {"from": first, "to": last, "timezone": "America/Chicago"}


def test_every_name_has_a_period() -> None:
    assert all(period(name=name).days > 0 for name in NAMES)


def test_without_any_period_it_is_the_last_seven_complete_days() -> None:
    assert period() == period(name="last7")


def test_both_days_are_included_and_spanned_from_midnight_to_midnight() -> None:
    days = period("2026-03-01", "2026-03-02")
    assert (days.first, days.last, days.days) == (dt.date(2026, 3, 1), dt.date(2026, 3, 2), 2)
    assert (days.start, days.end) == (utc("2026-03-01T06:00"), utc("2026-03-03T06:00"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    one = period(day, day)
    assert one.end - one.start == dt.timedelta(hours=hours)


MIDNIGHT = "2026-08-20T05:00"  # in Chicago


@pytest.mark.parametrize("name", [None, *NAMES])
def test_a_name_stands_for_the_same_days_until_the_fleets_day_ends(name: str | None) -> None:
    assert period(name=name).same_until == utc(MIDNIGHT)


def test_what_stands_for_the_same_period_for_how_long() -> None:
    assert period("2026-08-10").same_until == utc(MIDNIGHT)
    assert period("2026-08-10", instants=True).same_until == utc(MIDNIGHT)
    assert period("2026-08-19T00:00:00Z", instants=True).same_until == NOW
    for fixed in (("2026-08-10", "2026-08-12"), ("2026-08-10T00:00:00Z", "2026-08-10T01:00:00Z")):
        assert period(*fixed, instants=True).same_until == FOR_EVER
    assert period("2026-08-10", "2026-08-12").previous().same_until == NOT_AT_ALL, "nobody has asked for it"


def test_a_start_alone_lasts_until_today() -> None:
    assert period("2026-08-10").last == dt.date(2026, 8, 19)


@pytest.mark.parametrize(
    ("given", "before"),
    [
        (("2026-03-08", "2026-03-08"), ("2026-03-07", "2026-03-07")),
        (("2026-03-01", "2026-03-31"), ("2026-01-29", "2026-02-28")),
    ],
)
def test_the_period_before_has_as_many_days_and_ends_the_day_before(given, before) -> None:
    previous = period(*given).previous()
    assert (previous.first.isoformat(), previous.last.isoformat()) == before
    assert previous.end == period(*given).start


def test_the_period_before_instants_is_as_long_to_the_second() -> None:
    previous = period("2026-03-10T05:00:00Z", "2026-03-10T05:30:00Z", instants=True).previous()
    assert (previous.start, previous.end) == (utc("2026-03-10T04:30"), utc("2026-03-10T05:00"))
    assert previous.echo() == {
        "from": "2026-03-10T04:30:00Z",
        "to": "2026-03-10T05:00:00Z",
        "timezone": "America/Chicago",
    }


# --- instants -------------------------------------------------------------------------------------------------------


def test_instants_are_taken_in_utc_and_touch_the_local_days_they_fall_on() -> None:
    span = period("2026-03-08T23:30:00-06:00", "2026-03-10T05:00:00Z", instants=True)
    assert (span.start, span.end) == (utc("2026-03-09T05:30"), utc("2026-03-10T05:00"))
    assert (span.first, span.last) == (dt.date(2026, 3, 9), dt.date(2026, 3, 9))  # the end is excluded
    assert span.echo() == {"from": "2026-03-09T05:30:00Z", "to": "2026-03-10T05:00:00Z", "timezone": "America/Chicago"}


def test_an_instant_alone_lasts_until_now() -> None:
    assert period("2026-08-19T00:00:00z", instants=True).end == NOW


def test_days_are_still_understood_where_instants_are_allowed() -> None:
    assert period("2026-03-01", "2026-03-02", instants=True) == period("2026-03-01", "2026-03-02")


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_", "to", "name", "field", "words"),
    [
        ("2026-03-02", "2026-03-01", None, "from", "after to"),
        ("2026-03-01", None, "week", "period", "not both"),
        (None, "2026-03-01", None, "from", "is missing"),
        (None, "2026-03-01", "week", "from", "is missing"),
        ("2026-02-30", None, None, "from", "calendar"),
        ("2026-3-1", None, None, "from", "not a date"),
        ("20260301", None, None, "from", "not a date"),
        ("", None, None, "from", "not a date"),
        ("٢٠٢٦-٠٣-٠١", None, None, "from", "not a date"),
        ("1999-12-31", None, None, "from", "between"),
        ("2026-03-01", "9999-12-31", None, "to", "between"),
        ("2026-03-01T00:00:00Z", None, None, "from", "not a date"),
    ],
)
def test_a_period_of_days_that_cannot_be_names_the_parameter(from_, to, name, field: str, words: str) -> None:
    with pytest.raises(PeriodError, match=words) as refused:
        period(from_, to, name)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("from_", "to", "field"),
    [
        ("2026-03-01T00:00:00", "2026-03-02T00:00:00", "from"),  # without an offset
        ("2026-03-01T00:00:00 01:00", "2026-03-02T00:00:00Z", "from"),  # a + that became a blank
        ("2026-03-01T00:00:00Z", "2026-03-02", "to"),
        ("2026-03-01", "2026-03-02T00:00:00Z", "to"),
        ("2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00", "from"),  # nothing in between
        ("2026-03-01T25:00:00Z", "2026-03-02T00:00:00Z", "from"),
        ("2026-03-01T00:00:00+99:00", "2026-03-02T00:00:00Z", "from"),
        ("0001-01-01T00:00:00+14:00", "2026-03-02T00:00:00Z", "from"),
    ],
)
def test_instants_that_cannot_be_name_the_parameter(from_: str, to: str, field: str) -> None:
    with pytest.raises(PeriodError) as refused:
        period(from_, to, instants=True)
    assert refused.value.field == field


def test_a_period_may_be_as_long_as_allowed_and_no_longer() -> None:
    assert period("2026-03-01", "2026-03-31", max_days=31).days == 31
    with pytest.raises(PeriodError, match="at most 31 days"):
        period("2026-03-01", "2026-04-01", max_days=31)
    with pytest.raises(PeriodError, match="at most 31 days"):
        period("2026-03-01T00:00:00Z", "2026-04-01T00:00:01Z", max_days=31, instants=True)


def test_the_ends_of_the_calendar_have_a_period_before_and_an_end() -> None:
    assert period(EARLIEST.isoformat(), EARLIEST.isoformat()).previous().days == 1
    assert period(LATEST.isoformat(), LATEST.isoformat()).end > utc("2100-01-01")
