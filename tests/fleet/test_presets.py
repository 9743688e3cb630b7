import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.periods import NAMES, PeriodError, requested
from apps.fleet.pages.presets import DEFAULT, LONGEST_DAYS, asked_period, presets

CHICAGO = ZoneInfo("America/Chicago")
NOW = dt.datetime(2026, 8, 20, 3, 30, tzinfo=dt.UTC)  # Wednesday the 19th, 22:30 in Chicago


def asked(**query: str) -> tuple[str, str, str | None]:
    period, choice = asked_period({name.rstrip("_"): value for name, value in query.items()}, NOW, CHICAGO)
    return period.first.isoformat(), period.last.isoformat(), choice


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("last7", "2026-08-12", "2026-08-18"),
        ("last30", "2026-07-20", "2026-08-18"),
        ("last90", "2026-05-21", "2026-08-18"),
        ("month", "2026-08-01", "2026-08-19"),
        ("last-month", "2026-07-01", "2026-07-31"),
        ("quarter", "2026-07-01", "2026-08-19"),
        ("last-quarter", "2026-04-01", "2026-06-30"),
    ],
)
def test_a_preset_is_seen_from_the_fleets_today(name: str, first: str, last: str) -> None:
    assert asked(period=name) == (first, last, name)


def test_presets_are_the_days_that_the_api_gives_the_same_names() -> None:
    for name, (_, first, last) in presets(dt.date(2026, 8, 19)).items():
        if name in NAMES:
            period = requested(None, None, name, now=NOW, zone=CHICAGO, max_days=400)
            assert (period.first, period.last) == (first, last)


def test_in_january_the_last_month_and_quarter_are_of_the_year_before() -> None:
    named = presets(dt.date(2026, 1, 31))
    assert named["last-month"][1:] == (dt.date(2025, 12, 1), dt.date(2025, 12, 31))
    assert named["last-quarter"][1:] == (dt.date(2025, 10, 1), dt.date(2025, 12, 31))


def test_without_a_choice_it_is_the_default_and_days_have_no_name() -> None:
    assert asked() == asked(period=DEFAULT) == asked(from_="", to="")
    assert asked(from_="2026-02-01", to="2026-02-28") == ("2026-02-01", "2026-02-28", None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from_": "2026-02-30", "to": "2026-03-01"}, "from"),
        ({"from_": "yesterday"}, "from"),
        ({"to": "2026-03-01"}, "from"),
        ({"from_": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from_": "2024-01-01", "to": "2026-03-01"}, "from"),
        ({"period": "fortnight"}, "period"),
        ({"period": "last7", "from_": "2026-03-02"}, "period"),
    ],
)
def test_what_cannot_be_says_which_field_is_to_blame(query: dict[str, str], field: str) -> None:
    with pytest.raises(PeriodError) as caught:
        asked(**query)
    assert caught.value.field in (field, "to")


def test_the_longest_period_is_the_apis() -> None:
    first = dt.date(2025, 1, 1)
    last = first + dt.timedelta(days=LONGEST_DAYS - 1)
    assert asked(from_=str(first), to=str(last))[2] is None
    with pytest.raises(PeriodError):
        asked(from_=str(first), to=str(last + dt.timedelta(days=1)))
