"""Sync runs: what was asked of Wialon, what came, what failed."""

import time
from typing import Any

from django.contrib import admin

from apps.accounts.admin_base import (
    DASH,
    CappedPaginator,
    FleetFilter,
    FleetScopedAdmin,
    ReadOnly,
    column,
    local_time,
    table,
)
from apps.trucks.models import SyncRun

RUN_STATES = {
    "running": "info",
    "ok": "success",
    "some trucks failed": "warning",
    "failed": "danger",
    "waits for space": "danger",
}


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly, FleetScopedAdmin):
    list_display = ["started", "fleet", "state", "took", "counts", "new_messages", "lag", "failed_trucks"]
    list_filter = [FleetFilter, "status"]
    list_fullwidth = True
    paginator = CappedPaginator
    show_full_result_count = False
    ordering = ["-started_at"]
    fieldsets = [
        (None, {"fields": ["fleet", "state", "started", "took", "lag"]}),
        ("Trucks", {"fields": ["trucks", "trucks_with_news", "trucks_failed", "workers"]}),
        (
            "Messages",
            {
                "fields": [
                    "messages_loaded",
                    "messages_new",
                    "messages_removed",
                    "messages_quarantined",
                    "messages_refused",
                    "messages_too_old",
                ]
            },
        ),
        ("Errors", {"fields": ["error", "errors_by_truck"]}),
    ]

    @column("Started", order="started_at")
    def started(self, run: SyncRun) -> str:
        return local_time(run.started_at, run.fleet.zone, seconds=True)

    @column("Status", order="status", colours=RUN_STATES)
    def state(self, run: SyncRun) -> str:
        return run.get_status_display().lower()

    @column("Took")
    def took(self, run: SyncRun) -> str:
        if run.finished_at is None:
            return f"{time.time() - run.started_at.timestamp():.0f} s so far" if run.status == "running" else DASH
        return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"

    @column("Trucks with news")
    def counts(self, run: SyncRun) -> str:
        return f"{run.trucks_with_news} of {run.trucks}"

    @column("Trucks failed", order="trucks_failed")
    def failed_trucks(self, run: SyncRun) -> str:
        return str(run.trucks_failed) if run.trucks_failed else DASH

    @column("New messages", order="messages_new", figure=True)
    def new_messages(self, run: SyncRun) -> str:
        return f"{run.messages_new:,}"

    @column("Lag", order="lag_s", figure=True)
    def lag(self, run: SyncRun) -> str:
        """Median age of the trucks' newest message at the end."""
        return DASH if run.lag_s is None else f"{run.lag_s} s" if run.lag_s < 120 else f"{run.lag_s // 60:,} min"

    @column("By truck")
    def errors_by_truck(self, run: Any) -> str:
        rows = ((each.get("truck", DASH), each.get("error", "")) for each in run.truck_errors)
        return table(["Truck", "Error"], rows, "none")
