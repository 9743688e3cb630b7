"""What devices say of harsh driving and faults. The views of the admin are made anew for their new columns."""

import django.db.models.deletion
from django.db import migrations, models

_DAY_KEY = "CONCAT_WS('.', fleet_id, truck_id, day)"
_EVENT_KEY = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at))"
_CODE = "spn, fmi, source"


def view(table, key):
    made = f"VIEW admin_{table} AS SELECT {key} AS `key`, t.* FROM {table} t"
    return migrations.RunSQL(
        f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER {made}", f"DROP VIEW IF EXISTS admin_{table}"
    )


def model(table, name, verbose_name, plural=None):
    options = {"managed": False, "db_table": f"admin_{table}", "verbose_name": verbose_name}
    return migrations.CreateModel(
        name=name,
        fields=[("key", models.CharField(max_length=64, primary_key=True, serialize=False))],
        options={**options, "verbose_name_plural": plural} if plural else options,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('trucks', '0002_admin_views'),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenFault',
            fields=[
                ('pk', models.CompositePrimaryKey('fleet_id', 'truck_id', 'spn', 'fmi', 'source', blank=True, editable=False, primary_key=True, serialize=False)),
                ('fleet_id', models.BigIntegerField()),
                ('truck_id', models.BigIntegerField()),
                ('spn', models.PositiveIntegerField()),
                ('fmi', models.PositiveSmallIntegerField()),
                ('source', models.PositiveSmallIntegerField(help_text='address of the control unit; 255: not told')),
                ('severity', models.CharField(max_length=8)),
                ('opened_at', models.DateTimeField()),
                ('lat', models.FloatField(null=True)),
                ('lon', models.FloatField(null=True)),
            ],
            options={
                'db_table': 'open_fault',
            },
        ),
        migrations.AddField(
            model_name='message',
            name='dtc',
            field=models.CharField(help_text='active faults by the device', max_length=1000, null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='harsh',
            field=models.PositiveSmallIntegerField(help_text='what the device says of harsh driving, in bits', null=True),
        ),
        migrations.AddField(
            model_name='truck',
            name='hardware_id',
            field=models.BigIntegerField(editable=False, help_text="Wialon's number of it", null=True, verbose_name='device type'),
        ),
        migrations.AddField(
            model_name='truckday',
            name='faults_opened',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='truckday',
            name='harsh_acceleration',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='truckday',
            name='harsh_braking',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='truckday',
            name='harsh_cornering',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='trucksync',
            name='tells_faults',
            field=models.BooleanField(default=False, help_text='whether its device has ever told of faults'),
        ),
        migrations.CreateModel(
            name='FaultChange',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('truck_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(help_text='empty: it may still go on', null=True)),
                ('lat', models.FloatField(null=True)),
                ('lon', models.FloatField(null=True)),
                ('pk', models.CompositePrimaryKey('fleet_id', 'truck_id', 'started_at', 'spn', 'fmi', 'source', blank=True, editable=False, primary_key=True, serialize=False)),
                ('spn', models.PositiveIntegerField()),
                ('fmi', models.PositiveSmallIntegerField()),
                ('source', models.PositiveSmallIntegerField(help_text='address of the control unit; 255: not told')),
                ('kind', models.CharField(max_length=7)),
                ('severity', models.CharField(max_length=8)),
            ],
            options={
                'db_table': 'fault_change',
                'indexes': [models.Index(fields=['fleet_id', 'day', 'truck_id'], name='fault_change_of_day'), models.Index(fields=['fleet_id', 'truck_id', 'spn', 'fmi', 'source', 'started_at'], name='fault_of_code')],
            },
        ),
        migrations.CreateModel(
            name='HarshEvent',
            fields=[
                ('fleet_id', models.BigIntegerField()),
                ('truck_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(help_text='empty: it may still go on', null=True)),
                ('lat', models.FloatField(null=True)),
                ('lon', models.FloatField(null=True)),
                ('pk', models.CompositePrimaryKey('fleet_id', 'truck_id', 'started_at', 'kind', blank=True, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=12)),
                ('source', models.CharField(max_length=6)),
                ('speed_kmh', models.FloatField(null=True)),
                ('peak_ms2', models.FloatField(null=True)),
            ],
            options={
                'db_table': 'harsh_event',
                'indexes': [models.Index(fields=['fleet_id', 'day', 'truck_id'], name='harsh_event_of_day'), models.Index(fields=['fleet_id', 'truck_id', 'ended_at'], name='harsh_event_by_end')],
            },
        ),
        migrations.CreateModel(
            name='EventMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hardware_id', models.BigIntegerField(blank=True, help_text="Wialon's number of the type; empty: all devices of the fleet", null=True, verbose_name='device type')),
                ('measure', models.CharField(choices=[('harsh_braking', 'harsh braking'), ('harsh_acceleration', 'harsh acceleration'), ('harsh_cornering', 'harsh cornering'), ('dtc', 'dtc')], max_length=18)),
                ('parameter', models.CharField(help_text='name of the raw parameter, e.g. io_253', max_length=64)),
                ('value', models.FloatField(default=1, help_text='that it has when the event happens; of no matter for faults')),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='event_mappings', to='accounts.fleet')),
            ],
            options={
                'db_table': 'event_mapping',
                'ordering': ['fleet', 'hardware_id', 'measure'],
                'constraints': [models.UniqueConstraint(fields=('fleet', 'hardware_id', 'measure', 'parameter', 'value'), name='event_mapping_once')],
            },
        ),
        migrations.CreateModel(
            name='FaultAcknowledgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('spn', models.PositiveIntegerField()),
                ('fmi', models.PositiveSmallIntegerField()),
                ('source', models.PositiveSmallIntegerField(default=255)),
                ('acknowledged_at', models.DateTimeField()),
                ('acknowledged_by', models.CharField(max_length=150)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.fleet')),
                ('truck', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='trucks.truck')),
            ],
            options={
                'db_table': 'fault_acknowledgement',
                'indexes': [models.Index(fields=['fleet', 'truck', 'spn', 'fmi', 'source'], name='acknowledged_fault')],
            },
        ),
        view("truck_day", _DAY_KEY),
        view("harsh_event", f"CONCAT_WS('.', {_EVENT_KEY}, kind)"),
        view("fault_change", f"CONCAT_WS('.', {_EVENT_KEY}, {_CODE})"),
        view("open_fault", f"CONCAT_WS('.', fleet_id, truck_id, {_CODE})"),
        model("harsh_event", "HarshEventRow", "harsh event"),
        model("fault_change", "FaultChangeRow", "fault opened or cleared", "faults opened and cleared"),
        model("open_fault", "OpenFaultRow", "open fault"),
    ]
