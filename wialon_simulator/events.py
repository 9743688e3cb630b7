"""`core/update_data_flags` and `/avl_evts`: what a session watches, and what has happened since it last asked."""

from collections.abc import Iterable
from typing import Any

import orjson

from wialon_simulator.errors import INVALID_INPUT, ApiError
from wialon_simulator.items import CLASSES, Item, Unit
from wialon_simulator.parameters import Json, integer
from wialon_simulator.sessions import Session
from wialon_simulator.world import Change, World

REPLACE, ADD, REMOVE = 0, 1, 2
NEEDED_FLAG = {"m": 0x400, "nm": 0x1, "sens": 0x1000}


def update_data_flags(world: World, session: Session, params: Json) -> list[Json]:
    """Changes what the session watches. Returns the items it now sees, or None as `d` where nothing is left to see."""
    spec = params.get("spec")
    if not isinstance(spec, list):
        raise ApiError(INVALID_INPUT)
    answer = []
    for entry in spec:
        flags, mode = integer(entry, "flags"), integer(entry, "mode", REPLACE)
        for item in _chosen(world, entry):
            watched = _combine(session.watched.get(item.id, 0), flags, mode)
            session.watched[item.id] = watched
            shown = item.show(watched, world.clock.now()) if watched else None
            answer.append({"i": item.id, "d": shown, "f": watched})
    return answer


def poll(world: World, session: Session) -> Json:
    """Returns what watched items did since this session's last poll. Nothing is ever told twice."""
    now = world.clock.now()
    told = [_event(change) for change in world.changes[session.changes_seen :] if _is_watched(session, change)]
    for unit_id, flags in session.watched.items():
        unit = world.units.get(unit_id)
        if unit and flags & (0x400 | 0x100000):
            told += _arrivals(unit, flags, session.events_until, now)
    session.changes_seen, session.events_until = len(world.changes), now
    return {"tm": now, "events": told}


def _chosen(world: World, entry: Json) -> Iterable[Item]:
    kind, data = entry.get("type"), entry.get("data")
    if kind == "type" and data in CLASSES:
        return [item for item in world.items() if item.kind == data]
    if kind in ("id", "col"):
        wanted = data if isinstance(data, list) else [data]
        return [item for item in world.items() if item.id in wanted]
    raise ApiError(INVALID_INPUT)


def _combine(before: int, flags: int, mode: int) -> int:
    """Returns the flags watched from now on; without the base flag an item is not watched at all."""
    combined = {REPLACE: flags, ADD: before | flags, REMOVE: before & ~flags}.get(mode)
    if combined is None:
        raise ApiError(INVALID_INPUT)
    return combined if combined & 0x1 or mode != REMOVE else 0


def _is_watched(session: Session, change: Change) -> bool:
    flags = session.watched.get(change.unit_id, 0)
    if change.type == "u":
        return any(flags & NEEDED_FLAG[key] for key in change.data)
    return bool(flags & NEEDED_FLAG.get(change.type, 0x1))


def _event(change: Change) -> Json:
    event = {"i": change.unit_id, "t": change.type}
    return event if change.type == "d" else event | {"d": change.data}


def _arrivals(unit: Unit, flags: int, after: int, now: int) -> list[Json]:
    records = unit.history.arrived(after, now)
    told: list[Json] = []
    if flags & 0x400:
        told = [{"i": unit.id, "t": "m", "d": orjson.Fragment(record.body)} for record in records]
    if flags & 0x100000 and records:
        oldest = min(record.t for record in records)
        told.append({"i": unit.id, "t": "u", "d": {"prms": _changed_params(unit, oldest, now)}})
    return told


def _changed_params(unit: Unit, since: int, now: int) -> dict[str, Any]:
    """Returns parameters seen since `since`: whole where the value changed, the bare time where it did not."""
    return {
        name: value if value["ct"] >= since else value["at"]
        for name, value in unit.history.params(now).items()
        if value["at"] >= since
    }
