"""Money and figures as answers give them."""

from decimal import Decimal

import pytest

from apps.accounts.amounts import money, rounded, to_place
from apps.accounts.changes import changes


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.001, "0.0"), (-0.0, "0.0"), (0.0, "0.0"), (-0.006, "-0.01"), (2.675, "2.67"), (3, "3"), (None, "None")],
)
def test_figures_are_rounded_and_nothing_has_no_sign(value: float | None, text: str) -> None:
    assert repr(rounded(value)) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("-0.00004", "0.0000"), ("-0", "0.0000"), ("-0.00006", "-0.0001"), ("0.00005", "0.0000"), ("0.00015", "0.0002")],
)
def test_amounts_go_to_their_place_and_nothing_has_no_sign(amount: str, text: str) -> None:
    assert money(to_place(Decimal(amount), Decimal("0.0001")), "USD") == {"amount": text, "currency": "USD"}


def test_what_hardly_falls_has_not_changed() -> None:
    found = changes({"idle_pct": 10.001, "trips": 999_999}, {"idle_pct": 10.002, "trips": 1_000_000})
    assert repr(found) == "{'change_pct': {'trips': 0.0}, 'change_points': {'idle_pct': 0.0}}"
