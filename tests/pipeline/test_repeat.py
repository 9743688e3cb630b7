"""Where nothing new happens, nothing is written."""

from collections.abc import Callable

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import SyncRun
from tests.pipeline.conftest import sync, sync_and_summarise
from tests.pipeline.whole_tables import differing, tables
from tests.rows import DAY, price
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
NOW = 1_773_162_000  # 2026-03-10 17:00 UTC


def test_a_second_pass_over_an_account_without_news_changes_no_row(make_fleet: Callable[..., Fleet]) -> None:
    with Simulator(trucks=8, days=2, seed=7, now=NOW, frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone="America/Chicago")
        price(fleet, DAY, "1.1")
        assert sync_and_summarise(fleet).messages_new > 1_000
        before = tables(fleet)
        assert all(before[name] for name in ("Message", "TruckDay", "Trip", "TruckDayCost", "FleetDay", "Driver"))
        run = sync(fleet)
        assert (run.status, run.messages_new) == ("ok", 0)
        sync_and_summarise(fleet)
        after = tables(fleet)
    for row in (*before["FleetSync"], *after["FleetSync"]):
        del row["due_at"]  # when the next pass is due is no news
    assert differing(after, before) == {}
    assert SyncRun.objects.filter(fleet=fleet).count() == 3
