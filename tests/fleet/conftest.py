"""A fleet with history for tests of summaries; a module with another fleet has a fixture of its own."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from tests.fleet.shifts import assert_sums_add_up, two_trucks


@pytest.fixture
def fleet(db: None) -> Fleet:
    return two_trucks()


@pytest.fixture
def rebuilt(fleet: Fleet) -> Fleet:
    assert summaries.rebuild(fleet).failed == 0
    return fleet


@pytest.fixture
def sums_add_up(db: None) -> Iterator[None]:
    """Holds at the end of a test, whatever it did, that days, spans and packed sums add up."""
    yield
    assert_sums_add_up()
