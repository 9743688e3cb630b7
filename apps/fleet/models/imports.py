"""Files for the ledger: who brought which, when, and what became of it."""

from typing import Any

from django.db import models

from apps.accounts.models import Fleet


class LedgerImport(models.Model):
    """A file for the ledger: checked, then written as a whole. Once written, its rows point to it.

    `stored_sha256` is null until then; the key makes sure that the same file of a fleet is written once. A file that
    waits is kept with its content; one that was written is known by its hash.
    """

    class Kind(models.TextChoices):
        ENTRIES = "entries", "cost entries (invoices)"
        RATES = "rates", "cost rates"
        PRICES = "fuel-prices", "fuel prices"
        PURCHASES = "fuel-purchases", "fuel purchases (card files)"
        EXCHANGE_RATES = "exchange-rates", "exchange rates"

    class DecimalMark(models.TextChoices):
        POINT = "point", "a point: 1,234.50"
        COMMA = "comma", "a comma: 1.234,50"

    class DateOrder(models.TextChoices):
        DAY_FIRST = "day first", "day first: 31/03/2026"
        MONTH_FIRST = "month first", "month first: 03/31/2026"

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="ledger_imports")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    file_name = models.CharField("file", max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    stored_sha256 = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    content = models.BinaryField(default=bytes)
    decimal = models.CharField("decimals begin with", max_length=5, choices=DecimalMark.choices, blank=True)
    dates = models.CharField("dates are written", max_length=11, choices=DateOrder.choices, blank=True)
    created_by = models.CharField("by", max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    stored_at = models.DateTimeField(null=True, editable=False)
    row_count = models.PositiveIntegerField("rows", null=True, editable=False)
    touched_days = models.PositiveIntegerField("truck-days touched", null=True, editable=False)

    class Meta:
        db_table = "ledger_import"
        verbose_name = "import"
        ordering = ["fleet", "-created_at"]
        constraints = [models.UniqueConstraint(fields=["fleet", "kind", "stored_sha256"], name="ledger_import_once")]

    def __str__(self) -> str:
        return f"import {self.pk} ({self.file_name})"


def imported_from() -> Any:
    """The column of a ledger's row that says which file it came from; null: it was entered one by one."""
    return models.ForeignKey(
        LedgerImport, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
