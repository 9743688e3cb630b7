"""What the mail says, read in its stored parts."""

import datetime as dt
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import CostEntry, DirtyEntry
from apps.fleet.reports.rendering import CHART, HTML, SUBJECT, TEXT, render_daily
from apps.fleet.reports.wording import comparison, duration, listed, moment, number
from apps.fleet.summaries import notes
from apps.fleet.whose import fleet_sums_sync
from apps.trucks import invalidation
from tests import rows
from tests.fleet import report_rows
from tests.fleet.report_rows import DAY

YESTERDAY = DAY - dt.timedelta(days=1)
NOT_MEASURED = {
    "distance_m": None, "distance_source": None, "fuel_used_l": None, "fuel_source": None, "idle_s": None,
    "idle_productive_s": None, "engine_on_s": None, "speeding_minor": None, "speeding_moderate": None,
    "speeding_severe": None, "refuels": None, "refuel_l": None, "drains": None, "drain_l": None,
}  # fmt: skip


class Page(HTMLParser):
    """An HTML mail's text, cell by cell, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and self.tags[-1] not in ("style", "title"):
            self.cells.append(" ".join(data.split()))


def parts(fleet: Fleet, day: dt.date = DAY) -> dict[str, str]:
    return {
        file.name: file.content.decode()
        for file in render_daily(fleet, day).files
        if file.content_type.startswith("text/")
    }


def small_fleet(*days: dict[str, Any], **fleet: Any) -> Fleet:
    """One truck for each day's changes."""
    made = rows.fleet(**{"units": "metric", **fleet})
    for number_, changes in enumerate(days, start=1):
        report_rows.truck_day(rows.truck(made, f"T-{number_}"), **changes)
    if days:
        report_rows.fleet_day(made)
    return made


@pytest.mark.django_db
def test_every_part_shows_the_distance_that_the_statement_gives() -> None:
    fleet = report_rows.working_fleet(trucks=4, days=2, units="metric")
    totals = fleet_sums_sync(queries.period(fleet.pk, DAY, DAY)).totals
    distance = f"{totals['distance_m'] / 1000:,.0f} km"
    mail = parts(fleet)
    assert all(distance in mail[name] for name in (SUBJECT, TEXT, HTML))


@pytest.mark.django_db
def test_the_headline_says_in_a_sentence_what_was_done() -> None:
    fleet = small_fleet({"distance_m": 400_400}, {"distance_m": 20_000}, {"distance_m": 0, "is_used": False})
    rows.truck(fleet, "silent")
    mail = parts(fleet)
    sentence = "2 of 4 trucks drove 420 km on Monday, 23 November; 1 truck has no data."
    assert sentence in mail[TEXT]
    assert sentence in Page(mail[HTML]).cells
    assert mail[SUBJECT] == "Prairie Haulage, Monday, 23 November: 2 of 4 trucks, 420 km"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([], "Prairie Haulage has no trucks yet, so there is nothing to report for Monday, 23 November."),
        (
            [{"moving_s": 0, "idle_s": 0, "parked_s": 0}],
            "No data for Monday, 23 November: none of 1 truck reported.",
        ),
        (
            [{"distance_m": 900, "is_used": False}],
            "None of 1 truck worked on Monday, 23 November, 1 km were driven in all.",
        ),
        ([NOT_MEASURED], "1 of 1 truck worked on Monday, 23 November, distance was not measured."),
    ],
)
def test_a_day_without_figures_is_said_plainly(days: list[dict[str, Any]], sentence: str) -> None:
    mail = parts(small_fleet(*days))
    assert sentence in mail[TEXT]
    assert sentence in Page(mail[HTML]).cells


@pytest.mark.django_db
def test_a_fleet_whose_trucks_never_reported_still_gets_its_mail() -> None:
    fleet = rows.fleet()
    rows.truck(fleet)
    report = render_daily(fleet, DAY)
    names = [file.name for file in report.files]
    assert CHART not in names
    assert "prairie-haulage-2026-11-23.xlsx" in names
    assert "No data for Monday, 23 November" in parts(fleet)[TEXT]
    assert "<img" not in parts(fleet)[HTML]


