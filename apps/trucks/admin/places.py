"""Where idling is productive: circles and polygons, in force from a day to a day."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, RowForm, column
from apps.trucks import productive_places
from apps.trucks.admin.marking import tell_marked
from apps.trucks.models import ProductivePlace


class CornersField(forms.CharField):
    """A polygon as text: a line for each corner, latitude and longitude."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{lat}, {lon}" for lat, lon in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in (value or "").splitlines() if line.strip()]
        return [_corner(number, line) for number, line in enumerate(lines, 1)] or None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


def _corner(number: int, line: str) -> list[float]:
    try:
        lat, lon = (float(part) for part in line.replace(",", " ").split())
    except ValueError as error:
        raise forms.ValidationError(f"line {number}: {line!r} is not a latitude and a longitude") from error
    return [lat, lon]


class ProductivePlaceForm(RowForm):
    polygon = CornersField(
        label="Corners",
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "placeholder": "41.8781, -87.6298"}),
        help_text="of a polygon instead: a line for each corner, latitude and longitude in degrees",
    )


@admin.register(ProductivePlace)
class ProductivePlaceAdmin(FleetScopedAdmin):
    form = ProductivePlaceForm
    list_display = ["name", "fleet", "shape", "for_whom", "since", "until"]
    list_filter = [FleetFilter]
    joined, deferred = ("fleet", "group"), ("fleet__wialon_token",)
    search_fields = ["name"]
    search_help_text = "Name"
    when_empty = "Idling is productive while the PTO is on, and in the places that are entered here."
    ordering = ["fleet", "name", "-effective_from"]
    fieldsets = [
        (None, {"fields": ["fleet", "name", "group", "effective_from", "effective_to"]}),
        ("Circle", {"fields": ["lat", "lon", "radius_m"]}),
        ("Or polygon", {"fields": ["polygon"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: ProductivePlace | None = None) -> list[str]:
        return ["fleet"] if obj else []  # a row never changes sides

    def save_model(self, request: HttpRequest, obj: ProductivePlace, form: Any, change: bool) -> None:
        if form.changed_data or not change:
            tell_marked(self, request, productive_places.save(obj))

    def delete_model(self, request: HttpRequest, obj: ProductivePlace) -> None:
        tell_marked(self, request, productive_places.delete(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProductivePlace]) -> None:
        with transaction.atomic():
            tell_marked(self, request, sum(productive_places.delete(obj) for obj in queryset))

    @column("Area")
    def shape(self, row: ProductivePlace) -> str:
        if row.polygon is not None:
            return f"polygon of {len(row.polygon)} corners"
        return f"{row.radius_m:,} m around {row.lat:.5f}, {row.lon:.5f}"

    @column("For", order="group")
    def for_whom(self, row: ProductivePlace) -> str:
        return str(row.group) if row.group else "all trucks"

    @column("From", order="effective_from")
    def since(self, row: ProductivePlace) -> str:
        return str(row.effective_from)

    @column("To", order="effective_to")
    def until(self, row: ProductivePlace) -> str:
        return str(row.effective_to or "further notice")
