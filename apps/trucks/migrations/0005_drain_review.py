"""What people say of drains. The view of the admin is made anew for its new column."""

import django.db.models.deletion
from django.db import migrations, models


_KEY = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at), kind)"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('trucks', '0004_sensor_choice_and_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='fuelevent',
            name='review',
            field=models.CharField(help_text='of a drain', max_length=9, null=True),
        ),
        migrations.CreateModel(
            name='DrainReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('verdict', models.CharField(choices=[('confirmed', 'Confirmed'), ('dismissed', 'Dismissed')], max_length=9)),
                ('reviewed_at', models.DateTimeField()),
                ('reviewed_by', models.CharField(max_length=150)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.fleet')),
                ('truck', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='trucks.truck')),
            ],
            options={
                'db_table': 'drain_review',
                'indexes': [models.Index(fields=['fleet', 'truck', 'reviewed_at'], name='drain_review_of_truck')],
            },
        ),
        migrations.RunSQL(
            "CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW admin_fuel_event AS"
            f" SELECT {_KEY} AS `key`, t.* FROM fuel_event t",
            migrations.RunSQL.noop,
        ),
    ]