@pytest.mark.django_db
def test_each_key_figure_stands_beside_the_day_before() -> None:
    fleet = rows.fleet(units="metric")
    truck = rows.truck(fleet)
    before = {"distance_m": 500_000, "fuel_used_l": 150.0, "drains": 0, "drain_l": 0.0}
    now = {"distance_m": 400_000, "fuel_used_l": 130.0, "drains": 1, "drain_l": 45.6}
    for day, changes, cost in [(YESTERDAY, before, "400.00"), (DAY, now, "400.00")]:
        report_rows.truck_day(truck, day, speeding_minor=2, speeding_moderate=1, speeding_severe=0, **changes)
        rows.cost(truck, "payments", cost, day)
        report_rows.fleet_day(fleet, day)
    text = parts(fleet)[TEXT]
    for line in (
        "Distance                      400 km  ▼ 100 from 500",
        "Consumption            32.5 l/100 km  ▲ 2.5 from 30.0",
        "Cost per km                1.000 USD  ▲ 0.200 from 0.800 (estimated)",
        "Trucks used                        1  = 1 the day before (of 1)",
        "Engine utilization             90.7%  = 90.7 the day before (working ÷ engine on)",
        "Speeding episodes                  3  = 3 the day before (0 severe, 1 moderate, 2 minor)",
        "Drains                             1  ▲ 1 from 0 (46 l)",
    ):
        assert line in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("drains", "suspected", "said", "of_truck"),
    [
        (3, 2, "2 suspected, 1 confirmed", "3 drains, 90 l; 2 suspected, 1 confirmed"),
        (2, 2, "2 suspected", "2 suspected drains, 90 l"),
        (1, 0, "1 confirmed", None),
    ],
)
def test_drains_that_people_confirmed_are_not_called_suspected(
    drains: int, suspected: int, said: str, of_truck: str | None
) -> None:
    fleet = rows.fleet(units="metric")
    truck = rows.truck(fleet)
    report_rows.truck_day(truck, drains=drains, drain_l=90.0)
    rows.fuel_money(truck, DAY, suspected_drains=suspected, suspected_drain_l=30.0 * suspected)
    report_rows.fleet_day(fleet)
    text = parts(fleet)[TEXT]
    (line,) = [line for line in text.splitlines() if line.startswith("Drains")]
    assert line.endswith(f" (90 l; {said})")
    reasons = [line.removeprefix("  ! ") for line in text.splitlines() if line.startswith("  ! ")]
    assert reasons == ([] if of_truck is None else [of_truck]), "what is reviewed needs no attention"


@pytest.mark.django_db
def test_a_cost_without_estimates_is_not_called_estimated() -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    report_rows.truck_day(truck)
    rows.cost(truck, "fuel", "100.00", DAY, source="actual")
    report_rows.fleet_day(fleet)
    assert "estimated" not in parts(fleet)[TEXT]


@pytest.mark.django_db
def test_what_was_not_measured_is_a_dash_and_never_zero() -> None:
    fleet = small_fleet(NOT_MEASURED)
    mail = parts(fleet)
    for label in ("Distance", "Consumption", "Cost per km", "Fuel", "Idling", "Speeding episodes", "Drains"):
        [line] = [line for line in mail[TEXT].splitlines() if line.startswith(label)]
        assert line.split("–")[0].strip() == label
    assert "– km, moving 8:00 h, idle – h, fuel – l, – l/100 km, speeding –" in mail[TEXT]
    assert "– not measured" in Page(mail[HTML]).cells


@pytest.mark.django_db
def test_measured_zero_is_zero() -> None:
    zero = {
        "distance_m": 0,
        "fuel_used_l": 0.0,
        "speeding_minor": 0,
        "speeding_moderate": 0,
        "moving_s": 0,
        "idle_s": 0,
    }
    text = parts(small_fleet({**zero, "parked_s": 86_400, "engine_on_s": 0, "is_used": False}))[TEXT]
    assert "0 km, moving 0:00 h, idle 0:00 h, fuel 0 l, – l/100 km, speeding 0" in text


