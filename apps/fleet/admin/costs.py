"""The ledger: invoices, rates, fuel prices, fuel purchases and exchange rates."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.accounts.admin_base import FleetFilter, FleetScopedAdmin, SuperuserAdmin, column, local_time
from apps.accounts.scope import chosen_fleet
from apps.accounts.units import LITRES_PER_GALLON
from apps.fleet.ledger import changes as ledger
from apps.fleet.ledger import spreading
from apps.fleet.models import (
    Benchmark,
    CostAllocation,
    CostEntry,
    CostRate,
    DirtyEntry,
    ExchangeRate,
    FuelPrice,
    FuelPurchase,
)
from apps.trucks.admin.marking import tell_marked


class LedgerAdmin(FleetScopedAdmin):
    """Rows that are changed through the ledger, with the days that they touch."""

    fixed_fields: ClassVar[tuple[str, ...]] = ("fleet", "truck", "group")  # a row never changes sides: add another
    joined: ClassVar[tuple[str, ...]] = ("fleet", "truck", "group")
    deferred: ClassVar[tuple[str, ...]] = ("fleet__wialon_token", "truck__sensor_table")
    list_filter: ClassVar[list[Any]] = [FleetFilter]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [] if obj is None else [name for name in self.fixed_fields if hasattr(obj, name)]
        return [*super().get_readonly_fields(request, obj), *fixed, "origin"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.fields, *(["origin"] if getattr(obj, "imported_id", None) else [])]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.changed_data or not change:
            tell_marked(self, request, ledger.save(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any] | list[Any]) -> None:
        try:
            with transaction.atomic():
                tell_marked(self, request, sum(ledger.delete(obj) for obj in queryset))
        except ValidationError as error:
            self.message_user(request, f"Nothing was deleted: {error.messages[0]}.", messages.ERROR)

    @column("Came with")
    def origin(self, row: Any) -> str:
        address = reverse("admin:fleet_ledgerimport_change", args=[row.imported_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, f"import {row.imported_id}")

    @column("For")
    def applies_to(self, row: Any) -> str:
        return str(getattr(row, "truck", None) or row.group or "the whole fleet")


_STATES = {
    spreading.NO_RATE: "no exchange rate",
    spreading.WAITING: "waiting",
    spreading.SPREAD: "spread",
}
_COLOURS = {"no exchange rate": "danger", "waiting": "warning"}


class SpreadFilter(admin.SimpleListFilter):
    """By how far they are spread."""

    title = "spread"
    parameter_name = "spread"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, text.capitalize()) for state, text in _STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CostEntry]) -> QuerySet[CostEntry]:
        noted = {
            spreading.NO_RATE: Q(noted__gt=""),
            spreading.WAITING: Q(noted=""),
            spreading.SPREAD: Q(noted=None),
        }
        return queryset.filter(noted.get(self.value() or "", Q()))


@admin.register(CostEntry)
class CostEntryAdmin(LedgerAdmin):
    list_display = ["document_or_line", "fleet", "line", "money", "applies_to", "covers", "basis", "state"]
    list_filter = [FleetFilter, "line", "basis", SpreadFilter]
    search_fields = ["document"]
    search_help_text = "Document reference"
    autocomplete_fields = ["truck"]
    ordering = ["fleet", "-covers_from", "-pk"]
    fields = [
        "fleet", "line", "amount", "currency", "truck", "group", "covers_from", "covers_to", "basis", "document",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what is noted of each: null of what is spread, a text of what cannot be, else an empty one."""
        noted = DirtyEntry.objects.filter(fleet_id=OuterRef("fleet_id"), entry_id=OuterRef("pk"))
        entries: QuerySet[Any] = super().get_queryset(request).annotate(noted=Subquery(noted.values("problem")[:1]))
        return entries

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_fields(request, obj)
        return [*fields, "spread"] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "spread"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        fleet = chosen_fleet(request)
        initial = super().get_changeform_initial_data(request)
        return {"currency": fleet.currency, **initial} if fleet else initial

    @column("Document", order="document")
    def document_or_line(self, entry: CostEntry) -> str:
        return entry.document or f"entry {entry.pk}"

    @column("Amount", order="amount", figure=True)
    def money(self, entry: CostEntry) -> str:
        return f"{entry.amount:,} {entry.currency}"

    @column("Covers", order="covers_from")
    def covers(self, entry: CostEntry) -> str:
        one_day = entry.covers_from == entry.covers_to
        return str(entry.covers_from) if one_day else f"{entry.covers_from} – {entry.covers_to}"

    @column("Spread", colours=_COLOURS)
    def state(self, entry: Any) -> str:
        return _STATES[str(spreading.told(entry.noted, False)["state"])]

    @column("Spread so far")
    def spread(self, entry: CostEntry) -> str:
        told = spreading.of_entry(entry.fleet_id, entry.pk)
        if told["state"] == spreading.NO_RATE:
            rates = f"{reverse('admin:fleet_exchangerate_add')}?fleet={entry.fleet_id}&currency={entry.currency}"
            link = format_html('<a class="text-link" href="{}">Enter a rate</a>', rates)
            return format_html("No exchange rate, so it costs nothing yet: {}. {}", told["reason"], link)
        if told["state"] == spreading.WAITING:
            return f"Waiting: {told['reason']}. So far {_shares(entry) or 'nothing'}."
        return _shares(entry) or "Nothing: none of its days has come."


