"""Who said what of a drain: the last word counts, and a note may be added to any."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, column, local_time
from apps.trucks.models import DrainReview


@admin.register(DrainReview)
class DrainReviewAdmin(FleetScopedAdmin):
    list_display = ["truck", "fleet", "started", "verdict", "reviewed", "reviewed_by", "note"]
    list_filter = [FleetFilter, "verdict"]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    search_fields = ["truck__code", "truck__name", "note"]
    search_help_text = "Truck's code or name, or a word of the note"
    when_empty = (
        "A drain is confirmed or dismissed, and that taken back, in the list Refuels and drains: select it there, and"
        " choose the action."
    )
    ordering = ["-reviewed_at", "-pk"]
    fields = ["truck", "fleet", "started", "verdict", "reviewed", "reviewed_by", "note"]
    readonly_fields = fields[:-1]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the list of refuels and drains has the actions

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # another word is said instead

    @column("Drain", order="started_at")
    def started(self, review: DrainReview) -> str:
        return local_time(review.started_at, review.fleet.zone)

    @column("Reviewed", order="reviewed_at")
    def reviewed(self, review: DrainReview) -> str:
        return local_time(review.reviewed_at, review.fleet.zone)
