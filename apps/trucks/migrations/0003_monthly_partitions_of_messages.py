"""`message` in monthly partitions by the second of its messages, from a year ago to in three months."""

import datetime as dt
import time

from django.db import migrations

_DAY_S = 86_400


def month_start(t):
    at = dt.datetime.fromtimestamp(t, dt.UTC)
    return int(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def partition(apps, schema_editor):
    now = int(time.time())
    start, last = month_start(now - 365 * _DAY_S), month_start(now + 92 * _DAY_S)
    pieces = []
    while start <= last:
        following = month_start(start + 32 * _DAY_S)
        pieces.append(f"PARTITION p{dt.datetime.fromtimestamp(start, dt.UTC):%Y%m} VALUES LESS THAN ({following})")
        start = following
    pieces.append("PARTITION p_later VALUES LESS THAN MAXVALUE")
    schema_editor.execute(f"ALTER TABLE message PARTITION BY RANGE (t) ({', '.join(pieces)})")


def unite(apps, schema_editor):
    schema_editor.execute("ALTER TABLE message REMOVE PARTITIONING")


class Migration(migrations.Migration):

    atomic = False  # no database undoes a change of partitions; made twice, they are the same

    replaces = [
        ("trucks", "0015_monthly_partitions"),
    ]

    dependencies = [
        ("trucks", "0002_views_of_the_admin"),
    ]

    operations = [
        migrations.RunPython(partition, unite),
    ]
