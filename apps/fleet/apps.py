from typing import Any

from django.apps import AppConfig
from django.db.models.signals import m2m_changed


class FleetConfig(AppConfig):
    name = "apps.fleet"
    verbose_name = "Fleet"

    def ready(self) -> None:
        from apps.trucks.models import TruckGroup

        m2m_changed.connect(_members_changed, sender=TruckGroup.trucks.through)


def _members_changed(action: str, instance: Any, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    """The sync changes groups and knows nothing of money: rates and invoices of a group are told here."""
    from apps.fleet.ledger import members_changed

    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if not reverse:
        trucks = pk_set if pk_set is not None else set(instance.trucks.values_list("pk", flat=True))
        members_changed(instance.fleet_id, instance, trucks)
        return
    groups = instance.groups.model.objects.filter(pk__in=pk_set) if pk_set is not None else instance.groups.all()
    for group in groups:
        members_changed(instance.fleet_id, group, [instance.pk])
