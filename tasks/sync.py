"""Tasks that fetch news from Wialon."""

from celery import shared_task

from apps.accounts.models import Fleet
from apps.trucks import leases
from apps.trucks.notices import tell_of_refused_logins
from apps.trucks.sync import synchronise
from tasks.summaries import rebuild_fleet

SHARE_S = 180  # within the time limit of a task; a first sync takes many of them


@shared_task(soft_time_limit=30)
def sync_due_fleets() -> str:
    """Queues one sync for each fleet that is due."""
    fleets = leases.due_fleets()
    for fleet_id in fleets:
        sync_fleet.apply_async((fleet_id,), expires=60)
    return f"{len(fleets)} fleets due"


@shared_task
def sync_fleet(fleet_id: int) -> str:
    """One pass over one fleet, unless somebody else is at it or has just done it."""
    lease = leases.claim(fleet_id, only_if_due=True)
    if lease is None:
        return f"fleet {fleet_id} is not due or under way elsewhere"
    fleet = Fleet.objects.get(id=fleet_id)
    run = synchronise(fleet, lease, seconds=SHARE_S)
    tell_of_refused_logins(fleet, run.error)
    rebuild_fleet.apply_async((fleet_id,), expires=60)
    return f"{run.messages_new} new messages of {run.trucks_with_news} trucks: {run.status}"
