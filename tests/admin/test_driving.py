"""The page about driving: the figures of the API, by driver and of one, and who is not ranked."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains

from apps.accounts.models import Fleet, FleetMembership
from apps.fleet.pages.driving.words import HARSH
from apps.fleet.reports.wording import number
from apps.trucks.models import Driver, Truck, TruckGroup
from tests import rows
from tests.markup import assert_whole, cells_of, rows_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")

MONDAY = dt.date(2026, 3, 2)
PERIOD = {"from": "2026-03-02", "to": "2026-03-08"}
QUERY = "&".join(f"{name}={value}" for name, value in PERIOD.items())


def make(units: str = "metric") -> Fleet:
    """Anna and Ben drive A and B for two weeks, Cleo's truck is hardly known, and on Sunday nobody is known."""
    fleet = rows.fleet(units=units)
    first, second, dark = (rows.truck(fleet, code) for code in "ABC")
    rows.group(fleet, "North", first)
    anna, ben, cleo = (rows.driver(fleet, f"{name} <b>") for name in ("Anna", "Ben", "Cleo"))
    for number_of_day in range(-7, 7):
        day = MONDAY + dt.timedelta(days=number_of_day)
        nobody = number_of_day == 6
        rows.truck_day(first, day, None if nobody else anna, speeding_severe=number_of_day % 2)
        rows.truck_day(second, day, ben, night_driving_s=600 * (number_of_day + 7), harsh_braking=0)
        rows.truck_day(dark, day, cleo, moving_s=3_600, parked_s=0)
        rows.fleet_day(fleet, day)
    for truck in (first, second, dark):
        rows.known(truck)
    rows.revision(fleet, 7)
    return fleet


def page(client: Client, status: int = 200, **query: Any) -> Any:
    answer = client.get(reverse("drivers"), query)
    assert answer.status_code == status
    return answer


@pytest.mark.parametrize("units", ["metric", "us"])
def test_the_page_shows_the_figures_of_the_api(
    api_get: Callable[..., httpx.Response], client: Client, units: str
) -> None:
    body = api_get(f"/api/v2/fleet/driver-behavior?by=driver&{QUERY}", rows.api_key(make(units))).json()
    shown = page(client, **PERIOD).context
    tiles = {tile.title: tile for tile in shown["tiles"]}
    assert tiles["Safety score"].value == number(body["summary"]["safety_score"], 1)
    assert tiles["Night driving"].value == number(body["summary"]["night_driving_pct"], 1, "%")
    assert tiles["Idling"].notes[1] == f"{number(body['previous']['idle_pct'], 1, '%')} the period before"
    tables = {
        **rows_of(shown["drivers"]["table"]), **cells_of(shown["not_ranked"]["table"]), **cells_of(shown["nobody"]),
    }  # fmt: skip
    assert len(tables) == len(body["data"]) == 4
    known = [each for each in body["data"] if each["name"] in ("Anna <b>", "Ben <b>")]
    together = cells_of(shown["drivers"]["table"])["All ranked"]
    assert together[0] == f"{sum(each['truck_days'] for each in known)}"
    metres = 1_000 if units == "metric" else 1_609.344
    for row in body["data"]:
        (cells,) = [cells for name, cells in tables.items() if name.endswith(row["name"] or "Nobody known")]
        assert cells[0] == f"{row['truck_days']}"
        assert cells[1] == number(row["distance_m"] / metres, 0)
        assert cells[2:4] == [number(row["safety_score"], 1), number(row["previous"]["safety_score"], 1)]
        assert cells[7:9] == [number(row["idle_pct"], 1, "%"), number(row["night_driving_pct"], 1, "%")]
        assert cells[11] == number(row["coverage_pct"], 1, "%")


def test_harsh_driving_is_told_of_the_distance_with_trucks_that_measure_it(client: Client) -> None:
    """Two trucks measure it, with one event a day; the third could not if there were any."""
    fleet = rows.fleet()
    for code, changes in (("A", {}), ("B", {}), ("C", dict.fromkeys(HARSH))):
        truck = rows.truck(fleet, code)
        driver = rows.driver(fleet, code)
        for number_of_day in range(7):
            day = MONDAY + dt.timedelta(days=number_of_day)
            rows.truck_day(truck, day, driver, **{"distance_m": 100_000, **changes})
        rows.known(truck)
    rows.revision(fleet, 7)

    def harsh(**query: str) -> Any:
        (tile,) = [each for each in page(client, **PERIOD, **query).context["tiles"] if each.title == "Harsh driving"]
        return tile.value, tile.notes[:-1]

    assert harsh() == ("1.00", ["per 100 km, 14 events in all", "measured over 1,400 of 2,100 km"])
    assert harsh(driver="D-1") == ("1.00", ["per 100 km, 7 events in all"])
    assert harsh(driver="D-3") == ("–", ["per 100 km, not measured"]), "not measured is no rate of 0"
    by_event = cells_of(page(client, driver="D-3", **PERIOD).context["score"])
    assert by_event["Harsh braking"][:2] == ["–", "–"] and by_event["Speeding, minor"][1] == "2.00"


