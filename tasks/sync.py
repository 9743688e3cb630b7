"""Tasks that fetch news from Wialon."""

from celery import shared_task

from apps.accounts.models import Fleet
from apps.trucks.sync import leases, shares
from apps.trucks.sync.notices import tell_of_refused_logins
from apps.trucks.sync.passes import join, synchronise
from tasks.summaries import rebuild_fleet

SHARE_S = 180  # within the time limit of a task; a first sync takes many of them
HELP_S = 60  # a worker that helps is soon there for other fleets
HELPERS = 7  # beside the worker that began: Wialon answers two requests at once, so more would only wait
HINT_EXPIRES_S = 20


@shared_task(soft_time_limit=30)
def sync_due_fleets() -> str:
    """Queues one sync for each fleet that is due, and help for passes with trucks that nobody reads."""
    fleets, runs = leases.due_fleets(), shares.open_runs()
    for fleet_id in fleets:
        sync_fleet.apply_async((fleet_id,), expires=60)
    for run_id in runs:
        help_sync.apply_async((run_id,), expires=HINT_EXPIRES_S)
    return f"{len(fleets)} fleets due" + (f", {len(runs)} passes to help with" if runs else "")


@shared_task
def sync_fleet(fleet_id: int) -> str:
    """One pass over one fleet, unless somebody else is at it or has just done it."""
    lease = leases.claim(fleet_id, only_if_due=True)
    if lease is None:
        return f"fleet {fleet_id} is not due or under way elsewhere"
    fleet = Fleet.objects.get(id=fleet_id)
    run = synchronise(fleet, lease, seconds=SHARE_S, call_help=call_help)
    tell_of_refused_logins(fleet, run.error)
    rebuild_fleet.apply_async((fleet_id,), expires=60)
    return f"{run.messages_new} new messages of {run.trucks_with_news} trucks: {run.status}"


def call_help(run_id: int, helpers: int) -> None:
    """Asks so many workers to join in a pass, within reason; who comes too late finds nothing to do."""
    for _ in range(min(helpers, HELPERS)):
        help_sync.apply_async((run_id,), expires=HINT_EXPIRES_S)


@shared_task
def help_sync(run_id: int) -> str:
    """Reads trucks of a large fleet's pass that another worker began, until none is free or a fleet waits."""
    return f"{join(run_id, seconds=HELP_S, give_way=lambda: bool(leases.due_fleets()))} trucks read"
