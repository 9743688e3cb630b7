"""Reads that wait at the same time are answered by one statement, or one build: nobody's answer is older than it was.

Whoever asks joins only what has not been sent to the database yet, or what is, by its tag, the very answer they would
get. So nothing is cached, and who has just written reads what they wrote. Reads of one caller that do not need each
other go to the database in one round trip.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from apps.mysql import Parameters, Row, Statement, fetch_each, fetch_often, fetched_by

T = TypeVar("T")
Fetch = Callable[[str, Mapping[str, Any]], Awaitable[list[Row]]]

MOST_KEYS = 64  # of one statement
IN_FLIGHT = 2  # statements of one kind: while one is read, the next one's rows are on their way


@dataclass(frozen=True, slots=True, eq=False)
class KeyedStatement:
    """A statement that finds rows for each of several keys.

    `{keys}` in it stands for the list of an IN; `column` has the key in the rows. Keys are ASCII; the database finds
    them in any case.
    """

    sql: str
    column: str


@lru_cache
def _with_keys(sql: str, number: int) -> str:
    return sql.replace("{keys}", ", ".join(f"%(key_{index})s" for index in range(number)))


@dataclass(slots=True)
class _Group:
    """Questions that differ in their key only: those who wait, and how many statements are under way."""

    waiting: dict[str, list[asyncio.Future[list[Row]]]] = field(default_factory=dict)
    running: int = 0
    is_due: bool = False


class Merger:
    """Answers questions that differ in their key only by one statement for all that wait.

    What the questions share, the fleet above all, is part of the group: no statement is ever about two fleets.
    """

    def __init__(self, fetch: Fetch = fetch_often, *, most_keys: int = MOST_KEYS, in_flight: int = IN_FLIGHT) -> None:
        self._fetch = fetch
        self._most_keys, self._in_flight = most_keys, in_flight
        self._groups: dict[Hashable, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_alone = False  # whether nobody else asked when the last statement was begun

    async def rows(self, statement: KeyedStatement, shared: Mapping[str, Any], key: str) -> list[Row]:
        """The key's rows. They may be shared with others and are not to be changed.

        Raises what the statement raises. A caller that is cancelled leaves the others their answer.
        """
        loop = asyncio.get_running_loop()
        name = loop, statement, *shared.items()
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group()
            if self._was_alone:
                return await self._answer_alone(name, group, statement, shared, key)
        future: asyncio.Future[list[Row]] = loop.create_future()
        group.waiting.setdefault(key, []).append(future)
        if not group.is_due and group.running < self._in_flight:
            self._start(name, group, statement, shared)
        return await future

    async def _answer_alone(
        self, name: Hashable, group: _Group, statement: KeyedStatement, shared: Mapping[str, Any], key: str
    ) -> list[Row]:
        """The rows of one who asks while nobody else does, as nobody did the last time: at once, and without a task."""
        group.running += 1
        try:
            rows = await self._fetch(_with_keys(statement.sql, 1), {**shared, "key_0": key})
        finally:
            self._end(name, group, statement, shared)
        return [row for row in rows if row[statement.column].lower() == key.lower()]

    def _end(self, name: Hashable, group: _Group, statement: KeyedStatement, shared: Mapping[str, Any]) -> None:
        """A statement has ended: those who have come meanwhile get the next one."""
        group.running -= 1
        if group.waiting and not group.is_due:
            self._start(name, group, statement, shared)
        elif not group.running:
            self._groups.pop(name, None)

    def _start(self, name: Hashable, group: _Group, statement: KeyedStatement, shared: Mapping[str, Any]) -> None:
        """Begins a statement, for all who ask in this turn of the loop: no task runs before its end."""
        group.is_due = True
        group.running += 1
        task = asyncio.create_task(self._answer(group, statement, shared))
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._end(name, group, statement, shared)

        task.add_done_callback(done)

    async def _answer(self, group: _Group, statement: KeyedStatement, shared: Mapping[str, Any]) -> None:
        group.is_due = False
        keys = list(group.waiting)[: self._most_keys]
        asked = {key: group.waiting.pop(key) for key in keys}
        self._was_alone = group.running == len(keys) == len(asked[keys[0]]) == 1
        number = 1 << (len(keys) - 1).bit_length()  # few different statements, whatever the number of keys
        padded = {f"key_{index}": keys[min(index, len(keys) - 1)] for index in range(number)}
        try:
            rows = await self._fetch(_with_keys(statement.sql, number), {**shared, **padded})
        except Exception as error:
            for future in _waiting(asked.values()):
                future.set_exception(error)
        else:
            found: dict[str, list[Row]] = {}
            for row in rows:
                found.setdefault(row[statement.column].lower(), []).append(row)
            for key, futures in asked.items():
                for future in _waiting([futures]):
                    future.set_result(found.get(key.lower(), []))
        finally:
            for future in _waiting(asked.values()):  # a loop that ends cancels what is under way
                future.cancel()


def _waiting(futures: Iterable[list[asyncio.Future[list[Row]]]]) -> Iterator[asyncio.Future[list[Row]]]:
    """Those of callers that have not left."""
    return (future for each in futures for future in each if not future.done())


class Sharing:
    """Makes what several ask for at the same time once."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def once(self, name: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives, or is giving under this name on this loop already; made even if its callers leave."""
        name = asyncio.get_running_loop(), name
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.ensure_future(_made(make))
            task.add_done_callback(lambda task: self._forget(name, task))
        result: T = await asyncio.shield(task)
        return result

    def _forget(self, name: Hashable, task: asyncio.Task[Any]) -> None:
        del self._tasks[name]
        if not task.cancelled():
            task.exception()  # it may be that everybody has left


