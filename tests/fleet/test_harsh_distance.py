"""The distance that harsh driving is told by: that of trucks that measure it, in every sum that there is."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from apps.accounts.models import Fleet
from apps.fleet.models import DriverBlock, FleetBlock, FleetDay, FleetSpan, TruckBlock, TruckDayDriver, TruckSpan
from apps.fleet.models import TruckSpanDriver as SpanOfDriver
from apps.fleet.summaries import sums
from apps.trucks.models import SummaryRevision, TruckDay
from tests import rows
from tests.fleet.filling import fill

FIRST = dt.date(2026, 1, 28)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(0, 36, 3)]  # of three months
UNMEASURED: dict[str, Any] = dict.fromkeys(("harsh_braking", "harsh_acceleration", "harsh_cornering"))
PERIOD = f"from={DAYS[0]}&to={DAYS[-1]}"
METRES_A_DAY = 400_000


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Anna's truck measures harsh driving, and brakes hard once a day; Ben's, in another block, measures none, Cleo's
    has no distance. On the first day Ben has Anna's truck for a part of it."""
    made = rows.fleet(timezone="UTC")
    for number, (name, changes) in enumerate(
        [("Anna", {}), ("Ben", UNMEASURED), ("Cleo", {"distance_m": None, "distance_source": None})]
    ):
        truck, driver = rows.truck(made, name, id=60 + 9 * number), rows.driver(made, name)
        for day in DAYS:
            rows.truck_day(truck, day, driver, **{"distance_m": METRES_A_DAY, **changes})
        rows.known(truck)
    anna, ben = TruckDayDriver.objects.filter(day=FIRST).order_by("truck_id")[:2]
    anna.distance_m = anna.harsh_distance_m = 300_000
    anna.save()
    shared: dict[str, Any] = {"distance_m": 100_000, "harsh_distance_m": 100_000, "length_s": 0, "moving_s": 0}
    own = {"driver_id": ben.driver_id, "parked_s": 0, "no_data_s": 0, **shared}
    TruckDayDriver.objects.create(fleet_id=made.pk, truck_id=anna.truck_id, day=FIRST, **own)
    revision = SummaryRevision.objects.get_or_create(fleet_id=made.pk, defaults={"changed_at": rows.NOON})[0]
    sums.of_days(made.pk, list(TruckDay.objects.values_list("truck_id", "day")), revision)
    rows.forget_unsummed()
    return made


def test_only_trucks_that_measure_are_in_the_distance_of_a_fleet(
    api_get: Callable[..., httpx.Response], fleet: Fleet
) -> None:
    key = rows.api_key(fleet)
    body = api_get(f"/api/v2/fleet/driver-behavior?{PERIOD}", key).json()
    assert (body["summary"]["distance_m"], body["summary"]["harsh_distance_m"]) == (
        24 * METRES_A_DAY,
        12 * METRES_A_DAY,
    )
    by_truck = {row["truck_id"]: row["harsh_distance_m"] for row in body["data"]}
    assert by_truck == {"Anna": 12 * METRES_A_DAY, "Ben": None, "Cleo": None}
    by_driver = api_get(f"/api/v2/fleet/driver-behavior?by=driver&{PERIOD}", key).json()["data"]
    metres = {row["name"]: row["harsh_distance_m"] for row in by_driver if row["name"]}
    assert metres == {"Anna": 12 * METRES_A_DAY - 100_000, "Ben": 100_000, "Cleo": None}
    trend = api_get(f"/api/v2/fleet/trends?by=day&{PERIOD}", key).json()
    assert trend["summary"]["harsh_distance_m"] == 12 * METRES_A_DAY
    assert {point["harsh_distance_m"] for point in trend["data"]} == {None, METRES_A_DAY}


def test_a_scorecard_tells_how_often_of_the_distance_that_is_measured(
    api_get: Callable[..., httpx.Response], fleet: Fleet
) -> None:
    key = rows.api_key(fleet)

    def braking(code: str) -> tuple[Any, Any]:
        score = api_get(f"/api/v2/drivers/{code}/scorecard?{PERIOD}", key).json()["data"]["score"]
        (part,) = [each for each in score["parts"] if each["event"] == "harsh_braking"]
        return score["harsh_exposure_m"], part["per_100km"]

    exposure_m = 12 * METRES_A_DAY - 100_000
    assert braking("D-1") == (exposure_m, round(100_000 * 12 / exposure_m, 2))
    assert braking("D-3") == (None, None), "without a distance there is no rate, not a rate of 0"


def narrow(packed: bytes, width: int, place: int) -> bytes:
    """What an earlier version had packed: without the column."""
    return np.delete(np.frombuffer(packed).reshape(width, -1), place, axis=0).tobytes() if packed else b""


def narrow_totals(packed: bytes) -> bytes:
    return b"".join(narrow(half.tobytes(), 25, 22) for half in np.frombuffer(packed).reshape(2, -1)) if packed else b""


TABLES = (FleetDay, FleetSpan, TruckSpan, TruckDayDriver, SpanOfDriver, TruckBlock, DriverBlock, FleetBlock)


def stored() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in TABLES]


def test_the_migration_makes_of_the_days_there_are_what_a_rebuild_does(fleet: Fleet) -> None:
    before = stored()
    for model in TABLES[:5]:
        model.objects.update(harsh_distance_m=None)
    for block in TruckBlock.objects.all():
        block.figures, block.drivers = narrow(block.figures, 64, 43), narrow(block.drivers, 27, 24)
        block.driver_totals = narrow_totals(block.driver_totals)
        block.save()
    for of_drivers in DriverBlock.objects.all():
        of_drivers.drivers = narrow(of_drivers.drivers, 27, 24)
        of_drivers.save()
    for whole in FleetBlock.objects.all():
        whole.figures, whole.driver_totals = narrow(whole.figures, 63, 43), narrow_totals(whole.driver_totals)
        whole.save()
    assert stored() != before
    fill("0011_distance_with_harsh_driving")
    assert stored() == before
