"""Who had which truck when. Drivers get a code for the API; what was called so is their key card."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

_EVENT_KEY = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at))"
_VIEW = f"VIEW admin_trip AS SELECT {_EVENT_KEY} AS `key`, t.* FROM trip t"


def give_codes(apps, schema_editor):
    """Every driver that there is gets the code that is never taken; a better one is for staff to give."""
    for driver in apps.get_model("trucks", "Driver").objects.iterator():
        driver.code = f"d{driver.resource_id}-{driver.wialon_id}"
        driver.save(update_fields=["code"])


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('trucks', '0010_freshness_rows'),
    ]

    operations = [
        migrations.RenameField(model_name='driver', old_name='code', new_name='key_card'),
        migrations.AlterField(
            model_name='driver',
            name='key_card',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='driver',
            name='code',
            field=models.CharField(default='', help_text='names the driver in the API', max_length=32, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9._-]{1,32}$', '1 to 32 letters, digits, dots, underscores or hyphens')]),
            preserve_default=False,
        ),
        migrations.RunPython(give_codes, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='driver',
            constraint=models.UniqueConstraint(fields=('fleet', 'code'), name='driver_code_once'),
        ),
        migrations.AddField(
            model_name='driver',
            name='is_active',
            field=models.BooleanField(default=True, help_text='false once the driver is gone from Wialon'),
        ),
        migrations.AddField(
            model_name='fleetsync',
            name='bindings_known_until',
            field=models.BigIntegerField(help_text='Wialon clock up to which it was asked who was bound to which truck', null=True),
        ),
        migrations.AddField(
            model_name='trip',
            name='driver_id',
            field=models.BigIntegerField(help_text='who had the truck for most of it; empty: not known', null=True),
        ),
        migrations.RunSQL(f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER {_VIEW}", migrations.RunSQL.noop),
        migrations.CreateModel(
            name='DriverAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField(help_text='in UTC')),
                ('ended_at', models.DateTimeField(blank=True, help_text='in UTC; empty: it still goes on', null=True)),
                ('source', models.CharField(choices=[('manual', 'entered by staff'), ('binding', 'bound in Wialon'), ('message', 'key card in a message')], default='manual', editable=False, max_length=7)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('driver', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='trucks.driver')),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.fleet')),
                ('truck', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='trucks.truck')),
            ],
            options={
                'db_table': 'driver_assignment',
                'ordering': ['fleet', '-started_at'],
                'indexes': [models.Index(fields=['fleet', 'ended_at'], name='assignment_by_end')],
                'constraints': [models.UniqueConstraint(fields=('driver', 'source', 'started_at'), name='assignment_once'), models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gt', models.F('started_at')), _connector='OR'), name='assignment_not_empty')],
            },
        ),
    ]
