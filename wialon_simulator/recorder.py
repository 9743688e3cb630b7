"""Turns a planned shift into the messages that the truck's tracker sends about it."""

import math
import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from wialon_simulator.devices import Device, Sample
from wialon_simulator.shifts import Phase, Shift, State
from wialon_simulator.trucks import Truck

Message = dict[str, Any]

POSITION, INPUTS, DRIVER_CODE, LBS_POSITION = 0x1, 0x2, 0x20, 0x20000
SLOSH = {State.DRIVING: 0.015, State.IDLING: 0.004, State.PARKED: 0.0005}  # share of the tank
GPS_NOISE_DEG = 3.5e-5  # about four metres


def record(truck: Truck, device: Device, shift: Shift, logins: Iterable[tuple[int, str]] = ()) -> list[Message]:
    """Returns the shift's messages by device time; `rt`, the registration time, is some seconds later.

    `logins` are the seconds at which drivers present their key cards, with the cards' codes.
    """
    rng = random.Random(f"{truck.seed}/messages/{shift.index}")
    messages: list[Message] = []
    running_since = None
    for phase in shift.phases:
        running_since = (running_since or phase.start) if phase.engine_on else None
        messages += _of_phase(truck, device, phase, running_since or phase.start, _times(truck, shift, phase, rng), rng)
    if device.reads_drivers:
        _log_in(messages, logins)
    return messages


def _log_in(messages: list[Message], logins: Iterable[tuple[int, str]]) -> None:
    """Has the first message from each login on tell of it."""
    for t, code in logins:
        for message in messages[bisect_left(messages, t, key=lambda message: message["t"]) :][:1]:
            message["p"]["avl_driver"] = code
            message["f"] |= DRIVER_CODE


def _times(truck: Truck, shift: Shift, phase: Phase, rng: random.Random) -> Iterator[int]:
    """Yields when the tracker sends: at the start of every phase (history itself starts anywhere), then at its pace."""
    pace = {State.DRIVING: truck.moving_s, State.IDLING: 2 * truck.moving_s, State.PARKED: truck.parked_s}[phase.state]
    begins = phase is shift.phases[0] and shift.index == 0
    t = phase.start + (rng.randint(20, truck.parked_s) if begins else 0)
    while t < phase.end:
        yield t
        t += pace + int(rng.random() * 3) - 1


def _of_phase(
    truck: Truck, device: Device, phase: Phase, running_since: int, times: Iterator[int], rng: random.Random
) -> list[Message]:
    """Returns the phase's messages; the engine has been running (or resting) since `running_since`."""
    sample, messages, share = Sample(), [], rng.random
    sample.engine_on, sample.pto = phase.engine_on, phase.pto
    inputs = phase.engine_on | phase.pto << 1 if device.reads_inputs else 0
    flags = POSITION | device.flags | (INPUTS if device.reads_inputs else 0)
    slosh = SLOSH[phase.state] * truck.tank_l
    for t in times:
        speed, metres, counters = phase.at(t)
        sample.speed_kmh = round(speed * 3.6)
        sample.odometer_km, sample.fuel_used_l = counters.odometer_m / 1000, counters.fuel_used_l
        sample.engine_h = counters.engine_s / 3600
        sample.level_l = min(truck.tank_l, max(0.0, counters.level_l + (share() + share() - 1) * slosh))
        sample.rpm = _rpm(phase, sample.speed_kmh, share())
        sample.coolant_c = min(88.0, 18 + (t - running_since) * 0.09) if sample.engine_on else 40.0
        messages.append(
            {
                "t": t,
                "f": flags,
                "tp": "ud",
                "pos": _position(phase, metres, sample, rng),
                "i": inputs,
                "o": 0,
                "lc": 0,
                "rt": t + 1 + int(share() * 12),
                "p": device.params(sample, rng),
            }
        )
    return messages


def _position(phase: Phase, metres: float, sample: Sample, rng: random.Random) -> dict[str, float]:
    lat, lon, course = phase.road.at(metres)
    drift, share = GPS_NOISE_DEG if sample.engine_on else 2 * GPS_NOISE_DEG, rng.random
    return {
        "y": round(lat + (share() + share() - 1) * drift, 6),
        "x": round(lon + (share() + share() - 1) * drift, 6),
        "z": int(180 + 120 * math.sin(lat * 3) + 40 * math.cos(lon * 5)),
        "s": sample.speed_kmh,
        "c": int(course),
        "sc": 9 + int(share() * 9),
    }


def _rpm(phase: Phase, speed_kmh: int, share: float) -> float:
    if not phase.engine_on:
        return 0.0
    if speed_kmh == 0:
        return (950 if phase.pto else 600) + 40 * share
    return 950 + 5 * speed_kmh + 150 * share
