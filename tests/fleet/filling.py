"""Runs what a migration fills, in a database that is further."""

from importlib import import_module

from django.apps import apps
from django.db import connection


def fill(migration: str) -> None:
    """Columns that came later have no default."""
    with connection.schema_editor(atomic=False) as editor, connection.cursor() as cursor:
        cursor.execute("SET @mode = @@sql_mode, sql_mode = ''")
        import_module(f"apps.fleet.migrations.{migration}").fill(apps, editor)
        cursor.execute("SET sql_mode = @mode")
