"""Mails through a real SMTP server that refuses, hangs up and answers late."""

import datetime as dt
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.fleet.models import ReportDelivery, ReportRun
from apps.fleet.reports import delivery, transport
from tests import rows
from tests.fleet import report_rows
from tests.fleet.mailbox import Mailbox, mail_server
from tests.fleet.report_rows import DAY, deliveries
from tests.fleet.test_reports_runs import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
DISPATCH, OWNER = "dispatch@example.com", "owner@example.com"
AGO = dt.timedelta(hours=2)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as box:
        yield box


@pytest.fixture
def run() -> ReportRun:
    """Rendered, to two recipients."""
    return report_rows.run(report_rows.schedule(report_rows.working_fleet(trucks=2, days=2)), day=DAY)


def deliver_all(run: ReportRun) -> dict[str, str]:
    """Delivers what is due; the status by recipient."""
    for delivery_id in delivery.due_deliveries(run.pk):
        delivery.deliver(delivery_id)
    return {recipient: row.status for recipient, row in deliveries(run).items()}


def let_pauses_pass(run: ReportRun) -> None:
    run.deliveries.filter(retry_at__isnull=False).update(retry_at=timezone.now() - AGO)
    run.deliveries.filter(lease_until__isnull=False).update(lease_until=timezone.now() - AGO)


def leaves(mail: EmailMessage) -> list[Any]:
    return [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]


def status_of(run: ReportRun) -> str:
    run.refresh_from_db()
    return run.status


# --- once ------------------------------------------------------------------------------------------------------------


def test_every_recipient_gets_one_mail_and_the_run_is_done(mailbox: Mailbox, run: ReportRun) -> None:
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "sent"}
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}
    assert status_of(run) == "done"
    assert run.finished_at is not None
    assert all(row.sent_at and row.lease_until is None and not row.error for row in run.deliveries.all())


def test_a_repeated_task_sends_nothing(mailbox: Mailbox, run: ReportRun) -> None:
    ids = delivery.due_deliveries(run.pk)
    deliver_all(run)
    assert delivery.due_deliveries(run.pk) == []
    assert [delivery.deliver(delivery_id) for delivery_id in ids] == [None, None]
    assert sum(mailbox.recipients.values()) == 2


def test_many_workers_at_once_send_once(mailbox: Mailbox, run: ReportRun) -> None:
    ids = delivery.due_deliveries(run.pk)
    results = in_threads(lambda: [delivery.deliver(delivery_id) for delivery_id in ids])
    assert sorted(result for pair in results for result in pair if result) == ["sent", "sent"]
    assert mailbox.recipients == mailbox.conversations == {DISPATCH: 1, OWNER: 1}


def test_nothing_is_sent_before_the_files_are_stored(mailbox: Mailbox) -> None:
    run = report_rows.run(report_rows.schedule(rows.fleet()), rendered=False)
    assert delivery.due_deliveries() == []
    assert [delivery.deliver(row.pk) for row in run.deliveries.all()] == [None, None]
    assert not mailbox.mails


def test_a_crash_between_rendering_and_sending_changes_no_byte(mailbox: Mailbox, run: ReportRun) -> None:
    mailbox.at_recipient[OWNER] = ["451 later"]
    deliver_all(run)
    Fleet.objects.update(name="Renamed since")  # what is rendered now would be different
    let_pauses_pass(run)
    deliver_all(run)
    first, second = mailbox.mails
    stored = {file.name: file.sha256 for file in run.files.all()}
    for mail in (first, second):
        [workbook] = mail.iter_attachments()
        content = workbook.get_payload(decode=True)
        assert isinstance(content, bytes)
        assert hashlib.sha256(content).hexdigest() == stored["prairie-haulage-2026-11-23.xlsx"]
    assert first["Subject"] == second["Subject"]
    assert leaves(first) == leaves(second)


# --- what a server answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["at_recipient", "at_data"])
def test_a_refused_recipient_fails_and_the_other_one_gets_the_mail(
    mailbox: Mailbox, run: ReportRun, stage: str
) -> None:
    getattr(mailbox, stage)[DISPATCH] = ["550 no such user here"]
    assert deliver_all(run) == {DISPATCH: "failed", OWNER: "sent"}
    assert "550 no such user here" in deliveries(run)[DISPATCH].error
    assert mailbox.recipients == {OWNER: 1}
    assert status_of(run) == "done"
    assert delivery.due_deliveries() == []


@pytest.mark.parametrize("stage", ["at_recipient", "at_data"])
def test_not_now_is_tried_again_after_a_pause(mailbox: Mailbox, run: ReportRun, stage: str) -> None:
    getattr(mailbox, stage)[OWNER] = ["451 try again later"]
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "retry"}
    assert delivery.due_deliveries() == []
    assert status_of(run) == "rendered"
    let_pauses_pass(run)
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "sent"}
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}
    assert status_of(run) == "done"


