"""Tasks that look after the installation itself."""

import time

from celery import shared_task

from apps.accounts import idempotency
from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks.messages import partitions, retention, settled
from apps.trucks.sync import disk
from apps.trucks.sync.session import connection

HEARTBEAT_LIFE_S = 60
PACKING_S = 120  # a day of 1,000 trucks that send every half minute takes half a minute
DELETING_S = 120  # the rest follows an hour later: some ten million messages a day


@shared_task
def settle_days() -> str:
    """Declares days final that can be relied on not to change."""
    settled = sum(summaries.settle(fleet) for fleet in Fleet.objects.filter(is_active=True))
    return f"{settled} days final"


@shared_task
def keep_raw_messages() -> str:
    """Seals days by the fleets' policies, removes messages that are no longer kept, makes the months to come."""
    risen = sum(retention.raise_floors(fleet, time.time()) for fleet in Fleet.objects.all())
    dropped = partitions.drop_gone(time.time())
    deleted = retention.delete_gone(DELETING_S)
    made = partitions.make_ahead(time.time())
    return f"{risen} floors raised, {len(dropped)} months dropped, {deleted} messages deleted, {made} months made"


@shared_task
def pack_settled_days() -> str:
    """Packs messages of days that can be relied on not to change, which makes computing them again cheap."""
    return f"{settled.pack_settled_days(PACKING_S)} days packed"


@shared_task
def forget_idempotency_keys() -> str:
    """Removes the Idempotency-Keys, and their replies, that are no longer kept."""
    return f"{idempotency.forget_expired()} keys forgotten"


@shared_task(soft_time_limit=10)
def beat_heart() -> str:
    """Leaves word for /readyz, for a minute: that beat sent this, a worker ran it, and what it sees of the disk."""
    store = connection()
    for name in ("beat", "worker"):
        store.set(f"heartbeat:{name}", int(time.time()), ex=HEARTBEAT_LIFE_S)
    store.set("disk", disk.verdict(), ex=HEARTBEAT_LIFE_S)
    return "alive"
