"""What a web process remembers: rows of the summary tables by the revision they were read at, who is in a fleet,
answers by their tags, and which tag a question has.

Every change of a fleet's summaries raises its revision in the same transaction (`apps.fleet.summaries`), and one
statement sees one state of the database. So a statement that reads summaries and nothing else, together with the
revision, gives rows that are right until the revision is another. Names, parameters and clocks are no part of that.
Names and codes are right in the same way until the revision of the fleet's facts is another (`apps.trucks.facts`), and
how far a group's trucks are known until that, or the version of the fleet's watermarks, is (`trucks.sync.watermarks`).
"""

import datetime as dt
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.conf import settings

from apps.merging import together
from apps.mysql import Row, fetch_all
from apps.trucks.queries import AT_FACTS, at_revision, at_watermarks

Fetch = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, list[Row]]]
Look = Callable[[], Awaitable[object]]
T = TypeVar("T")
MOST_ROWS = 20_000
MOST_NAMES = 50_000
MOST_GROUPS = 1_000
MOST_QUESTIONS = 10_000
_LARGEST_SHARE = 8


class Recent(Generic[T]):
    """Values by their names, those that were asked for last, as many as fit into a size.

    By hand, since a hit is on the way of every request: `cachetools.LRUCache` takes two and a half times as long.
    """

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()  # with their sizes
        self._size = 0

    def get(self, name: Hashable) -> T | None:
        found = self._values.get(name)
        if found is None:
            return None
        self._values.move_to_end(name)
        return found[0]

    def keep(self, name: Hashable, value: T, size: int, most: int) -> None:
        """`most`: how large all of them may be together; those that were asked for longest ago go."""
        self._size += size - self._values.pop(name, (None, 0))[1]
        self._values[name] = value, size
        while self._size > most:
            self._size -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        self._values.clear()
        self._size = 0


class Remembered:
    """The rows that were asked for last, or what was made of them, of this process."""

    def __init__(
        self,
        fetch: Fetch = fetch_all,
        most_rows: int = MOST_ROWS,
        *,
        at: Callable[[str], str] = at_revision,
        look: str | None = None,
        always: bool = False,
    ) -> None:
        """`at`: makes of a statement the one whose rows have the revision that it sees, as `at_revision`.

        `look`: a statement that tells the revision, to be asked just before instead: so that there are no rows is
        remembered, too. `always`: whether or not answers are kept.
        """
        self._fetch, self._most_rows, self._at, self._look, self._always = fetch, most_rows, at, look, always
        self._made: Recent[Any] = Recent()

    async def rows(self, sql: str, parameters: Mapping[str, Any], revision: int | str) -> list[Row]:
        """The statement's rows, in its order. They may be shared with others and are not to be changed.

        `parameters` hold the fleet; `revision` is the one it has now, as far as the caller knows. What is read anew may
        be of a later one.
        """
        return await self.made(sql, parameters, revision, list)

    async def made(
        self, sql: str, parameters: Mapping[str, Any], revision: int | str, make: Callable[[list[Row]], T]
    ) -> T:
        """The same as what `make` makes of the rows."""
        question = sql, make, *sorted(parameters.items())
        known: T | None = self._made.get((question, revision))
        if known is not None:
            return known
        looked, rows = await self._read(sql, parameters)
        made = make(rows)
        if looked and (self._always or settings.REMEMBERED_BYTES):
            self._made.keep((question, looked[0]["at_revision"]), made, 1 + len(rows), self._most_rows)
        return made

    async def _read(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[Row], list[Row]]:
        """The first row says at which revision the others were read, or before which."""
        if self._look is None:
            rows = await self._fetch(self._at(sql), parameters)
            return rows, rows
        looked, rows = await together(
            self._fetch(self._look, {"fleet": parameters["fleet"]}), self._fetch(sql, parameters)
        )
        return looked, rows

    def forget(self) -> None:
        self._made.clear()


class Answers:
    """Answers by their tags, those that were asked for last: the same tag is the same answer.

    As many bytes as `REMEMBERED_MB` says; one that would take more than an eighth of them is not kept.
    """

    def __init__(self) -> None:
        self._contents: Recent[bytes] = Recent()

    def get(self, tag: str) -> bytes | None:
        return self._contents.get(tag)

    def keep(self, tag: str, content: bytes) -> None:
        if len(content) <= settings.REMEMBERED_BYTES // _LARGEST_SHARE:
            self._contents.keep(tag, content, len(content), settings.REMEMBERED_BYTES)

    def forget(self) -> None:
        self._contents.clear()


@dataclass(frozen=True, slots=True)
class Tag:
    """The tag of the answer to a question: right for who asked, in one state of the fleet, until an instant."""

    text: str
    who: object
    state: object
    look: Look  # at the state as it is now
    until: dt.datetime


class Questions:
    """The tags of questions, those that were asked last. Nobody has to parse again what has been answered once."""

    def __init__(self, most: int = MOST_QUESTIONS) -> None:
        self._most = most
        self._tags: Recent[Tag] = Recent()

    def tag(self, question: Hashable, who: object, now: dt.datetime) -> Tag | None:
        """The question's tag, if it is right provided that the state is still the same."""
        tag = self._tags.get(question)
        if tag is None or (tag.who is not who and tag.who != who) or now >= tag.until:
            return None
        return tag

    def keep(self, question: Hashable, tag: Tag) -> None:
        self._tags.keep(question, tag, 1, self._most)

    def forget(self) -> None:
        self._tags.clear()


summaries = Remembered()
facts = Remembered(most_rows=MOST_NAMES, look=AT_FACTS, always=True)
watermarks = Remembered(most_rows=MOST_GROUPS, at=at_watermarks, always=True)
answers = Answers()
questions = Questions()


def forget() -> None:
    """Forgets all: for a process that starts to serve, maybe on another database."""
    summaries.forget()
    facts.forget()
    watermarks.forget()
    answers.forget()
    questions.forget()
