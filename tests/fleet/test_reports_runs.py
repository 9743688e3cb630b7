import datetime as dt
import hashlib
import threading
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import ReportDelivery, ReportFile, ReportRun, ReportSchedule
from apps.fleet.reports import runs
from apps.fleet.reports.schedule import last_due, next_due
from tests import rows
from tests.elsewhere import Elsewhere, impatient
from tests.fleet import report_rows

CHICAGO = ZoneInfo("America/Chicago")
HOUR = dt.timedelta(hours=1)


def due_schedule(fleet: Fleet | None = None, days_ago: int = 0, **changes: Any) -> ReportSchedule:
    """Due at seven this morning (if it is past seven, else yesterday's), or some days before."""
    schedule = report_rows.schedule(fleet or rows.fleet(), **changes)
    due = last_due(schedule.send_at, schedule.zone, timezone.now())
    for _ in range(days_ago):
        due = last_due(schedule.send_at, schedule.zone, due - HOUR)
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_due_at=due)
    schedule.refresh_from_db()
    return schedule


def in_threads(work: Callable[[], Any], count: int = 6) -> list[Any]:
    """What so many threads return that begin at once."""
    barrier, results = threading.Barrier(count), []

    def one() -> None:
        barrier.wait()
        try:
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- when the next one is due ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_schedule_knows_when_it_is_due() -> None:
    schedule = report_rows.schedule(rows.fleet(), send_at="07:00")
    assert schedule.next_due_at == next_due(dt.time(7), CHICAGO, timezone.now())


@pytest.mark.django_db
def test_a_schedule_without_a_due_time_gets_one_from_the_tick_and_sends_nothing() -> None:
    schedule = report_rows.schedule(rows.fleet())
    ReportSchedule.objects.update(next_due_at=None)
    assert runs.due_schedules() == [schedule.pk]
    assert runs.start_due_run(schedule.pk) is None
    schedule.refresh_from_db()
    assert schedule.next_due_at == next_due(dt.time(7), CHICAGO, timezone.now())
    assert runs.due_schedules() == []


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"send_at": dt.time(16, 45)}, {"timezone": "Asia/Kathmandu"}])
def test_changing_wall_time_or_zone_moves_the_due_time(changes: dict[str, Any]) -> None:
    schedule = report_rows.schedule(rows.fleet())
    for name, value in changes.items():
        setattr(schedule, name, value)
    schedule.save(update_fields=list(changes))
    schedule.refresh_from_db()
    assert schedule.next_due_at == next_due(schedule.send_at, schedule.zone, timezone.now())


@pytest.mark.django_db
def test_a_wall_time_changed_behind_our_back_is_noticed_before_anything_is_sent() -> None:
    schedule = due_schedule()
    ReportSchedule.objects.update(send_at=dt.time(16, 45))
    assert runs.start_due_run(schedule.pk) is None
    schedule.refresh_from_db()
    assert schedule.next_due_at == next_due(dt.time(16, 45), CHICAGO, timezone.now())


@pytest.mark.django_db
def test_saving_something_else_keeps_a_due_time_that_has_come() -> None:
    schedule = due_schedule()
    due_at = schedule.next_due_at
    schedule.name = "Renamed"
    schedule.save()
    assert schedule.next_due_at == due_at


@pytest.mark.django_db
def test_what_passed_while_a_schedule_was_inactive_is_not_sent() -> None:
    schedule = due_schedule()
    schedule.is_active = False
    schedule.save()
    assert schedule.next_due_at is None
    schedule.is_active = True
    schedule.save()
    assert runs.due_schedules() == []


@pytest.mark.django_db
def test_neither_inactive_schedules_nor_inactive_fleets_are_due() -> None:
    due_schedule(rows.fleet("A"), is_active=False)
    due_schedule(rows.fleet("B", is_active=False))
    assert runs.due_schedules() == []


# --- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_due_schedule_gets_one_run_about_the_day_before() -> None:
    schedule = due_schedule()
    due_at = schedule.next_due_at
    assert due_at is not None
    run = ReportRun.objects.get(pk=runs.start_due_run(schedule.pk))
    assert (run.due_at, run.status) == (due_at, "queued")
    assert run.period_from == run.period_to == due_at.astimezone(CHICAGO).date() - dt.timedelta(days=1)
    assert list(report_rows.deliveries(run)) == ["dispatch@example.com", "owner@example.com"]
    schedule.refresh_from_db()
    assert schedule.next_due_at == next_due(dt.time(7), CHICAGO, due_at)


