"""From a raw Wialon message to a row of `message`. Pure.

A raw message is a dict as `messages/load_interval` serves it: t device time, rt registration time, f flags, pos
position, p parameters.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, NamedTuple, overload

import numpy as np
import orjson

from apps.trucks.detection.points import Integers, Point, Points, joined, merge
from apps.trucks.sensors import SensorTable, SensorValue

Raw = dict[str, Any]

FUTURE_S = 86_400
UNKNOWN_SATELLITES = 255
KEY_CARD = 0x20  # the parameter `avl_driver` holds a driver's code
NOT_GPS = 0x20000 | 0x80000  # position from cell towers or Wi-Fi
_MAX_T = 2**40
_SIGNED_64 = 2**63
_USUAL = 1e15


class MessageRow(NamedTuple):
    """The columns of `message` after fleet and truck, in the order in which they are inserted."""

    t: int
    digest: int
    received_t: int | None
    flags: int
    lat: float | None
    lon: float | None
    speed_kmh: float | None
    course_deg: float | None
    altitude_m: float | None
    satellites: int | None
    ignition: bool | None
    rpm: float | None
    voltage: float | None
    odometer_m: int | None
    fuel_used_l: float | None
    fuel_level_l: float | None
    engine_hours_h: float | None
    pto: bool | None
    harsh: int | None
    dtc: str | None
    dropped: int
    sensor_version: str
    payload: bytes


class MessageRows(Sequence[MessageRow]):
    """Rows in columns: what goes over thousands of messages takes columns, and a row is made when it is asked for."""

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self._columns = columns  # one for each field of MessageRow, in their order

    @classmethod
    def of(cls, rows: Sequence[MessageRow]) -> "MessageRows":
        """The same rows in columns; at least one."""
        return rows if isinstance(rows, MessageRows) else cls(list(zip(*rows, strict=True)))

    def column(self, name: str) -> Sequence[Any]:
        return self._columns[MessageRow._fields.index(name)]

    def columns(self) -> dict[str, Sequence[Any]]:
        return dict(zip(MessageRow._fields, self._columns, strict=True))

    def chosen(self, chosen: Sequence[bool]) -> "MessageRows":
        """Those of the rows for which there is a yes."""
        return MessageRows([list(compress(column, chosen)) for column in self._columns])

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, at: int) -> MessageRow: ...
    @overload
    def __getitem__(self, at: slice) -> "MessageRows": ...
    def __getitem__(self, at: int | slice) -> "MessageRow | MessageRows":
        found = [column[at] for column in self._columns]
        return MessageRows(found) if isinstance(at, slice) else MessageRow._make(found)

    def __iter__(self) -> Iterator[MessageRow]:
        return map(MessageRow._make, zip(*self._columns, strict=True))


class Received(NamedTuple):
    """A message, and what tells it apart: they sort by second and, within it, by what wins; the winner last."""

    t: int
    registered_t: int  # 0 where the server does not say
    digest: int
    payload: bytes  # as it is kept
    message: Raw

    @property
    def key(self) -> tuple[int, int]:
        """Of messages with one key all but one are copies."""
        return self.t, self.digest


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages sorted by what becomes of them: data, from the future, without a usable time.

    Those less than `FUTURE_S` ahead of the clock are in none: they are data in a later pass, when their time has come.
    """

    data: list[Received] = field(default_factory=list)
    future: list[Received] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)


def sort_out(messages: Iterable[Any], now: int) -> Batch:
    """The messages by fate; data and future sorted, each once."""
    batch = Batch()
    distinct: dict[tuple[int, int], Received] = {}
    for message in messages:
        t = message.get("t") if isinstance(message, dict) else None
        if not isinstance(t, int) or isinstance(t, bool) or not 0 < t < _MAX_T:
            batch.refused.append(message)
        elif t <= now or t > now + FUTURE_S:
            found = received(message)
            distinct[t, found.digest] = found
    for found in sorted(distinct.values()):
        (batch.data if found.t <= now else batch.future).append(found)
    return batch


def received(message: Raw) -> Received:
    """The message with what tells it apart. It has a usable time."""
    payload = encode(message)
    return Received(message["t"], received_at(message) or 0, digest(payload), payload, message)


def encode(message: Raw) -> bytes:
    """The message as it is kept: JSON with sorted keys, the same bytes for the same content."""
    return orjson.dumps(message, option=orjson.OPT_SORT_KEYS)


def digest(payload: bytes) -> int:
    """64 bits of BLAKE2b as a signed integer: tells apart the messages of one second."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest()) - _SIGNED_64


def received_at(message: Raw) -> int | None:
    """When Wialon registered the message, UTC seconds; older servers do not say."""
    received = message.get("rt")
    return received if isinstance(received, int) and 0 < received < _MAX_T else None


class Rows(NamedTuple):
    """Messages evaluated: a row for each, and each sensor's last value with the second of its message."""

    rows: Sequence[MessageRow]
    newest: dict[int, tuple[SensorValue, int]]