def test_after_five_times_not_now_the_mail_has_failed(mailbox: Mailbox, run: ReportRun) -> None:
    mailbox.at_recipient[OWNER] = ["451 try again later"] * 9
    pauses = []
    for _ in range(7):
        deliver_all(run)
        if (retry_at := deliveries(run)[OWNER].retry_at) is not None:
            pauses.append(retry_at - timezone.now())
        let_pauses_pass(run)
    row = deliveries(run)[OWNER]
    assert (row.status, row.attempts) == ("failed", 5)
    assert "451 try again later" in row.error
    assert pauses == sorted(pauses)
    assert len(pauses) == 4
    assert status_of(run) == "done"


def test_a_server_that_is_away_is_tried_again(settings: Any, run: ReportRun) -> None:
    with mail_server(settings):
        pass  # its port is free now
    assert deliver_all(run) == {DISPATCH: "retry", OWNER: "retry"}
    assert "no connection" in deliveries(run)[OWNER].error


def test_a_login_that_is_refused_is_our_fault_and_tried_again(mailbox: Mailbox, run: ReportRun, settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "reports", "secret"
    assert deliver_all(run) == {DISPATCH: "retry", OWNER: "retry"}
    assert "secret" not in deliveries(run)[OWNER].error


def test_a_connection_lost_before_the_mail_was_handed_over_is_tried_again(mailbox: Mailbox, run: ReportRun) -> None:
    mailbox.at_recipient[OWNER] = [Mailbox.LOSE]
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "retry"}
    let_pauses_pass(run)
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "sent"}


def test_a_connection_lost_after_the_mail_was_handed_over_is_not_tried_again(mailbox: Mailbox, run: ReportRun) -> None:
    mailbox.at_data[OWNER] = [Mailbox.LOSE]
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "unknown"}
    assert deliveries(run)[OWNER].error.startswith("FateUnknown")
    let_pauses_pass(run)
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "unknown"}
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}
    assert status_of(run) == "done"


def test_an_address_that_cannot_be_written_fails_alone(mailbox: Mailbox, run: ReportRun) -> None:
    run.deliveries.filter(recipient=OWNER).update(recipient="owner@example.com\nBcc: x@example.com")
    deliver_all(run)
    assert sorted(row.status for row in run.deliveries.all()) == ["failed", "sent"]
    assert mailbox.recipients == {DISPATCH: 1}


# --- workers that die or dawdle --------------------------------------------------------------------------------------


def test_a_worker_that_lost_its_lease_hands_nothing_over(mailbox: Mailbox, run: ReportRun) -> None:
    taken_over = ReportDelivery.objects.filter(recipient=OWNER)
    mailbox.at_recipient[OWNER] = [lambda: taken_over.update(attempts=F("attempts") + 1) and None]
    deliver_all(run)
    assert mailbox.recipients == {DISPATCH: 1}
    assert deliveries(run)[OWNER].status == "sending"  # by the other one


def test_what_comes_of_an_attempt_whose_lease_is_lost_is_not_stored(
    run: ReportRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the one who has the mail by now would find it waiting to be sent again."""
    taken_over = ReportDelivery.objects.filter(recipient=OWNER)

    def not_now(*_: Any, **__: Any) -> None:
        taken_over.update(attempts=F("attempts") + 1)
        raise transport.NotSent("451 not now")

    monkeypatch.setattr(transport, "send", not_now)
    before = taken_over.get()
    delivery.deliver(before.pk)
    after = taken_over.get()
    assert (after.status, after.attempts, after.retry_at, after.error) == ("sending", before.attempts + 2, None, "")


def test_the_mails_of_a_run_are_its_own(run: ReportRun) -> None:
    other = report_rows.run(report_rows.schedule(run.schedule.fleet, "Weekly"), day=DAY)
    for each in (run, other):
        assert delivery.due_deliveries(each.pk) == sorted(each.deliveries.values_list("pk", flat=True))
    assert len(delivery.due_deliveries()) == 4


def test_while_a_mail_is_being_handed_over_nobody_else_sends_it_and_its_run_is_not_done(
    mailbox: Mailbox, run: ReportRun
) -> None:
    seen = []

    def look() -> None:
        row = deliveries(run)[OWNER]
        seen.append((row.status, delivery.deliver(row.pk), delivery.finish_runs()))

    mailbox.at_data[OWNER] = [look]
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "sent"}
    assert seen == [("unknown", None, 0)]
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}


_WORKER = "import django; django.setup(); from apps.fleet.reports import delivery; delivery.deliver({})"


def kill_a_worker_that(stage: str, mailbox: Mailbox, run: ReportRun, settings: Any) -> None:
    """A real process that delivers to the owner and is killed while the server's answer is on its way."""
    reached, killed = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        killed.wait(20)

    getattr(mailbox, stage)[OWNER] = [hold]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fleet_project.settings",
        "DATABASE_URL": _test_database_url(),
        "EMAIL_URL": f"smtp://{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
    }
    command = [sys.executable, "-c", _WORKER.format(deliveries(run)[OWNER].pk)]
    with subprocess.Popen(command, env=environment) as worker:
        assert reached.wait(30)
        worker.kill()
    killed.set()


