"""Rows that all tests of a module begin with, made once instead of once for each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import models, transaction

from tests.rows.summing import sum_up

Made = TypeVar("Made")
Row = TypeVar("Row", bound=models.Model)
Lasting = Callable[[Callable[[], Made]], Made]


class Around:
    """A transaction around tests of a module, rolled back at its end: their own are savepoints in it.

    No other connection sees what is written in it. It ends before the first test that commits, of which pytest-django
    lets none run before one that does not.
    """

    open: "Around | None" = None

    def __init__(self, unblock: Callable[[], Any]) -> None:
        self._unblock = unblock
        self._atomic = transaction.atomic()
        self._atomic._from_testcase = True  # type: ignore[attr-defined]  # `durable` blocks may be inside
        with unblock():
            self._atomic.__enter__()
        Around.open = self

    def make(self, rows: Callable[[], Made]) -> Made:
        with self._unblock():
            made = rows()
            sum_up()
            return made

    def end(self) -> None:
        """Also where it has ended."""
        if Around.open is self:
            Around.open = None
            with self._unblock():
                transaction.set_rollback(True)
                self._atomic.__exit__(None, None, None)


@contextmanager
def around_a_module(unblock: Callable[[], Any]) -> Iterator[Lasting[Any]]:
    around = Around(unblock)
    try:
        yield around.make
    finally:
        around.end()


def anew(row: Row) -> Row:
    """The row as it is in the database, as an object that a test may change."""
    return type(row)._base_manager.get(pk=row.pk)
