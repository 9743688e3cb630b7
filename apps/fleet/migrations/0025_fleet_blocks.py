"""The packed sums of fleets, of the days there are. The columns, and how they are packed, are those of this version."""

from itertools import groupby

import numpy as np
import orjson
from django.db import migrations, models

PLAIN = (
    'trucks', 'trucks_used', 'length_s', 'available_s', 'moving_s', 'engine_moving_s', 'idle_s', 'idle_productive_s',
    'parked_s', 'no_data_s', 'engine_on_s', 'night_driving_s', 'distance_m', 'fuel_used_l', 'fuel_distance_m',
    'idle_fuel_l', 'trips', 'stops', 'idle_events', 'speeding_minor', 'speeding_moderate', 'speeding_severe',
    'speeding_s', 'harsh_braking', 'harsh_acceleration', 'harsh_cornering', 'refuels', 'refuel_l', 'drains', 'drain_l',
    'faults_opened', 'messages', 'dropped_values', 'quarantined', 'consumption_l', 'consumption_days', 'days_working',
    'days_used_working', 'days_workshop', 'days_workshop_working', 'days_no_data', 'days_no_data_working',
)
MONEY = (
    'fuel_cost * 100', 'fuel_priced_l', 'idle_cost * 100', 'idle_productive_cost * 100', 'idle_productive_fuel_l',
    'drain_cost * 100', 'drain_priced_l', 'suspected_drains', 'suspected_drain_l', 'suspected_drain_cost * 100',
    'purchases', 'purchased_l * 1000', 'purchased_amount * 100', 'balance_days', 'balance_bought_l',
    'balance_refuelled_l', 'balance_drained_l', 'balance_used_l', 'balance_tank_l',
)
FIGURES = ', '.join((*PLAIN, *MONEY))
WRITE = """
INSERT INTO fleet_block (fleet_id, span, first_day, figures, costs, used) VALUES (%s, %s, %s, {}, {}, {})
ON DUPLICATE KEY UPDATE {}
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute('SELECT DISTINCT fleet_id FROM fleet_day UNION SELECT DISTINCT fleet_id FROM fleet_day_cost')
        for (fleet,) in cursor.fetchall():
            for table, span, first_day, days in (
                ('fleet_day', "'day'", 'day', '1'), ('fleet_span', 'span', 'first_day', 'days'),
            ):
                key = f'fleet_id, {span} AS span, {first_day} AS first_day'
                write(cursor, 'figures', f'{key}, {days}, {FIGURES} FROM {table}', fleet, figures)
                write(cursor, 'costs', f'{key}, line, source, CAST(amount * 100 AS SIGNED) FROM {table}_cost', fleet, costs)
            write(cursor, 'used', 'fleet_id, span, first_day, block, used FROM truck_block', fleet, used)


def write(cursor, column, select, fleet, packed):
    """Fills a column: a few hundred bytes a day and span."""
    cursor.execute(f'SELECT {select} WHERE fleet_id = %s ORDER BY 1, 2, 3', [fleet])
    values = ["%s" if name == column else "''" for name in ('figures', 'costs', 'used')]
    statement = WRITE.format(*values, f'{column} = VALUES({column})')
    for key, rows in groupby(cursor.fetchall(), key=lambda row: row[:3]):
        content = packed([row[3:] for row in rows])
        if content:
            cursor.execute(statement, [*key, content])


def figures(rows):
    return np.array(rows, '<f8').tobytes()


def costs(rows):
    return orjson.dumps(sorted(rows))


def used(rows):
    return np.array(sorted(row for row in rows if row[1]), '<u8').T.tobytes()


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0024_packed_drivers'),
    ]

    operations = [
        migrations.CreateModel(
            name='FleetBlock',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('span', models.CharField(choices=[('day', 'day'), ('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('figures', models.BinaryField(default=b'')),
                ('costs', models.BinaryField(default=b'')),
                ('used', models.BinaryField(default=b'')),
            ],
            options={
                'db_table': 'fleet_block',
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
