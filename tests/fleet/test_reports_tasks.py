"""The tasks and the command, from the tick to the mailbox."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.fleet.models import ReportDelivery, ReportRun
from fleet_project.celery import app
from tasks import reports
from tests import rows
from tests.fleet import report_rows
from tests.fleet.mailbox import Mailbox, mail_server
from tests.fleet.test_reports_runs import due_schedule, in_threads

pytestmark = pytest.mark.django_db(transaction=True)
DISPATCH, OWNER = "dispatch@example.com", "owner@example.com"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as box:
        yield box


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are sent from."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_a_tick_makes_and_sends_what_is_due_and_the_next_one_nothing(mailbox: Mailbox, eager: None) -> None:
    due_schedule()
    assert reports.send_due_reports() == "1 due, 0 to render, 0 mails to send"
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}
    assert ReportRun.objects.get().status == "done"
    assert reports.send_due_reports() == "0 due, 0 to render, 0 mails to send"
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}


def test_two_beats_send_once(mailbox: Mailbox, eager: None) -> None:
    due_schedule()
    in_threads(reports.send_due_reports, count=3)
    reports.send_due_reports()
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}


def test_a_tick_finds_what_lost_tasks_left_behind(mailbox: Mailbox, eager: None) -> None:
    report_rows.run(report_rows.schedule(rows.fleet("A")), rendered=False)
    report_rows.run(report_rows.schedule(rows.fleet("B")))
    assert reports.send_due_reports() == "0 due, 1 to render, 2 mails to send"
    assert mailbox.recipients == {DISPATCH: 2, OWNER: 2}
    assert set(ReportRun.objects.values_list("status", flat=True)) == {"done"}


def test_a_tick_finishes_a_run_whose_last_worker_did_not_live_to_do_it() -> None:
    run = report_rows.run(report_rows.schedule(rows.fleet()))
    ReportDelivery.objects.update(status="sent")
    reports.send_due_reports()
    run.refresh_from_db()
    assert run.status == "done"


def test_one_broken_report_does_not_stop_the_others(mailbox: Mailbox, eager: None) -> None:
    broken = due_schedule(rows.fleet("A"))
    due_schedule(rows.fleet("B"))
    broken.fleet.__class__.objects.filter(pk=broken.fleet_id).update(timezone="Nowhere/At_all")
    reports.send_due_reports()
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}


# --- send_report -----------------------------------------------------------------------------------------------------


def send_report(*arguments: str) -> str:
    out = StringIO()
    call_command("send_report", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("by", ["id", "name"])
def test_the_command_sends_one_report_now(mailbox: Mailbox, by: str) -> None:
    schedule = report_rows.schedule(rows.fleet())
    out = send_report("--schedule", str(schedule.pk) if by == "id" else schedule.name)
    assert out == f"{DISPATCH}: sent\n{OWNER}: sent\n"
    assert mailbox.recipients == {DISPATCH: 1, OWNER: 1}
    assert ReportRun.objects.get().status == "done"


def test_the_command_sends_to_another_address_when_told(mailbox: Mailbox) -> None:
    schedule = report_rows.schedule(rows.fleet())
    assert send_report("--schedule", schedule.name, "--to", "me@example.com") == "me@example.com: sent\n"
    assert mailbox.recipients == {"me@example.com": 1}


def test_a_dry_run_shows_the_mail_and_leaves_no_trace(mailbox: Mailbox) -> None:
    schedule = report_rows.schedule(rows.fleet())
    out = send_report("--schedule", schedule.name, "--dry-run")
    assert out.startswith("Subject: Prairie Haulage, ")
    assert f"To: {DISPATCH}, {OWNER}\n" in out
    assert "Prairie Haulage has no trucks yet" in out
    assert " bytes  mail.html\n" in out
    assert not mailbox.mails
    assert not ReportRun.objects.exists()


def test_an_unknown_schedule_is_an_error_that_lists_the_known_ones() -> None:
    schedule = report_rows.schedule(rows.fleet())
    with pytest.raises(
        CommandError, match=rf"no schedule 'Weekly'; there are\n  {schedule.pk}  Daily \(Prairie Haulage\)"
    ):
        send_report("--schedule", "Weekly")


def test_a_name_that_two_fleets_use_is_an_error_that_lists_both() -> None:
    for name in ("A", "B"):
        report_rows.schedule(rows.fleet(name))
    with pytest.raises(CommandError, match=r"several(.|\n)*Daily \(A\)\n(.*)Daily \(B\)"):
        send_report("--schedule", "Daily")


def test_a_wrong_address_is_an_error_before_anything_is_sent() -> None:
    schedule = report_rows.schedule(rows.fleet())
    with pytest.raises(CommandError, match="not a mail address"):
        send_report("--schedule", schedule.name, "--to", "nobody")
    assert not ReportRun.objects.exists()


def test_the_command_fails_when_a_mail_was_not_sent(mailbox: Mailbox) -> None:
    mailbox.at_recipient[OWNER] = ["550 no such user"]
    schedule = report_rows.schedule(rows.fleet())
    with pytest.raises(CommandError, match="not every mail"):
        send_report("--schedule", schedule.name)
    assert mailbox.recipients == {DISPATCH: 1}
