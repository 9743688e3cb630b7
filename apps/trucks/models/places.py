"""Where idling is productive."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Fleet
from apps.trucks.detection.places import Circle, Place, Polygon
from apps.trucks.models.trucks import TruckGroup

MOST_CORNERS = 200
_CIRCLE = ("lat", "lon", "radius_m")
_LATITUDE = [MinValueValidator(-90), MaxValueValidator(90)]
_LONGITUDE = [MinValueValidator(-180), MaxValueValidator(180)]


class ProductivePlace(models.Model):
    """An area of a fleet, a circle or a polygon, in which idling is productive on the days that it is in force.

    Written by `apps.trucks.productive_places` alone: a change marks the days that were spent there.
    """

    fleet = models.ForeignKey(Fleet, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    group = models.ForeignKey(
        TruckGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="only for the trucks of this group; empty: for all",
    )
    lat = models.FloatField("latitude", null=True, blank=True, validators=_LATITUDE, help_text="of the centre, degrees")
    lon = models.FloatField("longitude", null=True, blank=True, validators=_LONGITUDE)
    radius_m = models.PositiveIntegerField(
        "radius (m)", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    polygon = models.JSONField(null=True, blank=True, help_text="corners: latitude and longitude of each")
    effective_from = models.DateField(help_text="the first day on which idling there is productive")
    effective_to = models.DateField(null=True, blank=True, help_text="the last such day; empty: it still is")

    class Meta:
        db_table = "productive_place"
        ordering = ["fleet", "name", "effective_from"]
        constraints = [
            models.CheckConstraint(
                name="productive_place_has_one_shape",
                condition=Q(lat__isnull=False, lon__isnull=False, radius_m__isnull=False, polygon__isnull=True)
                | Q(lat=None, lon=None, radius_m=None, polygon__isnull=False),
            ),
            models.CheckConstraint(
                name="productive_place_not_empty",
                condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def place(self) -> Place:
        """The area, as detection takes it."""
        if self.polygon is not None:
            return Place.of(self.name, Polygon(tuple((lat, lon) for lat, lon in self.polygon)))
        return Place.of(self.name, Circle((self.lat or 0.0, self.lon or 0.0), self.radius_m or 0))

    def clean(self) -> None:
        if self.effective_to and self.effective_from and self.effective_to < self.effective_from:
            raise ValidationError({"effective_to": "is before the first day"})
        if self.group is not None and self.group.fleet_id != self.fleet_id:
            raise ValidationError({"group": "belongs to another fleet"})
        given = [name for name in _CIRCLE if getattr(self, name) is not None]
        if self.polygon is not None:
            if given:
                raise ValidationError("Either a circle or a polygon, not both.")
            check_corners(self.polygon)
        elif len(given) < len(_CIRCLE):
            raise ValidationError("A circle needs latitude, longitude and radius; or give the corners of a polygon.")


def check_corners(corners: Any) -> None:
    """Raises ValidationError unless these are corners of a polygon, [latitude, longitude] each."""
    if not isinstance(corners, list) or not 3 <= len(corners) <= MOST_CORNERS:
        raise ValidationError({"polygon": f"needs 3 to {MOST_CORNERS} corners"})
    for number, corner in enumerate(corners, 1):
        if not _is_spot(corner):
            raise ValidationError(
                {"polygon": f"corner {number} is not a latitude (−90 to 90) and a longitude (−180 to 180)"}
            )
    longitudes = [lon for _, lon in corners]
    if max(longitudes) - min(longitudes) > 180:
        raise ValidationError({"polygon": "may not lie over the 180th meridian: split it there"})


def _is_spot(corner: Any) -> bool:
    if not isinstance(corner, Sequence) or len(corner) != 2:
        return False
    lat, lon = corner
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in corner)
    return are_numbers and abs(lat) <= 90 and abs(lon) <= 180
