"""Where trucks idled, packed anew: by place and truck; and of many trucks together, which the next rebuild adds up. How
it is packed is that of this version."""

from collections import defaultdict

import numpy as np
import orjson
from django.db import migrations, models

BLOCKS = "SELECT DISTINCT fleet_id, LAST_DAY(day), truck_id DIV 64 FROM truck_day_idle_place"
ROWS = """
SELECT day, truck_id, spot, events, idle_s, productive_s, fuel_l, productive_fuel_l, CAST(cost * 100 AS SIGNED),
    CAST(productive_cost * 100 AS SIGNED)
FROM truck_day_idle_place WHERE fleet_id = %s AND day BETWEEN %s AND %s AND truck_id BETWEEN %s AND %s
ORDER BY day, truck_id, spot
"""
WRITE = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs, drivers, driver_costs, places)
VALUES (%s, %s, %s, %s, 0, '', '', '', '', %s) ON DUPLICATE KEY UPDATE places = VALUES(places)
"""
NOTE = """
INSERT IGNORE INTO idle_place_span (fleet_id, span, first_day, part, due_at, places)
SELECT fleet_id, span, first_day, block DIV 16, NOW(6), '' FROM truck_block WHERE span <> 'day' AND places <> ''
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("UPDATE truck_block SET places = ''")
        cursor.execute(BLOCKS)
        for fleet, last_day, block in cursor.fetchall():
            cursor.execute(ROWS, [fleet, last_day.replace(day=1), last_day, 64 * block, 64 * block + 63])
            places = defaultdict(lambda: defaultdict(list))
            for day, truck, spot, *sums in cursor.fetchall():
                pentad = day.replace(day=max(first for first in (1, 6, 11, 16, 21, 26) if first <= day.day))
                for key in (('day', day), ('pentad', pentad), ('month', day.replace(day=1))):
                    places[key][truck, spot].append(sums)
            for (span, first_day), entries in places.items():
                cursor.execute(WRITE, [fleet, span, first_day, block, packed(entries)])
        cursor.execute(NOTE)


def packed(entries):
    others, rows = {}, []
    for (truck, spot), parts in entries.items():
        if spot.startswith('@'):
            row, column = spot.removeprefix('@').split('.')
            number = int(row) * 2**18 + int(column)
        else:
            number = -1 - others.setdefault(spot, len(others))
        rows.append([number * 64 + truck % 64, *map(total, zip(*parts))])
    rows.sort(key=lambda row: row[0])
    whole, productive = [], []
    for turn, (key, events, idle_s, productive_s, fuel_l, productive_fuel_l, cost, productive_cost) in enumerate(rows):
        whole.append([key, events, idle_s, fuel_l, cost])
        part = [productive_s, productive_fuel_l, productive_cost]
        if part != [0, fuel_l and 0, cost and 0]:
            productive.append([turn, *part])
    head = orjson.dumps([len(productive), *others]) + b'\n'
    return head + b''.join(np.array(table, '<f8').T.tobytes() for table in (whole, productive))


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0002_published_benchmarks'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdlePlaceSpan',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('span', models.CharField(choices=[('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', 'part', blank=True, editable=False, primary_key=True, serialize=False)),
                ('part', models.BigIntegerField(help_text="the trucks' ids divided by 1,024")),
                ('due_at', models.DateTimeField(help_text='empty: it is there', null=True)),
                ('places', models.BinaryField(default=b'')),
            ],
            options={
                'db_table': 'idle_place_span',
                'indexes': [models.Index(fields=['due_at'], name='idle_place_span_due')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
