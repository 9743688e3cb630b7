"""From rendered files to mailboxes: one mail for each recipient, sent once whatever happens to workers and tasks.

queued → sending → sent, retry, failed. Right before the mail is handed over the row becomes `unknown`, and leaves that
state with the server's answer: where a worker dies before it another one goes on, where it dies after it none does.
"""

from collections.abc import Mapping
from email.charset import QP, Charset
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from apps.fleet.models import ReportDelivery, ReportFile, ReportRun
from apps.fleet.reports import transport
from apps.fleet.reports.attempts import LEASE, MAX_ATTEMPTS, error_text, pause_after
from apps.fleet.reports.rendering import CHART, CHART_ID, HTML, SUBJECT, TEXT

_BATCH = 200
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP  # seven bits and short lines: no server on the way changes it
_HANDED_OVER = "handed over; the server's answer is not known"
Status = ReportDelivery.Status


class LeaseLost(Exception):
    """Somebody else has this delivery now: this worker was away for longer than its lease."""


def due_deliveries(run_id: int | None = None) -> list[int]:
    """Mails of rendered runs that are to be sent now."""
    deliveries = ReportDelivery.objects.filter(_is_due(), run__status=ReportRun.Status.RENDERED)
    if run_id is not None:
        deliveries = deliveries.filter(run=run_id)
    return list(deliveries.order_by("pk").values_list("pk", flat=True)[:_BATCH])


def deliver(delivery_id: int) -> str | None:
    """Sends one mail and returns its new status; None if it is not due or somebody else has it.

    A server's "not now" is tried again later, five times in all; "never", and a fate that is not known, are final.
    """
    delivery = _claim(delivery_id)
    if delivery is None:
        return None
    try:
        status, changes = _send(delivery)
    except LeaseLost:
        return None
    ours = ReportDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
    ours.filter(status__in=[Status.SENDING, Status.UNKNOWN]).update(status=status, lease_until=None, **changes)
    finish_runs(delivery.run_id)
    return status


def finish_runs(run_id: int | None = None) -> int:
    """Declares rendered runs done whose mails all have their final status; how many."""
    being_sent = Q(status=Status.UNKNOWN, lease_until__gt=Now())
    unfinished = Q(status__in=[Status.QUEUED, Status.SENDING, Status.RETRY]) | being_sent
    runs = ReportRun.objects.filter(status=ReportRun.Status.RENDERED)
    if run_id is not None:
        runs = runs.filter(pk=run_id)
    runs = runs.filter(~Exists(ReportDelivery.objects.filter(unfinished, run=OuterRef("pk"))))
    return runs.update(status=ReportRun.Status.DONE, finished_at=Now())


def _is_due() -> Q:
    retry = Q(status=Status.RETRY, retry_at__lte=Now())
    abandoned = Q(status=Status.SENDING, lease_until__lte=Now())
    return Q(status=Status.QUEUED) | retry | abandoned


@transaction.atomic
def _claim(delivery_id: int) -> ReportDelivery | None:
    due = ReportDelivery.objects.select_for_update(skip_locked=True).filter(_is_due(), pk=delivery_id)
    delivery = due.first()
    if delivery is None or delivery.run.status != ReportRun.Status.RENDERED:
        return None
    row = ReportDelivery.objects.filter(pk=delivery.pk)
    if delivery.attempts >= MAX_ATTEMPTS:
        row.update(status=Status.FAILED, lease_until=None, error=delivery.error or "the worker ended in every attempt")
        return None
    delivery.attempts += 1
    row.update(status=Status.SENDING, attempts=delivery.attempts, lease_until=Now() + LEASE, retry_at=None)
    return delivery


def _send(delivery: ReportDelivery) -> tuple[Status, dict[str, Any]]:
    """The status after the attempt and what else changes. Raises LeaseLost."""
    try:
        transport.send(compose(delivery), before_data=lambda: _hand_over(delivery))
    except transport.FateUnknown as error:
        return Status.UNKNOWN, {"error": error_text(error)}
    except (transport.Refused, ValueError) as error:  # ValueError: an address or header that cannot be written
        return Status.FAILED, {"error": error_text(error)}
    except transport.NotSent as error:
        if delivery.attempts >= MAX_ATTEMPTS:
            return Status.FAILED, {"error": error_text(error)}
        return Status.RETRY, {"error": error_text(error), "retry_at": Now() + pause_after(delivery.attempts)}
    return Status.SENT, {"error": "", "sent_at": Now()}


def _hand_over(delivery: ReportDelivery) -> None:
    """Commits, before the fact, that the mail may have gone out; only the one who holds the lease may."""
    ours = ReportDelivery.objects.filter(pk=delivery.pk, status=Status.SENDING, attempts=delivery.attempts)
    if not ours.update(status=Status.UNKNOWN, error=_HANDED_OVER):
        raise LeaseLost(f"delivery {delivery.pk} went on elsewhere")


# --- the mail --------------------------------------------------------------------------------------------------------


def compose(delivery: ReportDelivery) -> EmailMessage:
    """The mail of one recipient, from the stored files: text, or HTML with its chart, and the workbook attached."""
    files = {file.name: file for file in delivery.run.files.all()}
    message = EmailMessage(
        subject=_text(files[SUBJECT]),
        to=[delivery.recipient],
        headers={"Message-ID": delivery.message_id, "Auto-Submitted": "auto-generated"},
        attachments=[_body(files)],
    )
    for file in files.values():
        if file.name not in (SUBJECT, TEXT, HTML, CHART):
            message.attach(file.name, bytes(file.content), file.content_type)
    return message


def _body(files: Mapping[str, ReportFile]) -> MIMEBase:
    html: MIMEBase = _text_part(files[HTML], "html")
    if CHART in files:
        image = MIMEImage(bytes(files[CHART].content), "png")
        image["Content-ID"] = f"<{CHART_ID}>"
        image.add_header("Content-Disposition", "inline", filename=CHART)
        html = MIMEMultipart("related", None, [html, image], type="text/html")
    return MIMEMultipart("alternative", None, [_text_part(files[TEXT], "plain"), html])


def _text_part(file: ReportFile, subtype: str) -> MIMEBase:
    part = MIMENonMultipart("text", subtype)
    part.set_payload(_text(file), _UTF8)
    return part


def _text(file: ReportFile) -> str:
    return bytes(file.content).decode()
