"""How work on a report is held, tried again and given up; all times are the database's."""

import datetime as dt

from django.db.models import Q
from django.db.models.functions import Now

MAX_ATTEMPTS = 5
LEASE = dt.timedelta(seconds=360)  # longer than a task may live: whose lease ran out is dead
_PAUSES = [dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
_ERROR_LENGTH = 500


def pause_after(attempts: int) -> dt.timedelta:
    """How long to wait after so many failed attempts, one at least."""
    return _PAUSES[min(attempts, len(_PAUSES)) - 1]


def is_free() -> Q:
    """Rows that nobody holds."""
    return Q(lease_until=None) | Q(lease_until__lte=Now())


def error_text(error: Exception) -> str:
    """The error as it is kept in a row."""
    return f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