def rows(messages: Sequence[Received], table: SensorTable, previous: Raw | None = None) -> Rows:
    """The rows in the order of the messages; each is evaluated after its predecessor, which some sensors refer to.

    `previous` is the predecessor of the first.
    """
    if not messages:
        return Rows((), {})
    evaluated = table.read([each.message for each in messages], previous)
    times, registered, digests, payloads, raw = zip(*messages, strict=True)
    columns = (
        times,
        digests,
        [t or None for t in registered],
        [flags or 0 for flags in _integers([message.get("f") for message in raw], bits=63)],
        *_places(raw),
        *evaluated.columns,
        [table.version] * len(messages),
        payloads,
    )
    newest = {sensor_id: (value, times[index]) for sensor_id, (value, index) in evaluated.newest.items()}
    return Rows(MessageRows(columns), newest)


def _places(raw: Sequence[Raw]) -> Iterator[list[Any]]:
    """The columns from latitude to satellites."""
    positions = [message.get("pos") for message in raw]
    places = [position if isinstance(position, dict) else {} for position in positions]
    for key in "yxscz":
        yield _numbers([place.get(key) for place in places])
    yield _integers([place.get("sc") for place in places])


def _numbers(values: list[Any]) -> list[float | None]:
    """`number` of each; usually all are floats, or small whole numbers, and then seen to be so at once."""
    kinds = set(map(type, values))
    if kinds <= {float, int} and min(values) > -_USUAL and max(values) < _USUAL and math.isfinite(math.fsum(values)):
        return values if kinds == {float} else list(map(float, values))
    return [number(value) for value in values]


def _integers(values: list[Any], bits: int = 31) -> list[int | None]:
    """`_integer` of each; usually all are whole numbers that fit, and then seen to be so at once."""
    if set(map(type, values)) == {int} and max(values) < 2**bits and min(values) > -(2**bits):
        return values
    return [_integer(value, bits) for value in values]


def key_card_of(message: Raw) -> str | None:
    """The key card that the device has read; an empty text where somebody logged out; None where it says nothing."""
    flags, parameters = message.get("f"), message.get("p")
    if not isinstance(flags, int) or not flags & KEY_CARD or not isinstance(parameters, dict):
        return None
    code = parameters.get("avl_driver")
    if isinstance(code, bool) or not isinstance(code, str | int):
        return None
    card = str(code).strip()[:64]
    return card if card.strip("0") else ""  # devices send zeros when the key is taken away


def number(value: Any) -> float | None:
    """The finite number that the value is, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < 1e300 else None


def _integer(value: Any, bits: int = 31) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**bits else None


def is_fix(lat: float | None, lon: float | None, satellites: int | None, flags: int, min_satellites: int) -> bool:
    """Whether a position is a GPS fix; see "Cleaning" in docs/metrics.md."""
    if lat is None or lon is None or (lat == 0 and lon == 0) or abs(lat) > 90 or abs(lon) > 180 or flags & NOT_GPS:
        return False
    return satellites is None or satellites == UNKNOWN_SATELLITES or satellites >= min_satellites


class StoredPoint(NamedTuple):
    """What a stored message says, in the order of its second: the columns that a rebuild reads."""

    t: int
    received_t: int | None
    digest: int
    flags: int
    satellites: int | None
    lat: float | None
    lon: float | None
    speed_kmh: float | None
    ignition: bool | None
    rpm: float | None
    voltage: float | None
    odometer_m: int | None
    fuel_used_l: float | None
    fuel_level_l: float | None
    engine_hours_h: float | None
    pto: bool | None
    harsh: int | None
    dtc: str | None
    dropped: int

    @property
    def precedence(self) -> tuple[int, int, int]:
        return self.t, self.received_t or 0, self.digest

    def point(self, min_satellites: int) -> Point:
        """The point that this message alone makes."""
        fix = is_fix(self.lat, self.lon, self.satellites, self.flags, min_satellites)
        return Point(
            self.t,
            self.lat if fix else None,
            self.lon if fix else None,
            self.speed_kmh if fix else None,
            *self[8:18],
        )


def values_of(rows: Sequence["MessageRow | StoredPoint"], name: str) -> Sequence[Any]:
    """What the rows say in a column."""
    return rows.column(name) if isinstance(rows, MessageRows) else [getattr(row, name) for row in rows]


def has_any(values: Sequence[Any]) -> bool:
    """Whether not all are null. Mostly the first tells, and nulls are counted fast."""
    return bool(values) and (values[0] is not None or values.count(None) < len(values))


def stored_point(row: MessageRow | StoredPoint) -> StoredPoint:
    """What the row will say when it is read again."""
    return StoredPoint._make(getattr(row, name) for name in StoredPoint._fields)


@dataclass(frozen=True, slots=True, eq=False)
class StoredMessages:
    """The messages of a stretch of time: what they count for, one by one, and the points that they make together."""

    t: Integers  # ascending
    dropped: Integers  # values that were unusable
    points: Points

    def followed_by(self, later: "StoredMessages") -> "StoredMessages":
        """These and others, all of them of later seconds, as one."""
        return StoredMessages(
            np.concatenate([self.t, later.t]),
            np.concatenate([self.dropped, later.dropped]),
            joined(self.points, later.points),
        )


def points_of(stored: Iterable[StoredPoint], min_satellites: int) -> Points:
    """The points that these messages make, which are in the order of their precedence."""
    return Points.of(merge(message.point(min_satellites) for message in stored))
