"""The admin's pages of what trucks did, what it cost and who is told; and the page that it opens with."""

from django.contrib import admin

from apps.fleet.admin import costs, days, events, faults, fuel_alerts, imports, parameter_preview, reports, working_time

__all__ = [
    "costs", "days", "events", "faults", "fuel_alerts", "imports", "parameter_preview", "reports", "working_time",
]  # fmt: skip

admin.site.index_template = "fleet/today.html"
