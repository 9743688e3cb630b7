"""The sums of driving at night, of the fleet's days and of all spans."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fleet", "0008_tank_balance")]
    operations = [
        migrations.AddField(model, "night_driving_s", models.BigIntegerField(null=True))
        for model in ("fleetday", "fleetspan", "truckspan")
    ]