async def _made(make: Callable[[], Awaitable[T]]) -> T:
    return await make()


# --- reads of one caller --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ending:
    """What the statement gave with which each round trip of some reads ended: so it saw what is later than they did."""

    rows: list[list[Row]] = field(default_factory=list)


@contextmanager
def ending_with(statement: Statement) -> Iterator[Ending]:
    """All that is read within goes to the database in turns, each in one round trip that ends with the statement."""
    ending = Ending()
    before = fetched_by.set(_Turns(statement, ending).rows)
    try:
        yield ending
    finally:
        fetched_by.reset(before)


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """What each of some reads gives, in their order; statements that they ask for at the same time take one round trip.

    Raises what the first of them raises; the others end then.
    """
    before = fetched_by.set(fetched_by.get() or _Turns().rows)
    tasks = [asyncio.ensure_future(read) for read in reads]
    fetched_by.reset(before)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()  # those that are done do not notice


_Asked = tuple[Statement, asyncio.Future[list[Row]]]


class _Turns:
    """Statements that are asked for at one time are sent together, in their order, and each once: rows may be shared.

    Reads within reads begin a turn of the loop later; so what waits is sent when a turn has brought nothing more.
    """

    def __init__(self, last: Statement | None = None, ending: Ending | None = None) -> None:
        """`last`: a statement that each round trip ends with; what it gives is noted in `ending`."""
        self._last = [] if last is None else [last]
        self._ending = ending or Ending()
        self._waiting: dict[Hashable, _Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._send_if_all, 0)
        question = sql, frozenset((parameters or {}).items())
        if question not in self._waiting:
            self._waiting[question] = (sql, parameters), loop.create_future()
        return await self._waiting[question][1]

    def _send_if_all(self, before: int) -> None:
        """Sends what waits unless it is more than a turn ago."""
        if len(self._waiting) > before:
            asyncio.get_running_loop().call_soon(self._send_if_all, len(self._waiting))
            return
        asked, self._waiting = [*self._waiting.values()], {}
        task = asyncio.create_task(self._answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        futures = [future for _, future in asked]
        try:
            results = await fetch_each([*(statement for statement, _ in asked), *self._last])
        except Exception as error:
            for future in _waiting([futures]):
                future.set_exception(error)
        else:
            self._ending.rows += results[len(asked) :]
            for future, rows in zip(futures, results[: len(asked)], strict=True):
                if not future.done():
                    future.set_result(rows)
        finally:
            for future in _waiting([futures]):  # a loop that ends cancels what is under way
                future.cancel()
