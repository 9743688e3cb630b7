"""The simulator as an object: a running server, its truth, and the levers that a test pulls."""

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import orjson

from wialon_simulator.counters import Counters
from wialon_simulator.faults import Faults
from wialon_simulator.items import Json
from wialon_simulator.protocol import Api
from wialon_simulator.recorder import Message
from wialon_simulator.server import Server
from wialon_simulator.sessions import Limits
from wialon_simulator.trucks import Peculiarity
from wialon_simulator.world import World, generate, recorded

EVERYTHING = 2**32 - 1


class Simulator:
    """A Wialon server on a port of its own, running between `start` and `stop` or inside `with`.

    `now` is the epoch second its clock starts at (default: the present; for a recording a minute after its end),
    `days` how many local days of `timezone` the history reaches back before that day; `port` 0 takes a free one.
    The same seed, now, trucks, days and timezone give the same messages, byte for byte.
    """

    def __init__(
        self,
        *,
        trucks: int = 25,
        days: int = 14,
        seed: int = 1,
        now: float | None = None,
        timezone: str = "America/Chicago",
        replay: str | Path | None = None,
        frozen: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        zone = ZoneInfo(timezone)
        if replay is not None:
            self.world: World = recorded(Path(replay), seed=seed, now=now, zone=zone, frozen=frozen)
        else:
            start = time.time() if now is None else now
            self.world = generate(trucks=trucks, days=days, seed=seed, now=start, zone=zone, frozen=frozen)
        self._api = Api(self.world)
        self._server = Server((host, port), self._api)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._api.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def token(self) -> str:
        return self.world.token

    @property
    def faults(self) -> Faults:
        return self._api.faults

    @property
    def counters(self) -> Counters:
        return self._api.counters

    @property
    def limits(self) -> Limits:
        return self._api.sessions.limits

    @property
    def units(self) -> list[int]:
        return list(self.world.units)

    def now(self) -> int:
        return self.world.clock.now()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward: messages arrive, idle sessions die."""
        self.world.clock.advance(seconds)

    def unit(self, unit_id: int) -> Json:
        """Returns the unit as `core/search_item` shows it with every data flag."""
        with self.world.lock:
            shown: Json = orjson.loads(orjson.dumps(self.world.units[unit_id].show(EVERYTHING, self.now())))
            return shown

    def units_with(self, peculiarity: str) -> list[int]:
        """Returns the units that show a `Peculiarity`, by its name."""
        wanted = Peculiarity(peculiarity)
        return [t.unit_id for t in self.world.trucks if wanted in t.peculiarities and t.unit_id in self.world.units]

    def messages(self, unit_id: int, until: int | None = None) -> list[Message]:
        """Returns all data messages as served, by device time: those visible now, or at the earlier time `until`."""
        with self.world.lock:
            now = self.now() if until is None else until
            return [orjson.loads(r.body) for r in self.world.units[unit_id].history.between(0, 2**40, now)]

    def add_messages(self, unit_id: int, messages: Iterable[Message]) -> None:
        """Stores late (or any) messages; they need `t`, and get `rt` = now, `tp` and `f` where these are missing."""
        self.world.add_messages(unit_id, messages)

    def delete_messages(self, unit_id: int, predicate: Callable[[Message], bool]) -> int:
        """Removes the visible messages that `predicate` is true for. Returns how many."""
        return self.world.delete_messages(unit_id, predicate)

    def set_sensors(self, unit_id: int, sensors: dict[str, Any]) -> None:
        self.world.set_sensors(unit_id, sensors)

    def rename(self, unit_id: int, name: str) -> None:
        self.world.rename(unit_id, name)

    def bindings(self, resource_id: int) -> dict[int, list[tuple[int, int]]]:
        """Returns by driver of a resource the bindings so far: (second, unit or 0), ascending."""
        with self.world.lock:
            resource, now = self.world.resources[resource_id], self.now()
            return {d.local_id: [(b.t, b.unit_id) for b in resource.bindings(d, now)] for d in resource.drivers}

    def set_bindings(self, resource_id: int, driver_id: int, bindings: Iterable[tuple[int, int]]) -> None:
        """Replaces all that a driver was and will be bound to: (second, unit or 0)."""
        self.world.set_bindings(resource_id, driver_id, bindings)

    def remove_driver(self, resource_id: int, driver_id: int) -> None:
        self.world.remove_driver(resource_id, driver_id)

    def remove_unit(self, unit_id: int) -> None:
        self.world.remove(unit_id)
