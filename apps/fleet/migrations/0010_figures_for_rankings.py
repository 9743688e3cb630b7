"""What trucks are ranked by for their idling, packed of thousands of them, of the days there are. How it is packed is that
of this version."""

from itertools import groupby

import numpy as np
from django.db import migrations, models

DAYS = "SELECT DISTINCT fleet_id, 'day', day FROM truck_day UNION ALL SELECT DISTINCT fleet_id, span, first_day FROM truck_span"
COLUMNS = 'SELECT truck_id, idle_s, idle_productive_s, length_s, no_data_s'
OF_DAY = COLUMNS + ' FROM truck_day WHERE fleet_id = %s AND %s = "day" AND day = %s ORDER BY truck_id'
OF_SPAN = COLUMNS + ' FROM truck_span WHERE fleet_id = %s AND span = %s AND first_day = %s ORDER BY truck_id'
WRITE = 'INSERT INTO ranking_block (fleet_id, span, first_day, part, idling) VALUES (%s, %s, %s, %s, %s)'
TRUCKS = 4096
NULLS = {'H': 2**16 - 1, 'I': 2**32 - 1}


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DAYS)
        for fleet, span, first_day in cursor.fetchall():
            cursor.execute(OF_DAY if span == 'day' else OF_SPAN, [fleet, span, first_day])
            for part, rows in groupby(cursor.fetchall(), key=lambda row: row[0] // TRUCKS):
                cursor.execute(WRITE, [fleet, span, first_day, part, packed(np.array(list(rows), float).T)])


def packed(table):
    count = table.shape[1]
    columns = [table[0] % TRUCKS - np.arange(count), *table[1:]]
    kinds = [kind_of(column) for column in columns]
    head = np.uint16(count).astype('<u2').tobytes() + ''.join(kinds).encode()
    return head + b''.join(narrow(kind, column) for kind, column in zip(kinds, columns))


def kind_of(column):
    if len(np.unique(column)) == 1:
        return '='
    largest = np.nanmax(column)
    return next((kind for kind, null in NULLS.items() if largest < null), 'd')


def narrow(kind, column):
    if kind == '=':
        return column[:1].astype('<f8').tobytes()
    if kind == 'd':
        return column.astype('<f8').tobytes()
    return np.where(np.isnan(column), NULLS[kind], column).astype(f'<{kind}').tobytes()


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0009_narrower_idle_places'),
    ]

    operations = [
        migrations.CreateModel(
            name='RankingBlock',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', 'part', blank=True, editable=False, primary_key=True, serialize=False)),
                ('span', models.CharField(choices=[('day', 'day'), ('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('part', models.BigIntegerField(help_text="the trucks' ids divided by 4,096")),
                ('idling', models.BinaryField()),
            ],
            options={
                'db_table': 'ranking_block',
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
