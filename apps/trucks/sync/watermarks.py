"""How far a fleet's trucks are known, counted when it changes: requests read one row."""

from django.db import transaction
from django.db.models import Count, Q

from apps.trucks.models import FleetWatermark, Truck, TruckSync


@transaction.atomic
def recount(fleet_id: int, *, is_moved: bool = False) -> None:
    """Makes the fleet's row what its trucks are, in the transaction that has changed them, as the last thing in it.

    Whoever else changes trucks of the fleet waits here for its turn, and then sees what we committed: so the last to
    count has seen all. What comes out the same is not written. `is_moved`: a truck's own watermark is another, which
    the fleet's need not show, but those of its groups may: the row is of another version.
    """
    FleetWatermark.objects.get_or_create(fleet_id=fleet_id)
    row = FleetWatermark.objects.select_for_update().get(fleet_id=fleet_id)
    before = row.trucks, row.known_until, row.steps
    row.trucks, row.known_until, row.steps = _counted(fleet_id)
    if is_moved or (row.trucks, row.known_until, row.steps) != before:
        row.version += 1
        row.save()


def _counted(fleet_id: int) -> tuple[int, int | None, list[list[int]]]:
    """How many trucks are active, the least watermark of them, and the steps."""
    active = Truck.objects.filter(fleet=fleet_id, is_active=True)
    syncs = TruckSync.objects.filter(fleet_id=fleet_id, known_until__isnull=False)
    gone = Truck.objects.filter(fleet=fleet_id, is_active=False)
    counts = syncs.exclude(truck_id__in=gone.values("pk")).values("known_until").order_by("known_until")
    rows = list(counts.annotate(reporting=Count("truck_id", filter=Q(first_t__isnull=False))))
    steps = [[row["known_until"], row["reporting"]] for row in rows if row["reporting"]]
    return active.count(), rows[0]["known_until"] if rows else None, steps
