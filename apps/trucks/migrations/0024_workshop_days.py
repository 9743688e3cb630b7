"""Whether a truck was in the workshop on its day. The admin's view of its days is made anew for the new column."""

from django.db import migrations, models

_MADE = "VIEW admin_truck_day AS SELECT CONCAT_WS('.', fleet_id, truck_id, day) AS `key`, t.* FROM truck_day t"


class Migration(migrations.Migration):

    dependencies = [
        ('trucks', '0023_shares_of_a_pass'),
    ]

    operations = [
        migrations.AddField(
            model_name='truckday',
            name='in_workshop',
            field=models.BooleanField(default=False, help_text='by what staff entered'),
        ),
        migrations.AlterField(
            model_name='truckday',
            name='available_s',
            field=models.PositiveIntegerField(help_text='working hours by calendar, else by parameter; 0: a day off'),
        ),
        migrations.RunSQL(f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER {_MADE}", "DROP VIEW admin_truck_day"),
    ]
