"""From a due time to rendered files: each step is claimed by changing a row, in database time, and may be repeated."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from email.utils import parseaddr

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.fleet.models import ReportDelivery, ReportFile, ReportRun, ReportSchedule
from apps.fleet.reports.attempts import LEASE, MAX_ATTEMPTS, error_text, is_free, pause_after
from apps.fleet.reports.rendering import RenderedReport, render_daily
from apps.fleet.reports.schedule import covered_day, is_due_time, last_due, next_due

_BATCH = 200  # what a tick hands out at most; the next tick finds the rest
_UNFINISHED = "the worker ended in the middle of every attempt"

# --- due -> run ------------------------------------------------------------------------------------------------------


def due_schedules() -> list[int]:
    """Active schedules whose time has come, or that do not know their next one yet."""
    due = Q(next_due_at=None) | Q(next_due_at__lte=Now())
    schedules = ReportSchedule.objects.filter(due, is_active=True, fleet__is_active=True)
    return list(schedules.order_by("next_due_at").values_list("pk", flat=True)[:_BATCH])


@transaction.atomic
def start_due_run(schedule_id: int) -> int | None:
    """The id of the run that is due, made now unless it exists; None if nothing is due.

    After a downtime only the latest due time is made: a burst of old mails would bury the one that matters, and the
    days before are in its workbook. Whoever calls it, and however often, a due time has one run.
    """
    schedules = ReportSchedule.objects.select_for_update(skip_locked=True).annotate(now=Now())
    schedule = schedules.filter(pk=schedule_id, is_active=True).first()
    if schedule is None:
        return None
    due_at = _latest_due(schedule, schedule.now)
    run = None if due_at is None else _run(schedule, due_at, schedule.recipients)
    upcoming = next_due(schedule.send_at, schedule.zone, schedule.now)
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_due_at=upcoming)
    return run.pk if run else None


def start_run_now(schedule: ReportSchedule, recipients: Iterable[str]) -> ReportRun:
    """A run outside the schedule, covering the fleet's last full day."""
    now = ReportSchedule.objects.annotate(now=Now()).get(pk=schedule.pk).now
    with transaction.atomic():
        return _run(schedule, now, recipients)


def _latest_due(schedule: ReportSchedule, now: dt.datetime) -> dt.datetime | None:
    due_at = schedule.next_due_at
    if due_at is None or due_at > now or not is_due_time(due_at, schedule.send_at, schedule.zone):
        return None  # not computed yet, or the wall time was changed without computing it
    return last_due(schedule.send_at, schedule.zone, now)


def _run(schedule: ReportSchedule, due_at: dt.datetime, recipients: Iterable[str]) -> ReportRun:
    day = covered_day(due_at, schedule.fleet.zone)
    period = {"period_from": day, "period_to": day}
    run, is_new = ReportRun.objects.get_or_create(schedule=schedule, due_at=due_at, defaults=period)
    if is_new:
        deliveries = [ReportDelivery(run=run, recipient=to, message_id=_message_id(run, to)) for to in recipients]
        ReportDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)  # an address twice gets one mail
    return run


def _message_id(run: ReportRun, recipient: str) -> str:
    """The same for every attempt, so that a mailbox which got the mail twice can drop one; no other run has it."""
    subject = f"{run.pk} {run.created_at.isoformat()} {recipient}"
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<report-{run.pk}-{hashlib.sha256(subject.encode()).hexdigest()[:24]}@{domain}>"


# --- run -> files ----------------------------------------------------------------------------------------------------


def unrendered_runs() -> list[int]:
    """Runs without files that nobody works on."""
    runs = ReportRun.objects.filter(is_free(), status=ReportRun.Status.QUEUED)
    return list(runs.order_by("due_at").values_list("pk", flat=True)[:_BATCH])


def render(run_id: int) -> bool:
    """Whether this call stored the run's files. An error is kept in the row and raised; the fifth fails the run."""
    run = _claim(run_id)
    if run is None:
        return False
    try:
        report = render_daily(run.schedule.fleet, run.period_to)
    except Exception as error:
        _note_failure(run, error_text(error))
        raise
    return _store(run, report)


@transaction.atomic
def _claim(run_id: int) -> ReportRun | None:
    queued = ReportRun.objects.select_for_update(skip_locked=True).filter(is_free(), status=ReportRun.Status.QUEUED)
    run = queued.filter(pk=run_id).first()
    if run is None:
        return None
    if run.attempts >= MAX_ATTEMPTS:
        _give_up(run, run.error or _UNFINISHED)
        return None
    run.attempts += 1
    ReportRun.objects.filter(pk=run.pk).update(attempts=run.attempts, lease_until=Now() + LEASE)
    return run


@transaction.atomic
def _store(run: ReportRun, report: RenderedReport) -> bool:
    """Whether the run was still ours: the attempt counts up with every claim."""
    is_ours = ReportRun.objects.filter(pk=run.pk, status=ReportRun.Status.QUEUED, attempts=run.attempts).update(
        status=ReportRun.Status.RENDERED, revision=report.revision, lease_until=None, error=""
    )
    if is_ours:
        ReportFile.objects.bulk_create(
            ReportFile(
                run=run, name=file.name, content_type=file.content_type, content=file.content, sha256=file.sha256
            )
            for file in report.files
        )
    return bool(is_ours)


def _note_failure(run: ReportRun, error: str) -> None:
    if run.attempts >= MAX_ATTEMPTS:
        _give_up(run, error)
    else:
        ReportRun.objects.filter(pk=run.pk, attempts=run.attempts).update(
            error=error, lease_until=Now() + pause_after(run.attempts)
        )


@transaction.atomic
def _give_up(run: ReportRun, error: str) -> None:
    ours = ReportRun.objects.filter(pk=run.pk, status=ReportRun.Status.QUEUED, attempts=run.attempts)
    if ours.update(status=ReportRun.Status.FAILED, error=error, lease_until=None, finished_at=Now()):
        failed = {"status": ReportDelivery.Status.FAILED, "error": "the report could not be made"}
        ReportDelivery.objects.filter(run=run, status=ReportDelivery.Status.QUEUED).update(**failed)
