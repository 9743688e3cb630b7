"""The command that brings a file into the ledger."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Fleet
from apps.fleet.models import CostEntry, LedgerImport
from tests.fleet.imports.files import one_toll

pytestmark = pytest.mark.django_db


def test_the_command_checks_writes_once_and_names_errors(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "costs.csv"
    path.write_bytes(one_toll())
    arguments = ["import_ledger", str(path), "--fleet", fleet.name, "--kind", "entries"]
    call_command(*arguments, "--check")
    assert "1 rows (CSV, UTF-8, separated by commas), 10.00 USD\n1 truck-days of 1 trucks" in capsys.readouterr().out
    assert not LedgerImport.objects.exists()
    call_command(*arguments)
    assert "Written as import" in capsys.readouterr().out
    with pytest.raises(CommandError, match="in the ledger already"):
        call_command(*arguments)
    path.write_bytes(one_toll("ten"))
    with pytest.raises(CommandError, match="1 of 1 rows are wrong"):
        call_command(*arguments)
    assert "row 2, amount: 'ten' is no number" in capsys.readouterr().err
    assert LedgerImport.objects.count() == CostEntry.objects.count() == 1
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_ledger", "nowhere.csv", "--fleet", fleet.name, "--kind", "entries")
