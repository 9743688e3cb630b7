"""Rows that go in by LOAD DATA are those that INSERT would make; where it is not allowed, INSERT makes them."""

import datetime as dt
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection

from apps.accounts.models import Fleet
from apps.trucks.messages import bulk_load, storage
from apps.trucks.messages.normal import MessageRow, MessageRows
from apps.trucks.models import Message, Truck
from tests.pipeline.feed import deliver, truck_of


def row(t: int, **values: Any) -> MessageRow:
    empty: dict[str, Any] = dict.fromkeys(MessageRow._fields)
    given = {"t": t, "digest": -(2**63) + t, "flags": 0, "dropped": 0, "sensor_version": "v", "payload": b"{}"}
    return MessageRow(**{**empty, **given, **values})


ROWS = [
    row(1, lat=0.1 + 0.2, lon=-1e-300, speed_kmh=1.7976931348623157e308, ignition=True, pto=False),
    row(2, digest=2**63 - 1, payload=b'{"p":{"a":"tab \\t, line \\n, \\\\, \\u0000, \xc3\xa9"}}'),
    row(3, payload=b"\t\n\\N\\\x00\xff", odometer_m=10_000_000_000, received_t=None, dtc="110/3\t\\N"),
    row(4, dtc="", fuel_level_l=5e-324, rpm=-0.0),
]


def stored(truck_id: int) -> list[tuple[Any, ...]]:
    rows = list(Message.objects.filter(truck_id=truck_id).order_by("t").values_list(*MessageRow._fields))
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in each) for each in rows]


@pytest.mark.django_db
def test_a_file_stores_the_same_as_inserts(monkeypatch: pytest.MonkeyPatch) -> None:
    storage.insert(1, 1, ROWS)
    monkeypatch.setattr(storage, "_WORTH_A_FILE", 1)
    monkeypatch.setattr(storage, "_many", lambda *_: pytest.fail("inserted"))
    storage.insert(1, 2, ROWS)
    assert stored(2) == stored(1) == [tuple(each) for each in ROWS]


@pytest.mark.django_db
def test_what_insert_would_refuse_is_refused_by_its_error_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_WORTH_A_FILE", 1)
    for rows, error in (
        ([row(1), row(2), row(1)], IntegrityError),
        ([row(1), row(2, satellites=2**40)], DataError),
    ):
        assert not bulk_load.load("message", {"fleet_id": 1, "truck_id": 3}, MessageRows.of(rows).columns())
        assert not stored(3)
        with pytest.raises(error), connection.cursor() as cursor:
            cursor.execute("SAVEPOINT here")
            try:
                storage.insert(1, 3, rows)
            finally:
                cursor.execute("ROLLBACK TO here")


@pytest.mark.django_db
@pytest.mark.parametrize("code", [1148, 4166, 3948, 2068])
def test_a_server_that_takes_no_files_gets_inserts(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    asked = []

    def refuse(*_: Any) -> None:
        asked.append(code)
        raise OperationalError(code, "not allowed")

    monkeypatch.setattr(bulk_load, "_send", refuse)
    monkeypatch.setattr(bulk_load, "_is_forbidden", False)
    monkeypatch.setattr(storage, "_WORTH_A_FILE", 1)
    for truck_id in (4, 5):
        storage.insert(1, truck_id, ROWS)
        assert stored(truck_id) == [tuple(each) for each in ROWS]
    assert len(asked) == 1  # it is not asked again


@pytest.mark.django_db
def test_a_broken_connection_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: Any) -> None:
        raise OperationalError(2013, "lost connection")

    monkeypatch.setattr(bulk_load, "_send", break_off)
    monkeypatch.setattr(bulk_load, "_is_forbidden", False)
    with pytest.raises(OperationalError):
        bulk_load.load("message", {}, MessageRows.of(ROWS).columns())
    assert not bulk_load._is_forbidden


@pytest.mark.django_db
def test_known_messages_are_not_evaluated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    truck: Truck = truck_of(Fleet.objects.create(name="F", timezone="UTC", currency="USD"), "t", sensors={})
    messages = [{"t": t, "f": 0, "p": {}} for t in range(1, 60)]
    assert deliver(truck, messages, 100) == (59, 0, 0)
    monkeypatch.setattr("apps.trucks.sync.ingest.rows", lambda *_: pytest.fail("evaluated"))
    assert deliver(truck, messages, 100) == (0, 0, 0)


@pytest.mark.django_db
def test_what_is_neither_number_nor_text_is_an_error() -> None:
    with pytest.raises(TypeError, match="date: neither"):
        bulk_load.load("message", {}, {"t": [1, 2], "dtc": [None, dt.date(2026, 1, 1)]})
