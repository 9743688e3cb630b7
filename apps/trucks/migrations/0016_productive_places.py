"""Where idling is productive; idle events name the place."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

_EVENT_KEY = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at))"
_VIEW = f"VIEW admin_idle_event AS SELECT {_EVENT_KEY} AS `key`, t.* FROM idle_event t"

class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_idempotency_keys'),
        ('trucks', '0015_monthly_partitions'),
    ]

    operations = [
        migrations.AddField(
            model_name='idleevent',
            name='productive_place',
            field=models.CharField(help_text='the first in which it idled', max_length=64, null=True),
        ),
        migrations.RunSQL(f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER {_VIEW}", migrations.RunSQL.noop),
        migrations.CreateModel(
            name='ProductivePlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('lat', models.FloatField(blank=True, help_text='of the centre, degrees', null=True, validators=[django.core.validators.MinValueValidator(-90), django.core.validators.MaxValueValidator(90)], verbose_name='latitude')),
                ('lon', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(-180), django.core.validators.MaxValueValidator(180)], verbose_name='longitude')),
                ('radius_m', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)], verbose_name='radius (m)')),
                ('polygon', models.JSONField(blank=True, help_text='corners: latitude and longitude of each', null=True)),
                ('effective_from', models.DateField(help_text='the first day on which idling there is productive')),
                ('effective_to', models.DateField(blank=True, help_text='the last such day; empty: it still is', null=True)),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.fleet')),
                ('group', models.ForeignKey(blank=True, help_text='only for the trucks of this group; empty: for all', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trucks.truckgroup')),
            ],
            options={
                'db_table': 'productive_place',
                'ordering': ['fleet', 'name', 'effective_from'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('lat__isnull', False), ('lon__isnull', False), ('polygon__isnull', True), ('radius_m__isnull', False)), models.Q(('lat', None), ('lon', None), ('polygon__isnull', False), ('radius_m', None)), _connector='OR'), name='productive_place_has_one_shape'), models.CheckConstraint(condition=models.Q(('effective_to', None), ('effective_to__gte', models.F('effective_from')), _connector='OR'), name='productive_place_not_empty')],
            },
        ),
    ]