def _test_database_url() -> str:
    database = connection.settings_dict
    user = f"{database['USER']}:{database['PASSWORD']}"
    return f"mysql://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def test_after_a_kill_before_the_hand_over_another_worker_sends(
    mailbox: Mailbox, run: ReportRun, settings: Any
) -> None:
    kill_a_worker_that("at_recipient", mailbox, run, settings)
    assert deliveries(run)[OWNER].status == "sending"
    assert deliver_all(run)[OWNER] == "sending"  # until the lease is over
    let_pauses_pass(run)
    assert deliver_all(run)[OWNER] == "sent"
    assert mailbox.recipients[OWNER] == 1


def test_after_a_kill_during_the_hand_over_nobody_sends_again(mailbox: Mailbox, run: ReportRun, settings: Any) -> None:
    kill_a_worker_that("at_data", mailbox, run, settings)
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "unknown"}
    assert status_of(run) == "rendered"  # the dead worker might still be at it
    let_pauses_pass(run)
    assert deliver_all(run)[OWNER] == "unknown"
    assert delivery.finish_runs() == 1
    assert mailbox.recipients[OWNER] == 1
    assert status_of(run) == "done"
    assert "answer is not known" in deliveries(run)[OWNER].error


def test_a_mail_whose_workers_were_killed_five_times_has_failed(mailbox: Mailbox, run: ReportRun) -> None:
    run.deliveries.filter(recipient=OWNER).update(status="sending", attempts=5, lease_until=timezone.now() - AGO)
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "failed"}
    assert delivery.finish_runs() == 1 or status_of(run) == "done"
    assert mailbox.recipients == {DISPATCH: 1}


# --- the mail --------------------------------------------------------------------------------------------------------


def sent_mail(mailbox: Mailbox, run: ReportRun) -> EmailMessage:
    deliver_all(run)
    return mailbox.mails[0]


def structure(part: EmailMessage) -> Any:
    children = [structure(child) for child in part.iter_parts()]  # type: ignore[arg-type]
    return (part.get_content_type(), children) if children else part.get_content_type()


def test_the_mail_is_text_or_html_with_its_chart_and_the_workbook_attached(mailbox: Mailbox, run: ReportRun) -> None:
    mail = sent_mail(mailbox, run)
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    related = ("multipart/related", ["text/html", "image/png"])
    assert structure(mail) == ("multipart/mixed", [("multipart/alternative", ["text/plain", related]), xlsx])
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert parts["image/png"]["Content-ID"] == "<chart@fleet-report>"
    assert parts["image/png"].get_content_disposition() == "inline"
    assert "cid:chart@fleet-report" in parts["text/html"].get_content()
    assert "1 of 2 trucks drove" in parts["text/plain"].get_content()
    assert parts[xlsx].get_filename() == "prairie-haulage-2026-11-23.xlsx"


def test_the_headers_say_who_when_and_that_nobody_need_answer(mailbox: Mailbox, run: ReportRun) -> None:
    mail = sent_mail(mailbox, run)
    assert mail["Message-ID"] == deliveries(run)[DISPATCH].message_id
    assert mail["From"] == "Fleet reports <reports@localhost>"
    assert mail["To"] == DISPATCH  # nobody sees the other recipients
    assert mail["Auto-Submitted"] == "auto-generated"
    assert abs(mail["Date"].datetime.replace(tzinfo=dt.UTC) - timezone.now()) < dt.timedelta(minutes=1)
    assert mail["Subject"].startswith("Prairie Haulage, Monday, 23 November: ")


def test_a_second_attempt_has_the_same_message_id(mailbox: Mailbox, run: ReportRun) -> None:
    mailbox.at_data[OWNER] = [Mailbox.LOSE]
    deliver_all(run)
    run.deliveries.filter(recipient=OWNER).update(status="queued")  # a person decided so
    ReportRun.objects.filter(pk=run.pk).update(status="rendered")
    deliver_all(run)
    assert [mail["Message-ID"] for mail in mailbox.mails if mail["To"] == OWNER] == 2 * [
        deliveries(run)[OWNER].message_id
    ]


def test_text_travels_as_short_readable_lines_of_ascii(run: ReportRun) -> None:
    message = delivery.compose(deliveries(run)[OWNER]).message()
    texts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    assert [part["Content-Transfer-Encoding"] for part in texts] == ["quoted-printable", "quoted-printable"]
    wire = message.as_bytes()
    assert wire.isascii()
    assert max(map(len, wire.splitlines())) <= 998


def test_a_mail_without_a_chart_has_no_image(mailbox: Mailbox) -> None:
    mail = sent_mail(mailbox, report_rows.run(report_rows.schedule(rows.fleet())))
    assert "image/png" not in {part.get_content_type() for part in mail.walk()}


class Witness(BaseEmailBackend):
    """A mail backend of another kind. It notes in which state a delivery is when its mail is handed over."""

    states: list[tuple[str, str]] = []

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        [message] = email_messages
        [recipient] = message.to
        self.states.append((recipient, ReportDelivery.objects.get(recipient=recipient).status))
        return 1


def test_other_mail_backends_get_the_mail_too(run: ReportRun, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Witness"
    assert deliver_all(run) == {DISPATCH: "sent", OWNER: "sent"}
    assert Witness.states == [(DISPATCH, "unknown"), (OWNER, "unknown")]
