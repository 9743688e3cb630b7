"""Where trucks idle: cells of a grid and named places, and their sums as days change."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet import queries, summaries
from apps.fleet.idling.blocks import SUMS, merged, of_all_trucks, pack_places, worst_of_trucks
from apps.fleet.idling.blocks import worst as worst_of
from apps.fleet.idling.places import Idling, by_spot, centre_of, name_of, productive_part, spot_of
from apps.fleet.models import IdlePlaceSpan, TruckBlock, TruckDayIdlePlace
from apps.fleet.spans import month_of
from apps.fleet.summaries import place_spans
from apps.fleet.sums.places import worst_places_sync
from apps.trucks import productive_places
from apps.trucks.detection.places import metres_between
from apps.trucks.models import IdleEvent, ProductivePlace, Truck, TruckDay
from tests import rows
from tests.fleet.places_twin import assert_packed, assert_places_add_up, unpacked
from tests.fleet.places_twin import spot_of as twin_spot
from tests.fleet.shifts import MONDAY, NOW, START, shift
from tests.fleet.span_twin import total
from tests.pipeline import feed

LATITUDES, LONGITUDES = st.floats(-85, 85), st.floats(-180, 179.999)


@settings(deadline=None)
@given(lat=LATITUDES, lon=LONGITUDES)
def test_a_cell_reaches_no_further_than_180_m_from_its_middle(lat: float, lon: float) -> None:
    middle = centre_of(spot_of(None, lat, lon))
    assert middle is not None
    assert metres_between((lat, lon), middle) < 180
    assert spot_of(None, *middle) == spot_of(None, lat, lon)


@settings(deadline=None)
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


# --- packed -----------------------------------------------------------------------------------------------------------

SPOT = st.sampled_from(["?", "=Yard", "=yard", "=@1.2", "@1.2", "@41234.80000", "@0.0", "=A\nB"])
COUNT, LITRES, CENTS = (
    st.sampled_from((0, 60)) | st.integers(0, 2**31),  # places with the same idling, too
    st.none() | st.integers(0, 99).map(float),
    st.none() | st.integers(0, 2**40),
)
TRUCK = st.sampled_from((0, 5, 63))
WHOLE = st.tuples(TRUCK, SPOT, COUNT, COUNT, LITRES, CENTS)
UNPRODUCTIVE = WHOLE.map(lambda row: (*row, 0, row[4] and 0.0, row[5] and 0))
PARTLY = st.tuples(WHOLE, COUNT, LITRES, CENTS).map(lambda row: (*row[0], *row[1:]))
ROWS = st.lists(UNPRODUCTIVE | PARTLY, max_size=6, unique_by=lambda row: row[:2])


@settings(deadline=None)
@given(st.lists(ROWS, max_size=5), st.integers(1, 9))
def test_the_worst_places_are_those_of_plain_sums_whatever_the_blocks(blocks: list[list[Any]], limit: int) -> None:
    packed = [pack_places(block) for block in blocks]
    expected = plainly([row for block in blocks for row in block])
    assert worst_of(packed, limit) == expected[:limit]
    half = len(packed) // 2
    again = merged([merged(packed[half:]), b"", merged(packed[:half])])
    assert worst_of([again], limit) == expected[:limit], "merged they are the same"
    assert merged([]) == pack_places([]) == of_all_trucks([]) == b""
    together = [of_all_trucks(packed[:half]), *packed[half:]]
    assert worst_of(together, limit) == expected[:limit], "trucks are told apart in some, or not"


@pytest.mark.parametrize("number", [0, 65_535, 65_536, 2**32 - 1, 2**32, 2**40])
def test_whole_numbers_are_as_they_were_however_few_bytes_they_take(number: int) -> None:
    entries = [(5, "@1.2", number, number, 0.5, number, 0, 0.0, 0), (63, "@1.2", 1, 1, None, None, 0, None, None)]
    [found] = worst_of([pack_places(entries[:1]), merged([pack_places(entries)])], 9)
    assert (found["events"], found["idle_s"]) == (2 * number + 1, 2 * number + 1)
    assert (found["fuel_l"], found["cost"]) == (1.0, Decimal(2 * number) / 100)


@settings(deadline=None)
@given(st.lists(st.tuples(ROWS, st.sets(TRUCK)), max_size=5), st.integers(1, 9))
def test_those_of_some_trucks_are_the_sums_of_these_alone(blocks: list[Any], limit: int) -> None:
    packed = [(pack_places(block), sum(1 << truck for truck in trucks)) for block, trucks in blocks]
    expected = plainly([row for block, trucks in blocks for row in block if row[0] in trucks])
    assert worst_of_trucks(packed, limit) == expected[:limit]
    merged_first = [(merged([block]), bits) for block, bits in packed]
    assert worst_of_trucks(merged_first, limit) == expected[:limit]


def plainly(rows: list[Any]) -> list[dict[str, Any]]:
    found = []
    for spot in {row[1] for row in rows}:
        every = [total(row[2 + place] for row in rows if row[1] == spot) for place in range(len(SUMS))]
        sums = dict(zip(SUMS, every, strict=True))
        for name in ("cost", "productive_cost"):
            sums[name] = None if sums[name] is None else Decimal(sums[name]) / 100
        found.append({"spot": spot, **sums})
    found.sort(key=lambda row: (row["productive_s"] - row["idle_s"], row["spot"]))
    return [{**row, "number": len(found)} for row in found]


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


def worst(fleet: Fleet) -> list[dict[str, Any]]:
    """All places of the month."""
    month = month_of(MONDAY)
    return worst_places_sync(queries.period(fleet.pk, month.first, month.last), 1_000)


def test_a_month_is_the_sum_of_its_days_at_each_place(fleet: Fleet) -> None:
    assert_places_add_up(fleet.pk)
    month = worst(fleet)
    assert sum(row["idle_s"] for row in month) == sum(TruckDay.objects.values_list("idle_s", flat=True)) == 8 * 3_600
    assert {row["productive_cost"] for row in month} == {Decimal(0)}


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
    [row] = (row for row in worst(fleet) if row["spot"] == "=Quarry")
    assert (row["events"], row["idle_s"], row["productive_s"]) == (2, 2 * 3_600, 2 * 3_600)
    assert row["productive_fuel_l"] == row["fuel_l"]
    assert row["productive_cost"] == row["cost"] == sum(event.cost for event in events)
    productive_places.delete(place)
    summaries.rebuild(fleet)
    assert {row.spot for row in TruckDayIdlePlace.objects.filter(day=MONDAY)} == before
    assert "=Quarry" not in {row["spot"] for row in worst(fleet)}
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
    monkeypatch.setattr(summaries.blocks, "replace_places", lambda fleet_id, changed: written.append(changed))
    truck = Truck.objects.get(code="T-0")
    feed.receive(truck, [{**shift()[3], "t": START + 1_805, "p": {"ign": 0}}], NOW + 60)
    assert summaries.rebuild(fleet).changed >= 1
    assert written
    assert all(not changed for changed in written)


def test_days_in_any_order_twice_and_late_come_to_the_same(db: None) -> None:
    """Trucks of three blocks, two in one part, over a month's end.

    Each day comes out otherwise several times, some without a place.
    """
    fleet, chance = rows.fleet(), random.Random(7)
    keys = [
        (truck, dt.date(2026, 1, 28) + number * dt.timedelta(days=1))
        for truck in (5, 63, 64, 1_200)
        for number in range(9)
    ]
    spots, final = ["@7.3", "@7.4", "@9.1", "=Yard", "?"], {}
    for _ in range(40):
        days = chance.sample(keys, chance.choice((1, 2, 9)))
        after = {key: [a_row(*key, spot, chance) for spot in chance.sample(spots, chance.randrange(4))] for key in days}
        summaries.idle_places._replace(fleet.pk, after.keys(), {row for each in after.values() for row in each})
        final |= after
        if chance.random() < 0.2:
            place_spans.add_up(fleet, early=True)
    assert_packed(fleet.pk, list(TruckDayIdlePlace.objects.filter(fleet_id=fleet.pk)))
    assert TruckDayIdlePlace.objects.count() == sum(map(len, final.values()))
    before = packed_by_key(fleet)
    other = rows.fleet("The same at once")
    summaries.idle_places._replace(other.pk, final.keys(), {row for each in final.values() for row in each})
    assert unpacked(other.pk) == unpacked(fleet.pk)
    for each in (fleet, other):
        place_spans.add_up(each, early=True)
        assert_packed(each.pk, list(TruckDayIdlePlace.objects.filter(fleet_id=each.pk)))
    assert parts_by_key(fleet) == parts_by_key(other)
    summaries.idle_places._replace(fleet.pk, final.keys(), {row for each in final.values() for row in each})
    assert packed_by_key(fleet) == before, "the same once more"
    summaries.idle_places.remove(fleet.pk, list(final))
    assert (packed_by_key(fleet), len(packed_by_key(other))) == ({}, len(before)), "none is left, of this fleet"
    place_spans.add_up(fleet, early=True)
    assert not parts_by_key(fleet)


def a_row(truck_id: int, day: dt.date, spot: str, chance: random.Random) -> tuple[Any, ...]:
    idle_s, litres = chance.randrange(9_999), chance.choice((None, 0.25, 1.5))
    cost = None if litres is None else Decimal(chance.randrange(999)) / 100
    share = chance.choice((0, 0, 1, 2))
    parts = (None if whole is None else whole * share / 2 for whole in (litres, cost and cost.quantize(Decimal("0.1"))))
    return truck_id, day, spot, 1, idle_s, litres, cost, idle_s * share // 2, *parts


def packed_by_key(fleet: Fleet) -> dict[Any, bytes]:
    return {block.pk: bytes(block.places) for block in TruckBlock.objects.filter(fleet_id=fleet.pk)}


def parts_by_key(fleet: Fleet) -> dict[Any, bytes]:
    return {span.pk[1:]: bytes(span.places) for span in IdlePlaceSpan.objects.filter(fleet_id=fleet.pk)}


def test_a_day_that_a_truck_no_longer_has_takes_its_places_along(fleet: Fleet) -> None:
    days = [(truck_id, MONDAY) for truck_id in Truck.objects.values_list("pk", flat=True)]
    IdleEvent.objects.filter(day=MONDAY).delete()
    summaries.idle_places.remove(fleet.pk, days)
    assert not TruckDayIdlePlace.objects.filter(day=MONDAY).exists()
    assert_places_add_up(fleet.pk)
    assert TruckDayIdlePlace.objects.filter(day=MONDAY + dt.timedelta(days=1)).count() == 2