@pytest.mark.django_db
def test_people_read_their_own_units() -> None:
    fleet = small_fleet({"distance_m": 402_336, "fuel_used_l": 189.271, "refuel_l": 378.541}, units="us")
    mail = parts(fleet)
    assert "250 mi, moving 8:00 h, idle 1:00 h, fuel 50 gal, 5.0 mpg" in mail[TEXT]
    assert "(100 gal)" in mail[TEXT]
    assert "km" not in mail[TEXT]


@pytest.mark.django_db
def test_trucks_that_want_attention_come_first_then_the_farthest() -> None:
    fleet = small_fleet(
        {"distance_m": 100_000},
        {"distance_m": 300_000},
        {"distance_m": 50_000, "drains": 1, "drain_l": 40.0},
        {"distance_m": 60_000, "speeding_severe": 2},
        {"distance_m": 10_000, "as_of": dt.datetime(2026, 11, 23, 20, 10, tzinfo=dt.UTC)},
    )
    rows.truck(fleet, "T-6")
    text = parts(fleet)[TEXT]
    order = [line.split()[0] for line in text.splitlines() if line.startswith("T-")]
    assert order == ["T-4", "T-3", "T-5", "T-6", "T-2", "T-1"]
    for reason in (
        "1 drain, 40 l",
        "2 severe speeding episodes",
        "known up to 23 November, 14:10 CST",
        "no data",
    ):
        assert f"  ! {reason}\n" in text
    assert [line for line in text.splitlines() if "– km" in line] == []  # of T-6 there is nothing to tell
    assert text.count("coverage") == 1 + 5  # of the fleet, and of the trucks with data


@pytest.mark.django_db
def test_the_mail_says_how_far_it_is_known() -> None:
    fleet = small_fleet({"parked_s": 54_000}, {"parked_s": 10_800})
    complete = "All reporting trucks are known up to 24 November, 00:00 CST; coverage 75.0%."
    assert complete in parts(fleet)[TEXT]
    assert "Not complete yet" not in parts(fleet)[TEXT]
    rows.truck(fleet, "T-9")
    assert f"{complete} Not complete yet: T-9 (nothing known of that day)." in parts(fleet)[TEXT]


@pytest.mark.django_db
def test_the_mail_says_when_figures_are_still_being_recalculated() -> None:
    fleet = small_fleet({})
    invalidation.mark(fleet.pk, [(fleet.trucks.get().pk, DAY)], "late data")
    assert "Being recalculated: 1 truck." in parts(fleet)[TEXT]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("waiting", "lacking", "told"),
    [
        (1, 0, " The cost is not complete: 1 invoice waits to be spread."),
        (0, 1, " The cost is not complete: 1 invoice lacks an exchange rate: it costs nothing until there is one."),
        (
            2,
            3,
            " The cost is not complete: 2 invoices wait to be spread; 3 invoices lack an exchange rate: "
            "they cost nothing until there is one.",
        ),
    ],
)
def test_the_mail_says_which_invoices_are_not_in_the_cost(waiting: int, lacking: int, told: str) -> None:
    """Of those that cover the day; as the API counts them."""
    fleet = small_fleet({})
    for place in range(waiting + lacking):
        entry = invoice(fleet, DAY)
        notes.mark(fleet.pk, [entry.pk])
        if place >= waiting:
            DirtyEntry.objects.filter(entry_id=entry.pk).update(problem="there is no exchange rate for CHF")
    notes.mark(fleet.pk, [invoice(fleet, DAY - dt.timedelta(days=1)).pk])
    found = parts(fleet)
    assert told in found[TEXT] and told in found[HTML]


@pytest.mark.django_db
def test_the_mail_is_silent_about_invoices_that_are_spread() -> None:
    fleet = small_fleet({})
    invoice(fleet, DAY)
    assert "invoice" not in parts(fleet)[TEXT]


def invoice(fleet: Fleet, day: dt.date) -> CostEntry:
    return CostEntry.objects.create(
        fleet=fleet, line="tolls", amount=Decimal("20.00"), currency="USD", covers_from=day, covers_to=day
    )


