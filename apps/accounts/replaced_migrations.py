"""Refuses to migrate a database that stopped in the midst of migrations which one migration replaces now.

Django would leave that one out without a word, and the tables would lack what the rest of the old ones brought.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


@register(Tags.database)
def half_replaced(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """An error for each migration that replaces some that a database has and some that it lacks. `migrate` asks it."""
    migrations = MigrationLoader(None).disk_migrations.values()
    errors = []
    for alias in databases or ():
        applied = MigrationRecorder(connections[alias]).applied_migrations().keys()
        for migration in migrations:
            missing = [name for name in migration.replaces if name not in applied]
            if 0 < len(missing) < len(migration.replaces):
                errors.append(_error(alias, str(migration), [".".join(name) for name in missing]))
    return errors


def _error(alias: str, migration: str, missing: list[str]) -> Error:
    return Error(
        f"{migration} replaces {', '.join(missing)}, which the database {alias} lacks, and others that it has.",
        hint="Migrate it with a version that still has these first, then with this one.",
        id="accounts.E001",
    )
