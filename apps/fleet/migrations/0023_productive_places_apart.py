"""Where trucks idled, packed anew: what is productive stands apart. How it is packed is that of this version."""

from collections import defaultdict

import numpy as np
import orjson
from django.db import migrations

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
    others, rows, productive = [], [], []
    for turn, (spot, parts) in enumerate(by_spot.items()):
        if spot.startswith('@'):
            row, column = spot.removeprefix('@').split('.')
            number = int(row) * 2**18 + int(column)
        else:
            others.append(spot)
            number = -len(others)
        events, idle_s, productive_s, fuel_l, productive_fuel_l, cost, productive_cost = map(total, zip(*parts))
        rows.append([number, events, idle_s, fuel_l, cost])
        part = [productive_s, productive_fuel_l, productive_cost]
        if part != [0, fuel_l and 0, cost and 0]:
            productive.append([turn, *part])
    head = orjson.dumps([len(productive), *others]) + b'\n'
    return head + b''.join(np.array(table, '<f8').T.tobytes() for table in (rows, productive))


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0022_packed_places'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
