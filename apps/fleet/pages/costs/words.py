"""How the page about costs names lines and sources, and writes amounts."""

from collections.abc import Mapping
from decimal import Decimal

from apps.fleet.models import CostLine
from apps.fleet.models.costs import UNALLOCATED
from apps.fleet.pages.analysis import Selection
from apps.fleet.reports.wording import number

SOURCES = {"actual": "Actual", "allocated": "Allocated", "estimated": "Estimated"}


def line_title(line: str) -> str:
    return "Unallocated" if line == UNALLOCATED else str(CostLine(line).label).capitalize()


def amount(value: Decimal | None, chosen: Selection) -> str:
    return number(value, 2, chosen.fleet.currency)


def rate(value: Decimal | None, chosen: Selection) -> str:
    """Cost per km or mile, to three places, as the trade publishes them."""
    return number(value, 3, f"{chosen.fleet.currency}/{chosen.units.distance_label}")


def of_money(money: Mapping[str, str] | None) -> Decimal | None:
    """The amount of an answer's money."""
    return None if money is None else Decimal(money["amount"])


def signed(value: Decimal, chosen: Selection) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,.2f} {chosen.fleet.currency}"
