"""The views of apps/trucks/models/views.py. `t.*` is fixed when a view is made: make it anew when its table gets a column."""

from django.db import migrations, models

_DAY_KEY = "CONCAT_WS('.', fleet_id, truck_id, day)"
_EVENT_KEY = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at))"
_FUEL_KEY = f"CONCAT_WS('.', {_EVENT_KEY}, kind)"

# table → the row's key, the model, its name and its plural
VIEWS = {
    "truck_day": (_DAY_KEY, "TruckDayRow", "truck-day", None),
    "dirty_day": (_DAY_KEY, "DirtyDayRow", "day to rebuild", "days to rebuild"),
    "trip": (_EVENT_KEY, "TripRow", "trip", None),
    "stop": (_EVENT_KEY, "StopRow", "stop", None),
    "idle_event": (_EVENT_KEY, "IdleEventRow", "idle event", None),
    "speeding_episode": (_EVENT_KEY, "SpeedingEpisodeRow", "speeding episode", None),
    "fuel_event": (_FUEL_KEY, "FuelEventRow", "refuel or drain", "refuels and drains"),
}


def view(table, key):
    # Merged into the statement around it, so that its conditions reach the table's indexes; with the rights of whoever asks.
    return migrations.RunSQL(
        f"CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW admin_{table} AS SELECT {key} AS `key`, t.* FROM {table} t",
        f"DROP VIEW admin_{table}",
    )


def model(table, name, verbose_name, plural):
    # What the state needs to know for permissions; the columns are the table's.
    options = {"managed": False, "db_table": f"admin_{table}", "verbose_name": verbose_name}
    return migrations.CreateModel(
        name=name,
        fields=[("key", models.CharField(max_length=64, primary_key=True, serialize=False))],
        options={**options, "verbose_name_plural": plural} if plural else options,
    )


class Migration(migrations.Migration):
    dependencies = [("trucks", "0001_initial")]
    operations = [
        *(view(table, key) for table, (key, *_) in VIEWS.items()),
        *(model(table, *names) for table, (_, *names) in VIEWS.items()),
    ]
