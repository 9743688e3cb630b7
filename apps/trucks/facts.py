"""What answers show of a fleet beside its summaries: each change of it changes their tags."""

from typing import Any

from django.db.models import F, Model
from django.db.models.signals import m2m_changed, post_delete, post_save

from apps.trucks.models import (
    Driver,
    FactsRevision,
    FaultAcknowledgement,
    ParameterSet,
    ProductivePlace,
    Truck,
    TruckGroup,
)

_SHOWN: tuple[type[Model], ...] = (Truck, TruckGroup, Driver, ParameterSet, FaultAcknowledgement, ProductivePlace)


def changed(fleet_id: int) -> None:
    """Raises the revision of the fleet's facts, in the transaction of the change. The row stays locked to its end."""
    FactsRevision.objects.get_or_create(fleet_id=fleet_id)
    FactsRevision.objects.filter(fleet_id=fleet_id).update(revision=F("revision") + 1)


def watch() -> None:
    """Notices every row of these tables that is saved or deleted, whoever does it; what is written in bulk tells."""
    for model in _SHOWN:
        post_save.connect(_row_changed, sender=model)
        post_delete.connect(_row_changed, sender=model)
    m2m_changed.connect(_members_changed, sender=TruckGroup.trucks.through)


def _row_changed(instance: Any, **_: Any) -> None:
    changed(instance.fleet_id)


def _members_changed(instance: Any, action: str, **_: Any) -> None:
    if action.startswith("post_"):
        changed(instance.fleet_id)
