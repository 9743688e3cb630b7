"""A day's lineage: enough to compute its figures by hand, and true to what they were computed from."""

import datetime as dt
import hashlib
import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.fleet.ledger import changes as ledger
from apps.fleet.lineage.days import EVENTS
from apps.fleet.lineage.rules import RULES
from apps.fleet.models import CostEntry, CostRate
from apps.fleet.summaries import rebuild
from apps.trucks.models import Correction, Message, ParameterSet, Truck
from apps.trucks.parameters import NAMES
from apps.trucks.queries import DAY_FIGURES
from tests import rows
from tests.api.test_truck_events import pages
from tests.pipeline.feed import receive, truck_of

Get = Callable[..., httpx.Response]
ROOT = Path(__file__).parents[2]
DAY = dt.date(2026, 3, 10)
MIDNIGHT = int(dt.datetime(2026, 3, 10, tzinfo=dt.UTC).timestamp())
KM = 1 / 111.19508
PATH = f"/api/v2/trucks/T-1/days/{DAY}/lineage"


def drive(start: int, minutes: int, km_a_minute: float, **parameters: float) -> list[dict[str, Any]]:
    """A message a minute, straight north, from the start on."""
    return [
        {
            "t": start + 60 * n, "f": 1, "tp": "ud", "rt": start + 60 * n + 2,
            "pos": {"y": 50 + n * km_a_minute * KM, "x": 9.0, "z": 0, "s": 60 * km_a_minute, "c": 0, "sc": 12},
            "p": {"ign": 1, "used": 100 + 0.5 * n, "level": 300 - n / 2, **parameters},
        }
        for n in range(minutes + 1)
    ]  # fmt: skip


@pytest.fixture
def truck(transactional_db: None) -> Truck:
    """A truck that drives an hour, idles for a while, and rests."""
    truck = truck_of(rows.fleet(timezone="UTC"), "T-1")
    moving = drive(MIDNIGHT + 8 * 3_600, 60, 1.0)
    still = [
        {**moving[-1], "t": moving[-1]["t"] + 60 * n, "pos": {**moving[-1]["pos"], "s": 0}, "p": {"ign": int(n < 20)}}
        for n in range(1, 25)
    ]
    receive(truck, [*moving, *still], MIDNIGHT + 90_000)
    rebuild(truck.fleet)
    return truck


def lineage_of(api_get: Get, truck: Truck, path: str = PATH) -> dict[str, Any]:
    answer = api_get(path, rows.api_key(truck.fleet))
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


# --- every figure has its rule --------------------------------------------------------------------------------------


def test_every_figure_has_a_rule_in_a_section_of_the_manual() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/metrics.md").read_text(), re.M)
    assert list(RULES) == list(DAY_FIGURES)
    for name, rule in RULES.items():
        assert rule.section in headings, name
        assert set(rule.rests_on) <= {"messages", *EVENTS}, name
        assert set(rule.parameters) <= set(NAMES), name


# --- by hand --------------------------------------------------------------------------------------------------------


def metres(one: dict[str, Any], other: dict[str, Any]) -> float:
    lat1, lon1, lat2, lon2 = (math.radians(place[axis]) for place in (one, other) for axis in "yx")
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


def test_a_newcomer_computes_figures_from_the_two_answers_alone(api_get: Get, truck: Truck) -> None:
    data = lineage_of(api_get, truck)
    value = {each["name"]: each["value"] for each in data["figures"]}
    cap = {name: data["parameters"]["values"][f"{name}_gap_cap_s"] for name in ("engine", "parked")}
    messages = pages(api_get, data["messages"]["url"], rows.api_key(truck.fleet))
    end = int(dt.datetime.fromisoformat(data["as_of"]).timestamp())
    seconds = {"moving_s": 0, "idle_s": 0, "parked_s": 0}
    distance = 0.0
    for one, following in pairwise([*messages, {"t": end}]):
        state, limit = "parked_s", cap["parked"]
        if one["message"]["p"]["ign"]:
            moves = one["message"]["pos"]["s"] > data["parameters"]["values"]["moving_speed_kmh"]
            state, limit = "moving_s" if moves else "idle_s", cap["engine"]
        seconds[state] += min(following["t"] - one["t"], int(limit))
        if "message" in following:
            distance += metres(one["message"]["pos"], following["message"]["pos"])
    assert {name: value[name] for name in seconds} == seconds
    assert value["no_data_s"] == 86_400 - sum(seconds.values())
    assert value["distance_gps_m"] == round(distance)
    used = [each["readings"]["fuel_used_l"] for each in messages if each["readings"]["fuel_used_l"] is not None]
    assert value["fuel_used_l"] == pytest.approx(used[-1] - used[0])
    assert [trip["started_at"] for trip in data["events"]["trips"]] == ["2026-03-10T08:00:00Z"]
    keys = "".join(f"{each['t']}:{each['digest']}\n" for each in messages)
    assert data["messages"]["hash"] == hashlib.blake2b(keys.encode(), digest_size=16).hexdigest()
    assert data["messages"]["count"] == data["messages"]["stored"] == len(messages)


def test_the_sensor_table_that_the_messages_were_read_with_is_told(api_get: Get, truck: Truck) -> None:
    (table,) = lineage_of(api_get, truck)["sensor_tables"]
    assert (table["version"], table["messages"]) == (truck.sensor_version, 85)


# --- what it rests on, as it changes --------------------------------------------------------------------------------


