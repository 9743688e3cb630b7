"""Reads that wait at the same time are answered by one statement, or one build: nobody's answer is older than it was.

Whoever asks joins only what has not been sent to the database yet, or what is, by its tag, the very answer they would
get. So nothing is cached, and who has just written reads what they wrote. Reads of one caller that do not need each
other go to the database in one round trip.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar, cast

from apps.mysql import Row, Statement, driven, fetch_each, fetch_often, is_driven
from apps.pool import bound
from apps.prepared import Repeated

T = TypeVar("T")
Fetch = Callable[[Repeated], Awaitable[list[Row]]]

MOST_KEYS = 64  # of one statement
IN_FLIGHT = 2  # statements of one kind: while one is read, the next one's rows are on their way
_MOST_REPEATED = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class KeyedStatement:
    """A statement that finds rows for each of several keys.

    `{keys}` in it stands for the list of an IN; `column` has the key in the rows. Keys are ASCII; the database finds
    them in any case.
    """

    sql: str
    column: str


_Shared = tuple[KeyedStatement, tuple[tuple[str, Any], ...]]  # a statement, and what its questions share by name
_Name = tuple[asyncio.AbstractEventLoop, _Shared]


@lru_cache
def _with_keys(sql: str, number: int) -> str:
    return sql.replace("{keys}", ", ".join(f"%(key_{index})s" for index in range(number)))


def _read(of: _Shared, keys: Sequence[str]) -> Repeated:
    """The statement for some keys."""
    statement, shared = of
    number = 1 << (len(keys) - 1).bit_length()  # few different statements, whatever the number of keys
    padded = {f"key_{index}": keys[min(index, len(keys) - 1)] for index in range(number)}
    return Repeated(_with_keys(statement.sql, number), bound({**dict(shared), **padded}) or {})


@lru_cache(_MOST_REPEATED)
def _read_of_one(of: _Shared, key: str) -> Repeated:
    """The same for one, as the object by which connections know it."""
    return _read(of, [key])


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
        self._groups: dict[_Name, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_alone = False  # whether nobody else asked when the last statement was begun

    async def rows(self, statement: KeyedStatement, shared: Mapping[str, Any], key: str) -> list[Row]:
        """The key's rows. They may be shared with others and are not to be changed.

        Raises what the statement raises. A caller that is cancelled leaves the others their answer.
        """
        loop = asyncio.get_running_loop()
        name = loop, (statement, tuple(shared.items()))
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group()
            if self._was_alone:
                return await self._answer_alone(name, group, key)
        future: asyncio.Future[list[Row]] = loop.create_future()
        group.waiting.setdefault(key, []).append(future)
        if not group.is_due and group.running < self._in_flight:
            self._start(name, group)
        return await future

    async def _answer_alone(self, name: _Name, group: _Group, key: str) -> list[Row]:
        """The rows of one who asks while nobody else does, as nobody did the last time: at once, and without a task."""
        group.running += 1
        try:
            rows = await self._fetch(_read_of_one(name[1], key))
        finally:
            self._end(name, group)
        column, asked = name[1][0].column, key.lower()
        return [row for row in rows if row[column].lower() == asked]

    def _end(self, name: _Name, group: _Group) -> None:
        """A statement has ended: those who have come meanwhile get the next one."""
        group.running -= 1
        if group.waiting and not group.is_due:
            self._start(name, group)
        elif not group.running:
            self._groups.pop(name, None)

    def _start(self, name: _Name, group: _Group) -> None:
        """Begins a statement, for all who ask in this turn of the loop: no task runs before its end."""
        group.is_due = True
        group.running += 1
        task = asyncio.create_task(self._answer(name, group))
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._end(name, group)

        task.add_done_callback(done)

    async def _answer(self, name: _Name, group: _Group) -> None:
        group.is_due = False
        keys = list(group.waiting)[: self._most_keys]
        asked = {key: group.waiting.pop(key) for key in keys}
        self._was_alone = group.running == len(keys) == len(asked[keys[0]]) == 1
        column, of = name[1][0].column, name[1]
        try:
            rows = await self._fetch(_read_of_one(of, keys[0]) if len(keys) == 1 else _read(of, keys))
        except Exception as error:
            for future in _waiting(asked.values()):
                future.set_exception(error)
        else:
            found: dict[str, list[Row]] = {}
            for row in rows:
                found.setdefault(row[column].lower(), []).append(row)
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
#
# They are driven by hand: each goes on until it asks for rows, and once all of them do, what they ask for is sent. As
# tasks with futures they would take ten turns of the loop, and who asks at the same time would be a guess.


async def ending_with(statement: Statement, read: Coroutine[Any, Any, T]) -> tuple[T, list[list[Row]]]:
    """What a read gives, and what the statement gave with which each of its round trips ended: so it saw what is later
    than they did."""
    ends: list[list[Row]] = []
    return await _Steps(_sent(read, [statement], ends)), ends


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """What each of some reads gives, in their order; statements that they ask for at the same time take one round trip.

    Raises what the first of them raises; the others end then. None of them may wait for what another one does.
    """
    each = _side_by_side(reads)
    return await _Steps(each if is_driven() else _sent(each, [], []))


@dataclass(frozen=True, slots=True)
class _Steps(Generic[T]):
    """Something to await that is written as a generator."""

    steps: Generator[Any, Any, T]

    def __await__(self) -> Generator[Any, Any, T]:
        return self.steps


_Read: TypeAlias = Coroutine[Any, Any, T] | Generator[Any, Any, T]


@dataclass(slots=True)
class _Driven(Generic[T]):
    """A read, and what it waits for: statements, as `mysql.Asked` has them, or whatever its task is to wait for."""

    read: _Read[T]
    wanted: Any = None
    is_done: bool = False
    result: T | None = None

    def go_on(self, value: Any = None) -> None:
        self._step(self.read.send, value)

    def fail(self, error: BaseException) -> None:
        """Raises the error, unless the read knows what to do about it."""
        self._step(self.read.throw, error)

    def _step(self, step: Callable[[Any], Any], value: Any) -> None:
        try:
            self.wanted = step(value)
        except StopIteration as done:
            self.is_done, self.result = True, done.value

    @property
    def is_asking(self) -> bool:
        return isinstance(self.wanted, list)


def _sent(read: "_Read[T]", last: Sequence[Statement], ends: list[list[Row]]) -> Generator[Any, Any, T]:
    """What a read gives. Whatever it asks for at one time is sent in one round trip, which ends with `last`."""
    one, before = _Driven(read), driven.set(asyncio.current_task())
    try:
        one.go_on()
        while not one.is_done:
            try:
                value = (yield from _rows(one.wanted, last, ends)) if one.is_asking else (yield one.wanted)
            except BaseException as error:  # being cancelled is the read's to know, too
                one.fail(error)
            else:
                one.go_on(value)
        return cast(T, one.result)
    finally:
        driven.reset(before)
        read.close()


def _rows(
    statements: list[Statement], last: Sequence[Statement], ends: list[list[Row]]
) -> Generator[Any, Any, list[list[Row]]]:
    """The rows of each statement; those that are the same are sent once, so rows may be shared."""
    different: list[Statement] = []
    for statement in statements:
        if statement not in different:
            different.append(statement)
    results = yield from fetch_each([*different, *last]).__await__()
    ends += results[len(different) :]
    return [results[different.index(statement)] for statement in statements]


def _side_by_side(reads: Sequence[Coroutine[Any, Any, Any]]) -> Generator[Any, Any, list[Any]]:
    """What each read gives. What all of them wait for at one time is asked for together; what is no statement is waited
    for when none of them waits for one."""
    each = [_Driven(read) for read in reads]
    try:
        for one in each:
            one.go_on()
        while waiting := [one for one in each if not one.is_done]:
            asking = [one for one in waiting if one.is_asking]
            yield from _answered(asking) if asking else _waited_for(waiting[0])
        return [one.result for one in each]
    finally:
        for read in reads:
            read.close()  # those that are done do not notice


def _answered(asking: Sequence[_Driven[Any]]) -> Generator[Any, Any, None]:
    """Has the statements of all of them answered, and lets them go on."""
    try:
        answers = yield [statement for one in asking for statement in one.wanted]
    except BaseException as error:
        for one in asking:
            one.fail(error)
        return
    for one in asking:
        number = len(one.wanted)
        one.go_on(answers[:number])
        answers = answers[number:]


def _waited_for(one: _Driven[Any]) -> Generator[Any, Any, None]:
    try:
        value = yield one.wanted
    except BaseException as error:
        one.fail(error)
    else:
        one.go_on(value)
