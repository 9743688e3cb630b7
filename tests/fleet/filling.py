"""Runs what a migration fills, in a database that is further."""

from importlib import import_module
from unittest import mock

from django.apps import apps
from django.db import connection


def fill(migration: str, **widths: int) -> None:
    """Columns that came later have no default. `widths`: its constants, where what is packed has become wider."""
    module = import_module(f"apps.fleet.migrations.{migration}")
    with connection.schema_editor(atomic=False) as editor, connection.cursor() as cursor:
        cursor.execute("SET @mode = @@sql_mode, sql_mode = ''")
        with mock.patch.dict(vars(module), widths):
            module.fill(apps, editor)
        cursor.execute("SET sql_mode = @mode")