def test_parameters_are_those_in_force_and_say_whose_they_are(api_get: Get, truck: Truck) -> None:
    fleet = truck.fleet
    ParameterSet.objects.create(fleet=fleet, truck=truck, effective_from=DAY, values={"speed_limit_kmh": 80})
    ParameterSet.objects.create(fleet=fleet, effective_from=DAY, values={"speed_limit_kmh": 90, "trip_min_s": 30})
    ParameterSet.objects.create(fleet=fleet, effective_from=DAY + dt.timedelta(1), values={"trip_min_s": 10})
    parameters = lineage_of(api_get, truck)["parameters"]
    assert (parameters["values"]["speed_limit_kmh"], parameters["values"]["trip_min_s"]) == (80, 30)
    assert [each["scope"] for each in parameters["sets"]] == ["fleet", "truck"]
    assert parameters["is_current"] is False  # the day is still that of the defaults


def test_a_day_that_is_to_be_computed_anew_says_why(api_get: Get, truck: Truck) -> None:
    assert lineage_of(api_get, truck)["waiting"] is None
    receive(truck, drive(MIDNIGHT + 6 * 3_600, 3, 1.0), MIDNIGHT + 90_000)
    data = lineage_of(api_get, truck)
    assert data["waiting"] == "messages"
    assert (data["messages"]["count"], data["messages"]["stored"]) == (85, 89)


def test_messages_that_were_dropped_since_are_seen_to_be_gone(api_get: Get, truck: Truck) -> None:
    Message.objects.filter(truck_id=truck.pk).delete()
    data = lineage_of(api_get, truck)
    assert (data["messages"]["count"], data["messages"]["stored"], data["sensor_tables"]) == (85, 0, [])
    assert data["messages"]["before_at"] is data["messages"]["after_at"] is None


def test_the_messages_around_the_day_are_named(api_get: Get, truck: Truck) -> None:
    receive(truck, drive(MIDNIGHT - 120, 1, 0.0), MIDNIGHT + 90_000)
    receive(truck, drive(MIDNIGHT + 86_400, 0, 0.0), MIDNIGHT + 90_000)
    found = lineage_of(api_get, truck)["messages"]
    assert (found["before_at"], found["after_at"]) == ("2026-03-09T23:59:00Z", "2026-03-11T00:00:00Z")


def test_corrections_stand_with_old_and_new(api_get: Get, truck: Truck) -> None:
    Correction.objects.create(
        fleet_id=truck.fleet_id, truck_id=truck.pk, day=DAY, revision=7, column="distance_m", old="1", new="2",
        cause="messages", corrected_at=rows.NOON,
    )  # fmt: skip
    assert lineage_of(api_get, truck)["corrections"] == [
        {"figure": "distance_m", "old": "1", "new": "2", "cause": "messages", "revision": 7,
         "corrected_at": "2026-03-10T17:00:00Z"}
    ]  # fmt: skip


def test_costs_lead_to_invoices_rates_and_prices(api_get: Get, truck: Truck) -> None:
    fleet = truck.fleet
    entry = CostEntry(
        fleet=fleet, line="tolls", amount="31.00", currency=fleet.currency, truck=truck, covers_from=DAY,
        covers_to=DAY + dt.timedelta(30), document="2026-118",
    )  # fmt: skip
    ledger.save(entry)
    ledger.save(CostRate(fleet=fleet, line="tires", basis="per_km", amount="0.05", effective_from=DAY))
    price = rows.price(fleet, DAY - dt.timedelta(30), "1.50")
    price.effective_at = dt.datetime(2026, 3, 10, 8, 30, tzinfo=dt.UTC)
    price.pk, price.price_per_l = None, "2.00"
    ledger.save(price)
    rebuild(fleet)
    costs = {each["line"]: each for each in lineage_of(api_get, truck)["costs"]}
    assert costs["tolls"]["amount"] == {"amount": "1.00", "currency": "USD"}
    (invoice,) = costs["tolls"]["from"]
    assert (invoice["document"], invoice["share"], invoice["amount"]) == ("2026-118", "1.00", "31.00")
    (rate,) = costs["tires"]["from"]
    assert (rate["basis"], rate["amount"]) == ("per_km", "0.0500")
    prices = [(each["from"], each["price_per_l"]) for each in costs["fuel"]["from"]]
    assert prices == [("2026-03-10T00:00:00Z", "1.5000"), ("2026-03-10T08:30:00Z", "2.0000")]
    assert costs["fuel"]["source"] == costs["tires"]["source"] == "estimated"


# --- who may ask ----------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_found_and_what_is_no_day_is_refused(api_get: Get, truck: Truck) -> None:
    key = rows.api_key(truck.fleet)
    assert api_get(PATH.replace("2026-03-10", "2020-01-01"), key).status_code == 404
    assert api_get(PATH.replace("T-1", "T-2"), key).status_code == 404
    assert api_get(PATH.replace("2026-03-10", "2026-02-30"), key).status_code == 422
    assert api_get(f"{PATH}?more=1", key).status_code == 422


def test_a_fleet_never_sees_the_lineage_of_another(api_get: Get, truck: Truck) -> None:
    other = rows.fleet("Other")
    rows.truck_day(truck_of(other, "T-1"), DAY, messages=7)
    data = api_get(PATH, rows.api_key(other)).json()["data"]
    assert {each["name"]: each["value"] for each in data["figures"]}["messages"] == 7
    assert (data["messages"]["stored"], data["events"]["trips"], data["sensor_tables"]) == (0, [], [])


def test_an_answer_that_is_known_is_not_sent_again(api_get: Get, truck: Truck) -> None:
    key = rows.api_key(truck.fleet)
    tag = api_get(PATH, key).headers["ETag"]
    assert api_get(PATH, key, {"If-None-Match": tag}).status_code == 304
