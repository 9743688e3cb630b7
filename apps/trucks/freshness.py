"""How fresh and how complete an answer is, and answers that are all of one revision of the summaries."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any

import orjson
from django.http import HttpResponse

from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.calendar import as_utc
from apps.accounts.periods import Period
from apps.accounts.problems import FieldError, InvalidParameters, NotFound
from apps.merging import Merger, Sharing, ending_with
from apps.mysql import Row, Statement, fetch_all
from apps.trucks import queries, remembered
from apps.trucks.schemas import is_code

_READS = 3
_FOR_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_states = Merger()


@dataclass(frozen=True, slots=True)
class Freshness:
    """`known_until`: the second up to which all trucks of the answer are known; `lagging`: the first 100 behind.

    Its text is part of a tag, so `version`, of facts, watermarks and whose they are, stands there for all that follows
    from them. Those that are equal have the same text. `state` is the statement of one row with revision and version
    as they are by then. `look` reads what all of it follows from but for the time, which was `seen`. `lags_at`: the UTC
    second from which on one truck more lags behind, though nothing is written.
    """

    revision: int
    known_until: int | None
    lagging_count: int
    trucks: int = 1
    truck_id: int = 0
    group_id: int = 0
    version: tuple[int, ...] = ()
    lagging: tuple[str, ...] = ()
    asked_at: int = field(default=0, compare=False, repr=False)  # UTC second
    state: Statement | None = field(default=None, compare=False, repr=False)
    look: remembered.Look | None = field(default=None, compare=False, repr=False)
    seen: object = field(default=None, compare=False, repr=False)
    lags_at: int | None = field(default=None, compare=False, repr=False)

    @property
    def facts(self) -> int:
        """The revision of what stands beside the summaries."""
        return self.version[0]

    def body(self, coverage_pct: Any = None) -> dict[str, Any]:
        return {
            "as_of": None if self.known_until is None else as_utc(self.known_until),
            "coverage_pct": None if coverage_pct is None else round(float(coverage_pct), 2),
            "lagging": self.lagging,
            "lagging_count": self.lagging_count,
            "revision": self.revision,
        }

    def is_still(self, later: "Freshness") -> bool:
        """Whether nothing has changed since."""
        return (self.revision, self.version) == (later.revision, later.version)

    def was_still(self, rows: Sequence[Row]) -> bool:
        """The same from what `state` gave."""
        return [(self.revision, *self.version)] == [tuple(map(int, row.values())) for row in rows]

    def same_until(self) -> dt.datetime:
        """Until when it stays as it is if nothing is written."""
        return _FOR_EVER if self.lags_at is None else dt.datetime.fromtimestamp(self.lags_at, dt.UTC)


async def of_fleet(fleet_id: int, now: dt.datetime) -> Freshness:
    """Of the fleet's active trucks."""
    return await with_lagging(fleet_id, await state_of_fleet(fleet_id, now))


async def state_of_fleet(fleet_id: int, now: dt.datetime) -> Freshness:
    """The same without the codes of those that lag behind, found by primary keys alone."""
    row = await _row_of_fleet(fleet_id)
    return _looked_at(fleet_id, of_watermarks(row, int(now.timestamp())))


async def state_of_group(fleet_id: int, group: int, now: dt.datetime) -> Freshness:
    """The same of the active trucks of a group. How far these are known is read once for each time that any truck of
    the fleet is known further.
    """
    row, asked = await _row_of_fleet(fleet_id), {"fleet": fleet_id, "id": group}
    at = queries.watermarks_at(row["facts"], row["version"] or 0)
    [theirs] = await remembered.watermarks.rows(queries.GROUP_WATERMARKS, asked, at)
    return _looked_at(fleet_id, of_members(row, theirs, group, int(now.timestamp())))


def _looked_at(fleet_id: int, state: Freshness) -> Freshness:
    """With how to look at it again: who is in a group, and its name, are facts of the fleet."""
    look, seen = partial(_versions_of_fleet, fleet_id), (state.revision, *state.version)
    return replace(state, state=(queries.FLEET_STILL, {"fleet": fleet_id}), look=look, seen=seen)


async def _row_of_fleet(fleet_id: int) -> Row:
    which = {"fleet": fleet_id}
    rows = await _states.rows(queries.FLEET_FRESHNESS_TOGETHER, which, str(fleet_id))
    return (rows or await fetch_all(queries.FLEET_FRESHNESS, which))[0]


