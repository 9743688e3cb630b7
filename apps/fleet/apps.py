from typing import Any

from django.apps import AppConfig
from django.db.models.signals import m2m_changed, post_delete, post_save


class FleetConfig(AppConfig):
    name = "apps.fleet"
    verbose_name = "Fleet"

    def ready(self) -> None:
        from apps.accounts.models import currency_changing
        from apps.fleet.models import Benchmark, ExchangeRate, GroupTarget
        from apps.trucks.models import TruckGroup

        for signal in (post_save, post_delete):
            signal.connect(_benchmark_changed, sender=Benchmark)
            for model in (ExchangeRate, GroupTarget):
                signal.connect(_fact_changed, sender=model)
        m2m_changed.connect(_members_changed, sender=TruckGroup.trucks.through)
        currency_changing.connect(_currency_changing)


def _benchmark_changed(**_: Any) -> None:
    """All fleets' answers show it beside the summaries."""
    from apps.accounts.models import Fleet
    from apps.trucks import facts

    for fleet_id in Fleet.objects.values_list("pk", flat=True):
        facts.changed(fleet_id)


def _fact_changed(instance: Any, **_: Any) -> None:
    """Answers show it beside the summaries: the benchmark in the fleet's currency, a group's targets."""
    from apps.trucks import facts

    facts.changed(instance.fleet_id)


def _currency_changing(fleet: Any, **_: Any) -> None:
    from apps.fleet.ledger import changes as ledger

    ledger.require_no_amounts(fleet)


def _members_changed(action: str, instance: Any, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    """The sync changes groups and knows nothing of what is theirs: rates, invoices and productive places."""
    from apps.fleet.ledger import changes as ledger
    from apps.trucks import productive_places

    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if not reverse:
        trucks = pk_set if pk_set is not None else set(instance.trucks.values_list("pk", flat=True))
        ledger.members_changed(instance.fleet_id, instance, trucks)
        productive_places.members_changed(instance, trucks)
        return
    groups = instance.groups.model.objects.filter(pk__in=pk_set) if pk_set is not None else instance.groups.all()
    for group in groups:
        ledger.members_changed(instance.fleet_id, group, [instance.pk])
        productive_places.members_changed(group, [instance.pk])
