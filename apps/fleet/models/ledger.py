"""The cost ledger: what was invoiced, what fuel was bought, and what foreign money is worth."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Abs

from apps.accounts.calendar import YEARS
from apps.accounts.models import Fleet
from apps.fleet.models.costs import NOT_NEGATIVE, SUM_DIGITS, CostLine, check_scope, check_times, check_together
from apps.fleet.models.imports import imported_from
from apps.trucks.models import Truck, TruckGroup

CURRENCY = RegexValidator(r"^[A-Z]{3}$", "three capital letters")
LONGEST_DAYS = 3_660
MOST = 10_000_000_000  # of an invoice in the fleet's money: sums have room for a hundred of them
POSITIVE = MinValueValidator(Decimal("0.001"))
RateOf: TypeAlias = Callable[[str, dt.date], Decimal | None]  # the exchange rate of a currency in force on a day


class AllocationBasis(models.TextChoices):
    DAYS = "days", "by days"
    KM = "km", "by km"
    TRUCKS = "trucks", "evenly over trucks"


class CostEntry(models.Model):
    """An invoice or credit note: what it is for, which days it covers, and how it is spread over trucks and days.

    Without truck and group it is the whole fleet's. Changed by `apps.fleet.ledger.changes` alone, which has it spread
    anew; its shares are `CostAllocation` rows.
    """

    rate_of: RateOf | None = None  # of rates that were read once for many rows; None: each is looked up
    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="cost_entries")
    line = models.CharField(max_length=20, choices=CostLine.choices)
    amount = models.DecimalField(max_digits=14, decimal_places=2, help_text="a credit note is negative")
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    truck = models.ForeignKey(Truck, on_delete=models.PROTECT, null=True, blank=True, related_name="cost_entries")
    group = models.ForeignKey(
        TruckGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="cost_entries",
        help_text="empty truck and group: the whole fleet",
    )  # fmt: skip
    covers_from = models.DateField()
    covers_to = models.DateField(help_text="last day, included")
    basis = models.CharField(max_length=6, choices=AllocationBasis.choices, default=AllocationBasis.DAYS)
    document = models.CharField("document reference", max_length=80, blank=True)
    imported = imported_from()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "cost_entry"
        verbose_name_plural = "cost entries"
        ordering = ["fleet", "covers_from", "pk"]
        indexes = [models.Index(fields=["fleet", "covers_to", "covers_from"], name="cost_entry_covering")]
        constraints = [
            models.CheckConstraint(name="cost_entry_period", condition=Q(covers_to__gte=F("covers_from"))),
            models.CheckConstraint(name="cost_entry_scope", condition=Q(truck__isnull=True) | Q(group__isnull=True)),
            models.CheckConstraint(name="cost_entry_basis", condition=Q(basis__in=["days", "km", "trucks"])),
        ]

    def __str__(self) -> str:
        return f"{self.document or self.get_line_display()}: {self.amount} {self.currency}"

    def clean(self) -> None:
        check_together(
            partial(check_times, self, "covers_from", "covers_to"),
            partial(check_scope, self),
            self._check_last_day,
            self._check_currency,
            partial(check_amount, self, Decimal(1)),
        )

    def _check_last_day(self) -> None:
        if not all(day and day.year in YEARS for day in (self.covers_from, self.covers_to)):
            return
        if self.covers_to < self.covers_from:
            raise ValidationError({"covers_to": f"lies before the first day, {self.covers_from}"})
        if (self.covers_to - self.covers_from).days >= LONGEST_DAYS:
            raise ValidationError({"covers_to": f"is more than {LONGEST_DAYS:,} days after {self.covers_from}"})

    def _check_currency(self) -> None:
        if self.covers_from:
            check_currency(self, self.covers_from)


class CostAllocation(models.Model):
    """What one entry costs one truck on one day, in the fleet's currency. Written by `apps.fleet.summaries.shares`.

    The shares of an entry add up to it, to the cent, as far as its days have come. What no truck can bear (it was
    sold; nobody drove) has the truck 0 and the line `unallocated`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "entry_id", "day", "truck_id")
    fleet_id = models.BigIntegerField()
    entry_id = models.BigIntegerField()
    day = models.DateField()
    truck_id = models.BigIntegerField()
    line = models.CharField(max_length=20)
    source = models.CharField(max_length=9)
    amount = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=2)

    class Meta:
        db_table = "cost_allocation"
        indexes = [models.Index(fields=["fleet_id", "day", "truck_id"], name="cost_allocation_of_day")]

    def __str__(self) -> str:
        return f"{self.amount} of entry {self.entry_id} for truck {self.truck_id} on {self.day}"


