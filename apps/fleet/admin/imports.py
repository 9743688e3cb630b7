"""Files for the ledger: brought, looked at, and then written as a whole, or not at all."""

import csv
import io
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from apps.accounts.admin_base import DASH, FleetFilter, FleetScopedAdmin, RowForm, column, local_time
from apps.files import csv_file
from apps.fleet.imports import sheets, storing
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS, template_csv, template_xlsx
from apps.fleet.imports.sheets import Unreadable
from apps.fleet.models import LedgerImport
from apps.trucks.admin.marking import tell_marked

SHOWN_ERRORS, SHOWN_ROWS = 200, 5
STATES = {"waiting": "warning", "written": "success"}
TEMPLATES = {"csv": ("text/csv", template_csv), "xlsx": (sheets.XLSX_TYPE, template_xlsx)}


class ImportForm(RowForm):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.txt,.xlsx"}),
        help_text=f"CSV or XLSX, at most {sheets.MAX_ROWS:,} rows and {sheets.MAX_BYTES // 1_000_000} MB",
    )

    class Meta:
        model = LedgerImport
        fields = ["fleet", "kind", "decimal", "dates"]
        help_texts = {
            "decimal": "empty: as the file's own numbers tell",
            "dates": "empty: as the file's own dates tell; 2026-03-31 and 31.03.2026 are always understood",
        }

    def clean_file(self) -> bytes:
        file: UploadedFile = self.cleaned_data["file"]
        self.instance.file_name = file.name or "file"
        if (file.size or 0) > sheets.MAX_BYTES:
            raise forms.ValidationError(f"It has more than {sheets.MAX_BYTES:,} bytes. Split it.")
        content: bytes = file.read()
        return content

    def clean(self) -> dict[str, Any]:
        """Refuses what cannot be read at all, and what is in the ledger already; bad rows are for the preview."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("file") and cleaned.get("fleet") and cleaned.get("kind"):
            try:
                conventions = Conventions(cleaned.get("decimal") or None, cleaned.get("dates") or None)
                check(cleaned["fleet"], KINDS[cleaned["kind"]], cleaned["file"], conventions)
                storing.require_new(cleaned["fleet"], cleaned["kind"], storing.hash_of(cleaned["file"]))
            except (Unreadable, storing.Duplicate) as error:
                self.add_error("file", str(error))
        return cleaned


@admin.register(LedgerImport)
class LedgerImportAdmin(FleetScopedAdmin):
    """Added as a file; the row's page is the preview until somebody confirms it, and a record from then on."""

    form = ImportForm
    list_display = ["file_name", "fleet", "kind", "state", "row_count", "days", "created_by", "received", "written"]
    list_filter = [FleetFilter, "kind"]
    search_fields = ["file_name"]
    search_help_text = "File name"
    deferred = ("fleet__wialon_token", "content")
    ordering = ["-pk"]
    fields = ["fleet", "kind", "file", "decimal", "dates"]
    change_form_outer_before_template = "fleet/import.html"
    warn_unsaved_form = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it goes with its rows, by `undo`

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [(None, {"fields": self.fields})] if obj is None else []

    def save_model(self, request: HttpRequest, obj: LedgerImport, form: ImportForm, change: bool) -> None:
        conventions = Conventions(obj.decimal or None, obj.dates or None)
        content, by = form.cleaned_data["file"], request.user.get_username()
        obj.pk = storing.received(obj.fleet, obj.kind, obj.file_name, content, by, conventions).pk

    def response_add(
        self, request: HttpRequest, obj: LedgerImport, post_url_continue: str | None = None
    ) -> HttpResponse:
        return redirect(_page("change", obj.pk))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("template/<slug:kind>.<slug:suffix>", view(self.template), name="fleet_ledgerimport_template"),
            path("<int:pk>/errors.csv", view(self.errors), name="fleet_ledgerimport_errors"),
            path("<int:pk>/decide/<slug:what>/", view(require_POST(self.decide)), name="fleet_ledgerimport_decide"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        obj = kwargs["obj"]
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        if obj is None:
            context["templates"] = [(kind, name, list(TEMPLATES)) for name, kind in KINDS.items()]
        else:
            context.update(title=obj.file_name, subtitle=None, **self._preview(request, obj))
        return super().render_change_form(request, context, **kwargs)

    def _preview(self, request: HttpRequest, obj: LedgerImport) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "imported": obj,
            "facts": self._facts(obj),
            "written": self.written(obj),
            "may_write": self.has_add_permission(request),
            "may_undo": request.user.has_perm("fleet.delete_ledgerimport"),
        }
        if obj.stored_at is None:
            try:
                checked = storing.checked(obj)
            except Unreadable as error:
                return {**shown, "unreadable": str(error)}
            shown |= {"checked": checked, "row_errors": checked.errors[:SHOWN_ERRORS], "sample": _sample(checked)}
        return shown

    def _facts(self, obj: LedgerImport) -> list[tuple[str, str]]:
        return [
            ("Fleet", obj.fleet.name),
            ("Kind", obj.get_kind_display()),
            ("Received", f"{self.received(obj)}, by {obj.created_by}"),
            ("SHA-256", obj.sha256),
        ]

    # --- what can be done with it ---

    def decide(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """Writes, discards or undoes an import."""
        obj = get_object_or_404(self.get_queryset(request), pk=pk)
        act = {"write": self._write, "discard": self._discard, "undo": self._undo}.get(what)
        permission = "fleet.delete_ledgerimport" if what == "undo" else "fleet.add_ledgerimport"
        if act is None or not request.user.has_perm(permission) or (obj.stored_at is None) != (what != "undo"):
            raise Http404
        return act(request, obj)

    def _write(self, request: HttpRequest, obj: LedgerImport) -> HttpResponse:
        try:
            storing.store(obj)
        except (storing.Refused, Unreadable) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_addition(request, obj, f"{obj.row_count} rows written")
            self.message_user(request, f"{obj.row_count:,} rows are in the ledger.", messages.SUCCESS)
            tell_marked(self, request, obj.touched_days or 0)
        return redirect(_page("change", obj.pk))

    def _discard(self, request: HttpRequest, obj: LedgerImport) -> HttpResponse:
        obj.delete()
        self.message_user(request, f"{obj.file_name} was discarded; nothing of it was written.", messages.INFO)
        return redirect(_page("add"))

    def _undo(self, request: HttpRequest, obj: LedgerImport) -> HttpResponse:
        count = obj.row_count or 0
        try:
            with transaction.atomic():
                self.log_deletions(request, [obj])
                marked = storing.undo(obj)
        except ValidationError as error:  # an exchange rate that an invoice needs
            self.message_user(request, f"Nothing was removed: {error.messages[0]}.", messages.ERROR)
            return redirect(_page("change", obj.pk))
        self.message_user(request, f"The {count:,} rows of {obj.file_name} were removed.", messages.SUCCESS)
        tell_marked(self, request, marked)
        return redirect(_page("changelist"))

    def template(self, request: HttpRequest, kind: str, suffix: str) -> HttpResponse:
        """A file to fill in."""
        if kind not in KINDS or suffix not in TEMPLATES or not self.has_view_permission(request):
            raise Http404
        content_type, make = TEMPLATES[suffix]
        return _download(make(KINDS[kind]), content_type, f"{kind}.{suffix}")

    def errors(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All errors of a waiting file, to correct it by."""
        obj = get_object_or_404(self.get_queryset(request), pk=pk, stored_at=None)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["row", "column", "value", "problem", "expected"])
        for error in storing.checked(obj).errors:
            texts = error.column, error.value, error.problem, error.expected  # the file's own words may be in any
            writer.writerow([error.row, *map(csv_file.harmless, texts)])
        return _download(text.getvalue().encode("utf-8-sig"), "text/csv", f"errors of {obj.pk}.csv")

    # --- columns ---

    @column("State", colours=STATES)
    def state(self, obj: LedgerImport) -> str:
        return "waiting" if obj.stored_at is None else "written"

    @column("Truck-days touched", order="touched_days", figure=True)
    def days(self, obj: LedgerImport) -> str:
        return DASH if obj.touched_days is None else f"{obj.touched_days:,}"

    @column("Received", order="created_at")
    def received(self, obj: LedgerImport) -> str:
        return local_time(obj.created_at, obj.fleet.zone)

    @column("Written", order="stored_at")
    def written(self, obj: LedgerImport) -> str:
        return local_time(obj.stored_at, obj.fleet.zone) if obj.stored_at else DASH


def _page(name: str, *args: Any) -> str:
    return reverse(f"admin:fleet_ledgerimport_{name}", args=args)


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type, headers={"X-Content-Type-Options": "nosniff"})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _sample(checked: Checked) -> list[tuple[int, list[tuple[str, str]]]]:
    """The first good rows as they would be entered: (row in the file, (column, value))."""
    fields = [
        field
        for field in checked.kind.model._meta.fields
        if field.name not in ("id", "fleet", "imported", "created_at")
    ]
    return [
        (number, [(str(field.verbose_name), _shown(row, field)) for field in fields])
        for number, row in list(zip(checked.numbers, checked.rows, strict=True))[:SHOWN_ROWS]
    ]


def _shown(row: Any, field: Any) -> str:
    value = getattr(row, field.name)
    if hasattr(value, "astimezone"):
        return local_time(value, row.fleet.zone)
    if field.choices:
        return str(dict(field.choices).get(value, value))
    if isinstance(value, Decimal):
        return f"{value:,.{field.decimal_places}f}"
    return DASH if value in (None, "") else str(getattr(value, "code", value))
