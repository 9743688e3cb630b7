"""The packed sums of trucks, of the days there are. The columns, and how they are packed, are those of this version."""

from itertools import groupby

import numpy as np
import orjson
from django.db import migrations, models

PLAIN = (
    'length_s', 'available_s', 'moving_s', 'engine_moving_s', 'idle_s', 'idle_productive_s', 'parked_s', 'no_data_s',
    'engine_on_s', 'night_driving_s', 'distance_m', 'fuel_used_l', 'fuel_distance_m', 'idle_fuel_l', 'trips', 'stops',
    'idle_events', 'speeding_minor', 'speeding_moderate', 'speeding_severe', 'speeding_s', 'harsh_braking',
    'harsh_acceleration', 'harsh_cornering', 'refuels', 'refuel_l', 'drains', 'drain_l', 'faults_opened', 'messages',
    'dropped_values', 'quarantined', 'consumption_l', 'consumption_days', 'days_working', 'days_used_working',
    'days_workshop', 'days_workshop_working', 'days_no_data', 'days_no_data_working',
)
MONEY = (
    'fuel_cost * 100', 'fuel_priced_l', 'idle_cost * 100', 'idle_productive_cost * 100', 'idle_productive_fuel_l',
    'drain_cost * 100', 'drain_priced_l', 'suspected_drains', 'suspected_drain_l', 'suspected_drain_cost * 100',
    'purchases', 'purchased_l * 1000', 'purchased_amount * 100', 'balance_days', 'balance_bought_l',
    'balance_refuelled_l', 'balance_drained_l', 'balance_used_l', 'balance_tank_l',
)
FIGURES = ('trucks', 'trucks_used', *PLAIN, 'max_speed_kmh', *MONEY)
UNUSED, NO_DATA = 'NOT is_used AND in_workshop', 'NOT is_used AND NOT in_workshop AND 2 * no_data_s > length_s'
OF_DAY = {
    'trucks': '1',
    'trucks_used': 'is_used',
    'engine_moving_s': 'IF(engine_on_s IS NULL, NULL, moving_s)',
    'fuel_distance_m': 'IF(fuel_used_l IS NULL, NULL, distance_m)',
    'consumption_l': 'IF(distance_m IS NULL, NULL, fuel_used_l)',
    'consumption_days': 'fuel_used_l IS NOT NULL AND distance_m IS NOT NULL',
    'days_working': 'available_s > 0',
    'days_used_working': 'is_used AND available_s > 0',
    'days_workshop': UNUSED,
    'days_workshop_working': f'{UNUSED} AND available_s > 0',
    'days_no_data': NO_DATA,
    'days_no_data_working': f'{NO_DATA} AND available_s > 0',
}
WRITE = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs) VALUES (%s, %s, %s, %s, %s, %s, '')
"""
WRITE_COSTS = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs) VALUES (%s, %s, %s, %s, 0, '', %s)
ON DUPLICATE KEY UPDATE costs = VALUES(costs)
"""


def fill(apps, schema_editor):
    connection = schema_editor.connection
    keys = {'day': ("'day'", 'day', ''), 'span': ('span', 'first_day', 'span, ')}
    with connection.cursor() as cursor:
        cursor.execute('SELECT DISTINCT fleet_id FROM truck_day UNION SELECT DISTINCT fleet_id FROM truck_day_cost')
        fleets = [row[0] for row in cursor.fetchall()]
        for fleet in fleets:
            for grain, (span, first_day, key) in keys.items():
                columns = ', '.join(OF_DAY.get(name, name) if grain == 'day' else name for name in FIGURES)
                table = f'truck_{grain}'
                for block, rows in blocks(
                    cursor,
                    f'SELECT {span}, {first_day}, truck_id DIV 64 AS block, truck_id, {columns} FROM {table} '
                    f'LEFT JOIN {table}_fuel USING (fleet_id, {key}{first_day}, truck_id)', fleet, first_day,
                ):
                    used = sum(1 << row[0] % 64 for row in rows if row[2])
                    cursor.execute(WRITE, [fleet, *block, used, packed(rows)])
                for block, rows in blocks(
                    cursor,
                    f'SELECT {span}, {first_day}, truck_id DIV 64 AS block, truck_id, line, source, '
                    f'CAST(amount * 100 AS SIGNED) FROM {table}_cost', fleet, first_day,
                ):
                    cursor.execute(WRITE_COSTS, [fleet, *block, packed_costs(rows)])


def blocks(cursor, select, fleet, first_day):
    """The rows of each block, day by day and span by span: a year of a large fleet need not lie in memory."""
    table = select[select.index(' FROM '):]
    cursor.execute(f'SELECT DISTINCT {first_day}{table} WHERE fleet_id = %s ORDER BY 1', [fleet])
    for (day,) in cursor.fetchall():
        cursor.execute(f'{select} WHERE fleet_id = %s AND {first_day} = %s ORDER BY 1, 2, 3, truck_id', [fleet, day])
        for block, rows in groupby(cursor.fetchall(), key=lambda row: row[:3]):
            yield block, [row[3:] for row in rows]


def packed(rows):
    return np.array(rows, '<f8').T.tobytes()


def packed_costs(rows):
    cents = {(truck, (line, source)): value for truck, line, source, value in rows}
    trucks, keys = sorted({truck for truck, _ in cents}), sorted({key for _, key in cents})
    return orjson.dumps(keys) + b'\n' + packed([[truck, *(cents.get((truck, key)) for key in keys)] for truck in trucks])


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0017_idle_places'),
    ]

    operations = [
        migrations.CreateModel(
            name='TruckBlock',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', 'block', blank=True, editable=False, primary_key=True, serialize=False)),
                ('span', models.CharField(choices=[('day', 'day'), ('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('block', models.BigIntegerField(help_text="the trucks' ids divided by 64")),
                ('used', models.PositiveBigIntegerField(default=0)),
                ('figures', models.BinaryField(default=b'')),
                ('costs', models.BinaryField(default=b'')),
            ],
            options={
                'db_table': 'truck_block',
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
