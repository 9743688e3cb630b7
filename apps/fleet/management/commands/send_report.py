"""`manage.py send_report --schedule ID|NAME`: one report now, about the fleet's last full day."""

import time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from apps.fleet.models import ReportDelivery, ReportRun, ReportSchedule
from apps.fleet.reports import delivery, runs
from apps.fleet.reports.rendering import SUBJECT, TEXT, render_daily
from apps.fleet.reports.schedule import covered_day

_PATIENCE_S = 120  # a worker may have taken part of the run: it is waited for


class Command(BaseCommand):
    help = "Sends one report now, about the last full day of the schedule's fleet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--schedule", required=True, metavar="ID|NAME")
        parser.add_argument("--to", metavar="ADDRESS", help="to this address instead of the schedule's recipients")
        parser.add_argument("--dry-run", action="store_true", help="print what would be sent; store and send nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = _find(options["schedule"])
        recipients = [_address(options["to"])] if options["to"] else list(schedule.recipients)
        if options["dry_run"]:
            self._show(schedule, recipients)
        else:
            self._send(schedule, recipients)

    def _show(self, schedule: ReportSchedule, recipients: list[str]) -> None:
        report = render_daily(schedule.fleet, covered_day(timezone.now(), schedule.fleet.zone))
        files = {file.name: file.content for file in report.files}
        self.stdout.write(
            f"Subject: {files[SUBJECT].decode()}\nTo: {', '.join(recipients)}\n\n{files[TEXT].decode()}\n"
        )
        for name, content in files.items():
            self.stdout.write(f"{len(content):>9,} bytes  {name}")

    def _send(self, schedule: ReportSchedule, recipients: list[str]) -> None:
        run = runs.start_run_now(schedule, recipients)
        _work_off(run)
        rows = list(run.deliveries.order_by("pk"))
        for row in rows:
            self.stdout.write(f"{row.recipient}: {row.status}" + (f" ({row.error})" if row.error else ""))
        if any(row.status != ReportDelivery.Status.SENT for row in rows):
            raise CommandError(f"not every mail of run {run.pk} was sent; what can be tried again, the worker will")


def _work_off(run: ReportRun) -> None:
    """Renders and sends, as a worker would, until every mail was tried."""
    untried = run.deliveries.filter(status__in=[ReportDelivery.Status.QUEUED, ReportDelivery.Status.SENDING])
    deadline = time.monotonic() + _PATIENCE_S
    while untried.exists() and time.monotonic() < deadline:
        runs.render(run.pk)
        for delivery_id in delivery.due_deliveries(run.pk):
            delivery.deliver(delivery_id)
        if untried.exists():
            time.sleep(0.5)


def _find(text: str) -> ReportSchedule:
    """By id or name. Raises CommandError that lists the schedules there are."""
    schedules = ReportSchedule.objects.select_related("fleet")
    found = list(schedules.filter(pk=int(text))) if text.isdecimal() else []
    found = found or list(schedules.filter(name=text))
    if len(found) == 1:
        return found[0]
    known = "\n".join(f"  {schedule.pk}  {schedule}" for schedule in schedules) or "  (none)"
    problem = f"several schedules are called {text!r}, name one by id" if found else f"no schedule {text!r}"
    raise CommandError(f"{problem}; there are\n{known}")


def _address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise CommandError(f"{text!r} is not a mail address") from None
    return text
