"""Rows in force from a day on, whose change leaves the days since then for rebuild."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin_base import FleetScopedAdmin, column
from apps.trucks.invalidation import mark_fleet


def tell_marked(admin: FleetScopedAdmin, request: HttpRequest, days: int) -> None:
    """Says what a change has set in motion."""
    text = "No day that was computed so far changes by this."
    if days:
        text = f"{days:,} truck-days are being computed anew." if days > 1 else "1 truck-day is being computed anew."
    admin.message_user(request, text, messages.INFO)


class EffectiveDatedAdmin(FleetScopedAdmin):
    """Saving or deleting a row marks the days from the earliest that it was or is in force, in the same transaction."""

    cause: ClassVar[str]  # as it stands in the log of days to rebuild
    fixed_fields: ClassVar[tuple[str, ...]] = ("fleet", "truck")  # a row never changes sides: add another instead

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [] if obj is None else [name for name in self.fixed_fields if hasattr(obj, name)]
        return [*super().get_readonly_fields(request, obj), *fixed]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        days = [obj.effective_from]
        if change:
            days.append(type(obj).objects.values_list("effective_from", flat=True).get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            tell_marked(self, request, self._mark(obj, min(days)))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        tell_marked(self, request, self._mark(obj, obj.effective_from))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            tell_marked(self, request, sum(self._mark(obj, obj.effective_from) for obj in queryset))
            super().delete_queryset(request, queryset)

    @column("From", order="effective_from")
    def since(self, obj: Any) -> str:
        return str(obj.effective_from)

    def _mark(self, obj: Any, since: dt.date) -> int:
        return mark_fleet(obj.fleet_id, since, self.cause, getattr(obj, "truck_id", None))
