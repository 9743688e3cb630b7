from django.db import migrations, models


def all_whole(apps, schema_editor):
    """What is noted already is spread whole."""
    entries = apps.get_model('fleet', 'DirtyEntry').objects.all()
    entries.update(whole_at=models.F('marked_at'))


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0011_hours'),
    ]

    operations = [
        migrations.AddField(
            model_name='dirtyentry',
            name='first_day',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='dirtyentry',
            name='last_day',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='dirtyentry',
            name='whole_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(all_whole, migrations.RunPython.noop),
    ]
