"""What people say of detected events, and the days that it changes."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.trucks.invalidation import mark
from apps.trucks.models import DrainReview


def review_drains(drains: Sequence[Any], verdict: str, by: str, now: dt.datetime) -> int:
    """Keeps what somebody said of drains (rows of `fuel_event`), and marks their days. Returns how many days."""
    with transaction.atomic():
        DrainReview.objects.bulk_create(
            DrainReview(
                fleet_id=drain.fleet_id,
                truck_id=drain.truck_id,
                started_at=drain.started_at,
                verdict=verdict,
                reviewed_at=now,
                reviewed_by=by,
            )
            for drain in drains
        )
        return sum(
            mark(fleet_id, [(drain.truck_id, drain.day) for drain in drains if drain.fleet_id == fleet_id], "review")
            for fleet_id in sorted({drain.fleet_id for drain in drains})
        )
