"""Scheduled mails. Tasks carry hints only: what is due, made and sent is decided in the rows."""

from celery import shared_task

from apps.fleet.reports import delivery, runs

# A hint that waited for longer is not worth its place: the next tick gives it again.
HINT_EXPIRES_S = 60


@shared_task
def send_due_reports() -> str:
    """Hands out all that is due; also what a lost task or a dead worker left behind."""
    schedules, unrendered, deliveries = runs.due_schedules(), runs.unrendered_runs(), delivery.due_deliveries()
    for schedule_id in schedules:
        start_run.apply_async((schedule_id,), expires=HINT_EXPIRES_S)
    for run_id in unrendered:
        render.apply_async((run_id,), expires=HINT_EXPIRES_S)
    for delivery_id in deliveries:
        deliver.apply_async((delivery_id,), expires=HINT_EXPIRES_S)
    delivery.finish_runs()
    return f"{len(schedules)} due, {len(unrendered)} to render, {len(deliveries)} mails to send"


@shared_task
def start_run(schedule_id: int) -> str:
    """Makes the schedule's run that is due, and asks for its files."""
    run_id = runs.start_due_run(schedule_id)
    if run_id is None:
        return "nothing due"
    render.apply_async((run_id,), expires=HINT_EXPIRES_S)
    return f"run {run_id}"


@shared_task
def render(run_id: int) -> str:
    """Renders a run's files, and asks for its mails."""
    if not runs.render(run_id):
        return "nothing to render"
    deliveries = delivery.due_deliveries(run_id)
    for delivery_id in deliveries:
        deliver.apply_async((delivery_id,), expires=HINT_EXPIRES_S)
    return f"{len(deliveries)} mails to send"


@shared_task
def deliver(delivery_id: int) -> str:
    """Sends one mail."""
    return delivery.deliver(delivery_id) or "nothing to send"
