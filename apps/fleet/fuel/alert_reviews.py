"""What people say of alerts about fuel. It touches no figure, so nothing is computed anew."""

import datetime as dt
from collections.abc import Collection

from django.db import transaction

from apps.fleet.models import FuelAlert
from apps.trucks import facts

_REVIEW = ("review", "reviewed_at", "reviewed_by", "note")


def review(alerts: Collection[FuelAlert], verdict: str, by: str, now: dt.datetime, note: str | None = None) -> int:
    """Keeps what somebody said of alerts; an empty verdict opens them again, without a note theirs stay.

    Writes these columns alone: the figures may change meanwhile. Returns how many alerts.
    """
    with transaction.atomic():
        for alert in alerts:
            alert.review, alert.reviewed_at, alert.reviewed_by = verdict, now, by
            alert.note = alert.note if note is None else note
            alert.save(update_fields=_REVIEW)
        for fleet_id in sorted({alert.fleet_id for alert in alerts}):
            facts.changed(fleet_id)
    return len(alerts)
