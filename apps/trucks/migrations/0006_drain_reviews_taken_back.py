"""A review of a drain may be that it is suspected again. The table stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trucks", "0005_costs_of_large_events")]

    operations = [
        migrations.AlterField(
            model_name="drainreview",
            name="verdict",
            field=models.CharField(
                choices=[("confirmed", "Confirmed"), ("dismissed", "Dismissed"), ("suspected", "Suspected")],
                max_length=9,
            ),
        ),
    ]
