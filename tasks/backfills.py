"""Tasks that work on backfills. They carry hints only: what is free, held and done is in the rows."""

from celery import shared_task

from apps.fleet import backfills as work
from apps.trucks import backfills
from apps.trucks.sync import leases

SHARE_S = 20  # a worker that lives on many short shares is soon there for others
HINT_EXPIRES_S = 10


@shared_task(soft_time_limit=30)
def work_on_backfills() -> str:
    """Queues one share of each backfill that can be worked on; a worker that was killed leaves it due."""
    due = backfills.due()
    for backfill_id in due:
        work_on_backfill.apply_async((backfill_id,), expires=HINT_EXPIRES_S)
    return f"{len(due)} backfills due"


@shared_task
def work_on_backfill(backfill_id: int) -> str:
    """Works on one backfill for a while, and ends early when a fleet waits for its live sync."""
    work.work(backfill_id, seconds=SHARE_S, give_way=lambda: bool(leases.due_fleets()))
    return f"worked on backfill {backfill_id}"