async def _versions_of_fleet(fleet_id: int) -> tuple[int, ...]:
    """Revision and version of a fleet: all that its state, or that of one of its groups, follows from but for the time.
    Nothing has to be made of them.
    """
    which = {"fleet": fleet_id}
    rows = await _states.rows(queries.FLEET_STILL_TOGETHER, which, str(fleet_id))
    row = (rows or await fetch_all(queries.FLEET_STILL, which))[0]
    return row["revision"], row["facts"], row["version"]


def of_members(fleet: Row, row: Row, group: int, now: int) -> Freshness:
    """From the rows of a fleet and of one of its groups, at a UTC second."""
    return replace(of_watermarks({**fleet, **row}, now), group_id=group)


def of_watermarks(row: Row, now: int) -> Freshness:
    """From the row of a fleet, at a UTC second."""
    trucks = int(row["trucks"] or 0)
    seconds, reporting = _steps(row["steps"] or "[]")
    place = bisect_left(seconds, now - queries.LAGGING_S)
    return Freshness(
        row["revision"],
        row["known_until"],
        trucks - reporting[place],
        trucks,
        version=(row["facts"], row["version"] or 0),
        asked_at=now,
        lags_at=seconds[place] + queries.LAGGING_S + 1 if place < len(seconds) else None,
    )


@lru_cache(maxsize=1_000)
def _steps(text: str) -> tuple[list[int], list[int]]:
    """Seconds up to which trucks are known, in order; and how many are known up to each or later, at last none."""
    steps = sorted(step for step in orjson.loads(text) if step[0] is not None)
    later = accumulate((number for _, number in reversed(steps)), initial=0)
    return [second for second, _ in steps], list(later)[::-1]


async def with_lagging(fleet_id: int, state: Freshness) -> Freshness:
    if not state.lagging_count or state.lagging:
        return state
    statement = queries.LAGGING_TRUCKS_OF_GROUP if state.group_id else queries.LAGGING_TRUCKS
    rows = await fetch_all(statement, {"fleet": fleet_id, "now": state.asked_at, "id": state.group_id})
    return replace(state, lagging=tuple(row["truck_id"] for row in rows))


async def of_truck(fleet_id: int, truck: str, now: dt.datetime) -> Freshness:
    """Of one truck by its code. Raises NotFound."""
    which = {"fleet": fleet_id}
    rows = await _states.rows(queries.TRUCK_FRESHNESS_TOGETHER, which, truck) if is_code(truck) else []
    if not rows:
        raise no_such_truck()
    [row] = rows
    look, seen = partial(_versions_of_truck, fleet_id, row["id"]), _versions(row)
    return replace(of_row(row, int(now.timestamp())), state=(queries.TRUCK_STILL, which), look=look, seen=seen)


async def _versions_of_truck(fleet_id: int, truck_id: int) -> tuple[int | None, ...] | None:
    """All that a truck's state follows from but for the time; None if the fleet has no such truck."""
    rows = await _states.rows(queries.TRUCK_STILL_TOGETHER, {"fleet": fleet_id}, str(truck_id))
    rows = rows or await fetch_all(queries.TRUCK_STATE, {"fleet": fleet_id, "id": truck_id})
    return _versions(rows[0]) if rows else None


def _versions(row: Row) -> tuple[int | None, ...]:
    return row["revision"], row["facts"], row["known_until"], row["first_t"]


def of_row(row: Row, now: int) -> Freshness:
    """From the row of one truck, at a UTC second."""
    known_until = row["known_until"]
    lags_at = None if known_until is None or row["first_t"] is None else known_until + queries.LAGGING_S + 1
    is_lagging = lags_at is None or lags_at <= now
    return Freshness(
        row["revision"],
        known_until,
        int(is_lagging),
        truck_id=row["id"],
        version=(row["facts"],),
        lagging=(row["truck_id"],) if is_lagging else (),
        asked_at=now,
        lags_at=None if is_lagging else lags_at,
    )


async def group_named(fleet_id: int, name: str) -> tuple[int, int]:
    """The id of a group, and the revision of the fleet's facts at which it has the name.

    Raises InvalidParameters where no group, or more than one, has it.
    """
    rows = await fetch_all(queries.at_facts(queries.GROUPS_BY_NAME), {"fleet": fleet_id, "name": name})
    if len(rows) != 1:
        what = "is the name of several groups" if rows else "is no group of this fleet"
        raise InvalidParameters(f"group: {what}.", [FieldError("/query/group", what)])
    return int(rows[0]["id"]), int(rows[0]["at_revision"])