@pytest.mark.django_db
def test_period_zone_revision_and_link_are_stated(settings: Any) -> None:
    settings.SITE_URL = "https://fleet.example.com"
    fleet = small_fleet({})
    rows.revision(fleet, 88)
    mail = parts(fleet)
    stated = "Period: Monday, 23 November 2026, 00:00 to 24:00, America/Chicago. Summary revision 88."
    assert stated in mail[TEXT]
    assert stated in Page(mail[HTML]).cells
    assert "https://fleet.example.com/admin/" in mail[TEXT]
    assert 'href="https://fleet.example.com/admin/"' in mail[HTML]


@pytest.mark.django_db
def test_a_large_fleet_shows_thirty_trucks_and_says_how_many_more_there_are() -> None:
    fleet = report_rows.working_fleet(trucks=33, days=1)
    mail = parts(fleet)
    assert sum(line.startswith("T-1") for line in mail[TEXT].splitlines()) == 30
    assert "And 3 more in the attached workbook." in mail[TEXT]
    assert any("And 3 more in the attached workbook." in cell for cell in Page(mail[HTML]).cells)
    assert len(mail[HTML].encode()) < 100_000  # Gmail cuts off what is longer than 102 KB


@pytest.mark.django_db
def test_a_truck_named_like_markup_is_only_a_name() -> None:
    fleet = rows.fleet('<script>alert("x")</script>')
    report_rows.truck_day(rows.truck(fleet, name='<b>&"<img src=x onerror=alert(1)>'))
    report_rows.fleet_day(fleet)
    html = parts(fleet)[HTML]
    page = Page(html)
    assert not {"script", "b"} & set(page.tags)
    assert page.tags.count("img") == 1  # the chart
    assert any('<b>&"<img src=x onerror=alert(1)>' in cell for cell in page.cells)


@pytest.mark.django_db
def test_a_fleets_name_slips_no_header_into_the_mail() -> None:
    fleet = rows.fleet("Evil\r\nBcc: victim@example.com")
    assert parts(fleet)[SUBJECT] == "Evil Bcc: victim@example.com, Monday, 23 November: no trucks yet"


@pytest.mark.django_db
def test_styles_are_inline_and_the_rules_for_phones_and_dark_mode_are_kept() -> None:
    html = parts(small_fleet({}))[HTML]
    assert html.count("style=") > 50
    assert "@media (max-width: 520px)" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "http://" not in html.replace("http://127.0.0.1:8000/admin/", "")  # nothing is fetched


# --- wording ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "unit", "text"),
    [
        (8412.4, 0, "km", "8,412 km"),
        (0, 0, "", "0"),
        (-0.04, 1, "l", "0.0 l"),
        (-3.26, 1, "l", "-3.3 l"),
        (71.25, 1, "%", "71.2%"),
        (None, 1, "%", "–"),
    ],
)
def test_numbers_as_people_read_them(value: float | None, digits: int, unit: str, text: str) -> None:
    assert number(value, digits, unit) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (8412, 8100, "▲ 312 from 8,100"),
        (8100, 8412, "▼ 312 from 8,412"),
        (8100.4, 8099.6, "= 8,100 the day before"),
        (None, 8100, "8,100 the day before"),
        (8100, None, "day before not measured"),
        (0, 5, "▼ 5 from 5"),
    ],
)
def test_a_change_is_said_with_a_sign_and_a_value(now: float | None, before: float | None, text: str) -> None:
    assert comparison(now, before) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59, "0:01"), (29_400, "8:10"), (86_400, "24:00"), (None, "–")]
)
def test_durations_are_hours_and_minutes(seconds: int | None, text: str) -> None:
    assert duration(seconds) == text


def test_the_two_halves_of_a_repeated_hour_are_told_apart() -> None:
    zone = ZoneInfo("America/Chicago")
    instants = [dt.datetime(2026, 11, 1, hour, 30, tzinfo=dt.UTC) for hour in (6, 7)]
    assert [moment(instant, zone) for instant in instants] == ["1 November, 01:30 CDT", "1 November, 01:30 CST"]


def test_a_long_list_is_cut_and_says_so() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefgh")) == "a, b, c, d, e and 3 more"
