"""The Wialon Remote API: the only package that speaks it."""

from apps.trucks.wialon.account import Retry
from apps.trucks.wialon.answers import Events
from apps.trucks.wialon.batches import Wanted
from apps.trucks.wialon.client import MOST_S, UNIT_DETAILS, UNIT_NEWS, WialonClient, intervals
from apps.trucks.wialon.errors import (
    Busy,
    LoginRefused,
    RequestRefused,
    SessionLost,
    TooMuch,
    TryAgain,
    Unavailable,
    WialonError,
)
from apps.trucks.wialon.session import OwnSession, Session

__all__ = [
    "MOST_S",
    "UNIT_DETAILS",
    "UNIT_NEWS",
    "Busy",
    "Events",
    "LoginRefused",
    "OwnSession",
    "RequestRefused",
    "Retry",
    "Session",
    "SessionLost",
    "TooMuch",
    "TryAgain",
    "Unavailable",
    "Wanted",
    "WialonClient",
    "WialonError",
    "intervals",
]
