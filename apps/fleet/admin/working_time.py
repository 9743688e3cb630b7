"""When trucks are meant to work, when they are in the workshop, what is expected of groups."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, column
from apps.accounts.scope import fleets_of
from apps.fleet.models import CalendarHoliday, GroupTarget, WorkingCalendar, WorkshopStay
from apps.fleet.models.working_time import WEEKDAYS
from apps.fleet.utilization import working_calendars, workshop
from apps.trucks.admin.marking import tell_marked


class HolidayInline(TabularInline):  # type: ignore[misc]
    """Part of a calendar: who may see or change that may see or change them."""

    model = CalendarHoliday
    verbose_name, verbose_name_plural = "holiday", "holidays"
    fields = ("day", "name", "hours")
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """With a name of its own: the heading of its column is no label to those who hear the page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = f"{field.label} of the holiday"
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or bool(fleets_of(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("fleet.change_workingcalendar"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user = request.user
        return self.has_change_permission(request, obj) or bool(user.has_perm("fleet.add_workingcalendar"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


class FromDayToDayAdmin(FleetScopedAdmin):
    """Rows of a fleet or a truck in force from a day to a day, which never change sides."""

    fixed_fields: tuple[str, ...] = ("fleet", "truck")
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    list_filter = (FleetFilter,)
    autocomplete_fields = ("truck",)
    ordering = ("fleet", "-effective_from")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fixed_fields) if obj else []

    @column("From", order="effective_from")
    def since(self, row: Any) -> str:
        return str(row.effective_from)

    @column("To", order="effective_to")
    def until(self, row: Any) -> str:
        return str(row.effective_to or "further notice")


@admin.register(WorkingCalendar)
class WorkingCalendarAdmin(FromDayToDayAdmin):
    list_display = ("applies_to", "fleet", "since", "until", "week", "holiday_count")
    inlines = (HolidayInline,)
    fieldsets = (
        (None, {"fields": ["fleet", "truck", "effective_from", "effective_to"]}),
        (
            "Hours by day of the week",
            {
                "fields": list(WEEKDAYS),
                "description": "0: a day off. Empty: as many hours as the parameter “available hours per day” says.",
            },
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"saturday": 0, "sunday": 0, **initial}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("holidays")

    def save_model(self, request: HttpRequest, obj: WorkingCalendar, form: Any, change: bool) -> None:
        """Saved with its holidays, by `save_related`: together they decide which days change."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with working_calendars.changing(form.instance.fleet) as marked:
            form.instance.save()
            super().save_related(request, form, formsets, change)
        tell_marked(self, request, marked.days)

    def delete_model(self, request: HttpRequest, obj: WorkingCalendar) -> None:
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any] | list[Any]) -> None:
        with transaction.atomic():
            tell_marked(self, request, sum(_delete(row) for row in queryset))

    @column("For")
    def applies_to(self, row: WorkingCalendar) -> str:
        return str(row.truck) if row.truck else "the whole fleet"

    @column("Hours, Monday to Sunday")
    def week(self, row: WorkingCalendar) -> str:
        hours = (getattr(row, name) for name in WEEKDAYS)
        return " · ".join("default" if value is None else f"{value.normalize():f}" for value in hours)

    @column("Holidays")
    def holiday_count(self, row: WorkingCalendar) -> int:
        return len(row.holidays.all())


def _delete(row: WorkingCalendar) -> int:
    with working_calendars.changing(row.fleet) as marked:
        row.delete()
    return marked.days


@admin.register(WorkshopStay)
class WorkshopStayAdmin(FromDayToDayAdmin):
    list_display = ("truck", "fleet", "since", "until", "note")
    search_fields = ("truck__name", "truck__code", "note")
    search_help_text = "Truck or note"
    fields = ("fleet", "truck", "effective_from", "effective_to", "note")

    def save_model(self, request: HttpRequest, obj: WorkshopStay, form: Any, change: bool) -> None:
        if form.changed_data or not change:
            tell_marked(self, request, workshop.save(obj))

    def delete_model(self, request: HttpRequest, obj: WorkshopStay) -> None:
        tell_marked(self, request, workshop.delete(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            tell_marked(self, request, sum(workshop.delete(row) for row in queryset))


@admin.register(GroupTarget)
class GroupTargetAdmin(FleetScopedAdmin):
    list_display = ("group", "fleet", "since", "target_utilization_pct", "target_idle_pct")
    list_filter = (FleetFilter,)
    joined, deferred = ("fleet", "group"), ("fleet__wialon_token",)
    ordering = ("fleet", "group__name", "-effective_from")
    fieldsets = (
        (
            None,
            {
                "fields": ["fleet", "group", "effective_from", "target_utilization_pct", "target_idle_pct"],
                "description": "From this day on, until the group's next targets, whose empty ones end these. A truck's"
                " own (in its parameters) come before its groups', of several the first by name, then the fleet's.",
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["fleet", "group"] if obj else []

    @column("From", order="effective_from")
    def since(self, row: GroupTarget) -> str:
        return str(row.effective_from)
