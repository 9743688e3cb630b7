"""The sums of trucks by day of the week, packed beside their sums, of the days there are. How it is packed is that of
this version."""

from collections import defaultdict

import numpy as np
from django.db import migrations, models

DAYS = "SELECT DISTINCT fleet_id, LAST_DAY(first_day), block FROM truck_block WHERE span = 'day' AND figures <> ''"
ROWS = """
SELECT first_day, figures FROM truck_block
WHERE fleet_id = %s AND span = 'day' AND first_day BETWEEN %s AND %s AND block = %s AND figures <> ''
"""
WRITE = "UPDATE truck_block SET weekdays = %s WHERE fleet_id = %s AND span = %s AND first_day = %s AND block = %s"
WIDTH = 63  # of a block's figures: the trucks' ids, and these columns of them:
COLUMNS = [*range(1, 12), *range(37, 43)]


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DAYS)
        for fleet, last_day, block in cursor.fetchall():
            cursor.execute(ROWS, [fleet, last_day.replace(day=1), last_day, block])
            pieces = defaultdict(list)
            for day, figures in cursor.fetchall():
                pentad = day.replace(day=max(first for first in (1, 6, 11, 16, 21, 26) if first <= day.day))
                for key in (('day', day), ('pentad', pentad), ('month', day.replace(day=1))):
                    pieces[key].append((day.weekday(), np.frombuffer(figures).reshape(WIDTH, -1)))
            for (span, first_day), days in pieces.items():
                cursor.execute(WRITE, [packed(days), fleet, span, first_day, block])


def packed(days):
    sums = np.full((7, len(COLUMNS), 64), np.nan)
    for weekday, table in days:
        slots = table[0].astype(int) % 64
        before, values = sums[weekday][:, slots], table[COLUMNS]
        sums[weekday][:, slots] = np.where(np.isnan(before), values, before + np.nan_to_num(values))
    weekdays, slots = sorted({weekday for weekday, _ in days}), np.flatnonzero(~np.isnan(sums[:, 0]).all(axis=0))
    head = bytes([sum(1 << weekday for weekday in weekdays), *slots.tolist()])
    return head + sums[np.ix_(weekdays, range(len(COLUMNS)), slots)].astype('<f4').tobytes()


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0005_wider_sums_of_money'),
    ]

    operations = [
        migrations.AddField(
            model_name='truckblock',
            name='weekdays',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
