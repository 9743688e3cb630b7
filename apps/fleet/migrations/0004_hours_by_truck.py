"""How the hours of trucks were spent, packed beside their sums, of the days there are. How it is packed is that of this
version."""

from collections import defaultdict

import numpy as np
from django.db import migrations, models

DAYS = "SELECT DISTINCT fleet_id, LAST_DAY(day), truck_id DIV 64 FROM truck_day_hours"
ROWS = """
SELECT day, truck_id, hours FROM truck_day_hours
WHERE fleet_id = %s AND day BETWEEN %s AND %s AND truck_id BETWEEN %s AND %s
"""
WRITE = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs, drivers, driver_costs, places, hours)
VALUES (%s, %s, %s, %s, 0, '', '', '', '', '', %s) ON DUPLICATE KEY UPDATE hours = VALUES(hours)
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DAYS)
        for fleet, last_day, block in cursor.fetchall():
            cursor.execute(ROWS, [fleet, last_day.replace(day=1), last_day, 64 * block, 64 * block + 63])
            sums = defaultdict(dict)
            for day, truck, hours in cursor.fetchall():
                pentad = day.replace(day=max(first for first in (1, 6, 11, 16, 21, 26) if first <= day.day))
                for key in (('day', day), ('pentad', pentad), ('month', day.replace(day=1))):
                    sums[key][truck % 64] = sums[key].get(truck % 64, 0) + seconds(hours)
            for (span, first_day), trucks in sums.items():
                cursor.execute(WRITE, [fleet, span, first_day, block, packed(trucks)])


def seconds(hours):
    """Of a truck's day by hour and state, and its moving time once more if its engine is measured."""
    states = np.frombuffer(hours, '<u2', offset=1).reshape(24, 5).astype(np.int64)
    return np.column_stack((states, states[:, 0] * hours[0]))


def packed(trucks):
    slots = sorted(trucks)
    table = np.array([trucks[slot] for slot in slots])
    width = 2 if table.max() < 2**16 else 4
    return bytes([width, *slots]) + table.astype(f'<u{width}').tobytes()


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0003_idle_places_by_truck'),
    ]

    operations = [
        migrations.AddField(
            model_name='truckblock',
            name='hours',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
