"""What is read out of Wialon's answers; nothing in them is relied on to be there or to be of the right type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.trucks.wialon.errors import TooMuch, Unavailable

LOAD, UNLOAD = "messages/load_interval", "messages/unload"
BINDINGS, SEARCH = "resource/get_driver_bindings", "core/search_items"
ALL_MESSAGES = 0xFFFFFFFF
_DATA, _MESSAGE_TYPES = 0, 0xFF00


@dataclass(frozen=True, slots=True)
class Events:
    """Wialon's clock (UTC seconds), and by unit the seconds between which messages arrived, both ends included."""

    server_time: int
    arrivals: dict[int, tuple[int, int]]


def interval(unit_id: int, first_t: int, last_t: int, *, limit: int) -> dict[str, Any]:
    """The parameters that load a unit's data messages of [first_t, last_t]; with a limit of 0 they are only counted."""
    return {
        "itemId": unit_id,
        "timeFrom": first_t,
        "timeTo": last_t,
        "flags": _DATA,
        "flagsMask": _MESSAGE_TYPES,
        "loadCount": limit,
    }


def messages_of(answer: Any) -> list[dict[str, Any]]:
    """All messages of an interval. Raises TooMuch where fewer came than there are."""
    loaded = answer if isinstance(answer, dict) else {}
    messages, count = loaded.get("messages"), loaded.get("count")
    if not isinstance(messages, list):
        raise Unavailable(f"{LOAD}: the answer has no messages")
    if isinstance(count, int) and count > len(messages):
        raise TooMuch(f"{LOAD}: {len(messages)} messages came of {count}")
    return messages


def count_of(answer: Any) -> int:
    count = answer.get("count") if isinstance(answer, dict) else None
    if not isinstance(count, int):
        raise Unavailable(f"{LOAD}: the answer has no count")
    return count


def items_of(answer: Any) -> list[dict[str, Any]]:
    """The items of a search. Raises Unavailable where some are missing: they would count as gone."""
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise Unavailable(f"{SEARCH}: the answer has no items")
    total = answer.get("totalItemsCount")
    if isinstance(total, int) and total > len(items):
        raise Unavailable(f"{SEARCH}: {len(items)} items came of {total}")
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("id"), int)]


def bindings_of(answer: Any) -> dict[int, list[tuple[int, int]]]:
    """By driver (second, unit), ascending; of one second in the order in which they came. {} and [] are nobody."""
    if not isinstance(answer, dict | list):
        raise Unavailable(f"{BINDINGS}: the answer is no list of drivers")
    found = {}
    for driver, bindings in answer.items() if isinstance(answer, dict) else ():
        entries = [each for each in bindings if isinstance(each, dict)] if isinstance(bindings, list) else []
        pairs = [(each.get("t"), each.get("u")) for each in entries]
        known = [(t, unit) for t, unit in pairs if isinstance(t, int) and isinstance(unit, int) and t > 0]
        if str(driver).isdecimal() and known:
            found[int(driver)] = sorted(known, key=lambda pair: pair[0])
    return found


def events_of(answer: Any) -> Events:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("tm"), int):
        raise Unavailable("avl_evts: the answer has no server time")
    return Events(answer["tm"], _arrivals(answer.get("events")))


def _arrivals(events: Any) -> dict[int, tuple[int, int]]:
    """By unit the first and last second of the messages that events tell of."""
    arrivals: dict[int, tuple[int, int]] = {}
    for event in events if isinstance(events, list) else []:
        message = event.get("d") if isinstance(event, dict) and event.get("t") == "m" else None
        unit, t = (event["i"], message.get("t")) if isinstance(message, dict) and "i" in event else (None, None)
        if isinstance(unit, int) and isinstance(t, int) and t > 0:
            first, last = arrivals.get(unit, (t, t))
            arrivals[unit] = (min(first, t), max(last, t))
    return arrivals
