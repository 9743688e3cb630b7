"""The worst places of many trucks apart from the others. What they add up to the next rebuild adds up."""

from django.db import migrations, models

NOTE = "UPDATE idle_place_span SET places = '', due_at = NOW(6) WHERE due_at IS NULL"


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NOTE)


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0011_distance_with_harsh_driving'),
    ]

    operations = [
        migrations.AddField(
            model_name='idleplacespan',
            name='worst',
            field=models.BinaryField(default=b''),
        ),
        migrations.AddField(
            model_name='idleplacespan',
            name='left_s',
            field=models.BigIntegerField(default=-1),
        ),
        migrations.AddField(
            model_name='idleplacespan',
            name='cells',
            field=models.BinaryField(default=b''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
