"""What the admin's pages are made of: rows of one's own fleets, rows that nobody edits, columns, filters."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import compress
from typing import Any, ClassVar, TypeVar, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import DateTimeField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.accounts.scope import chosen_fleet, fleets_of

_F = TypeVar("_F", bound=Callable[..., Any])
MOST_ROWS = 10_000
DASH = "–"


def column(
    title: str,
    *,
    order: str | None = None,
    colours: Mapping[str, str] | None = None,
    boolean: bool = False,
    figure: bool = False,
) -> Callable[[_F], _F]:
    """Makes a method a column of a list and a field of a page. `colours`: value → success, warning, danger or info.

    A `figure` stands on the right in lists, to be read downwards.
    """

    def mark(method: _F) -> _F:
        attributes = {"short_description": title, "admin_order_field": order, "label": colours, "boolean": boolean}
        attributes["is_figure"] = figure
        vars(method).update({name: value for name, value in attributes.items() if value})
        return method

    return mark


def local_time(instant: dt.datetime | int | None, zone: ZoneInfo, seconds: bool = False) -> str:
    """The wall time of an instant with its zone: 2026-11-03 14:05 CST."""
    if instant is None:
        return DASH
    moment = as_utc(instant) if isinstance(instant, int) else instant
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z" if seconds else "%Y-%m-%d %H:%M %Z")


def table(headers: Iterable[str], rows: Iterable[Iterable[object]], empty: str) -> SafeString | str:
    """An HTML table with escaped cells, or the text for no rows."""
    cells = [format_html_join("", "<td>{}</td>", ((cell,) for cell in row)) for row in rows]
    if not cells:
        return empty
    head = format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers))
    body = format_html_join("", "<tr>{}</tr>", ((line,) for line in cells))
    return format_html('<table class="plain-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


class FleetFilter(admin.SimpleListFilter):
    """One of the visible fleets, or all of them."""

    title = parameter_name = "fleet"

    def __init__(self, request: HttpRequest, params: Any, model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.fleet_path: str = getattr(model_admin, "fleet_path", "fleet")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        fleets = fleets_of(request)
        return [(str(fleet.pk), fleet.name) for fleet in fleets] if len(fleets) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [fleet.pk for fleet in fleets_of(request) if str(fleet.pk) == self.value()]
        return queryset.filter(**{f"{self.fleet_path}__in": chosen}) if self.value() else queryset


class ActiveFilter(admin.BooleanFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "active"


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to 10,000 and no further: nobody pages beyond, and counting would read the whole period."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MOST_ROWS].count())


class RowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks unique keys that begin with the fleet also where the fleet itself cannot be changed."""

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded if "fleet" in self.fields else excluded - {"fleet"}


class FleetScopedAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows of the visible fleets only: in lists, on pages, in choices.

    Every member of staff may look at their fleets; who may change what is for Django's permissions to say.
    """

    fleet_path: ClassVar[str] = "fleet"  # the lookup that leads from a row to its fleet
    joined: ClassVar[tuple[str, ...]] = ("fleet",)  # read in the same statement, in lists and on pages
    deferred: ClassVar[tuple[str, ...]] = ("fleet__wialon_token",)  # not read at all: secret, or large
    secrets: ClassVar[tuple[str, ...]] = ()  # no address may filter by them: they could be read letter by letter
    form: Any = RowForm
    change_list_template = "accounts/change_list.html"
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER  # a count for every choice of every filter
    empty_value_display = DASH
    warn_unsaved_form = True
    when_empty: ClassVar[str] = ""  # where rows come from, for those who see none

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).defer(*self.deferred)
        if self.joined:
            rows = rows.select_related(*self.joined)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.fleet_path}__in": [fleet.pk for fleet in fleets_of(request)]})

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        """What a relation offers, and what its form accepts: the rows that their own admin shows."""
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if isinstance(related, FleetScopedAdmin):
            return related.get_queryset(request)
        rows: QuerySet[Any] | None = super().get_field_queryset(db, db_field, request)
        return rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup.split("__")[0] not in self.secrets and super().lookup_allowed(lookup, value, request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or bool(fleets_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or bool(fleets_of(request))

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """Without the fleet's column for those who see but one."""
        columns = super().get_list_display(request)
        return [name for name in columns if name != "fleet" or len(fleets_of(request)) > 1]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        fleet = chosen_fleet(request)
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"fleet": fleet.pk, **initial} if fleet else initial

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A choice without buttons to add, edit or delete what is chosen from: that has pages of its own.

        An instant says whose clock it is entered by.
        """
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(db_field, DateTimeField):
            clock = f"by the clock of {timezone.get_current_timezone_name()}"
            field.help_text = "; ".join(filter(None, (clock, str(field.help_text))))
        for button in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if hasattr(getattr(field, "widget", None), button):
                setattr(field.widget, button, False)
        return field

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Instants are entered and shown by the clock of the row's fleet, as the lists show them."""
        with timezone.override(self._zone(request, object_id)):
            response = super().changeform_view(request, object_id, *args, **kwargs)
            return response.render() if isinstance(response, SimpleTemplateResponse) else response

    def _zone(self, request: HttpRequest, object_id: str | None) -> ZoneInfo:
        """Of the row, else of the fleet that is entered with it, else of the chosen one."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is not None:
            found = row if isinstance(row, Fleet) else reduce(getattr, self.fleet_path.split("__"), row)
        else:
            posted = {str(each.pk): each for each in fleets_of(request)}.get(request.POST.get("fleet", ""))
            found = posted or chosen_fleet(request)
        return found.zone if isinstance(found, Fleet) else ZoneInfo("UTC")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context["show_history"] = self.has_change_permission(request, kwargs.get("obj"))
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    @column("Active", order="is_active", boolean=True)
    def active(self, row: Any) -> bool:
        return bool(row.is_active)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"fleets": fleets_of(request), "chosen_fleet": chosen_fleet(request), **(extra_context or {})}
        response: Any = super().changelist_view(request, context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist:
            shown = changelist.list_display
            is_figure = (getattr(getattr(self, str(name), None), "is_figure", False) for name in shown)
            response.context_data["figures"] = list(compress(shown, is_figure))
        if changelist and not self.show_full_result_count:
            changelist.full_result_count = changelist.result_count  # else the heading offers to "show all"
        return cast(HttpResponse, response)


class ReadOnly:
    """Computed or synchronised rows, which nobody adds, edits or deletes by hand: a mixin, to stand first."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, TabularInline):  # type: ignore[misc]
    """The rows below one that the reader may see."""

    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or bool(fleets_of(request))


class SuperuserAdmin(ModelAdmin):  # type: ignore[misc]
    """What decides over access is for superusers alone: whoever could edit it could let themselves in anywhere."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)
