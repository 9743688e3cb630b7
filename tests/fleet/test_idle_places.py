"""Where trucks idle: cells of a grid and named places, and their sums as days change."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.idle_places import Idling, by_spot, centre_of, name_of, productive_part, spot_of
from apps.fleet.models import FleetSpanIdlePlace, TruckDayIdlePlace
from apps.trucks import productive_places
from apps.trucks.models import IdleEvent, ProductivePlace, Truck, TruckDay
from apps.trucks.places import metres_between
from tests import rows
from tests.fleet.places_twin import assert_places_add_up
from tests.fleet.places_twin import spot_of as twin_spot
from tests.fleet.test_summaries import MONDAY, NOW, START, shift
from tests.pipeline import feed

LATITUDES, LONGITUDES = st.floats(-85, 85), st.floats(-180, 179.999)


@given(lat=LATITUDES, lon=LONGITUDES)
def test_a_cell_reaches_no_further_than_180_m_from_its_middle(lat: float, lon: float) -> None:
    middle = centre_of(spot_of(None, lat, lon))
    assert middle is not None
    assert metres_between((lat, lon), middle) < 180
    assert spot_of(None, *middle) == spot_of(None, lat, lon)


@given(lat=LATITUDES, lon=LONGITUDES)
def test_a_cell_is_that_of_the_twin(lat: float, lon: float) -> None:
    """But on its edge, where the last digit decides."""
    around = {twin_spot(IdleEvent(lat=lat + nudge, lon=lon + nudge)) for nudge in (-1e-9, 0, 1e-9)}
    assume(len(around) == 1)
    assert {spot_of(None, lat, lon)} == around


@pytest.mark.parametrize("spot", [(90.0, 10.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0)])
def test_the_ends_of_the_earth_have_cells_too(spot: tuple[float, float]) -> None:
    middle = centre_of(spot_of(None, *spot))
    assert middle is not None
    assert metres_between(spot, middle) < 180


def test_a_named_place_comes_before_the_cell_and_without_a_fix_there_is_neither() -> None:
    assert name_of(spot_of("Yard ", 41.9, -87.6)) == "Yard"
    assert centre_of(spot_of("@1.2", 41.9, -87.6)) is None, "a name that looks like a cell is a name"
    assert (name_of(spot_of(None, None, None)), centre_of(spot_of(None, None, None))) == (None, None)


def idling(spot: str, seconds: int, fuel_l: float | None = None, cost: str | None = None) -> Idling:
    return Idling(spot, 1, seconds, 0, fuel_l, None, None if cost is None else Decimal(cost), None)


def test_events_of_a_place_are_one_row_and_what_was_not_measured_stays_so() -> None:
    found = by_spot([idling("b", 120), idling("a", 300, 1.5, "2.25"), idling("b", 60), idling("a", 200)])
    assert [(each.spot, each.events, each.idle_s, each.fuel_l, each.cost) for each in found] == [
        ("a", 2, 500, 1.5, Decimal("2.25")), ("b", 2, 180, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "litres", "productive_l", "expected"),
    [("9.00", 3.0, 1.0, "3.00"), ("9.00", 0.0, 0.0, "0.00"), ("9.00", 3.0, 3.0, "9.00"), (None, 3.0, 1.0, None)],
)
def test_the_productive_part_costs_its_share_of_the_litres(
    cost: str | None, litres: float, productive_l: float, expected: str | None
) -> None:
    found = productive_part(None if cost is None else Decimal(cost), litres, productive_l)
    assert found == (None if expected is None else Decimal(expected))


# --- in the database ------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(db: None) -> Fleet:
    """Two trucks, Monday to Thursday noon; each idles from 10 to 11, a degree apart. A litre costs 1.50."""
    made = rows.fleet(timezone="UTC")
    rows.price(made, MONDAY, "1.50")
    for number in range(2):
        messages = shift(km=100 * number)
        feed.receive(feed.truck_of(made, f"T-{number}"), messages, NOW)
    assert summaries.rebuild(made).failed == 0
    return made


def figures(row: Any) -> tuple[Any, ...]:
    return row.events, row.idle_s, row.productive_s, row.fuel_l, row.productive_fuel_l, row.cost, row.productive_cost


def test_a_month_is_the_sum_of_its_days_at_each_place(fleet: Fleet) -> None:
    assert_places_add_up(fleet.pk)
    month = FleetSpanIdlePlace.objects.filter(fleet_id=fleet.pk, span="month")
    assert sum(row.idle_s for row in month) == sum(TruckDay.objects.values_list("idle_s", flat=True)) == 8 * 3_600
    assert {row.productive_cost for row in month} == {Decimal(0)}


def test_a_named_place_takes_its_cells_over_and_gives_them_back(fleet: Fleet) -> None:
    """Both trucks' idling of Monday becomes productive in one place."""
    before = {row.spot for row in TruckDayIdlePlace.objects.filter(day=MONDAY)}
    events = IdleEvent.objects.filter(day=MONDAY)
    place = ProductivePlace(
        fleet=fleet, name="Quarry", polygon=[[40, 8], [60, 8], [60, 10], [40, 10]], effective_from=MONDAY,
        effective_to=MONDAY,
    )  # fmt: skip
    productive_places.save(place)
    summaries.rebuild(fleet)
    assert_places_add_up(fleet.pk)
    [row] = FleetSpanIdlePlace.objects.filter(span="month", spot="=Quarry")
    assert figures(row)[:3] == (2, 2 * 3_600, 2 * 3_600)
    assert row.productive_fuel_l == row.fuel_l
    assert (row.productive_cost, row.cost) == (sum(event.cost for event in events), row.cost)
    productive_places.delete(place)
    summaries.rebuild(fleet)
    assert {row.spot for row in TruckDayIdlePlace.objects.filter(day=MONDAY)} == before
    assert not FleetSpanIdlePlace.objects.filter(spot="=Quarry").exists()
    assert_places_add_up(fleet.pk)


