"""`core/search_items` and `core/search_item`: finding items by a property and showing the parts that flags ask for."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from wialon_simulator.errors import ACCESS_DENIED, INVALID_INPUT, ApiError
from wialon_simulator.items import CLASSES, Item, Json
from wialon_simulator.parameters import integer, mapping, text
from wialon_simulator.world import World

SEARCHABLE = frozenset(
    {
        "sys_name",
        "sys_id",
        "sys_unique_id",
        "sys_phone_number",
        "rel_last_msg_date",
        "rel_customfield_name",
        "rel_customfield_value",
        "rel_profilefield_name",
        "rel_profilefield_value",
    }
)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    "=": lambda value, limit: value == limit,
}


def search_item(world: World, params: Json) -> Json:
    """Returns the item, or error 7 where there is none of this id."""
    flags, item = integer(params, "flags"), world.item(integer(params, "id"))
    if item is None:
        raise ApiError(ACCESS_DENIED)
    return {"item": item.show(flags, world.clock.now()), "flags": flags}


def search_items(world: World, params: Json) -> Json:
    """Returns a page of the matching items; `to` is the index of the last one, 0 stands for all."""
    spec, flags = mapping(params, "spec"), integer(params, "flags")
    first, last = integer(params, "from", 0), integer(params, "to", 0)
    now = world.clock.now()
    found = [item for item in _of_type(world, text(spec, "itemsType")) if _matches(item, spec, now)]
    found.sort(key=_sort_key(spec, now))
    page = found[first : last + 1 if last else None]
    return {
        "searchSpec": spec,
        "dataFlags": flags,
        "totalItemsCount": len(found),
        "indexFrom": first,
        "indexTo": max(first, first + len(page) - 1),
        "items": [item.show(flags, now) for item in page],
    }


def _of_type(world: World, kind: str) -> list[Item]:
    if kind not in CLASSES:
        raise ApiError(INVALID_INPUT)
    return [item for item in world.items() if item.kind == kind]


def _matches(item: Item, spec: Json, now: int) -> bool:
    """Holds every property against its own mask; `or_logic` asks for one match instead of all."""
    names, mask = text(spec, "propName").split(","), text(spec, "propValueMask")
    masks = mask.split(",") if len(names) > 1 else [mask]
    if not set(names) <= SEARCHABLE:
        raise ApiError(INVALID_INPUT)
    pairs = zip(names, masks if len(masks) == len(names) else masks[:1] * len(names), strict=True)
    outcomes = (_property_matches(item.properties(name, now), mask) for name, mask in pairs)
    return any(outcomes) if spec.get("or_logic") else all(outcomes)


def _property_matches(values: list[str], mask: str) -> bool:
    if mask == "*":
        return True
    return any(_value_matches(value, one) for one in mask.split("|") for value in values)


def _value_matches(value: str, mask: str) -> bool:
    for sign, compare in _COMPARISONS.items():
        if mask.startswith(sign):
            try:
                return compare(float(value), float(mask[len(sign) :]))
            except ValueError:
                return False
    literal = mask.replace("[", "[[]").casefold()
    return fnmatchcase(value.casefold(), literal)


def _sort_key(spec: Json, now: int) -> Callable[[Item], Any]:
    name = str(spec.get("sortType") or "sys_id")
    if name not in SEARCHABLE or name == "sys_id":
        return lambda item: item.id
    return lambda item: ([value.casefold() for value in item.properties(name, now)], item.id)
