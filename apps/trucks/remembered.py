"""What a web process remembers: rows of the summary tables by the revision they were read at, who is in a fleet,
answers by their tags, and which tag a question has.

Every change of a fleet's summaries raises its revision in the same transaction (`apps.fleet.summaries`), and one
statement sees one state of the database. So a statement that reads summaries and nothing else, together with the
revision, gives rows that are right until the revision is another. Names, parameters and clocks are no part of that.
Names and codes are right in the same way until the revision of the fleet's facts is another (`apps.trucks.facts`).
"""

import datetime as dt
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from apps.mysql import Row, fetch_all
from apps.trucks.queries import at_facts, at_revision

Fetch = Callable[[str, Mapping[str, Any]], Awaitable[list[Row]]]
T = TypeVar("T")
MOST_ROWS = 20_000
MOST_NAMES = 50_000
MOST_QUESTIONS = 10_000
_LARGEST_SHARE = 8


class Remembered:
    """The rows that were asked for last, or what was made of them, of this process."""

    def __init__(
        self,
        fetch: Fetch = fetch_all,
        most_rows: int = MOST_ROWS,
        *,
        at: Callable[[str], str] = at_revision,
        always: bool = False,
    ) -> None:
        """`at`: makes of a statement the one whose rows have the revision that it sees, as `at_revision`.

        `always`: whether or not answers are kept.
        """
        self._fetch, self._most_rows, self._at, self._always = fetch, most_rows, at, always
        self._made: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()  # with the number of rows
        self._number = 0

    async def rows(self, sql: str, parameters: Mapping[str, Any], revision: int) -> list[Row]:
        """The statement's rows, in its order. They may be shared with others and are not to be changed.

        `parameters` hold the fleet; `revision` is the one it has now, as far as the caller knows. What is read anew may
        be of a later one.
        """
        return await self.made(sql, parameters, revision, list)

    async def made(self, sql: str, parameters: Mapping[str, Any], revision: int, make: Callable[[list[Row]], T]) -> T:
        """The same as what `make` makes of the rows."""
        question = sql, make, *sorted(parameters.items())
        known = self._made.get((question, revision))
        if known is not None:
            self._made.move_to_end((question, revision))
            found: T = known[0]
            return found
        rows = await self._fetch(self._at(sql), parameters)
        made = make(rows)
        if rows and (self._always or settings.REMEMBERED_BYTES):
            self._keep((question, rows[0]["at_revision"]), made, len(rows))
        return made

    def _keep(self, name: Hashable, made: object, number: int) -> None:
        self._number += number - self._made.pop(name, (None, 0))[1]
        self._made[name] = made, number
        while self._number > self._most_rows:
            self._number -= self._made.popitem(last=False)[1][1]

    def forget(self) -> None:
        self._made.clear()
        self._number = 0


class Answers:
    """Answers by their tags, those that were asked for last: the same tag is the same answer.

    As many bytes as `REMEMBERED_MB` says; one that would take more than an eighth of them is not kept.
    """

    def __init__(self) -> None:
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, tag: str) -> bytes | None:
        content = self._contents.get(tag)
        if content is not None:
            self._contents.move_to_end(tag)
        return content

    def keep(self, tag: str, content: bytes) -> None:
        if len(content) > settings.REMEMBERED_BYTES // _LARGEST_SHARE:
            return
        self._bytes += len(content) - len(self._contents.pop(tag, b""))
        self._contents[tag] = content
        while self._bytes > settings.REMEMBERED_BYTES:
            self._bytes -= len(self._contents.popitem(last=False)[1])

    def forget(self) -> None:
        self._contents.clear()
        self._bytes = 0


@dataclass(frozen=True, slots=True)
class Tag:
    """The tag of the answer to a question: right for who asked, in one state of the fleet, until an instant."""

    text: str
    who: object
    state: object
    read: Callable[[dt.datetime], Awaitable[object]]  # from the time to the state as it is now
    until: dt.datetime


class Questions:
    """The tags of questions, those that were asked last. Nobody has to parse again what has been answered once."""

    def __init__(self, most: int = MOST_QUESTIONS) -> None:
        self._most = most
        self._tags: OrderedDict[Hashable, Tag] = OrderedDict()

    def tag(self, question: Hashable, who: object, now: dt.datetime) -> Tag | None:
        """The question's tag, if it is right provided that the state is still the same."""
        tag = self._tags.get(question)
        if tag is None or tag.who != who or now >= tag.until:
            return None
        self._tags.move_to_end(question)
        return tag

    def keep(self, question: Hashable, tag: Tag) -> None:
        self._tags[question] = tag
        self._tags.move_to_end(question)
        if len(self._tags) > self._most:
            self._tags.popitem(last=False)

    def forget(self) -> None:
        self._tags.clear()


summaries = Remembered()
facts = Remembered(most_rows=MOST_NAMES, at=at_facts, always=True)
answers = Answers()
questions = Questions()


def forget() -> None:
    """Forgets all: for a process that starts to serve, maybe on another database."""
    summaries.forget()
    facts.forget()
    answers.forget()
    questions.forget()
