"""Drivers packed by driver, and all of them together, of the days there are. How it is packed is that of this version."""

import numpy as np
from django.db import migrations, models

PARTS = "SELECT DISTINCT fleet_id, span, first_day FROM truck_block WHERE drivers <> ''"
BLOCKS = "SELECT block, drivers FROM truck_block WHERE fleet_id = %s AND span = %s AND first_day = %s AND drivers <> ''"
OF_TRUCKS = 'UPDATE truck_block SET driver_totals = %s WHERE fleet_id = %s AND span = %s AND first_day = %s AND block = %s'
OF_FLEET = 'UPDATE fleet_block SET driver_totals = %s WHERE fleet_id = %s AND span = %s AND first_day = %s'
WRITE = 'INSERT INTO driver_block (fleet_id, span, first_day, block, drivers) VALUES (%s, %s, %s, %s, %s)'
WIDTH = 26  # of a block's drivers: the ids of trucks and of drivers, and 24 columns of them
LARGEST = 21  # of these the one of which the greatest counts, not the sum


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PARTS)
        for part in cursor.fetchall():
            cursor.execute(BLOCKS, part)
            tables = {block: np.frombuffer(drivers).reshape(WIDTH, -1) for block, drivers in cursor.fetchall()}
            for block, table in tables.items():
                cursor.execute(OF_TRUCKS, [totals(table), *part, block])
            every = np.concatenate([tables[block] for block in sorted(tables)], axis=1)
            cursor.execute(OF_FLEET, [totals(every), *part])
            known = every[:, every[1] != 0]
            for block in np.unique(known[1] // 64):
                cursor.execute(WRITE, [*part, int(block), known[:, known[1] // 64 == block].tobytes()])


def totals(table):
    return b''.join(added(table[2:, which]).tobytes() for which in (table[1] == 0, table[1] != 0))


def added(table):
    sums = np.where(np.isnan(table).all(axis=1), np.nan, np.nansum(table, axis=1))
    if table.size:
        sums[LARGEST] = np.fmax.reduce(table[LARGEST])
    return sums


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0006_weekdays_by_truck'),
    ]

    operations = [
        migrations.CreateModel(
            name='DriverBlock',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', 'block', blank=True, editable=False, primary_key=True, serialize=False)),
                ('span', models.CharField(choices=[('day', 'day'), ('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('block', models.BigIntegerField(help_text="the drivers' ids divided by 64")),
                ('drivers', models.BinaryField()),
            ],
            options={
                'db_table': 'driver_block',
            },
        ),
        migrations.AddField(
            model_name='fleetblock',
            name='driver_totals',
            field=models.BinaryField(default=b''),
        ),
        migrations.AddField(
            model_name='truckblock',
            name='driver_totals',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
