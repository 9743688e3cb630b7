"""An index that has all that counting a fleet's trucks by state needs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trucks", "0003_monthly_partitions_of_messages")]

    operations = [
        migrations.AddIndex(
            model_name="latestvalues",
            index=models.Index(fields=["fleet_id", "t", "engine_on", "speed_kmh"], name="latest_values_state"),
        ),
        migrations.RemoveIndex(model_name="latestvalues", name="latest_values_fleet"),
    ]