def _shares(entry: CostEntry) -> str | None:
    """What it costs so far, in words; None: nothing."""
    shares = CostAllocation.objects.filter(fleet_id=entry.fleet_id, entry_id=entry.pk)
    total = shares.aggregate(amount=Sum("amount"))["amount"]
    if total is None:
        return None
    lost = shares.filter(truck_id=0).aggregate(amount=Sum("amount"))["amount"] or 0
    return f"{total:,} {entry.fleet.currency}" + (f", of it {lost:,} that no truck can bear" if lost else "")


@admin.register(FuelPrice)
class FuelPriceAdmin(LedgerAdmin):
    list_display = ["since", "fleet", "applies_to", "per_litre", "per_gallon"]
    joined, deferred = ("fleet", "group"), ("fleet__wialon_token",)
    ordering = ["fleet", "-effective_at"]
    fields = ["fleet", "group", "effective_at", "price_per_l"]

    @column("From", order="effective_at")
    def since(self, price: FuelPrice) -> str:
        return local_time(price.effective_at, price.fleet.zone)

    @column("Per litre", order="price_per_l", figure=True)
    def per_litre(self, price: FuelPrice) -> str:
        return f"{price.price_per_l.normalize():f} {price.fleet.currency}"

    @column("Per US gallon", figure=True)
    def per_gallon(self, price: FuelPrice) -> str:
        return f"{float(price.price_per_l) * LITRES_PER_GALLON:.3f} {price.fleet.currency}"


@admin.register(CostRate)
class CostRateAdmin(LedgerAdmin):
    list_display = ["line", "applies_to", "fleet", "rate", "since", "until"]
    list_filter = [FleetFilter, "line"]
    autocomplete_fields = ["truck"]
    ordering = ["fleet", "line", "-effective_from"]
    fields = ["fleet", "truck", "group", "line", "basis", "amount", "effective_from", "effective_to"]

    @column("Rate", order="amount", figure=True)
    def rate(self, rate: CostRate) -> str:
        return f"{rate.amount.normalize():f} {rate.fleet.currency} {rate.get_basis_display()}"

    @column("From", order="effective_from")
    def since(self, rate: CostRate) -> str:
        return str(rate.effective_from)

    @column("Until", order="effective_to")
    def until(self, rate: CostRate) -> str:
        return str(rate.effective_to or "further notice")


@admin.register(FuelPurchase)
class FuelPurchaseAdmin(LedgerAdmin):
    list_display = ["when", "fleet", "truck", "litres", "money", "station", "reference"]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    search_fields = ["reference", "station"]
    search_help_text = "Reference or station"
    autocomplete_fields = ["truck"]
    ordering = ["fleet", "-purchased_at"]
    fields = ["fleet", "truck", "purchased_at", "litres", "amount", "currency", "station", "reference"]

    @column("Bought", order="purchased_at")
    def when(self, bought: FuelPurchase) -> str:
        return local_time(bought.purchased_at, bought.fleet.zone)

    @column("Amount", order="amount", figure=True)
    def money(self, bought: FuelPurchase) -> str:
        return f"{bought.amount:,} {bought.currency}"


@admin.register(ExchangeRate)
class ExchangeRateAdmin(LedgerAdmin):
    list_display = ["currency", "fleet", "worth", "effective_from"]
    joined, deferred = ("fleet",), ("fleet__wialon_token",)
    ordering = ["fleet", "currency", "-effective_from"]
    fields = ["fleet", "currency", "effective_from", "rate"]

    @column("Worth", order="rate", figure=True)
    def worth(self, rate: ExchangeRate) -> str:
        return f"{rate.rate.normalize():f} {rate.fleet.currency}"


@admin.register(Benchmark)
class BenchmarkAdmin(SuperuserAdmin):
    """What all fleets compare themselves with, so superusers keep it."""

    list_display = ["year", "line", "published", "source", "edition"]
    list_filter = ["year", "line"]
    ordering = ["-year", "line"]
    fields = ["year", "line", "amount", "unit", "currency", "source", "edition"]

    @column("Amount", order="amount", figure=True)
    def published(self, row: Benchmark) -> str:
        return f"{row.amount.normalize():f} {row.currency} {row.get_unit_display()}"
