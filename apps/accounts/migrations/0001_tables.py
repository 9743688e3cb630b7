"""The tables of fleets, keys and staff."""

import apps.accounts.encryption
import apps.accounts.models
from django.conf import settings
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('accounts', '0001_initial'),
        ('accounts', '0002_idempotency_keys'),
        ('accounts', '0003_raw_retention'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Fleet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
                ('timezone', models.CharField(help_text='IANA name; a day is a calendar day there', max_length=64, validators=[apps.accounts.models.validate_timezone])),
                ('currency', models.CharField(max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'three capital letters')])),
                ('units', models.CharField(choices=[('metric', 'metric (km, l, °C)'), ('us', 'US (mi, gal, mpg, °F)')], default='metric', max_length=6)),
                ('wialon_url', models.CharField(help_text="e.g. the hosting's API address, or a Wialon Local site", max_length=200, validators=[apps.accounts.models.validate_site], verbose_name='Wialon URL')),
                ('wialon_token', apps.accounts.encryption.EncryptedTextField(help_text='stored encrypted, never shown again', verbose_name='Wialon token')),
                ('raw_retention_days', models.PositiveIntegerField(blank=True, help_text='days that can still be computed anew; older ones are sealed; empty: for ever', null=True, validators=[django.core.validators.MinValueValidator(70)], verbose_name='raw messages are kept for')),
                ('is_active', models.BooleanField(default=True, help_text='an inactive fleet is not synchronised')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'fleet',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('raw_retention_days', None), ('raw_retention_days__gte', 70), _connector='OR'), name='fleet_keeps_raw_long_enough')],
            },
        ),
        migrations.CreateModel(
            name='FleetMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.fleet')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fleet_memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'fleet_membership',
                'constraints': [models.UniqueConstraint(fields=('fleet', 'user'), name='fleet_membership_once')],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fleet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='accounts.fleet')),
                ('name', models.CharField(blank=True, max_length=80)),
                ('prefix', models.CharField(editable=False, max_length=12, unique=True)),
                ('secret_hash', models.CharField(editable=False, max_length=64)),
                ('scopes', models.JSONField(default=list)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'API key',
                'db_table': 'api_key',
                'ordering': ['fleet', '-created_at'],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('pk', models.CompositePrimaryKey('fleet_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('fleet_id', models.BigIntegerField()),
                ('key', models.CharField(db_collation='utf8mb4_bin', max_length=128)),
                ('fingerprint', models.CharField(help_text='of method, path and body', max_length=64)),
                ('owner', models.CharField(max_length=16)),
                ('lease_until', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('status', models.PositiveSmallIntegerField(help_text='of the reply', null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'idempotency_key',
                'indexes': [models.Index(fields=['expires_at'], name='idempotency_key_expiry')],
            },
        ),
    ]