class DirtyEntry(models.Model):
    """The log of entries whose shares are out of date, kept as `DirtyDay` is. An entry that is gone loses them.

    Out of date are those of the days from `first_day` to `last_day`, both included, and from `whole_at` on all; null:
    none. Written by `apps.fleet.summaries.notes`; a `problem` by `shares`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "entry_id")
    fleet_id = models.BigIntegerField()
    entry_id = models.BigIntegerField()
    version = models.PositiveBigIntegerField(default=1)
    marked_at = models.DateTimeField()
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    whole_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True, help_text="why it cannot be spread until something changes")

    class Meta:
        db_table = "dirty_entry"

    def __str__(self) -> str:
        return f"entry {self.entry_id} of fleet {self.fleet_id}"


class ExchangeRate(models.Model):
    """What one unit of a foreign currency is worth in the fleet's, from a day on."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="exchange_rates")
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    effective_from = models.DateField()
    rate = models.DecimalField(
        max_digits=18, decimal_places=8, validators=[MinValueValidator(Decimal("0.00000001"))],
        help_text="units of the fleet's currency for one of this",
    )  # fmt: skip
    imported = imported_from()

    class Meta:
        db_table = "exchange_rate"
        ordering = ["fleet", "currency", "effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["fleet", "currency", "effective_from"], name="exchange_rate_once"),
            models.CheckConstraint(name="exchange_rate_positive", condition=Q(rate__gt=0)),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f} {self.fleet.currency} from {self.effective_from}"

    def clean(self) -> None:
        check_together(partial(check_times, self, "effective_from"), self._check_currency, self._check_what_it_is_for)

    def _check_currency(self) -> None:
        if self.fleet_id and self.currency == self.fleet.currency:
            raise ValidationError({"currency": "is the fleet's own"})

    def _check_what_it_is_for(self) -> None:
        """Raises ValidationError where an amount that is there already would become more than one may be."""
        if not self.fleet_id or self.rate is None or self.rate >= 100 * MOST:  # of too many digits, told already
            return
        for rows in (CostEntry.objects, FuelPurchase.objects):
            booked = rows.filter(fleet=self.fleet_id, currency=self.currency).aggregate(most=Max(Abs("amount")))["most"]
            if booked is not None and booked * self.rate >= MOST:
                raise ValidationError(
                    {"rate": f"makes {booked:,} {self.currency} not below {MOST:,} in the fleet's money"}
                )


class FuelPurchase(models.Model):
    """Fuel bought for a truck, from a card file: the other way to look at what fuel costs."""

    rate_of: RateOf | None = None  # as an invoice's
    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="fuel_purchases")
    truck = models.ForeignKey(Truck, on_delete=models.PROTECT, related_name="fuel_purchases")
    purchased_at = models.DateTimeField()
    litres = models.DecimalField(max_digits=10, decimal_places=3, validators=[POSITIVE])
    amount = models.DecimalField(max_digits=12, decimal_places=2, validators=[NOT_NEGATIVE])
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    station = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=80, blank=True, help_text="of the card file; names a purchase once")
    imported = imported_from()

    class Meta:
        db_table = "fuel_purchase"
        ordering = ["fleet", "purchased_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["fleet", "truck", "purchased_at", "reference"], name="fuel_purchase_once"
            ),
            models.CheckConstraint(name="fuel_purchase_positive", condition=Q(litres__gt=0, amount__gte=0)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.litres} l for {self.amount} {self.currency}"

    def clean(self) -> None:
        check_together(partial(check_times, self, "purchased_at"), partial(check_scope, self), self._check_currency)

    def _check_currency(self) -> None:
        if self.fleet_id and self.purchased_at and self.purchased_at.year in YEARS:  # others have no local day
            check_currency(self, self.purchased_at.astimezone(self.fleet.zone).date())


def check_currency(row: CostEntry | FuelPurchase, day: dt.date) -> None:
    """Raises ValidationError for foreign money without a rate in force on the day: it is refused, not guessed."""
    if not row.fleet_id or not row.currency or row.currency == row.fleet.currency:
        return
    rate = (row.rate_of or partial(_looked_up, row.fleet_id))(row.currency, day)
    if rate is None:
        raise ValidationError({"currency": f"there is no exchange rate for {row.currency} on {day}"})
    check_amount(row, rate)


def _looked_up(fleet_id: int, currency: str, day: dt.date) -> Decimal | None:
    begun = ExchangeRate.objects.filter(fleet=fleet_id, currency=currency, effective_from__lte=day)
    return begun.order_by("-effective_from").values_list("rate", flat=True).first()


def check_amount(row: Any, rate: Decimal) -> None:
    """Raises ValidationError for more than sums have room for: one slip would keep all others from being summed up."""
    if row.amount is None or abs(row.amount) >= 100 * MOST:  # of too many digits, which is told already
        return
    if abs(row.amount) * rate >= MOST:
        raise ValidationError({"amount": f"is not below {MOST:,} in the fleet's money"})
