"""The `messages/…` services: an interval goes into the session's loader, from which parts are handed out."""

from typing import Any

import orjson

from wialon_simulator.counters import Counters
from wialon_simulator.errors import ACCESS_DENIED, INVALID_INPUT, TOO_MANY_MESSAGES, ApiError
from wialon_simulator.history import Stored
from wialon_simulator.items import Unit
from wialon_simulator.parameters import Json, integer
from wialon_simulator.sessions import Limits, Session
from wialon_simulator.world import World

LAST_LIMIT = 10_000


def load_interval(world: World, session: Session, params: Json, limits: Limits, counters: Counters) -> Json:
    """Loads all messages of [timeFrom, timeTo], both ends included; returns the oldest `loadCount` of them."""
    first, last = integer(params, "timeFrom"), integer(params, "timeTo")
    unit = unit_of(world, params)
    found = [] if first > last else unit.history.between(first, last, world.clock.now())
    kept = _filtered(found, params)
    _fill_loader(session, kept, limits, counters)
    return {"count": len(kept), "messages": _bodies(kept[: integer(params, "loadCount")])}


def load_last(world: World, session: Session, params: Json, limits: Limits, counters: Counters) -> Json:
    """Loads the last `lastCount` messages up to `lastTime`; none at all, or more than 10,000, is error 4."""
    wanted = integer(params, "lastCount")
    if not 0 < wanted <= LAST_LIMIT:
        raise ApiError(INVALID_INPUT)
    history, last, now = unit_of(world, params).history, integer(params, "lastTime"), world.clock.now()
    found = _filtered(history.between(0, last, now), params)[-wanted:]
    if not found:
        raise ApiError(INVALID_INPUT)
    _fill_loader(session, found, limits, counters)
    return {"count": len(found), "messages": _bodies(found[: integer(params, "loadCount", wanted)])}


def get_messages(session: Session, params: Json) -> list[Any]:
    """Returns messages of the loader from `indexFrom` up to, not including, `indexTo`."""
    first, end = integer(params, "indexFrom"), integer(params, "indexTo")
    if first < 0:
        raise ApiError(INVALID_INPUT)
    return _bodies(session.loader[first : max(first, end)])


def unload(session: Session, counters: Counters) -> Json:
    counters.loaded(len(session.loader), 0)
    session.loader = []
    return {"error": 0}


def unit_of(world: World, params: Json) -> Unit:
    """Returns the unit that the call is about; an unknown one is error 7."""
    unit = world.units.get(integer(params, "itemId"))
    if unit is None:
        raise ApiError(ACCESS_DENIED)
    return unit


def _filtered(records: list[Stored], params: Json) -> list[Stored]:
    """Keeps a message iff its flags under `flagsMask` equal `flags`."""
    flags, mask = integer(params, "flags", 0), integer(params, "flagsMask", 0)
    return [record for record in records if record.flags & mask == flags]


def _fill_loader(session: Session, records: list[Stored], limits: Limits, counters: Counters) -> None:
    """Replaces what the session had loaded; the quota counts the loaders of all sessions together."""
    if counters.messages_held - len(session.loader) + len(records) > limits.messages_held:
        raise ApiError(TOO_MANY_MESSAGES, "LIMIT messages")
    counters.loaded(len(session.loader), len(records))
    session.loader = records


def _bodies(records: list[Stored]) -> list[Any]:
    return [orjson.Fragment(record.body) for record in records]
