"""Who: fleets (the tenants), the keys that read them and the staff that run them."""

import zoneinfo
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.dispatch import Signal

from apps.accounts.encryption import EncryptedTextField


def validate_timezone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name} is not an IANA time zone such as America/Chicago")


def validate_site(url: str) -> None:
    """A Wialon Local may stand on a host of the local network, so any host name will do."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValidationError(f"{url} is not of the form https://host")


# Late messages are looked for over 35 days, and may change days up to 35 days before them.
SHORTEST_RETENTION_DAYS = 70


currency_changing = Signal()  # before a `fleet` gets another currency; who keeps amounts of it raises ValidationError


class Units(models.TextChoices):
    METRIC = "metric", "metric (km, l, °C)"
    US = "us", "US (mi, gal, mpg, °F)"


class Fleet(models.Model):
    """The tenant: one trucking company and its Wialon account. Every other row belongs to one."""

    name = models.CharField(max_length=80, unique=True)
    timezone = models.CharField(
        max_length=64, validators=[validate_timezone], help_text="IANA name; a day is a calendar day there"
    )
    currency = models.CharField(max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$", "three capital letters")])
    units = models.CharField(max_length=6, choices=Units.choices, default=Units.METRIC)
    wialon_url = models.CharField(
        "Wialon URL",
        max_length=200,
        validators=[validate_site],
        help_text="e.g. the hosting's API address, or a Wialon Local site",
    )
    wialon_token = EncryptedTextField("Wialon token", help_text="stored encrypted, never shown again")
    raw_retention_days = models.PositiveIntegerField(
        "raw messages are kept for",
        null=True,
        blank=True,
        validators=[MinValueValidator(SHORTEST_RETENTION_DAYS)],
        help_text="days that can still be computed anew; older ones are sealed; empty: for ever",
    )
    is_active = models.BooleanField(default=True, help_text="an inactive fleet is not synchronised")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "fleet"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="fleet_keeps_raw_long_enough",
                condition=models.Q(raw_retention_days=None) | models.Q(raw_retention_days__gte=SHORTEST_RETENTION_DAYS),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)


class FleetMembership(models.Model):
    """A member of staff may see a fleet in the admin; superusers see all."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="fleet_memberships")

    class Meta:
        db_table = "fleet_membership"
        constraints = [models.UniqueConstraint(fields=["fleet", "user"], name="fleet_membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.fleet}"


class ApiKey(models.Model):
    """A key of one fleet. The prefix finds it, the hash proves it; the key itself is shown once and never stored."""

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80, blank=True)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "api_key"
        verbose_name = "API key"
        ordering = ["fleet", "-created_at"]

    def __str__(self) -> str:
        return f"flt_{self.prefix}… of {self.fleet}"


class IdempotencyKey(models.Model):
    """One POST that starts work, under the name its client gave it; written by `idempotency`, kept for a day.

    Without a status it is being worked on, until its lease runs out, in the database's time.
    """

    pk = models.CompositePrimaryKey("fleet_id", "key")
    fleet_id = models.BigIntegerField()
    key = models.CharField(max_length=128, db_collation="utf8mb4_bin")
    fingerprint = models.CharField(max_length=64, help_text="of method, path and body")
    owner = models.CharField(max_length=16)
    lease_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="of the reply")
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)

    class Meta:
        db_table = "idempotency_key"
        indexes = [models.Index(fields=["expires_at"], name="idempotency_key_expiry")]

    def __str__(self) -> str:
        return f"{self.key} of fleet {self.fleet_id}"