def test_the_page_of_a_driver_shows_the_scorecard_and_every_day(
    api_get: Callable[..., httpx.Response], client: Client
) -> None:
    key = rows.api_key(make())
    card = api_get(f"/api/v2/drivers/D-1/scorecard?{QUERY}", key).json()
    days = api_get(f"/api/v2/drivers/D-1/days?{QUERY}&sort=-day", key).json()["data"]
    shown = page(client, driver="D-1", **PERIOD).context
    cells = cells_of(shown["score"])
    parts = card["data"]["score"]["parts"]
    assert [cells[name][3] for name in list(cells)[:6]] == [number(part["points"], 2) for part in parts]
    assert cells["100 less the points"][3] == number(card["data"]["score"]["safety_score"], 1)
    by_day = cells_of(shown["days"])
    assert [line[1] for line in by_day.values()] == [number(day["distance_m"] / 1000, 0) for day in days]
    assert [line[0] for line in by_day.values()] == ["A"] * 6
    hours = shown["over_time"].table
    assert sum(float(line[1]) + float(line[2]) for line in hours.rows if line[1] != "–") == pytest.approx(
        card["data"]["driving"]["moving_s"] / 3600, abs=0.05
    )
    assert hours.rows[-1][1] == "–"  # on Sunday nobody is known


def test_the_worst_score_comes_first_and_other_orders_are_offered(client: Client) -> None:
    make()

    def order(**query: str) -> list[str]:
        return [name[2:5] for name in rows_of(page(client, **PERIOD, **query).context["drivers"]["table"])]

    assert order() == order(order="nonsense") == order(order="name") == ["Ann", "Ben"]
    assert order(order="night_driving_pct") == ["Ben", "Ann"]
    assert order(order="distance_m") == ["Ben", "Ann"]


def test_a_group_and_a_truck_have_their_drivers_alone(client: Client) -> None:
    make()
    north = page(client, group=TruckGroup.objects.get().pk, **PERIOD).context
    assert [name[2:5] for name in rows_of(north["drivers"]["table"])] == ["Ann"] and north["not_ranked"] is None
    assert north["nobody"] is not None
    alone = page(client, truck="B", **PERIOD).context
    assert [name[2:5] for name in rows_of(alone["drivers"]["table"])] == ["Ben"] and alone["nobody"] is None


def test_a_driver_without_a_truck_of_what_is_chosen_is_not_said_to_have_had_none(client: Client) -> None:
    fleet = make()
    north = TruckGroup.objects.get(name="North").pk
    for query, words in (
        ({"group": north}, "Ben <b> had no truck of North in this period"),
        ({"truck": "A"}, "Ben <b> did not have Truck A in this period"),
        ({"from": "2026-01-05", "to": "2026-01-06"}, "Ben <b> had no truck in this period"),
    ):
        assert page(client, **{**PERIOD, "driver": "D-2", **query}).context["nothing"] == words
    assert Driver.objects.get(fleet=fleet, code="D-2").name == "Ben <b>"


def test_another_period_is_asked_for_of_the_same_driver_and_in_the_same_order(client: Client) -> None:
    make()
    for query, field in (
        ({"driver": "D-1"}, '<input type="hidden" name="driver" value="D-1">'),
        ({"order": "idle_pct"}, '<input type="hidden" name="order" value="idle_pct">'),
    ):
        assertContains(page(client, **PERIOD, **query), field, html=True)


def test_what_cannot_be_shown_is_named_and_the_period_stays(client: Client) -> None:
    make()
    shown = page(client, 400, **PERIOD, driver="D-9").content.decode()
    assert "All trucks, 2 March 2026 to 8 March 2026, America/Chicago" in shown
    assert "has no driver" in shown and "400 days" not in shown
    too_long = page(client, 400, **{"from": "2020-01-01", "to": "2026-03-08"}).content.decode()
    assert "at most 400 days" in too_long


def test_less_than_half_known_is_shown_apart(client: Client) -> None:
    make()
    text = page(client, **PERIOD).content.decode()
    assert "Not ranked: 1 driver<" in text and "Less than 50 % of their time is known" in text


def test_without_days_it_says_so(client: Client) -> None:
    fleet = rows.fleet()
    rows.driver(fleet)
    assert "No truck has a day in this period" in page(client).content.decode()
    assert "had no truck in this period" in page(client, driver="D-1").content.decode()


def test_another_fleet_s_driver_is_not_there(client: Client) -> None:
    fleet = make()
    rows.driver(rows.fleet("Other"), code="THEIRS")
    answer = page(client, status=400, driver="THEIRS", fleet=fleet.pk, **PERIOD)
    assert "This fleet has no driver &#x27;THEIRS&#x27;." in answer.content.decode()


def test_staff_see_their_own_fleets_alone(client: Client) -> None:
    make()
    other = rows.fleet("Other")
    user = User.objects.create_user("clerk", is_staff=True)
    FleetMembership.objects.create(fleet=other, user=user)
    client.force_login(user)
    assert page(client).context["fleet"] == other
    page(client, status=404, fleet=Fleet.objects.exclude(pk=other.pk).get().pk)


def test_the_number_of_statements_does_not_grow_with_trucks(client: Client) -> None:
    fleet = make()

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as sent:
            page(client, **PERIOD)
        return len(sent)

    statements()
    before = statements()
    for number_of_truck in range(5):
        rows.truck_day(rows.truck(fleet, f"N-{number_of_truck}"), MONDAY, rows.driver(fleet, f"N {number_of_truck}"))
    assert Truck.objects.count() == 8
    assert statements() == before


def test_the_markup_is_whole_and_names_are_text(client: Client) -> None:
    make()
    everybody = page(client, **PERIOD).content.decode()
    assert_whole(everybody, charts=0)
    assert "Anna &lt;b&gt;" in everybody and "Anna <b>" not in everybody
    assert_whole(page(client, driver="D-1", **PERIOD).content.decode(), charts=1)
