"""What idle events, refuels and drains cost. The views of both tables are made anew with the column."""

from django.db import migrations, models

_SECOND = "TIMESTAMPDIFF(SECOND, '1970-01-01', started_at)"
_VIEWS = {
    "fuel_event": f"CONCAT_WS('.', CONCAT_WS('.', fleet_id, truck_id, {_SECOND}), kind)",
    "idle_event": f"CONCAT_WS('.', fleet_id, truck_id, {_SECOND})",
}


class Migration(migrations.Migration):

    dependencies = [
        ('trucks', '0020_runs_are_live'),
    ]

    operations = [
        migrations.AddField(
            model_name='fuelevent',
            name='cost',
            field=models.DecimalField(decimal_places=2, help_text='at the price when it started', max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='idleevent',
            name='cost',
            field=models.DecimalField(decimal_places=2, help_text="of the fuel, in the fleet's money", max_digits=12, null=True),
        ),
        *(
            migrations.RunSQL(
                f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW admin_{table} AS"
                f" SELECT {key} AS `key`, t.* FROM {table} t",
                migrations.RunSQL.noop,
            )
            for table, key in _VIEWS.items()
        ),
    ]