def test_an_event_that_is_partly_productive_is_split_by_the_litres_used_meanwhile(db: None) -> None:
    """An hour of idling on 6 litres, the first half of it with the PTO on, on 4 of them: 4 × 1.50 = 6.00."""
    fleet = rows.fleet(timezone="UTC")
    rows.price(fleet, MONDAY, "1.50")
    truck = feed.truck_of(fleet, "T-0")
    truck.sensor_table |= {
        "9": {**next(iter(truck.sensor_table.values())), "id": 9, "n": "PTO", "t": "digital", "p": "pto"}
    }
    truck.save()
    messages = []
    for minute in range(0, 121, 10):
        used = 100 + (min(minute, 30) * 4 / 30 + max(0, min(minute, 60) - 30) * 2 / 30)
        values = {"ign": int(minute < 60), "pto": int(minute < 30), "used": used, "odo": 5}
        place = {"y": 50, "x": 9.0, "z": 100, "s": 0, "c": 0, "sc": 9}
        t = START + 60 * minute
        messages.append({"t": t, "f": 1, "tp": "ud", "rt": t, "pos": place, "p": values})
    feed.receive(truck, messages, START + 7_200)
    assert summaries.rebuild(fleet).failed == 0
    [row] = TruckDayIdlePlace.objects.all()
    assert figures(row) == (
        1, 3_600, 1_800, pytest.approx(6.0), pytest.approx(4.0), Decimal("9.00"), Decimal("6.00"),
    )  # fmt: skip


def test_a_day_that_comes_out_the_same_there_writes_no_place(
    fleet: Fleet, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late message in the night changes the day, not where it idled."""
    written: list[Any] = []
    sum_up = summaries.idle_places._sum_up
    monkeypatch.setattr(
        summaries.idle_places, "_sum_up", lambda fleet_id, changed: (written.append(changed), sum_up(fleet_id, changed))
    )
    truck = Truck.objects.get(code="T-0")
    feed.receive(truck, [{**shift()[3], "t": START + 1_805, "p": {"ign": 0}}], NOW + 60)
    assert summaries.rebuild(fleet).changed >= 1
    assert written
    assert all(not changed for changed in written)


def test_a_day_that_a_truck_no_longer_has_takes_its_places_along(fleet: Fleet) -> None:
    days = [(truck_id, MONDAY) for truck_id in Truck.objects.values_list("pk", flat=True)]
    IdleEvent.objects.filter(day=MONDAY).delete()
    summaries.idle_places.remove(fleet.pk, days)
    assert not TruckDayIdlePlace.objects.filter(day=MONDAY).exists()
    assert_places_add_up(fleet.pk)
    assert TruckDayIdlePlace.objects.filter(day=MONDAY + dt.timedelta(days=1)).count() == 2
