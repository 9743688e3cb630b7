"""Where many trucks idled together: also of days, and of sixteen times as many trucks, which the next rebuild adds up."""

from django.db import migrations, models

NOTE = """
INSERT INTO idle_place_span (fleet_id, span, first_day, part, due_at, places)
SELECT DISTINCT fleet_id, span, first_day, block DIV 256, NOW(6), '' FROM truck_block WHERE places <> ''
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute('DELETE FROM idle_place_span')
        cursor.execute(NOTE)


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0007_blocks_of_drivers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='idleplacespan',
            name='part',
            field=models.BigIntegerField(help_text="the trucks' ids divided by 16,384"),
        ),
        migrations.AlterField(
            model_name='idleplacespan',
            name='span',
            field=models.CharField(choices=[('day', 'day'), ('pentad', 'pentad'), ('month', 'month')], max_length=6),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
