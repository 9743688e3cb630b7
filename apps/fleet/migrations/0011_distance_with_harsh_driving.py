"""How far trucks drove that measure harsh driving: of the days there are, their sums, and what is packed of these. How
it is packed is that of this version."""

import numpy as np
from django.db import migrations, models

MEASURED = 'COALESCE(t.harsh_braking, t.harsh_acceleration, t.harsh_cornering) IS NOT NULL'
MONTH = 'day - INTERVAL DAYOFMONTH(day) - 1 DAY'
FIRST_DAYS = {'pentad': f'{MONTH} + INTERVAL 5 * LEAST((DAYOFMONTH(day) - 1) DIV 5, 5) DAY', 'month': MONTH}
OF_DRIVERS = f"""
UPDATE truck_day_driver d JOIN truck_day t USING (fleet_id, day, truck_id)
SET d.harsh_distance_m = d.distance_m WHERE {MEASURED}
"""
OF_FLEET_DAYS = f"""
UPDATE fleet_day f JOIN (
    SELECT fleet_id, day, SUM(distance_m) AS metres FROM truck_day t WHERE {MEASURED} GROUP BY fleet_id, day
) m USING (fleet_id, day) SET f.harsh_distance_m = m.metres
"""
# Of a table of spans: the columns that a row is about, and what it is summed up from.
SPANS = {
    'truck_span': ('truck_id, ', f'SELECT fleet_id, day, truck_id, distance_m AS metres FROM truck_day t WHERE {MEASURED}'),
    'fleet_span': ('', 'SELECT fleet_id, day, harsh_distance_m AS metres FROM fleet_day'),
    'truck_span_driver': (
        'truck_id, driver_id, ',
        'SELECT fleet_id, day, truck_id, driver_id, harsh_distance_m AS metres FROM truck_day_driver',
    ),
}

PARTS = "SELECT DISTINCT fleet_id, span, first_day FROM truck_block WHERE figures <> ''"
OF_PART = 'fleet_id = %s AND span = %s AND first_day = %s'
OF_DAY = 'fleet_id = %s AND %s = "day" AND day = %s'
TRUCKS = {
    'day': f'SELECT truck_id, distance_m FROM truck_day t WHERE {OF_DAY} AND {MEASURED}',
    'span': f'SELECT truck_id, harsh_distance_m FROM truck_span WHERE {OF_PART}',
}
DRIVERS = {
    'day': f'SELECT truck_id, driver_id, harsh_distance_m FROM truck_day_driver WHERE {OF_DAY}',
    'span': f'SELECT truck_id, driver_id, harsh_distance_m FROM truck_span_driver WHERE {OF_PART}',
}
BLOCKS = f'SELECT block, figures, drivers FROM truck_block WHERE {OF_PART}'
DRIVER_BLOCKS = f'SELECT block, drivers FROM driver_block WHERE {OF_PART}'
TOTALS = f'SELECT block, driver_totals FROM truck_block WHERE {OF_PART}'
OF_FLEET = f'SELECT figures, driver_totals FROM fleet_block WHERE {OF_PART}'
WRITE = f'UPDATE truck_block SET figures = %s, drivers = %s, driver_totals = %s WHERE {OF_PART} AND block = %s'
WRITE_DRIVERS = f'UPDATE driver_block SET drivers = %s WHERE {OF_PART} AND block = %s'
WRITE_FLEET = f'UPDATE fleet_block SET figures = %s, driver_totals = %s WHERE {OF_PART}'
# How many columns there were, ids among them, and where the new one stands.
FIGURES, FLEET_FIGURES, DRIVER_FIGURES, DRIVER_TOTALS = (63, 43), (62, 43), (26, 24), (24, 22)


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        add_up(cursor)
        cursor.execute(PARTS)
        for part in cursor.fetchall():
            pack(cursor, part)


def add_up(cursor):
    cursor.execute(OF_DRIVERS)
    cursor.execute(OF_FLEET_DAYS)
    for table, (key, days) in SPANS.items():
        for span, first_day in FIRST_DAYS.items():
            cursor.execute(f"""
UPDATE {table} s JOIN (
    SELECT fleet_id, {key}{first_day} AS first_day, SUM(metres) AS metres FROM ({days}) d GROUP BY fleet_id, {key}{first_day}
) m USING (fleet_id, {key}first_day) SET s.harsh_distance_m = m.metres WHERE s.span = '{span}'
""")


def pack(cursor, part):
    kind = 'day' if part[1] == 'day' else 'span'
    trucks = dict(rows(cursor, TRUCKS[kind], part))
    drivers = {(truck, driver): metres for truck, driver, metres in rows(cursor, DRIVERS[kind], part)}
    whole = [], []
    totals = dict(rows(cursor, TOTALS, part))
    for block, figures, of_drivers in rows(cursor, BLOCKS, part):
        metres = of_ids(figures, FIGURES, 1, lambda ids: trucks.get(ids[0]))
        by_driver = of_ids(of_drivers, DRIVER_FIGURES, 2, lambda ids: drivers.get(ids))
        sums = [known(of_drivers, by_driver, is_known) for is_known in (False, True)]
        for which, values in enumerate(sums):
            whole[which].extend(values)
        packed = wider(figures, FIGURES, metres), wider(of_drivers, DRIVER_FIGURES, by_driver)
        cursor.execute(WRITE, [*packed, wider_totals(totals[block], sums), *part, block])
    for block, of_drivers in rows(cursor, DRIVER_BLOCKS, part):
        by_driver = of_ids(of_drivers, DRIVER_FIGURES, 2, lambda ids: drivers.get(ids))
        cursor.execute(WRITE_DRIVERS, [wider(of_drivers, DRIVER_FIGURES, by_driver), *part, block])
    for figures, of_all in rows(cursor, OF_FLEET, part):
        metres = [added(trucks.values())]
        packed = wider(figures, FLEET_FIGURES, metres), wider_totals(of_all, whole)
        cursor.execute(WRITE_FLEET, [*packed, *part])


def rows(cursor, statement, part):
    cursor.execute(statement, part)
    return cursor.fetchall()


def of_ids(packed, width, ids, metres):
    table = np.frombuffer(packed).reshape(width[0], -1)
    return [metres(tuple(each)) for each in table[:ids].astype(int).T.tolist()]


def known(packed, metres, is_known):
    drivers = np.frombuffer(packed).reshape(DRIVER_FIGURES[0], -1)[1]
    return [value for driver, value in zip(drivers, metres) if (driver != 0) == is_known]


def added(metres):
    measured = [each for each in metres if each is not None]
    return sum(measured) if measured else None


def wider(packed, width, column):
    """The same with one column more."""
    if not packed:
        return packed
    table = np.frombuffer(packed).reshape(width[0], -1)
    return np.insert(table, width[1], np.array(column, float), axis=0).tobytes()


def wider_totals(packed, both):
    """Of nobody, and of all who are known."""
    if not packed:
        return packed
    halves = np.frombuffer(packed).reshape(2, -1)
    return b''.join(wider(half.tobytes(), DRIVER_TOTALS, [added(of)]) for half, of in zip(halves, both))


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0010_figures_for_rankings'),
    ]

    operations = [
        *(
            migrations.AddField(model_name=model, name='harsh_distance_m', field=models.BigIntegerField(null=True))
            for model in ('fleetday', 'fleetspan', 'truckdaydriver', 'truckspan', 'truckspandriver')
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
