"""Where trucks idled, packed beside the sums of their blocks, of the days there are; no longer as rows of pentads and
months. The key of a day's rows leads to a block's trucks. How it is packed is that of this version."""

from collections import defaultdict

import numpy as np
import orjson
from django.db import migrations, models

BLOCKS = "SELECT DISTINCT fleet_id, LAST_DAY(day), truck_id DIV 64 FROM truck_day_idle_place"
ROWS = """
SELECT day, spot, SUM(events), SUM(idle_s), SUM(productive_s), SUM(fuel_l), SUM(productive_fuel_l),
    CAST(SUM(cost * 100) AS SIGNED), CAST(SUM(productive_cost * 100) AS SIGNED)
FROM truck_day_idle_place WHERE fleet_id = %s AND day BETWEEN %s AND %s AND truck_id BETWEEN %s AND %s
GROUP BY day, spot ORDER BY day, spot
"""
WRITE = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs, places)
VALUES (%s, %s, %s, %s, 0, '', '', %s) ON DUPLICATE KEY UPDATE places = VALUES(places)
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(BLOCKS)
        for fleet, last_day, block in cursor.fetchall():
            cursor.execute(ROWS, [fleet, last_day.replace(day=1), last_day, 64 * block, 64 * block + 63])
            places = defaultdict(lambda: defaultdict(list))
            for day, spot, *sums in cursor.fetchall():
                pentad = day.replace(day=max(first for first in (1, 6, 11, 16, 21, 26) if first <= day.day))
                for key in (('day', day), ('pentad', pentad), ('month', day.replace(day=1))):
                    places[key][spot].append(sums)
            for (span, first_day), by_spot in places.items():
                cursor.execute(WRITE, [fleet, span, first_day, block, packed(by_spot)])


def packed(by_spot):
    others, rows = [], []
    for spot, parts in by_spot.items():
        if spot.startswith('@'):
            row, column = spot.removeprefix('@').split('.')
            number = int(row) * 2**18 + int(column)
        else:
            others.append(spot)
            number = -len(others)
        rows.append([number, *(total(values) for values in zip(*parts))])
    return orjson.dumps(others) + b'\n' + np.array(rows, '<f8').T.tobytes()


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0021_import_exchange_rates'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    'ALTER TABLE truck_day_idle_place DROP PRIMARY KEY, '
                    'ADD PRIMARY KEY (fleet_id, day, truck_id, spot)',
                    'ALTER TABLE truck_day_idle_place DROP PRIMARY KEY, '
                    'ADD PRIMARY KEY (fleet_id, day, spot, truck_id)',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='truckdayidleplace',
                    name='pk',
                    field=models.CompositePrimaryKey('fleet_id', 'day', 'truck_id', 'spot', blank=True, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
        migrations.AddField(
            model_name='truckblock',
            name='places',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.DeleteModel(
            name='FleetSpanIdlePlace',
        ),
    ]
