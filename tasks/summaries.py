"""Tasks that rebuild out-of-date days."""

from celery import shared_task

from apps.accounts.models import Fleet
from apps.fleet import summaries

SHARE_S = 60  # well within the time limit of a task, and fleets take turns


@shared_task(soft_time_limit=30)
def rebuild_dirty_days() -> str:
    """Queues one rebuild for each fleet that has days out of date."""
    fleets = summaries.fleets_with_dirty_days()
    for fleet_id in fleets:
        rebuild_fleet.apply_async((fleet_id,), expires=60)
    return f"{len(fleets)} fleets with dirty days"


@shared_task
def rebuild_fleet(fleet_id: int) -> str:
    """Rebuilds dirty days of one fleet; any number of workers may do so at once."""
    outcome = summaries.rebuild(Fleet.objects.get(id=fleet_id), seconds=SHARE_S)
    return f"{outcome.claimed} dirty days, {outcome.changed} changed, {outcome.failed} failed, {outcome.sealed} sealed"
