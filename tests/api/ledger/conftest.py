"""A fleet, and a key that may book."""

import pytest

from apps.accounts.models import Fleet
from tests import rows


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    return rows.fleet_of_march()


@pytest.fixture
def key(fleet: Fleet) -> str:
    return rows.api_key(fleet, scopes=("read", "write:costs"))
