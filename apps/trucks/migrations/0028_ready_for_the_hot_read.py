"""What the latest values are read with: the hash of each document, and open faults as the API shows them."""

import json
from collections import defaultdict

from django.db import migrations, models
from django.db.models.functions import SHA1


def keep_ready(apps, schema_editor):
    by_truck = defaultdict(list)
    faults = apps.get_model("trucks", "OpenFault").objects.order_by("truck_id", "spn", "fmi")
    for fault in faults:
        by_truck[fault.truck_id].append(
            {
                "spn": fault.spn,
                "fmi": fault.fmi,
                "source": None if fault.source == 255 else fault.source,
                "severity": fault.severity,
                "opened_at": f"{fault.opened_at:%Y-%m-%dT%H:%M:%SZ}",
            }
        )
    for truck_id, items in by_truck.items():
        items.sort(key=lambda item: (item["spn"], item["fmi"], item["source"] or 0))
        ready = json.dumps(items, separators=(",", ":")).encode()
        apps.get_model("trucks", "TruckSync").objects.filter(truck_id=truck_id).update(open_faults=ready)


class Migration(migrations.Migration):

    dependencies = [
        ('trucks', '0027_packed_days'),
    ]

    operations = [
        migrations.AddField(
            model_name='latestvalues',
            name='document_sha1',
            field=models.GeneratedField(db_persist=True, expression=SHA1('document'), output_field=models.CharField(max_length=40)),
        ),
        migrations.AddField(
            model_name='trucksync',
            name='open_faults',
            field=models.BinaryField(help_text='JSON: the faults that are active, as the API sends them; empty: none. Written beside them', null=True),
        ),
        migrations.RunPython(keep_ready, migrations.RunPython.noop, elidable=True),
    ]
