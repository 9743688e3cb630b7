"""What another connection does at the same time, and that one waits for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction


class Elsewhere:
    """Something that another connection does within a transaction, which stays open until it is released."""

    def __init__(self, first: Callable[[], Any], then: Callable[[], Any] = lambda: None) -> None:
        self._first, self._then = first, then
        self._begun, self._released = threading.Event(), threading.Event()
        self.errors: list[Exception] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with transaction.atomic():
                self._first()
                self._begun.set()
                self._released.wait(10)
                self._then()
        except Exception as error:
            self.errors.append(error)
        finally:
            self._begun.set()
            connection.close()

    def __enter__(self) -> "Elsewhere":
        self._thread.start()
        self._begun.wait(10)
        return self

    def release(self) -> None:
        self._released.set()

    def __exit__(self, *_: Any) -> None:
        self.release()
        self._thread.join(10)


@contextmanager
def impatient() -> Iterator[None]:
    """What is done in here fails if it waits for more than a second for what another connection has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def waiting_in_vain() -> Iterator[None]:
    """What is done in here waits for what another connection has locked: shown by giving up after a second."""
    with impatient(), pytest.raises(OperationalError, match="Lock wait timeout"):
        yield
