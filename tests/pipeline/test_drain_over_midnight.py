"""A drain that goes on over midnight belongs to one day, the one of its first reading, wherever it is told."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.fleet import summaries
from apps.fleet.reports.rendering import TEXT, render_daily
from tests import rows
from tests.pipeline import feed

ZONE, DAY = "America/Chicago", rows.DAY
ONE = dt.timedelta(days=1)


def level(t: int, litres: float) -> dict[str, Any]:
    return {"t": t, "f": 0, "tp": "ud", "rt": t, "pos": None, "p": {"ign": 0, "level": litres}}


@pytest.mark.django_db(transaction=True)
def test_every_place_tells_it_of_the_day_on_which_it_begins(
    api_get: Callable[..., httpx.Response], client: Client
) -> None:
    fleet = rows.fleet(timezone=ZONE, units="metric")
    truck, midnight = feed.truck_of(fleet, "T"), feed.midnight(DAY + ONE, ZONE)
    falling = {-1: 260.0, 0: 230.0, 1: 200.0}  # from a quarter to midnight on
    readings = [level(midnight + n * 900, falling.get(n, 300.0 if n < 0 else 200.0)) for n in range(-96, 96)]
    feed.receive(truck, readings, midnight + 90_000)
    assert summaries.rebuild(fleet).failed == 0
    key, period = rows.api_key(fleet), f"from={DAY}&to={DAY + ONE}"

    def got(path: str) -> Any:
        return api_get(f"/api/v2{path}", key).json()

    days = got(f"/trucks/{truck.code}/days?{period}")["data"]
    assert [(day["drains"], day["drain_l"]) for day in days] == [(1, 100.0), (0, 0.0)]
    trend = got(f"/fleet/trends?by=day&{period}")
    assert [(each["drains"], each["drain_l"]) for each in trend["data"]] == [(1, 100.0), (0, 0.0)]
    assert (trend["summary"]["drains"], trend["summary"]["drain_l"]) == (1, 100.0)
    client.force_login(User.objects.create_superuser("root"))
    for day, count in ((DAY, 1), (DAY + ONE, 0)):
        asked = f"from={day}&to={day}"
        assert len(got(f"/trucks/{truck.code}/fuel-events?{asked}")["data"]) == count
        listed = client.get(f"{reverse('admin:trucks_fueleventrow_changelist')}?{asked}").context["cl"]
        assert listed.result_count == count
        texts = [each.content.decode() for each in render_daily(fleet, day).files if each.name == TEXT]
        assert [("! 1 suspected drain, 100 l" in text) for text in texts] == [bool(count)]
