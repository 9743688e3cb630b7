"""The views of apps/trucks/models/views.py, for migrations to make.

`t.*` is fixed when a view is made: a migration that gives one of these tables a column, or takes one away, ends with
`made_anew` of it.
"""

from django.db import migrations, models

_EVENT = "CONCAT_WS('.', fleet_id, truck_id, TIMESTAMPDIFF(SECOND, '1970-01-01', started_at))"
_DAY = "CONCAT_WS('.', fleet_id, truck_id, day)"

# What the text key of a row of each table is made of. Keys stay as they are: links of the admin hold them.
KEYS = {
    "correction": "CONCAT_WS('.', fleet_id, truck_id, day, revision, figure)",
    "dirty_day": _DAY,
    "fault_change": f"CONCAT_WS('.', {_EVENT}, spn, fmi, source)",
    "fuel_event": f"CONCAT_WS('.', {_EVENT}, kind)",
    "harsh_event": f"CONCAT_WS('.', {_EVENT}, kind)",
    "idle_event": _EVENT,
    "open_fault": "CONCAT_WS('.', fleet_id, truck_id, spn, fmi, source)",
    "speeding_episode": _EVENT,
    "stop": _EVENT,
    "trip": _EVENT,
    "truck_day": _DAY,
}


def made_anew(table):
    """The view `admin_<table>` with the columns that the table has by then; made, if there is none yet.

    Merged into the statement around it, so that its conditions reach the table's indexes; with the rights of whoever asks.
    """
    return migrations.RunSQL(
        f"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW admin_{table} AS"
        f" SELECT {KEYS[table]} AS `key`, t.* FROM {table} t",
        f"DROP VIEW IF EXISTS admin_{table}",
    )


def model(table, name, verbose_name, verbose_name_plural=None):
    """What the state needs to know of a view's model, for permissions; the columns are the table's."""
    options = {"managed": False, "db_table": f"admin_{table}", "verbose_name": verbose_name}
    if verbose_name_plural:
        options["verbose_name_plural"] = verbose_name_plural
    return migrations.CreateModel(
        name=name,
        fields=[("key", models.CharField(max_length=64, primary_key=True, serialize=False))],
        options=options,
    )
