"""What the events of the shared session tell of messages that came late: written down, for they are told only once."""

from collections.abc import Mapping

from apps.accounts.models import Fleet
from apps.trucks.models import Truck, TruckSync
from apps.trucks.wialon import WialonClient

OVERLAP_S = 300  # re-read before the cursor by every pass: messages of one second may arrive in two of them


def ask(fleet: Fleet, client: WialonClient) -> int:
    """Wialon's clock, UTC seconds; what it tells of late messages is kept. Raises WialonError."""
    happened = client.events()
    keep(fleet, happened.arrivals)
    return happened.server_time


def keep(fleet: Fleet, arrivals: Mapping[int, tuple[int, int]]) -> None:
    """Notes, for each unit, the stretch (both seconds included) that the cursor has passed already."""
    units = dict(Truck.objects.filter(fleet=fleet, wialon_id__in=arrivals.keys()).values_list("pk", "wialon_id"))
    for sync in TruckSync.objects.filter(truck_id__in=units, cursor_t__isnull=False):
        first_t, last_t = arrivals[units[sync.truck_id]]
        if first_t < (sync.cursor_t or 0) - OVERLAP_S:
            sync.hint_first_t = min(first_t, sync.hint_first_t or first_t)
            sync.hint_last_t = max(last_t, sync.hint_last_t or last_t)
            sync.save(update_fields=["hint_first_t", "hint_last_t"])
