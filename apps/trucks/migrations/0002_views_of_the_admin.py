"""The admin's views of computed rows, and their models."""

from django.db import migrations

from apps.trucks.migrations._views import KEYS, made_anew, model


class Migration(migrations.Migration):

    replaces = [
        ("trucks", "0002_admin_views"),
        ("trucks", "0014_admin_corrections"),
    ]

    dependencies = [
        ("trucks", "0001_tables"),
    ]

    operations = [
        *map(made_anew, KEYS),
        model("correction", "CorrectionRow", "correction"),
        model("dirty_day", "DirtyDayRow", "day to rebuild", "days to rebuild"),
        model("fault_change", "FaultChangeRow", "fault opened or cleared", "faults opened and cleared"),
        model("fuel_event", "FuelEventRow", "refuel or drain", "refuels and drains"),
        model("harsh_event", "HarshEventRow", "harsh event"),
        model("idle_event", "IdleEventRow", "idle event"),
        model("open_fault", "OpenFaultRow", "open fault"),
        model("speeding_episode", "SpeedingEpisodeRow", "speeding episode"),
        model("stop", "StopRow", "stop"),
        model("trip", "TripRow", "trip"),
        model("truck_day", "TruckDayRow", "truck-day"),
    ]
