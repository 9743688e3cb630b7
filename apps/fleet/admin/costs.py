"""Fuel prices and cost rates."""

import datetime as dt

from django import forms
from django.contrib import admin

from apps.accounts.admin_base import FleetFilter, RowForm, column
from apps.fleet.models import CostRate, FuelPrice
from apps.fleet.units import LITRES_PER_GALLON
from apps.trucks.admin.marking import EffectiveDatedAdmin


@admin.register(FuelPrice)
class FuelPriceAdmin(EffectiveDatedAdmin):
    cause = "fuel price"
    list_display = ["since", "fleet", "per_litre", "per_gallon"]
    list_filter = [FleetFilter]
    ordering = ["fleet", "-effective_from"]
    fields = ["fleet", "effective_from", "price_per_l"]

    @column("Per litre", order="price_per_l")
    def per_litre(self, price: FuelPrice) -> str:
        return f"{price.price_per_l.normalize():f} {price.fleet.currency}"

    @column("Per US gallon")
    def per_gallon(self, price: FuelPrice) -> str:
        return f"{float(price.price_per_l) * LITRES_PER_GALLON:.3f} {price.fleet.currency}"


class CostRateForm(RowForm):
    def clean_effective_to(self) -> dt.date | None:
        last: dt.date | None = self.cleaned_data["effective_to"]
        first = self.cleaned_data.get("effective_from")
        if last and first and last < first:
            raise forms.ValidationError("lies before the first day")
        return last


@admin.register(CostRate)
class CostRateAdmin(EffectiveDatedAdmin):
    form = CostRateForm
    cause = "cost rate"
    list_display = ["line", "applies_to", "fleet", "rate", "since", "until"]
    list_filter = [FleetFilter, "line"]
    joined, deferred = ("fleet", "truck"), ("fleet__wialon_token", "truck__sensor_table")
    autocomplete_fields = ["truck"]
    ordering = ["fleet", "line", "-effective_from"]
    fields = ["fleet", "truck", "line", "basis", "amount", "effective_from", "effective_to"]

    @column("For")
    def applies_to(self, rate: CostRate) -> str:
        return str(rate.truck) if rate.truck else "the whole fleet"

    @column("Rate", order="amount")
    def rate(self, rate: CostRate) -> str:
        return f"{rate.amount.normalize():f} {rate.fleet.currency} {rate.get_basis_display()}"

    @column("Until", order="effective_to")
    def until(self, rate: CostRate) -> str:
        return str(rate.effective_to or "further notice")
