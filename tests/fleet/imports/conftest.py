"""The fleet whose ledger is filled."""

import pytest

from apps.accounts.models import Fleet
from tests import rows


@pytest.fixture
def fleet(db: None) -> Fleet:
    """Two trucks with figures of 1 to 10 March, the second of them in a group."""
    return rows.fleet_of_march()
