"""Consumption over days that have both halves, drains in money, and fuel in money by truck and span.

What follows from the days there are is summed up here, of sealed days too; what needs prices comes with the rebuild of
all others.
"""

from django.db import migrations, models

BOTH = 'fuel_used_l IS NOT NULL AND distance_m IS NOT NULL'
PENTAD = 'DATE_SUB(day, INTERVAL DAYOFMONTH(day) - 1 - 5 * LEAST(FLOOR((DAYOFMONTH(day) - 1) / 5), 5) DAY)'
MONTH = 'DATE_SUB(day, INTERVAL DAYOFMONTH(day) - 1 DAY)'
MONTH_OF_SPAN = 'DATE_SUB(first_day, INTERVAL DAYOFMONTH(first_day) - 1 DAY)'
SPAN_KEY = ('fleet_id', 'span', 'first_day', 'truck_id')
REBUILD_ALL = """
INSERT INTO dirty_day (fleet_id, truck_id, day, version, cause, marked_at, attempts, last_error)
SELECT fleet_id, truck_id, day, 1, 'ledger', UTC_TIMESTAMP(6), 0, '' FROM truck_day
ON DUPLICATE KEY UPDATE version = dirty_day.version + 1
"""


def consumption(table, key, first_day, where):
    """Sums up a table's litres of the truck-days that have a distance too."""
    matched = ' AND '.join(f't.{name} = s.{name}' for name in key)
    own_day = 'day' if table == 'fleet_day' else 'first_day'
    return (
        f'UPDATE {table} t JOIN (SELECT {", ".join(key)}, {first_day} AS starts, SUM(IF({BOTH}, fuel_used_l, NULL)) AS litres, SUM({BOTH}) AS days '
        f'FROM truck_day GROUP BY {", ".join((*key, "starts"))}) s ON {matched} AND t.{own_day} = s.starts '
        f'SET t.consumption_l = s.litres, t.consumption_days = s.days WHERE {where}'
    )


def sum_up(apps, schema_editor):
    cursor = schema_editor.connection.cursor()
    cursor.execute(consumption('fleet_day', ('fleet_id',), 'day', 'TRUE'))
    for table, key in (('truck_span', ('fleet_id', 'truck_id')), ('fleet_span', ('fleet_id',))):
        for span, first_day in (('pentad', PENTAD), ('month', MONTH)):
            cursor.execute(consumption(table, key, first_day, f"t.span = '{span}'"))
    fields = apps.get_model('fleet', 'TruckSpanFuel')._meta.concrete_fields
    summed = [field.column for field in fields if field.column and field.column not in SPAN_KEY]
    for span, first_day, source in (
        ('pentad', PENTAD, 'truck_day_fuel'),
        ('month', MONTH_OF_SPAN, "truck_span_fuel WHERE span = 'pentad'"),
    ):
        cursor.execute(
            f"INSERT INTO truck_span_fuel ({', '.join([*SPAN_KEY, *summed])}) "
            f"SELECT fleet_id, '{span}', {first_day} AS starts, truck_id, {', '.join(f'SUM({name})' for name in summed)} "
            f'FROM {source} GROUP BY fleet_id, starts, truck_id'
        )


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0009_night_driving'),
    ]

    operations = [
        migrations.AddField(
            model_name='fleetday',
            name='consumption_days',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='consumption_l',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='drain_cost',
            field=models.DecimalField(decimal_places=2, help_text='at the prices of their time', max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='drain_priced_l',
            field=models.FloatField(help_text='the litres in it', null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='suspected_drain_cost',
            field=models.DecimalField(decimal_places=2, max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='suspected_drain_l',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='suspected_drains',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='consumption_days',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='consumption_l',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='drain_cost',
            field=models.DecimalField(decimal_places=2, help_text='at the prices of their time', max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='drain_priced_l',
            field=models.FloatField(help_text='the litres in it', null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='suspected_drain_cost',
            field=models.DecimalField(decimal_places=2, max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='suspected_drain_l',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='fleetspan',
            name='suspected_drains',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='truckdayfuel',
            name='drain_cost',
            field=models.DecimalField(decimal_places=2, help_text='at the prices of their time', max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='truckdayfuel',
            name='drain_priced_l',
            field=models.FloatField(help_text='the litres in it', null=True),
        ),
        migrations.AddField(
            model_name='truckdayfuel',
            name='suspected_drain_cost',
            field=models.DecimalField(decimal_places=2, max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='truckdayfuel',
            name='suspected_drain_l',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='truckdayfuel',
            name='suspected_drains',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='truckspan',
            name='consumption_days',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='truckspan',
            name='consumption_l',
            field=models.FloatField(null=True),
        ),
        migrations.CreateModel(
            name='TruckSpanFuel',
            fields=[
                ('fuel_cost', models.DecimalField(decimal_places=2, help_text='litres used × price', max_digits=14, null=True)),
                ('fuel_priced_l', models.FloatField(help_text='the litres in it', null=True)),
                ('idle_cost', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('idle_productive_cost', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('idle_productive_fuel_l', models.FloatField(null=True)),
                ('drain_cost', models.DecimalField(decimal_places=2, help_text='at the prices of their time', max_digits=14, null=True)),
                ('drain_priced_l', models.FloatField(help_text='the litres in it', null=True)),
                ('suspected_drains', models.PositiveIntegerField(null=True)),
                ('suspected_drain_l', models.FloatField(null=True)),
                ('suspected_drain_cost', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('purchases', models.PositiveIntegerField(null=True)),
                ('purchased_l', models.DecimalField(decimal_places=3, max_digits=14, null=True)),
                ('purchased_amount', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('balance_days', models.PositiveIntegerField(null=True)),
                ('balance_bought_l', models.FloatField(help_text='by purchases; 0 where none was booked', null=True)),
                ('balance_refuelled_l', models.FloatField(null=True)),
                ('balance_drained_l', models.FloatField(null=True)),
                ('balance_used_l', models.FloatField(help_text='by the fuel counter', null=True)),
                ('balance_tank_l', models.FloatField(help_text='what the tank holds more at the end', null=True)),
                ('fleet_id', models.BigIntegerField()),
                ('span', models.CharField(choices=[('pentad', 'pentad'), ('month', 'month')], max_length=6)),
                ('first_day', models.DateField()),
                ('pk', models.CompositePrimaryKey('fleet_id', 'span', 'first_day', 'truck_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('truck_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'truck_span_fuel',
                'indexes': [models.Index(fields=['fleet_id', 'truck_id', 'span', 'first_day'], name='truck_span_fuel_of_truck')],
            },
        ),
        migrations.RunPython(sum_up, migrations.RunPython.noop),
        migrations.RunSQL(REBUILD_ALL, migrations.RunSQL.noop),
    ]
