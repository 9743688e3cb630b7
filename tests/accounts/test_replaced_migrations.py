"""A database with all or none of the migrations that one replaces is migrated; one in the midst of them is refused."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.accounts.replaced_migrations import half_replaced


@pytest.mark.django_db
def test_all_or_none_of_what_a_migration_replaces_is_right() -> None:
    assert half_replaced(["default"]) == []
    MigrationRecorder(connection).migration_qs.all().delete()
    assert half_replaced(["default"]) == []


@pytest.mark.django_db
def test_a_database_in_the_midst_of_what_is_replaced_is_refused() -> None:
    MigrationRecorder(connection).record_unapplied("fleet", "0025_fleet_blocks")
    with pytest.raises(CommandError, match=r"fleet\.0001_tables replaces fleet\.0025_fleet_blocks, which .* lacks"):
        call_command("migrate", verbosity=0, skip_checks=False)


def test_without_a_database_nothing_is_asked() -> None:
    assert half_replaced(None) == []
