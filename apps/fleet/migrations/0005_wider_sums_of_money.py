"""Room for sums of whatever can be entered. Each table is written anew once, for all of its columns."""

from django.db import migrations, models

DRIVEN = ('fuel_cost', 'idle_cost', 'idle_productive_cost')
FUEL = (*DRIVEN, 'drain_cost', 'suspected_drain_cost', 'purchased_l', 'purchased_amount')
COLUMNS = {
    ('cost_allocation', 'costallocation'): ('amount',),
    ('fleet_day', 'fleetday'): FUEL,
    ('fleet_day_cost', 'fleetdaycost'): ('amount',),
    ('fleet_span', 'fleetspan'): FUEL,
    ('fleet_span_cost', 'fleetspancost'): ('amount',),
    ('truck_day_cost', 'truckdaycost'): ('amount',),
    ('truck_day_driver', 'truckdaydriver'): DRIVEN,
    ('truck_day_driver_cost', 'truckdaydrivercost'): ('amount',),
    ('truck_day_fuel', 'truckdayfuel'): FUEL,
    ('truck_day_idle_place', 'truckdayidleplace'): ('cost', 'productive_cost'),
    ('truck_span_cost', 'truckspancost'): ('amount',),
    ('truck_span_driver', 'truckspandriver'): DRIVEN,
    ('truck_span_driver_cost', 'truckspandrivercost'): ('amount',),
    ('truck_span_fuel', 'truckspanfuel'): FUEL,
}
HELP = {'fuel_cost': 'litres used × price', 'drain_cost': 'at the prices of their time'}


def places(column):
    return 3 if column == 'purchased_l' else 2


def widened(table, columns):
    def statement(digits):
        null = 'NOT NULL' if columns == ('amount',) else 'NULL'
        changes = (f'MODIFY {column} DECIMAL({digits}, {places(column)}) {null}' for column in columns)
        return f'ALTER TABLE {table} {", ".join(changes)}'

    return migrations.RunSQL(statement(20), statement(14))


def described(table, model, column):
    options = {'null': True} if column != 'amount' else {}
    if column in HELP and not table.endswith('_driver'):
        options['help_text'] = HELP[column]
    field = models.DecimalField(decimal_places=places(column), max_digits=20, **options)
    return migrations.AlterField(model_name=model, name=column, field=field)


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0004_hours_by_truck'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [widened(table, columns) for (table, _), columns in COLUMNS.items()],
            [described(*key, column) for key, columns in COLUMNS.items() for column in columns],
        ),
        migrations.AlterField(
            model_name='fuelalert',
            name='excess_cost',
            field=models.DecimalField(decimal_places=2, help_text="at the week's mean price; empty: no price", max_digits=18, null=True),
        ),
    ]
