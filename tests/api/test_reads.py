"""A request never touches raw history: no statement behind a hot endpoint names a table of it, or reads more rows where
there is more of it.
"""

import datetime as dt
import re

import pytest
from django.db import connection

from apps.trucks import remembered
from apps.trucks.models import Driver, Truck
from tests import rows
from tests.api.endpoints import PATHS, PERIOD_PATHS
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


# --- rows that are read ---------------------------------------------------------------------------------------------

LAST, WEEK = rows.DAY, dt.timedelta(days=6)
OF_PERIOD = [path for path in HOT if path in PERIOD_PATHS]


def _grow(truck: Truck, days: range, messages: int) -> None:
    """So many days before the last one, each with events and messages; all at a later revision."""
    for ago in days:
        day = LAST - dt.timedelta(days=ago)
        at = dt.datetime.combine(day, dt.time(8), dt.UTC)
        rows.truck_day(truck, day)
        rows.fleet_day(truck.fleet, day)
        rows.trip(truck, at)
        rows.stop(truck, at)
        rows.speeding(truck, at)
        for second in range(messages):
            rows.message(truck, at + dt.timedelta(seconds=second))
    rows.revision(truck.fleet, len(days))


def test_the_worst_trucks_are_read_and_no_others(asgi: AsgiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many trucks a fleet has: here each is in a block of its own."""
    fleet = rows.fleet(timezone="UTC")
    key, sent = rows.api_key(fleet), sent_statements(monkeypatch)

    def read(trucks: range) -> int:
        for number in trucks:
            truck = rows.truck(fleet, f"T-{number:02}", id=4_096 * 7_000 + 64 * number)
            for ago in range(7):
                rows.truck_day(truck, LAST - dt.timedelta(days=ago), idle_s=3_600 + number)
        rows.revision(fleet, len(trucks))
        sent.clear()
        asked = f"/api/v2/fleet/idling?from={LAST - WEEK}&to={LAST}&limit=2"
        remembered.forget()
        assert [row["truck_id"] for row in asgi.get(asked, key).json()["data"]["trucks"]][-1] == f"T-{trucks[-2]:02}"
        return _rows_read([sql for sql in sent if "FROM api_key" not in sql and "FROM truck " not in sql])

    few = read(range(3))
    assert 3 < read(range(3, 40)) <= few


def _rows_read(sent: list[str]) -> int:
    """By the statements, sent once more on a connection of which the database counts them."""
    before = _counted()
    with connection.cursor() as cursor:
        for sql in sent:
            cursor.execute(sql)
            cursor.fetchall()
    return _counted() - before


def _counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def test_a_longer_history_and_more_messages_change_no_row_that_is_read(
    asgi: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = rows.fleet(timezone="UTC")
    truck, driver = rows.truck(fleet), rows.driver(fleet)
    rows.known(truck)
    key, sent = rows.api_key(fleet), sent_statements(monkeypatch)

    def read(path: str) -> int:
        sent.clear()
        remembered.forget()
        asked = f"{path.replace('D-1', driver.code)}?from={LAST - WEEK}&to={LAST}"
        assert asgi.get(asked, key).status_code == 200
        return _rows_read([sql for sql in sent if "FROM api_key" not in sql])  # which is read every few seconds

    _grow(truck, range(50), messages=1)  # of which baselines have all that they look at
    few = {path: read(path) for path in OF_PERIOD}
    _grow(truck, range(50, 150), messages=10)
    many = {path: read(path) for path in OF_PERIOD}
    assert min(few.values()) > 3
    assert {path: (few[path], many[path]) for path in OF_PERIOD if many[path] > few[path]} == {}
