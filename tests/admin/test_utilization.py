"""The page about utilization: the figures of the API, days that add up, and who is not ranked."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.fleet.models import TruckDayIdlePlace
from apps.fleet.pages.utilization.hours import heat_map
from apps.fleet.reports.wording import number
from apps.fleet.summaries.blocks import replace_places
from apps.fleet.utilization.hours import by_weekday_of_truck, pack
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import Truck, TruckGroup
from tests import rows
from tests.markup import assert_whole, cells_of, rows_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")

MONDAY = dt.date(2026, 3, 2)
WEEK = [MONDAY + dt.timedelta(days=number) for number in range(7)]
PERIOD = {"from": "2026-03-02", "to": "2026-03-08"}
QUERY = "&".join(f"{name}={value}" for name, value in PERIOD.items())
NO_ENGINE: dict[str, Any] = {"idle_s": None, "idle_productive_s": None, "engine_on_s": None}


def make(units: str = "metric") -> Fleet:
    """A works, B has no engine evidence, C is known for a quarter of its time. Two weeks; a last day of 23 hours."""
    fleet = rows.fleet(units=units)
    first, blind, dark = (rows.truck(fleet, code, name=f"Truck <b>{code}</b>") for code in "ABC")
    rows.group(fleet, "North", first, blind)
    for nth in range(-7, 7):
        day = MONDAY + dt.timedelta(days=nth)
        length = 82_800 if day == dt.date(2026, 3, 8) else 86_400
        parked = length - 3_600 - 28_800 - 300 * (nth + 7)
        rows.truck_day(first, day, length_s=length, parked_s=parked, moving_s=28_800 + 300 * (nth + 7))
        repaired = {"is_used": False, "in_workshop": True, "available_s": 0} if nth == 6 else {}
        seconds = {"length_s": length, "moving_s": 14_400, "parked_s": length - 14_400}
        rows.truck_day(blind, day, **NO_ENGINE, **seconds, **repaired)
        seconds = {
            "length_s": length,
            "moving_s": 7_200,
            "idle_s": 3_600,
            "parked_s": 10_800,
            "engine_on_s": 10_800,
        }
        rows.truck_day(dark, day, **seconds, is_used=nth > 1)
        rows.hours(first, day, moving=[8, 9], idle=[10])
        rows.fleet_day(fleet, day)
    for truck in (first, blind, dark):
        rows.known(truck)
    rows.revision(fleet, 7)
    return fleet


def page(client: Client, status: int = 200, **query: Any) -> Any:
    answer = client.get(reverse("utilization"), query)
    assert answer.status_code == status
    return answer


# --- the figures of the API -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", ["metric", "us"])
def test_the_page_shows_the_figures_of_the_api(
    api_get: Callable[..., httpx.Response], client: Client, units: str
) -> None:
    fleet = make(units)
    key = rows.api_key(fleet)
    body = api_get(f"/api/v2/fleet/utilization?{QUERY}", key).json()
    summary, shown = body["summary"], page(client, **PERIOD).context

    ratios = {ratio.title: ratio for ratio in shown["ratios"]}
    names = {"Asset utilization": "asset_utilization_pct", "Engine utilization": "engine_utilization_pct"}
    names |= {"Days used": "day_utilization_pct", "Idling": "idle_pct"}
    for title, name in names.items():
        assert ratios[title].value == number(summary[name], 1, "%")
        assert f"from {body['previous'][name]:,.1f}%" in ratios[title].change or "=" in ratios[title].change
    assert ratios["Days used"].fraction == f"{summary['truck_days_used']} of {summary['truck_days']} truck-days"
    assert ratios["Idling"].fraction.startswith(
        f"{summary['idle_s'] / 3600:,.1f} h of {summary['engine_on_s'] / 3600:,.1f} h"
    )

    states = {state["name"]: state["hours"] for state in shown["whole"]}
    assert states["Moving"] == f"{summary['moving_s'] / 3600:,.1f} h"
    assert states["Idling, productive"] == f"{summary['idle_productive_s'] / 3600:,.1f} h"
    assert states["Parked"] == f"{summary['parked_s'] / 3600:,.1f} h"
    assert states["No data"] == f"{summary['no_data_s'] / 3600:,.1f} h"
    assert sum(state["share"] for state in shown["whole"]) == pytest.approx(100)

    ranked, left_out = cells_of(shown["trucks"]["table"]), cells_of(shown["not_ranked"]["table"])
    assert [name.split()[0] for name in ranked][:2] == ["1", "2"]
    assert list(left_out) == [row["name"] for row in body["data"] if not row["is_ranked"]], "they have no place"
    assert ranked["All trucks"][2] == number(body["summary"]["engine_utilization_pct"], 1, "%")
    for truck in body["data"]:
        table = ranked if truck["is_ranked"] else left_out
        (cells,) = [cells for name, cells in table.items() if name.endswith(truck["name"])]
        met = {True: " ✓", False: " ✗", None: ""}
        assert cells[1] == number(truck["asset_utilization_pct"], 1, "%") + met[truck["targets"]["utilization_met"]]
        assert cells[3] == number(truck["idle_pct"], 1, "%") + met[truck["targets"]["idle_met"]]
        assert cells[4] == f"{truck['truck_days_used']} of {truck['truck_days']}"
        assert cells[2] == (
            "–" if truck["engine_utilization_pct"] is None else number(truck["engine_utilization_pct"], 1, "%")
        )
        assert cells[7] == number(truck["coverage_pct"], 1, "%")

    by_group = api_get(f"/api/v2/fleet/utilization?{QUERY}&by=group", key).json()["data"]
    groups = cells_of(shown["by_group"])
    assert [cells[1] for cells in groups.values()] == [str(group["trucks"]) for group in by_group]
    for cells, group in zip(groups.values(), by_group, strict=True):
        assert cells[2].split()[0] == number(group["asset_utilization_pct"], 1, "%")
        assert ("✓" in cells[2]) == group["targets"]["utilization_met"]
    assert list(groups) == ["North", "In no group"]


def test_days_used_and_why_not_are_those_of_the_api(api_get: Callable[..., httpx.Response], client: Client) -> None:
    fleet = make()
    key = rows.api_key(fleet)
    titles = {"used": "Used", "parked": "Parked", "workshop": "In the workshop", "no_data": "No data"}

    def told(path: str) -> dict[str, Any]:
        return api_get(f"/api/v2/fleet/utilization?{path}", key).json()

    def check(table: Any, days: dict[str, Any]) -> None:
        lines = {name.split(":")[0]: cells for name, cells in cells_of(table).items()}
        for name, title in titles.items():
            working, off = days["working"][name], days["off"][name]
            assert lines[title] == [str(working), str(off), str(working + off)]

    whole = page(client, **PERIOD).context
    check(whole["days"], told(QUERY)["summary"]["days"])
    assert cells_of(whole["days"])["All"] == ["20", "1", "21"]
    long = {"from": "2026-02-20", "to": "2026-03-08"}
    query = "&".join(f"{name}={value}" for name, value in long.items())
    north = page(client, group=TruckGroup.objects.get().pk, **long).context["days"]
    check(north, told(f"{query}&by=group")["data"][0]["days"])
    blind = page(client, truck="B", **long).context["days"]
    days = told(query)["data"][1]["days"]
    check(blind, days)
    assert cells_of(blind)["Before the first message, or not known yet"][2] == str(days["outside"]) == "3"
    assert cells_of(blind)["All"][2] == "17"
    assert cells_of(whole["trucks"]["table"])["2 Truck <b>B</b>"][5] == "1 in the workshop"


def test_every_column_adds_up_to_the_day(client: Client) -> None:
    make()
    table = page(client, **PERIOD).context["over_time"].table
    assert [line[-1] for line in table.rows] == ["24.00"] * 6 + ["23.00"]
    for line in table.rows:
        assert sum(map(float, line[2:-1])) == pytest.approx(float(line[-1]), abs=0.03)
    weekly = page(client, **{"from": "2026-01-01", "to": "2026-03-08"}).context["over_time"]
    assert [line[-1] for line in weekly.table.rows if line[-1] != "–"] == ["24.00", "23.86"]
    assert weekly.chart.svg.count("missing ground") == 8


def test_the_heat_map_is_of_the_hours_of_the_clock(client: Client) -> None:
    make()
    figure = page(client, **PERIOD).context["heat_map"]
    cells = cells_of(figure.table)
    assert list(cells) == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert cells["Monday"][7:11] == ["0%", "100%", "100%", "0%"]
    assert "100% of the trucks' time is at work" in figure.chart.description


@pytest.mark.parametrize(
    ("moving", "words"),
    [([], "None of the trucks' time is at work."), ([9, 8], "Most on Monday from 08:00: 100% of the trucks' time")],
)
def test_the_busiest_hour_is_the_first_of_equals_and_none_without_work(moving: list[int], words: str) -> None:
    packed = pack([(hour, _hour("moving" if hour in moving else "parked")) for hour in range(24)], True)
    table = by_weekday_of_truck([(WEEK[0], packed), (WEEK[1], packed)])
    figure = heat_map(table)
    assert figure is not None
    assert words in figure.chart.description


def _hour(state: str) -> Seconds:
    return Seconds(**{**dict.fromkeys(("moving", "idle", "productive", "parked", "no_data"), 0), state: 3_600})


def test_the_places_are_those_of_the_api_and_of_a_group_or_truck_its_own(
    api_get: Callable[..., httpx.Response], client: Client
) -> None:
    fleet = make("us")
    first, blind, _ = fleet.trucks.order_by("code")
    with transaction.atomic():
        for day in WEEK:
            idled_at(first, day, "=Quarry", 3_600, productive_s=1_800)
            idled_at(first, day, "@1475.3092", 2_400)
            idled_at(blind, day, "@1475.3092", 1_200)
            idled_at(blind, day, "?", 60)
    body = api_get(f"/api/v2/fleet/idling?{QUERY}", rows.api_key(fleet)).json()["data"]["places"]
    shown = page(client, **PERIOD).context["places"]
    cells = cells_of(shown["table"])
    worst, quarry, unknown = body
    assert list(cells) == [f"{worst['lat']:.4f}, {worst['lon']:.4f}", "Quarry", "Position not known"]
    for found, each in zip(cells.values(), (worst, quarry, unknown), strict=True):
        litres = each["nonproductive_litres"] / 3.785411784
        assert found == [
            number(each["idle_nonproductive_s"] / 3600, 1), number(each["idle_s"] / 3600, 1),
            str(each["idle_events"]), number(litres, 1), each["nonproductive_cost"]["amount"],
        ]  # fmt: skip
    assert (shown["count"], shown["shown"]) == (3, 3)
    everybody = rows.group(fleet, "Everybody", *fleet.trucks.all())
    assert page(client, group=everybody.pk, **PERIOD).context["places"]["table"] == shown["table"]
    assert list(cells_of(page(client, truck="B", **PERIOD).context["places"]["table"]))[1:] == ["Position not known"]
    assert page(client, truck="C", **PERIOD).context["places"] is None


def idled_at(truck: Truck, day: dt.date, spot: str, idle_s: int, productive_s: int = 0) -> None:
    """What a truck idled there, and the sums above."""
    values = {"events": 1, "fuel_l": idle_s / 1_800, "productive_fuel_l": productive_s / 1_800}
    values |= {"cost": idle_s / 1_200, "productive_cost": productive_s / 1_200}
    TruckDayIdlePlace.objects.create(
        fleet_id=truck.fleet_id,
        truck_id=truck.pk,
        day=day,
        spot=spot,
        idle_s=idle_s,
        productive_s=productive_s,
        **values,
    )
    replace_places(truck.fleet_id, [(truck.pk, day)])


# --- groups and trucks ----------------------------------------------------------------------------------------------


def test_a_group_of_all_trucks_and_the_fleet_have_the_same_figures(client: Client) -> None:
    fleet = make()
    everybody = rows.group(fleet, "Everybody", *fleet.trucks.all())
    whole, group = page(client, **PERIOD).context, page(client, group=everybody.pk, **PERIOD).context
    for name in ("ratios", "whole", "over_time", "heat_map", "not_ranked"):
        assert group[name] == whole[name], name
    assert cells_of(group["trucks"]["table"]) == cells_of(whole["trucks"]["table"])
    assert group["by_group"] is None


def test_a_group_is_its_trucks_and_a_truck_is_held_against_its_own_target(client: Client) -> None:
    fleet = make()
    first = fleet.trucks.get(code="A")
    rows.parameters(fleet, {"target_utilization_pct": 99}, truck=first)
    north = page(client, group=TruckGroup.objects.get().pk, **PERIOD).context
    assert len(north["trucks"]["table"].rows) == 2 and north["not_ranked"] is None
    assert north["ratios"][0].target.startswith("target 60%")
    alone = page(client, truck="A", **PERIOD).context
    assert alone["trucks"] is None and alone["not_ranked"] is None
    assert alone["ratios"][0].target.startswith("target 99%") and not alone["ratios"][0].is_good
    assert page(client, truck="B", **PERIOD).context["heat_map"] is None


def test_less_than_half_known_is_shown_apart(client: Client) -> None:
    make()
    answer = page(client, **PERIOD)
    assert answer.context["trucks"]["count"] == 2 and answer.context["not_ranked"]["count"] == 1
    text = answer.content.decode()
    assert "Not ranked: 1 truck<" in text and "Less than 50 % of their time is known" in text


def test_trucks_are_ranked_as_asked_those_without_the_figure_last(client: Client) -> None:
    make()

    def shown(**query: Any) -> str:
        table = page(client, **PERIOD, **query).context["trucks"]["table"]
        return "".join(name.removesuffix("</b>")[-1] for name in rows_of(table))

    assert shown() == shown(order="name") == shown(order="nonsense") == "AB"
    assert shown(order="idle_pct") == "AB"
    rows.truck_day(rows.truck(Fleet.objects.get(), "D", name="Truck D"), WEEK[0], moving_s=1_000, idle_s=30_000)
    assert shown(order="idle_pct") == "DAB"


def test_what_is_on_target_says_so_in_words(api_get: Callable[..., httpx.Response], client: Client) -> None:
    fleet = make()
    summary = api_get(f"/api/v2/fleet/utilization?{QUERY}", rows.api_key(fleet)).json()["summary"]
    rows.parameters(fleet, {"target_idle_pct": 50, "target_utilization_pct": 90})
    ratios = {ratio.title: ratio for ratio in page(client, **PERIOD).context["ratios"]}
    assert ratios["Idling"].target == "target 50%, reached" and ratios["Idling"].is_good
    assert re.fullmatch(r"target 90%, [\d.]+ points off", ratios["Asset utilization"].target)
    target = round(summary["asset_utilization_pct"] + 0.02, 2)
    rows.parameters(fleet, {"target_utilization_pct": target}, effective_from=WEEK[0])
    near = {ratio.title: ratio for ratio in page(client, **PERIOD).context["ratios"]}["Asset utilization"]
    assert near.target == f"target {target}%, less than 0.1 points off"
    assert near.is_good is False
    assert ratios["Days used"].target == "" and ratios["Days used"].is_good is None


# --- who, how fast, and markup --------------------------------------------------------------------------------------


def test_without_days_it_says_what_to_do(client: Client) -> None:
    rows.fleet()
    assert "No truck has a day in this period" in page(client).content.decode()
    assert (
        "The first day is after to." in page(client, 400, **{"from": "2026-03-09", "to": "2026-03-08"}).content.decode()
    )


def test_only_the_fleets_own_staff_see_it(client: Client) -> None:
    fleet, other = make(), rows.fleet("Other")
    foreign = User.objects.create_user("foreign", is_staff=True)
    FleetMembership.objects.create(fleet=other, user=foreign)
    client.force_login(foreign)
    assert page(client, **PERIOD).context["fleet"] == other
    page(client, 404, fleet=fleet.pk)
    page(client, 400, truck="A")
    page(client, 400, group=TruckGroup.objects.get().pk)
    client.logout()
    assert client.get(reverse("utilization")).status_code == 302


def test_it_takes_as_many_statements_for_many_trucks_and_days_as_for_few(client: Client) -> None:
    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, **query)
        return len(captured)

    fleet = make()
    statements(**PERIOD)
    few = statements(**PERIOD)
    assert few <= 18
    for code in ("T-1", "T-2", "T-3", "T-4"):
        rows.truck_day(rows.truck(fleet, code), WEEK[0])
    assert statements(**{"from": "2025-03-01", "to": "2026-03-08"}) == few


@pytest.mark.parametrize(("query", "charts"), [({}, 2), ({"truck": "B"}, 1)])
def test_its_markup_is_whole_and_names_are_text(client: Client, query: dict[str, str], charts: int) -> None:
    make()
    text = page(client, **PERIOD, **query).content.decode()
    assert_whole(text, charts)
    assert "<b>" not in text
