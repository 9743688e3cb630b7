"""A week of two drivers, for what is asked about driving and about drivers."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx

from apps.accounts.models import Fleet
from tests import rows

Get = Callable[..., httpx.Response]
MONDAY = dt.date(2026, 3, 2)
ONE = dt.timedelta(days=1)
WEEK = "from=2026-03-02&to=2026-03-08"
QUIET = {"speeding_minor": 0, "speeding_moderate": 0, "speeding_severe": 0, "harsh_braking": 0}
EVENTFUL = {"speeding_minor": 2, "speeding_moderate": 1, "speeding_severe": 1, "harsh_braking": 1}


def get(api_get: Get, fleet: Fleet, path: str) -> Any:
    answer = api_get(f"/api/v2/{path}", rows.api_key(fleet))
    assert answer.status_code == 200, answer.text
    return answer.json()


def drove() -> Fleet:
    """Anna drives T-1 on Monday and T-2 on Tuesday, Ben T-1 on Tuesday, nobody known T-1 on Wednesday; Anna before.

    Anna 100 km with 2 minor, 1 moderate, 1 severe and 1 harsh event on Monday, 300 km without any on Tuesday.
    """
    made = rows.fleet(timezone="UTC")
    one, two = rows.truck(made, "T-1"), rows.truck(made, "T-2")
    anna, ben = rows.driver(made, "Anna"), rows.driver(made, "Ben")
    rows.truck_day(one, MONDAY - 7 * ONE, anna, distance_m=200_000, **QUIET)
    rows.truck_day(one, MONDAY, anna, distance_m=100_000, **EVENTFUL)
    rows.truck_day(two, MONDAY + ONE, anna, distance_m=300_000, night_driving_s=0, **QUIET)
    rows.truck_day(one, MONDAY + ONE, ben, distance_m=50_000, moving_s=3_600, parked_s=0, **QUIET)
    rows.truck_day(one, MONDAY + 2 * ONE, distance_m=90_000, **QUIET)
    for day in (MONDAY - 7 * ONE, MONDAY, MONDAY + ONE, MONDAY + 2 * ONE):
        rows.fleet_day(made, day)
    return made
