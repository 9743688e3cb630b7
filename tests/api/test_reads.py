"""A request never touches raw history: no statement behind a hot endpoint names a table of it."""

import re

import pytest

from apps.trucks.models import Driver
from tests import rows
from tests.api.endpoints import PATHS
from tests.conftest import AsgiClient
from tests.furnished import furnish
from tests.statements import sent_statements

RAW = re.compile(r"\b(FROM|JOIN)\s+`?(message|quarantined_message)\b", re.IGNORECASE)
# These show single messages or what was measured between them; everything else reads summaries and latest values.
OF_MESSAGES = ("/messages", "/lineage", "/sensor-history", "/track")
NOT_HOT = ("/backfills", "/costs")  # rows of work and of the ledger, by the ORM
HOT = [path for path in PATHS if not path.endswith(OF_MESSAGES) and not any(part in path for part in NOT_HOT)]


@pytest.mark.parametrize("path", HOT)
def test_no_statement_of_a_hot_endpoint_names_raw_history(
    asgi: AsgiClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = rows.fleet()
    furnish(fleet)
    code = Driver.objects.get(fleet=fleet).code
    rows.fleet_day(fleet)
    key = rows.api_key(fleet)
    sent = sent_statements(monkeypatch)
    assert asgi.get(path.replace("T-1", "Prairie-1").replace("D-1", code), key).status_code == 200
    assert sent
    assert not [sql for sql in sent if RAW.search(sql)]


@pytest.mark.parametrize("sql", ["SELECT 1 FROM message m", "SELECT 1 FROM a\nJOIN `message` USING (x)"])
def test_the_search_finds_what_it_looks_for(sql: str) -> None:
    assert RAW.search(sql)


@pytest.mark.parametrize("sql", ["SELECT messages FROM truck_day", "SELECT 1 FROM message_count"])
def test_the_search_finds_nothing_else(sql: str) -> None:
    assert not RAW.search(sql)
