"""What drivers did and bear, packed beside the sums of their trucks' blocks, of the days there are. The columns, and how
they are packed, are those of this version."""

from itertools import groupby

import numpy as np
import orjson
from django.db import migrations, models

FIGURES = (
    'length_s', 'moving_s', 'idle_s', 'idle_productive_s', 'no_data_s', 'engine_on_s', 'night_driving_s', 'distance_m',
    'fuel_used_l', 'fuel_distance_m', 'consumption_l', 'idle_fuel_l', 'trips', 'speeding_minor', 'speeding_moderate',
    'speeding_severe', 'speeding_s', 'harsh_braking', 'harsh_acceleration', 'harsh_cornering', 'max_speed_kmh',
    'fuel_cost * 100', 'idle_cost * 100',
)
WRITE = """
INSERT INTO truck_block (fleet_id, span, first_day, block, used, figures, costs, drivers, driver_costs, places)
VALUES (%s, %s, %s, %s, 0, '', '', {}, '') ON DUPLICATE KEY UPDATE {}
"""
WRITE_FIGURES = WRITE.format("%s, ''", 'drivers = VALUES(drivers)')
WRITE_COSTS = WRITE.format("'', %s", 'driver_costs = VALUES(driver_costs)')


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table, span, first_day, days in (
            ('truck_day', "'day'", 'day', '1'), ('truck_span', 'span', 'first_day', 'days'),
        ):
            key = f'fleet_id, {span} AS span, {first_day} AS first_day, truck_id DIV 64 AS block, truck_id, driver_id'
            figures = f'SELECT {key}, {days}, {", ".join(FIGURES)} FROM {table}_driver'
            costs = f'SELECT {key}, line, source, CAST(amount * 100 AS SIGNED) FROM {table}_driver_cost'
            for block, rows in blocks(cursor, figures, first_day):
                cursor.execute(WRITE_FIGURES, [*block, packed(rows)])
            for block, rows in blocks(cursor, costs, first_day):
                cursor.execute(WRITE_COSTS, [*block, packed_costs(rows)])


def blocks(cursor, select, first_day):
    """The rows of each block, day by day and span by span: a year of a large fleet need not lie in memory."""
    cursor.execute(f'SELECT DISTINCT fleet_id, {first_day} {select[select.index(" FROM "):]} ORDER BY 1, 2')
    for fleet, day in cursor.fetchall():
        which = f'WHERE fleet_id = %s AND {first_day} = %s ORDER BY 2, 4, truck_id, driver_id'
        cursor.execute(f'{select} {which}', [fleet, day])
        for block, rows in groupby(cursor.fetchall(), key=lambda row: row[:4]):
            yield block, [row[4:] for row in rows]


def packed(rows):
    return np.array(rows, '<f8').T.tobytes()


def packed_costs(rows):
    cents = {((truck, driver), (line, source)): value for truck, driver, line, source, value in rows}
    whose, keys = sorted({ids for ids, _ in cents}), sorted({key for _, key in cents})
    return orjson.dumps(keys) + b'\n' + packed([[*ids, *(cents.get((ids, key)) for key in keys)] for ids in whose])


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0023_productive_places_apart'),
    ]

    operations = [
        migrations.AddField(
            model_name='truckblock',
            name='drivers',
            field=models.BinaryField(default=b''),
        ),
        migrations.AddField(
            model_name='truckblock',
            name='driver_costs',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
