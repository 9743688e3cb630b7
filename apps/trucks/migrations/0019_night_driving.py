"""How long a truck was driven at night. The admin's view of its days is made anew for the new column."""

from django.db import migrations, models

_MADE = "VIEW admin_truck_day AS SELECT CONCAT_WS('.', fleet_id, truck_id, day) AS `key`, t.* FROM truck_day t"


class Migration(migrations.Migration):
    dependencies = [("trucks", "0018_driver_logins")]
    operations = [
        migrations.AddField("truckday", "night_driving_s", models.PositiveIntegerField(null=True)),
        migrations.RunSQL(f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER {_MADE}", "DROP VIEW admin_truck_day"),
    ]
