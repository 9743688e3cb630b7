"""The product against the twin over 7,000 truck-days: five fleets in each of six time zones, clocks changing.

Runs only when asked for: `scripts/test -m soak`.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Fleet
from tests.pipeline.agreement import COLUMNS, Agreement, agreement
from tests.pipeline.conftest import sync_and_summarise
from wialon_simulator import Simulator

TRUCKS, DAYS = 7, 35
SEEDS = range(101, 106)
# When the simulator's clock stands: within the five weeks before lies a change of the clocks, but for UTC.
ZONES = {
    "UTC": dt.datetime(2026, 3, 2, 17, 5, tzinfo=dt.UTC),
    "America/Chicago": dt.datetime(2026, 4, 3, 2, 45, tzinfo=dt.UTC),
    "Europe/Berlin": dt.datetime(2025, 11, 20, 11, 30, tzinfo=dt.UTC),
    "Africa/Cairo": dt.datetime(2026, 5, 20, 22, 10, tzinfo=dt.UTC),
    "America/Havana": dt.datetime(2025, 11, 25, 6, 1, tzinfo=dt.UTC),
    "Australia/Lord_Howe": dt.datetime(2026, 4, 25, 13, 59, tzinfo=dt.UTC),
}


@pytest.mark.soak
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_column_of_35_days_is_what_the_twin_computes(
    zone: str, seed: int, make_fleet: Callable[..., Fleet], settings: Any
) -> None:
    settings.INITIAL_HISTORY_DAYS = DAYS + 2
    now = ZONES[zone].timestamp()
    with Simulator(trucks=TRUCKS, days=DAYS, seed=seed, now=now, timezone=zone, frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone=zone)
        run = sync_and_summarise(fleet)
        assert run.status == "ok", run.truck_errors
        found = agreement(fleet, simulator)
    print(told(found))
    assert found.differences == []
    assert found.truck_days == TRUCKS * (DAYS + 1)


def told(found: Agreement) -> str:
    return (
        f"{found.truck_days} truck-days of {len(COLUMNS)} columns, {found.events} events: "
        f"{len(found.differences)} differences"
    )
