"""A view of the corrections for the admin, as those of 0002_admin_views."""

from django.db import migrations, models

_KEY = "CONCAT_WS('.', fleet_id, truck_id, day, revision, figure)"
_VIEW = f"VIEW admin_correction AS SELECT {_KEY} AS `key`, t.* FROM correction t"


class Migration(migrations.Migration):
    dependencies = [("trucks", "0013_backfills")]
    operations = [
        migrations.RunSQL(f"CREATE ALGORITHM = MERGE SQL SECURITY INVOKER {_VIEW}", "DROP VIEW admin_correction"),
        migrations.CreateModel(
            name="CorrectionRow",
            fields=[("key", models.CharField(max_length=64, primary_key=True, serialize=False))],
            options={"managed": False, "db_table": "admin_correction", "verbose_name": "correction"},
        ),
    ]
