"""What a truck is doing now, for the admin's lists: the rule of the statements in `apps.trucks.queries`."""

import time

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from apps.trucks.models import LatestValues, Truck
from apps.trucks.parameters import DEFAULTS

NEVER = "never reported"
STATUSES = {"moving": "success", "idle": "warning", "parked": "info", "offline": "danger", NEVER: "danger"}
_SILENCE_S, _SLEEP_S = 900, 93_600  # a truck whose engine is off may sleep for a day between messages


def with_status(trucks: QuerySet[Truck], now: int | None = None) -> QuerySet[Truck]:
    """The trucks with `doing`, one of STATUSES, and `latest_t`, the second of their last message."""
    now = int(time.time()) if now is None else now
    off = Q(engine_on=False)
    doing = Case(
        When(t=None, then=Value(NEVER)),
        When(Q(off, t__lt=now - _SLEEP_S) | Q(~off, t__lt=now - _SILENCE_S), then=Value("offline")),
        When(off, then=Value("parked")),
        When(speed_kmh__gt=DEFAULTS.moving_speed_kmh, then=Value("moving")),
        When(engine_on=True, then=Value("idle")),
        default=Value("parked"),
    )
    latest = LatestValues.objects.filter(truck_id=OuterRef("pk"))
    return trucks.annotate(
        doing=Coalesce(Subquery(latest.values(answer=doing)), Value(NEVER)), latest_t=Subquery(latest.values("t"))
    )
