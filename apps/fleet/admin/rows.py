"""Computed rows: one fleet and one period at a time, in the order of an index, to read only."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.db.models import Model, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts.admin_base import MOST_ROWS, CappedPaginator, FleetScopedAdmin, ReadOnly, column
from apps.accounts.models import Fleet
from apps.accounts.scope import chosen_fleet
from apps.fleet.admin.figures import figure, title
from apps.fleet.admin.list_files import WithFiles
from apps.fleet.admin.period import OneFleetFilter, PeriodFilter
from apps.trucks.models import Truck
from apps.trucks.models.views import Row

_MEASURED = ("_s", "_m", "_l", "_kmh", "_ms2", "_pct", "_hours", "cost", "litres")  # what names of figures end in
Section = tuple[str, list[tuple[str, str, str]]]  # title, and (title, column, value) of each figure


def figure_column(name: str, heading: str | None = None) -> Callable[[Any, Any], str]:
    """A list's column that shows a computed column in the fleet's units."""

    @column(heading or title(name), order=name, figure=name.endswith(_MEASURED))
    def shown(admin: Any, row: Any) -> str:
        return figure(name, getattr(row, name), row.fleet)

    return shown


class RowAdmin(WithFiles, ReadOnly, FleetScopedAdmin):
    """A list that follows an index, and pages found by the table's own key.

    Trucks and fleets come by statements of their own: joined, they would tempt the optimiser to begin with them.
    """

    joined, deferred = (), ()
    change_list_template = "fleet/rows.html"
    change_form_before_template = "fleet/row.html"
    list_filter: ClassVar[list[Any]] = [OneFleetFilter, PeriodFilter]
    list_display_links: ClassVar[list[str]] = ["name"]
    search_fields: ClassVar[list[str]] = ["truck__code", "truck__name"]
    search_help_text = "Truck's code or name"
    when_empty = (
        "These rows are computed from messages: choose a longer period, or see under Sync how far the runs are."
    )
    paginator = CappedPaginator
    show_full_result_count = False
    warn_unsaved_form = False
    list_fullwidth = True
    sections: ClassVar[dict[str, str]]  # heading → columns

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        trucks = Truck.objects.only("code", "name", "fleet")
        fleets = Fleet.objects.defer("wialon_token")
        return super().get_queryset(request).prefetch_related(Prefetch("truck", trucks), Prefetch("fleet", fleets))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Row | None:
        model: type[Row] = self.model
        try:
            columns = model.natural_key(object_id)
        except ValueError:
            return None
        row: Row | None = next(iter(self.get_queryset(request).filter(**columns)[:1]), None)
        return row

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows of the trucks whose code or name has every word of the term."""
        if not search_term.strip():
            return queryset, False
        fleet = chosen_fleet(request)
        trucks = Truck.objects.filter(fleet=fleet.pk if fleet else None)
        for word in search_term.split():
            trucks = trucks.filter(Q(code__icontains=word) | Q(name__icontains=word))
        return queryset.filter(truck_id__in=list(trucks.values_list("pk", flat=True))), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: Any = super().changelist_view(request, {"most_rows": MOST_ROWS, **(extra_context or {})})
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        for spec in getattr(changelist, "filter_specs", ()):
            if isinstance(spec, PeriodFilter):
                response.context_data.update(period_filter=spec, period_choices=list(spec.choices(changelist)))
        return cast(HttpResponse, response)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return []  # the page is a template: figures in sections, not a form's fields

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        row = kwargs["obj"]
        context.update(sections=self.figures(row), title=self.heading(row), subtitle=None, row=row)
        return super().render_change_form(request, context, **kwargs)

    def heading(self, row: Any) -> str:
        return str(row)

    def figures(self, row: Any) -> list[Section]:
        return [
            (heading, [(title(name), name, figure(name, getattr(row, name), row.fleet)) for name in names.split()])
            for heading, names in self.sections.items()
        ]

    @column("Truck")
    def name(self, row: Any) -> str:
        return str(row.truck)
