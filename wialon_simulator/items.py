"""Units, resources and groups as the API shows them: the data flags of a request decide which keys there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from wialon_simulator.catalog import ACCOUNT_ID, ALL_RIGHTS, FUEL_SETTINGS, TRIP_DETECTOR, USER_ID
from wialon_simulator.drivers import Binding, Driver, bindings
from wialon_simulator.history import History, Source
from wialon_simulator.recorder import POSITION

Json = dict[str, Any]

UNIT, RESOURCE, UNIT_GROUP = "avl_unit", "avl_resource", "avl_unit_group"
CLASSES = {
    "avl_hw": 4, RESOURCE: 3, "avl_retranslator": 7, "avl_route": 6, UNIT: 2, UNIT_GROUP: 5, "user": 1,
}  # fmt: skip
MILES_PER_KM = 0.621371192
ONLINE_S = 2400


class Item(Protocol):
    """Anything that `core/search_items` can find."""

    id: int
    name: str
    kind: str

    def show(self, flags: int, now: int) -> Json:
        """Returns the item with the keys that `flags` ask for."""
        ...

    def properties(self, name: str, now: int) -> list[str]:
        """Returns the values of a searchable property; empty when this item has none."""
        ...


def _base(item: Item, flags: int, *, mu: int = 0) -> Json:
    shown: Json = {}
    if flags & 0x1:
        shown |= {"nm": item.name, "cls": CLASSES[item.kind], "id": item.id, "mu": mu, "uacl": ALL_RIGHTS}
    if flags & 0x4:
        shown |= {"crt": USER_ID, "bact": ACCOUNT_ID}
    if flags & 0x40:
        shown["gd"] = f"{item.id:032x}"
    return shown


@dataclass(slots=True)
class Unit:
    """A vehicle on the server. `blocks` holds its standing keys by data flag; the rest follows from its messages."""

    id: int
    name: str
    history: History
    sensors: Json
    blocks: dict[int, Json]
    created: int
    counter_flags: int = 0x311
    mu: int = 0
    kind: str = field(default=UNIT, init=False)

    def show(self, flags: int, now: int) -> Json:
        shown = _base(self, flags, mu=self.mu)
        if flags & 0x4:
            shown["ct"] = self.created
        for flag, block in self.blocks.items():
            if flags & flag:
                shown |= block
        if flags & 0x1000:
            shown["sens"] = self.sensors
        if flags & 0x2000:
            shown |= self._counters(now)
        if flags & 0x8000:
            shown["si"] = {}
        if flags & 0x20000:
            shown |= {"rtd": TRIP_DETECTOR, "rfc": FUEL_SETTINGS}
        return shown | self._live(flags, now)

    def properties(self, name: str, now: int) -> list[str]:
        if name == "rel_last_msg_date":
            newest = self.history.newest(now)
            return [str(newest.t)] if newest else []
        own = {
            "sys_name": self.name,
            "sys_id": str(self.id),
            "sys_unique_id": self.blocks[0x100]["uid"],
            "sys_phone_number": self.blocks[0x100]["ph"],
        }
        return [own[name]] if name in own else self._field_properties(name)

    def _field_properties(self, name: str) -> list[str]:
        collection, part = {
            "rel_customfield_name": ("flds", "n"),
            "rel_customfield_value": ("flds", "v"),
            "rel_profilefield_name": ("pflds", "n"),
            "rel_profilefield_value": ("pflds", "v"),
        }[name]
        fields = next((block[collection] for block in self.blocks.values() if collection in block), None)
        return [str(entry[part]) for entry in fields.values()] if fields else []

    def _live(self, flags: int, now: int) -> Json:
        shown: Json = {}
        newest = self.history.newest(now) if flags & (0x400 | 0x200000) else None
        if flags & 0x400:
            shown["lmsg"] = orjson.loads(newest.body) if newest else None
        if flags & (0x400 | 0x400000):
            shown["pos"] = self._last_position(now)
        if flags & 0x100000:
            shown["prms"] = self.history.params(now)
        if flags & 0x200000:
            shown["netconn"] = int(newest is not None and now - newest.registered < ONLINE_S)
        return shown

    def _last_position(self, now: int) -> Json | None:
        """Returns the last position with the time it was taken at, which may be older than the last message."""
        fix = self.history.newest(now, flags=POSITION)
        if fix is None:
            return None
        message = orjson.loads(fix.body)
        return {"t": fix.t, "f": fix.flags, "lc": message.get("lc", 0), **message["pos"]}

    def _counters(self, now: int) -> Json:
        """Returns mileage in whole kilometres (`cnm` in the unit's own measure) and engine hours; frozen if by hand."""
        source = self.history.source
        newest = self.history.newest(now)
        live, first = source.totals(newest.t if newest else source.begins()), source.totals(source.begins())
        km = live.km if self.counter_flags & 0x100 else first.km
        hours = live.engine_h if self.counter_flags & 0x200 else first.engine_h
        own = km * MILES_PER_KM if self.mu == 1 else km
        return {"cfl": self.counter_flags, "cnm": int(own), "cnm_km": int(km), "cneh": round(hours, 2), "cnkb": 0}


@dataclass(slots=True)
class Resource:
    """A resource with drivers; `sources` are the trucks' unit ids and histories, from which bindings follow."""

    id: int
    name: str
    drivers: Sequence[Driver]
    sources: Sequence[tuple[int, Source]]
    changed: dict[int, list[Binding]] = field(default_factory=dict)  # by driver, in place of what follows from duties
    kind: str = field(default=RESOURCE, init=False)

    def show(self, flags: int, now: int) -> Json:
        shown = _base(self, flags)
        if flags & 0x8:
            shown["flds"] = {}
        if flags & 0x100:
            shown["drvrs"] = {str(d.local_id): self._driver(d, now) for d in self.drivers}
            shown["drvrs_max"] = -1
        if flags & 0x8000:
            shown["drvrsgr"] = self._driver_groups()
        return shown

    def properties(self, name: str, now: int) -> list[str]:
        return {"sys_name": [self.name], "sys_id": [str(self.id)]}.get(name, [])

    def bindings(self, driver: Driver, now: int) -> list[Binding]:
        if driver.local_id in self.changed:
            return [binding for binding in self.changed[driver.local_id] if binding.t <= now]
        return bindings(driver, self.sources, now)

    def _driver(self, driver: Driver, now: int) -> Json:
        history = self.bindings(driver, now)
        bound = history[-1] if history else Binding(0, 0)
        before = history[-2].unit_id if len(history) > 1 else 0
        return {
            "id": driver.local_id,
            "n": driver.name,
            "c": driver.code,
            "jp": {},
            "ds": "",
            "p": f"+1555{driver.number:07d}",
            "r": 1.0,
            "ck": 0,
            "f": 0,
            "bu": bound.unit_id,
            "pu": before,
            "bt": bound.t,
            "pos": {"y": 0.0, "x": 0.0},
        }

    def _driver_groups(self) -> Json:
        groups: dict[str, list[int]] = {"Own truck": [], "Relief": []} if self.drivers else {}
        for driver in self.drivers:
            groups["Own truck" if driver.number < len(self.sources) else "Relief"].append(driver.local_id)
        return {str(n): {"id": n, "n": name, "drs": ids} for n, (name, ids) in enumerate(groups.items(), start=1)}


@dataclass(slots=True)
class UnitGroup:
    """A named set of units; a unit may be in several."""

    id: int
    name: str
    unit_ids: list[int]
    kind: str = field(default=UNIT_GROUP, init=False)

    def show(self, flags: int, now: int) -> Json:
        shown = _base(self, flags)
        if flags & 0x1:
            shown["u"] = list(self.unit_ids)
        return shown

    def properties(self, name: str, now: int) -> list[str]:
        return {"sys_name": [self.name], "sys_id": [str(self.id)]}.get(name, [])