@pytest.mark.django_db
def test_a_repeated_task_makes_no_second_run() -> None:
    schedule = due_schedule()
    assert runs.start_due_run(schedule.pk) is not None
    assert runs.start_due_run(schedule.pk) is None
    assert ReportRun.objects.count() == 1


@pytest.mark.django_db
def test_an_old_due_time_written_back_by_a_stale_form_makes_no_second_run() -> None:
    schedule = due_schedule()
    first = runs.start_due_run(schedule.pk)
    schedule.save()  # as it was read before the run
    assert runs.start_due_run(schedule.pk) == first
    assert (ReportRun.objects.count(), ReportDelivery.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_make_one_run() -> None:
    schedule = due_schedule()
    made = [run for run in in_threads(lambda: runs.start_due_run(schedule.pk)) if run is not None]
    assert len(made) == 1
    assert (ReportRun.objects.count(), ReportDelivery.objects.count()) == (1, 2)


@pytest.mark.django_db
def test_after_a_downtime_only_the_latest_due_time_is_made() -> None:
    schedule = due_schedule(days_ago=5)
    run = ReportRun.objects.get(pk=runs.start_due_run(schedule.pk))
    assert run.due_at == last_due(dt.time(7), CHICAGO, timezone.now())
    assert runs.start_due_run(schedule.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_schedule_that_another_worker_is_just_looking_at_is_left_to_it() -> None:
    schedule = due_schedule()
    with Elsewhere(lambda: runs.start_due_run(schedule.pk)) as other, impatient():
        assert runs.start_due_run(schedule.pk) is None
    assert (other.errors, ReportRun.objects.count()) == ([], 1)


@pytest.mark.django_db
def test_message_ids_differ_between_recipients_and_runs() -> None:
    schedule = due_schedule()
    for _ in range(2):
        runs.start_run_now(schedule, schedule.recipients)
    ids = set(ReportDelivery.objects.values_list("message_id", flat=True))
    assert len(ids) == 4
    assert all(text.startswith("<report-") and text.endswith("@localhost>") for text in ids)


@pytest.mark.django_db
def test_an_address_that_stands_there_twice_gets_one_mail() -> None:
    run = runs.start_run_now(due_schedule(), ["owner@example.com", "Owner@Example.com"])
    assert run.deliveries.count() == 1


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_rendered_files_are_stored_with_their_hash_and_revision() -> None:
    schedule = due_schedule(report_rows.working_fleet(trucks=2, days=2))
    run = report_rows.run(schedule, day=report_rows.DAY)
    assert (run.status, run.revision, run.attempts, run.lease_until) == ("rendered", 4711, 1, None)
    files = {file.name: file for file in run.files.all()}
    assert set(files) == {"subject.txt", "mail.txt", "mail.html", "chart.png", "prairie-haulage-2026-11-23.xlsx"}
    for file in files.values():
        assert file.sha256 == hashlib.sha256(bytes(file.content)).hexdigest()


@pytest.mark.django_db
def test_a_run_is_rendered_once() -> None:
    run = report_rows.run(due_schedule())
    assert runs.render(run.pk) is False
    assert runs.unrendered_runs() == []


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_render_once() -> None:
    run = report_rows.run(due_schedule(report_rows.working_fleet(2, 2)), rendered=False, day=report_rows.DAY)
    assert sorted(in_threads(lambda: runs.render(run.pk), count=4)) == [False, False, False, True]
    run.refresh_from_db()
    assert (run.attempts, run.files.count()) == (1, 5)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_another_worker_is_just_claiming_is_left_to_it() -> None:
    run = report_rows.run(due_schedule(), rendered=False)
    with Elsewhere(lambda: runs._claim(run.pk)) as other, impatient():
        assert runs.render(run.pk) is False
    run.refresh_from_db()
    assert (other.errors, run.attempts) == ([], 1)


def while_it_is_rendered(do: Callable[[], Any]) -> Any:
    """Another worker does something when this one reads the figures."""

    def read(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql == queries.TRUCK_TOTALS:
            do()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(read)


@pytest.mark.django_db
def test_a_run_that_another_worker_took_over_is_not_stored_by_the_first() -> None:
    run = report_rows.run(due_schedule(), rendered=False)

    with while_it_is_rendered(lambda: ReportRun.objects.update(attempts=F("attempts") + 1)):
        assert runs.render(run.pk) is False
    assert ReportFile.objects.count() == 0


@pytest.mark.django_db
def test_a_run_that_another_worker_gave_up_is_not_stored_by_the_first() -> None:
    """Its lease was over at the fifth attempt, which counts no further."""
    run = report_rows.run(due_schedule(), rendered=False)
    ReportRun.objects.update(attempts=4)

    def give_up() -> None:
        next_attempt(run)
        assert runs.render(run.pk) is False

    with while_it_is_rendered(give_up):
        assert runs.render(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.attempts, ReportFile.objects.count()) == ("failed", 5, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("attempts", [0, 4])
def test_an_error_of_one_who_lost_the_run_is_not_kept(attempts: int) -> None:
    """Neither as a pause for who has it by now, nor as its end."""
    run = report_rows.run(due_schedule(), rendered=False)
    ReportRun.objects.update(attempts=attempts)

    def take_over_and_break() -> None:
        ReportRun.objects.update(attempts=F("attempts") + 1, lease_until=None)
        raise ZeroDivisionError

    with while_it_is_rendered(take_over_and_break), pytest.raises(ZeroDivisionError):
        runs.render(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error, run.lease_until) == ("queued", "", None)


@pytest.mark.django_db
def test_what_becomes_of_a_run_becomes_of_no_other() -> None:
    fleet = rows.fleet()
    first, second, third = (
        report_rows.run(due_schedule(fleet, name=name), rendered=False) for name in ("Early", "Daily", "Late")
    )
    assert runs.render(second.pk) is True
    ReportRun.objects.filter(pk=third.pk).update(attempts=5)
    assert runs.render(third.pk) is False
    assert [ReportRun.objects.get(pk=run.pk).status for run in (first, second, third)] == [
        "queued", "rendered", "failed",
    ]  # fmt: skip
    assert {file.run_id for file in ReportFile.objects.all()} == {second.pk}


def broken_run() -> ReportRun:
    run = report_rows.run(due_schedule(), rendered=False)
    Fleet.objects.update(timezone="Nowhere/At_all")
    return run


def next_attempt(run: ReportRun) -> None:
    """Lets the pause pass."""
    ReportRun.objects.filter(pk=run.pk, lease_until__isnull=False).update(lease_until=timezone.now() - HOUR)


@pytest.mark.django_db
def test_an_error_is_kept_raised_and_tried_again_after_a_pause() -> None:
    run = broken_run()
    with pytest.raises(ZoneInfoNotFoundError):
        runs.render(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempts) == ("queued", 1)
    assert "Nowhere/At_all" in run.error
    assert runs.unrendered_runs() == []
    Fleet.objects.update(timezone="UTC")
    assert runs.render(run.pk) is False  # not before the pause is over
    next_attempt(run)
    assert runs.unrendered_runs() == [run.pk]
    assert runs.render(run.pk) is True
    run.refresh_from_db()
    assert (run.status, run.error) == ("rendered", "")


@pytest.mark.django_db
def test_after_five_errors_the_run_has_failed_and_says_why() -> None:
    run = broken_run()
    for _ in range(5):
        with pytest.raises(ZoneInfoNotFoundError):
            runs.render(run.pk)
        next_attempt(run)
    run.refresh_from_db()
    assert (run.status, run.attempts) == ("failed", 5)
    assert "Nowhere/At_all" in run.error
    assert run.finished_at is not None
    assert {delivery.status for delivery in run.deliveries.all()} == {"failed"}
    assert runs.unrendered_runs() == []
    assert runs.render(run.pk) is False


@pytest.mark.django_db
def test_a_run_whose_workers_were_killed_five_times_has_failed() -> None:
    run = report_rows.run(due_schedule(), rendered=False)
    ReportRun.objects.update(attempts=5, lease_until=timezone.now() - HOUR)
    assert runs.unrendered_runs() == [run.pk]
    assert runs.render(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "the worker ended in the middle of every attempt")


@pytest.mark.django_db
def test_a_killed_workers_run_is_free_when_its_lease_is_over() -> None:
    run = report_rows.run(due_schedule(), rendered=False)
    ReportRun.objects.update(attempts=1, lease_until=timezone.now() + HOUR)
    assert runs.unrendered_runs() == []
    assert runs.render(run.pk) is False
    next_attempt(run)
    assert runs.render(run.pk) is True
