"""Room for events of many litres at high prices."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trucks', '0004_state_of_latest_values'),
    ]

    operations = [
        migrations.AlterField(
            model_name='fuelevent',
            name='cost',
            field=models.DecimalField(decimal_places=2, help_text='at the price when it started', max_digits=18, null=True),
        ),
        migrations.AlterField(
            model_name='idleevent',
            name='cost',
            field=models.DecimalField(decimal_places=2, help_text="of the fuel, in the fleet's money", max_digits=18, null=True),
        ),
    ]
