"""What each driver of a truck's day bears, by docs/metrics.md; what the fuel of a part costs is in test_driver_rows."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.drivers.costs import Amount, InTruck, borne

LINES = (
    "fuel", "payments", "repair_maintenance", "insurance", "permits", "tires", "tolls", "driver_wages",
    "driver_benefits", "other",
)  # fmt: skip
BASES = (None, "per_km", "per_engine_hour", "per_day", "per_month")


def in_truck(driver_id: int = 1, hours: float = 12, **changes: object) -> InTruck:
    """At the wheel for 2 hours, 100 km on 30 l that cost 45.00."""
    values = {
        "length_s": int(hours * 3_600), "work_s": 7_200, "distance_m": 100_000, "fuel_used_l": 30.0,
        "fuel_cost": Decimal("45.00"), **changes,
    }  # fmt: skip
    return InTruck(driver_id=driver_id, **values)  # type: ignore[arg-type]


# 9 h, 1 h at the wheel, 60 km, 15 l for 18.00, beside 15 h, 3 h, 40 km, 5 l for 8.00.
ANNA = in_truck(1, 9, work_s=3_600, distance_m=60_000, fuel_used_l=15.0, fuel_cost=Decimal("18.00"))
BEN = in_truck(2, 15, work_s=10_800, distance_m=40_000, fuel_used_l=5.0, fuel_cost=Decimal("8.00"))


def divided(line: str, amount: str, basis: str | None = None, *there: InTruck) -> list[str]:
    drivers = there or (ANNA, BEN)
    found = borne([Amount(line, "allocated", Decimal(amount), basis)], drivers)
    return [str(found[driver.driver_id, line, "allocated"]) for driver in drivers]


@pytest.mark.parametrize(
    ("line", "basis", "expected"),
    [
        ("repair_maintenance", None, ["60.00", "40.00"]),  # by distance
        ("tires", None, ["60.00", "40.00"]),
        ("tolls", None, ["60.00", "40.00"]),
        ("driver_wages", None, ["25.00", "75.00"]),  # by time at work
        ("driver_benefits", None, ["25.00", "75.00"]),
        ("payments", None, ["37.50", "62.50"]),  # by the time for which each has the truck
        ("insurance", None, ["37.50", "62.50"]),
        ("permits", None, ["37.50", "62.50"]),
        ("other", None, ["37.50", "62.50"]),
        ("insurance", "per_km", ["60.00", "40.00"]),  # a rate by what it is a rate of
        ("driver_wages", "per_km", ["60.00", "40.00"]),
        ("payments", "per_engine_hour", ["25.00", "75.00"]),
        ("tires", "per_day", ["60.00", "40.00"]),  # a day and a month say nothing of the parts of a day
        ("driver_wages", "per_month", ["25.00", "75.00"]),
        ("fuel", None, ["69.23", "30.77"]),  # an invoice for fuel, by what the fuel of each costs: 18 : 8
    ],
)
def test_each_line_is_divided_by_what_it_follows(line: str, basis: str | None, expected: list[str]) -> None:
    assert divided(line, "100.00", basis) == expected


def test_the_estimate_of_fuel_is_what_the_fuel_of_each_costs() -> None:
    assert divided("fuel", "26.00") == ["18.00", "8.00"]
    sloshing = in_truck(2, fuel_cost=Decimal("-0.50"))
    assert divided("fuel", "17.50", None, ANNA, sloshing) == ["18.00", "-0.50"]
    assert divided("tolls", "26.00") == ["15.60", "10.40"], "another line of the same amount follows its own measure"


UNPRICED = {"fuel_cost": None}
UNMEASURED = {"fuel_used_l": None, "distance_m": None, **UNPRICED}


@pytest.mark.parametrize(
    ("line", "first", "second", "expected"),
    [
        ("fuel", in_truck(1, fuel_used_l=10.0, **UNPRICED), in_truck(2, fuel_used_l=30.0, **UNPRICED), "25.00"),
        ("fuel", in_truck(1, **UNMEASURED), in_truck(2, work_s=21_600, **UNMEASURED), "25.00"),
        ("fuel", in_truck(1, 6, **UNMEASURED, work_s=0), in_truck(2, 18, **UNMEASURED, work_s=0), "25.00"),
        ("tires", in_truck(1, distance_m=0), in_truck(2, distance_m=0, work_s=21_600), "25.00"),
        ("driver_wages", in_truck(1, 6, work_s=0), in_truck(2, 18, work_s=0), "25.00"),
        ("tolls", in_truck(1, distance_m=None), in_truck(2), "0.00"),  # who drove is known of one
        ("other", in_truck(1, 0), in_truck(2, 0), "50.00"),
    ],
)
def test_what_is_not_measured_of_anybody_gives_way_to_the_next(
    line: str, first: InTruck, second: InTruck, expected: str
) -> None:
    assert divided(line, "100.00", None, first, second)[0] == expected


def test_a_cent_that_is_left_goes_to_the_largest_remainder_and_of_equal_ones_to_the_first() -> None:
    assert divided("other", "0.01", None, in_truck(1), in_truck(2)) == ["0.01", "0.00"]
    assert divided("other", "-0.01", None, in_truck(1, 1), in_truck(2, 2)) == ["0.00", "-0.01"]


def test_who_has_the_truck_alone_bears_all() -> None:
    alone = in_truck(7, 24, **UNMEASURED)
    assert borne([Amount("tires", "estimated", Decimal("3.33"), "per_km")], [alone]) == {
        (7, "tires", "estimated"): Decimal("3.33")
    }


def test_what_rates_of_several_bases_come_to_is_one_amount() -> None:
    rates = [Amount("tires", "estimated", Decimal("10"), basis) for basis in ("per_km", "per_engine_hour")]
    assert borne(rates, [ANNA, BEN]) == {
        (1, "tires", "estimated"): Decimal("8.50"), (2, "tires", "estimated"): Decimal("11.50"),
    }  # fmt: skip


money = st.decimals(-(10**6), 10**6, places=2, allow_nan=False, allow_infinity=False)
drivers = st.builds(
    InTruck,
    driver_id=st.just(0),
    length_s=st.integers(0, 90_000),
    work_s=st.integers(0, 90_000),
    distance_m=st.none() | st.integers(0, 10**6),
    fuel_used_l=st.none() | st.floats(-50, 500, allow_nan=False),
    fuel_cost=st.none() | money,
)


@given(st.sampled_from(LINES), st.sampled_from(BASES), money, st.lists(drivers, min_size=1, max_size=4))
def test_whatever_the_day_the_parts_add_up_to_the_amount(
    line: str, basis: str | None, amount: Decimal, there: list[InTruck]
) -> None:
    numbered = [in_truck(number, **_values(each)) for number, each in enumerate(there)]
    found = borne([Amount(line, "actual", amount, basis)], numbered)
    assert sum(found.values()) == amount
    assert len(found) == len(there)
    if line != "fuel":
        assert all(part * amount >= 0 for part in found.values())


def _values(each: InTruck) -> dict[str, object]:
    names = ("work_s", "distance_m", "fuel_used_l", "fuel_cost")
    return {**{name: getattr(each, name) for name in names}, "hours": each.length_s / 3_600}
