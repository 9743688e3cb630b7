"""Harsh driving: what the device says of it, or how fast the speed changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np

from apps.trucks.detection.history import Event, History, Stretch, within
from apps.trucks.parameters import Parameters
from apps.trucks.sensors.device import happened, is_told

_KMH_PER_MS = 3.6


class HarshKind(StrEnum):
    BRAKING = "braking"
    ACCELERATION = "acceleration"
    CORNERING = "cornering"


class HarshSource(StrEnum):
    DEVICE = "device"
    SPEED = "speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarshEvent(Event):
    """One by the device lasts no time; one by speed from the first to the last of the speeds that show it."""

    kind: HarshKind
    source: HarshSource
    speed_kmh: float | None  # at its start, of the last fix; null without one
    peak_ms2: float | None  # strongest change of speed, not negative; null by the device


def find_harsh(history: History, parameters: Parameters) -> list[HarshEvent]:
    """All harsh driving of the window, ascending, by either source; `harsh_between` says which of it counts."""
    events = [
        *_by_device(history),
        *_by_speed(history, HarshKind.BRAKING, -1, parameters.harsh_braking_ms2),
        *_by_speed(history, HarshKind.ACCELERATION, 1, parameters.harsh_acceleration_ms2),
    ]
    return sorted(events, key=lambda event: (event.started_at, event.kind, event.source))


def harsh_between(
    history: History, events: Sequence[HarshEvent], kind: HarshKind, start: int, end: int
) -> list[HarshEvent] | None:
    """The events of a kind that start in [start, end); None when it was not measurable in there.

    By the device if it tells of this kind in there, else by speed if two fixes are close enough. A speed alone does not
    tell how hard a truck corners.
    """
    if any(is_told(code, kind) for _, code in within(history.harsh_reports, start, end)):
        source = HarshSource.DEVICE
    elif kind is not HarshKind.CORNERING and history.track.count_dense(start, end):
        source = HarshSource.SPEED
    else:
        return None
    return [
        event for event in events if start <= event.started_at < end and event.kind is kind and event.source is source
    ]


def _by_device(history: History) -> Iterator[HarshEvent]:
    for t, code in history.harsh_reports:
        for kind in HarshKind:
            if happened(code, kind):
                yield _event(history, Stretch(t, t, False), kind, HarshSource.DEVICE, None)


def _by_speed(history: History, kind: HarshKind, sign: int, limit_ms2: float) -> Iterator[HarshEvent]:
    """Changes of speed in one direction at or above the limit; those that follow upon each other are one event."""
    track, first = history.track, history.track.dense
    seconds = track.t[first + 1] - track.t[first]
    changes = sign * (track.speed_kmh[first + 1] - track.speed_kmh[first]) / _KMH_PER_MS / seconds
    strong = np.flatnonzero(changes >= limit_ms2)
    for _, run in groupby(enumerate(first[strong].tolist()), key=lambda each: each[1] - each[0]):
        order, fixes = zip(*run, strict=True)
        stretch = Stretch(int(track.t[fixes[0]]), int(track.t[fixes[-1] + 1]), False)
        yield _event(history, stretch, kind, HarshSource.SPEED, float(changes[strong[list(order)]].max()))


def _event(
    history: History, stretch: Stretch, kind: HarshKind, source: HarshSource, peak_ms2: float | None
) -> HarshEvent:
    return HarshEvent(
        **history.extent(stretch),
        kind=kind,
        source=source,
        speed_kmh=history.track.speed_at(stretch.start),
        peak_ms2=peak_ms2,
    )
