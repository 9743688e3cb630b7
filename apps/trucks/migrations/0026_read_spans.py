"""Between which seconds a truck's messages have a reading, of those stored so far from the messages themselves."""

from django.db import migrations, models

_COLUMNS = (
    "lat", "speed_kmh", "odometer_m", "fuel_used_l", "fuel_level_l", "engine_hours_h", "ignition", "rpm", "voltage", "pto",
    "dtc",
)
_ENDS = ", ".join(f"{end}(IF({name} IS NULL, NULL, t))" for name in _COLUMNS for end in ("MIN", "MAX"))
_READ = f"SELECT {_ENDS} FROM message WHERE fleet_id = %s AND truck_id = %s"


def read(apps, schema_editor):
    syncs = apps.get_model("trucks", "TruckSync").objects
    for truck_id, fleet_id in syncs.filter(first_t__isnull=False).values_list("truck_id", "fleet_id"):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_READ, [fleet_id, truck_id])
            ends = cursor.fetchone()
        spans = {name: ends[2 * n : 2 * n + 2] for n, name in enumerate(_COLUMNS) if ends[2 * n] is not None}
        syncs.filter(truck_id=truck_id).update(read_spans=spans)


class Migration(migrations.Migration):

    dependencies = [
        ('trucks', '0025_paused_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='trucksync',
            name='read_spans',
            field=models.JSONField(help_text='reading → first and last second of messages that have it; empty: not known', null=True),
        ),
        migrations.RunPython(read, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(
            model_name='trucksync',
            name='tells_faults',
        ),
    ]
