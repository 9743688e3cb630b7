from decimal import Decimal

import pytest

from apps.accounts.models import Units
from apps.accounts.units import METRIC, US, UnitSystem, unit_system


@pytest.mark.parametrize(
    ("system", "figures"),
    [
        (METRIC, ("100 km", "100 l", "100 km/h", "25 l/100 km")),
        (US, ("62.14 mi", "26.42 gal", "62.14 mph", "9.409 mpg")),
    ],
)
def test_figures_come_in_the_units_of_the_system(system: UnitSystem, figures: tuple[str, ...]) -> None:
    shown = [
        f"{system.distance(100_000):.4g} {system.distance_label}",
        f"{system.volume(100):.4g} {system.volume_label}",
        f"{system.speed(100):.4g} {system.speed_label}",
        f"{system.consumption(25):.4g} {system.consumption_label}",
    ]
    assert shown == list(figures)


@pytest.mark.parametrize("system", [METRIC, US])
def test_what_was_not_measured_stays_so(system: UnitSystem) -> None:
    assert [system.distance(None), system.volume(None), system.speed(None), system.consumption(None)] == [None] * 4
    assert system.per_distance(None, 1000) is None


@pytest.mark.parametrize("system", [METRIC, US])
def test_zero_is_measured(system: UnitSystem) -> None:
    assert (system.distance(0), system.volume(0), system.speed(0)) == (0, 0, 0)


def test_a_small_consumption_is_a_large_economy() -> None:
    assert US.consumption(20) > US.consumption(40)  # type: ignore[operator]


@pytest.mark.parametrize("litres", [0, -0.4])
def test_no_fuel_burnt_is_zero_consumption_but_no_economy(litres: float) -> None:
    assert METRIC.consumption(litres) == litres
    assert US.consumption(litres) is None


def test_money_per_distance_is_exact() -> None:
    assert METRIC.per_distance(Decimal("100.00"), 250_000) == Decimal("0.4")
    assert US.per_distance(Decimal("100.00"), 1_609_344) == Decimal("0.1")


@pytest.mark.parametrize("metres", [0, None])
def test_money_per_no_distance_is_nothing(metres: int | None) -> None:
    assert METRIC.per_distance(Decimal("100.00"), metres) is None


def test_every_unit_choice_of_a_fleet_has_a_system() -> None:
    assert {unit_system(choice) for choice in Units.values} == {METRIC, US}
    with pytest.raises(KeyError):
        unit_system("nautical")
