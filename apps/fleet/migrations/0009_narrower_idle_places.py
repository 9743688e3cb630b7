"""Where trucks idled, packed anew: whole numbers in as few bytes as hold them. How it is packed is that of this version."""

import numpy as np
import orjson
from django.db import migrations

AT_ONCE = 64  # blocks
SOME = "SELECT DISTINCT fleet_id, span, first_day, block DIV %s FROM truck_block WHERE places <> ''"
ROWS = """
SELECT block, places FROM truck_block
WHERE fleet_id = %s AND span = %s AND first_day = %s AND block BETWEEN %s AND %s AND places <> ''
"""
WRITE = "UPDATE truck_block SET places = %s WHERE fleet_id = %s AND span = %s AND first_day = %s AND block = %s"
# What they add up to over many trucks the next rebuild adds up.
NOTE = "UPDATE idle_place_span SET places = '', due_at = NOW(6) WHERE due_at IS NULL"
WHOLE, PRODUCTIVE = 5, 4  # columns
KINDS = {'H': '<u2', 'I': '<u4', 'd': '<f8'}


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NOTE)
        cursor.execute(SOME, [AT_ONCE])
        for *first, some in cursor.fetchall():
            cursor.execute(ROWS, [*first, AT_ONCE * some, AT_ONCE * some + AT_ONCE - 1])
            for block, places in cursor.fetchall():
                cursor.execute(WRITE, [narrower(places), *first, block])


def narrower(packed):
    head, _, columns = packed.partition(b'\n')
    count, *others = orjson.loads(head)
    values = np.frombuffer(columns, '<f8')
    end = len(values) - PRODUCTIVE * count
    whole = values[:end].reshape(WHOLE, -1)
    kinds = [kind_of(column) for column in whole]
    head = orjson.dumps([count, ''.join(kinds), *others]) + b'\n'
    narrow = b''.join(column.astype(KINDS[kind]).tobytes() for kind, column in zip(kinds, whole))
    return head + narrow + values[end:].tobytes()


def kind_of(column):
    if not ((column >= 0) & (column == np.floor(column))).all():
        return 'd'
    return 'H' if column.max() < 2**16 else 'I' if column.max() < 2**32 else 'd'


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0008_idle_places_of_large_fleets'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
