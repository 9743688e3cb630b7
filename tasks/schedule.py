"""When beat sends what. Interval ticks, in UTC: a crontab has a hole when the clocks change.

A tick only asks "is anything due?"; what is due is a row, so a lost or doubled tick changes nothing. Each message
expires within its interval: a worker that was away does not replay a backlog.
"""

from typing import Any


def beat_schedule(sync_interval_s: int) -> dict[str, dict[str, Any]]:
    """The entries, sentence → task and interval in seconds."""
    return {
        "Fetch news of every fleet that is due": _every(min(sync_interval_s, 30), "tasks.sync.sync_due_fleets"),
        # The sync asks for summaries itself; this tick finds what a lost message or an edited price left behind.
        "Rebuild the days that are out of date": _every(20, "tasks.summaries.rebuild_dirty_days"),
        "Make and send the reports that are due": _every(20, "tasks.reports.send_due_reports"),
        # A share is 20 s long and ends early for the live sync: a second worker may join in, and nobody waits for long.
        "Go on with backfills": _every(10, "tasks.backfills.work_on_backfills"),
        # 72 hours after its end a day counts as settled; an hour more or less does not matter.
        "Declare settled days final": _every(3600, "tasks.maintenance.settle_days"),
        # A day of messages has settled at its UTC midnight; what is left of a long history follows within days.
        "Pack the messages of settled days": _every(3600, "tasks.maintenance.pack_settled_days"),
        # They are kept for a day; a few more of them at a time cost nothing.
        "Forget the replies to old requests": _every(3600, "tasks.maintenance.forget_idempotency_keys"),
        # Once a day would do; but a run that found the table in use has another chance soon.
        "Make months of raw messages, seal and remove what is no longer kept": _every(
            3600, "tasks.maintenance.keep_raw_messages"
        ),
        "Show that beat and worker are alive": _every(15, "tasks.maintenance.beat_heart"),
    }


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds * 0.9}}