def no_such_truck() -> NotFound:
    return NotFound("This fleet has no such truck.")


# --- answers --------------------------------------------------------------------------------------------------------

Read = Callable[[dt.datetime], Awaitable[Freshness]]  # from the time that it is
Build = Callable[[Freshness], Awaitable[dict[str, Any]]]
_builds = Sharing()


async def answer(
    request: AuthenticatedRequest,
    read: Read,
    build: Build,
    period: Period,
    *version: object,
    named_at: int | None = None,
) -> HttpResponse:
    """The built body, or 304 where the client has it already.

    A body takes several statements. If what they read changes between them it is built again, so that an answer is of
    one revision; only what changes during three builds in a row is answered as it comes. `version`: what else, besides
    the question, its period and the freshness, the body depends on, because it was read before. `named_at`: the
    revision of the fleet's facts at which a name in the question was that of whom it is about. From then on `again`
    knows the answer, unless the name may be another's by now.
    """
    answers.require_json(request)
    now = dt.datetime.now(dt.UTC)
    for _ in range(_READS):
        freshness = await read(now)
        tag = answers.etag(request, freshness, period, *version)
        if named_at in (None, freshness.facts):
            _keep(request, tag, freshness, period)
        if (ready := _ready(request, tag)) is not None:
            return ready()
        make = partial(_built, request.auth.fleet_id, freshness, partial(read, now), build)
        content, is_of_one_revision = await _builds.once(tag, make)  # the same tag is the same answer
        if is_of_one_revision:
            remembered.answers.keep(tag, content)
            break
    return answers.json_response(content, tag)


async def answer_by_content(request: AuthenticatedRequest, read: Read, build: Build) -> HttpResponse:
    """The same of a body that also holds what changes without a revision: its tag is that of the body."""
    answers.require_json(request)
    read_now = partial(read, dt.datetime.now(dt.UTC))
    for _ in range(_READS):
        content, is_of_one_revision = await _built(request.auth.fleet_id, await read_now(), read_now, build)
        if is_of_one_revision:
            break
    return answers.tagged(request, content)


async def again(request: AuthenticatedRequest) -> HttpResponse | None:
    """The answer to a question that has been answered before, if nothing that it follows from has changed since.

    For every endpoint that gives its `answer` here, between the key and the parameters: a question in the same words by
    the same key has the same tag as long as the state is the same. So of all that the endpoint does one thing is left,
    which is to read the state. None: ask the endpoint.
    """
    now = dt.datetime.now(dt.UTC)
    tag = remembered.questions.tag(_question(request), request.auth, now)
    if tag is None:
        return None
    ready = _ready(request, tag.text)
    if ready is None or await tag.look() != tag.state:
        return None
    return ready()


def _keep(request: AuthenticatedRequest, tag: str, freshness: Freshness, period: Period) -> None:
    """Has `again` know the tag of the answer to this question."""
    if freshness.look is not None:
        until = min(period.same_until, freshness.same_until())
        known = remembered.Tag(tag, request.auth, freshness.seen, freshness.look, until)
        remembered.questions.keep(_question(request), known)


def _question(request: AuthenticatedRequest) -> Hashable:
    """All that an endpoint reads of a request, but for validators, which `_ready` looks at each time."""
    return request.method, request.get_full_path(), request.headers.get("Accept"), request.auth.key_id


def _ready(request: AuthenticatedRequest, tag: str) -> Callable[[], HttpResponse] | None:
    """What makes the answer with this tag, if that takes no building."""
    if answers.is_known(request, tag):
        return partial(answers.not_modified, tag)
    content = remembered.answers.get(tag)
    return None if content is None else partial(answers.json_response, content, tag)


async def _built(
    fleet_id: int, freshness: Freshness, read: Callable[[], Awaitable[Freshness]], build: Build
) -> tuple[bytes, bool]:
    """The body, and whether all that it shows is still as the freshness says.

    What is read ends with a look at the state, in the same round trip: all of them saw the same one, or it is not.
    """
    building = _body(fleet_id, freshness, build)
    if freshness.state is None:
        return answers.dumps(await building), freshness.is_still(await read())
    body, ends = await ending_with(freshness.state, building)
    if ends:
        return answers.dumps(body), all(map(freshness.was_still, ends))
    return answers.dumps(body), freshness.is_still(await read())


async def _body(fleet_id: int, freshness: Freshness, build: Build) -> dict[str, Any]:
    return await build(await with_lagging(fleet_id, freshness))
