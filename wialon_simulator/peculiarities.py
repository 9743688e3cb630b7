"""What goes wrong between a truck and the server: edits to a shift's messages before they are stored."""

import random
from collections.abc import Callable

from wialon_simulator.recorder import LBS_POSITION, POSITION, Message
from wialon_simulator.shifts import DAY, EVENTFUL_EVERY, HOUR, Shift
from wialon_simulator.trucks import Peculiarity, Truck

Messages = list[Message]

NOT_AVAILABLE = {
    "can_rpm": 65535,
    "can_speed": 255,
    "can_coolant_temp": 255,
    "can_fls1": 255,
    "can_odo": 4294967295,
    "can_engine_hours": 4294967295,
    "io_85": 65535,
    "io_89": 255,
    "param1": 65535,
    "TEMP": 255,
}
RUBBISH = ("n/a", "NaN", "--", "", "Infinity", "1e999")
FIRST_FAULT, SECOND_FAULT = "SPN100/FMI1", "SPN3251/FMI0"


def afflict(truck: Truck, shift: Shift, messages: Messages) -> Messages:
    """Returns the messages with the truck's peculiarities applied, by device time."""
    rng = random.Random(f"{truck.seed}/peculiar/{shift.index}")
    for peculiarity, edit in _EDITS.items():
        if peculiarity in truck.peculiarities:
            edit(messages, shift, rng)
    messages.sort(key=lambda message: message["t"])
    return messages


def _gps_gaps(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """On the eventful shift, in turn: no position, a stuck one, two satellites, a fix at 0/0, a leap, cell towers."""
    moving = _moving(messages)
    if shift.age or len(moving) < 120:
        return
    for message in moving[15:40]:
        message["pos"], message["f"] = None, message["f"] & ~POSITION
    for message in moving[45:65]:
        message["pos"] = dict(moving[44]["pos"])
    for message in moving[75:95]:
        message["pos"]["sc"] = 2
        message["pos"]["y"] = round(message["pos"]["y"] + rng.uniform(-0.006, 0.006), 6)
        message["pos"]["x"] = round(message["pos"]["x"] + rng.uniform(-0.006, 0.006), 6)
    moving[100]["pos"] |= {"y": 0.0, "x": 0.0, "sc": 0}
    moving[105]["pos"]["y"] = round(moving[105]["pos"]["y"] + 0.8, 6)
    for message in moving[110:113]:
        message["f"], message["lc"] = message["f"] | LBS_POSITION, rng.getrandbits(31)
        message["pos"] |= {"sc": 0, "s": 0, "y": round(message["pos"]["y"] + 0.02, 6)}


def _harsh_driving(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """The device names the three manoeuvres with 0 now and then, and with 1 when one happens."""
    kinds = ("harsh_braking", "harsh_acceleration", "harsh_cornering")
    for message in messages[::40]:
        message["p"] |= dict.fromkeys(kinds, 0)
    brisk = [message for message in _moving(messages) if message["pos"] and message["pos"]["s"] > 25]
    events = 4 if shift.age == 0 else rng.choice((0, 0, 1, 2))
    for n, message in enumerate(rng.sample(brisk, min(events, len(brisk)))):
        message["p"][kinds[n % 3]] = 1


def _fault_codes(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """`dtc` lists the active faults: one, then two on the eventful shift; the next shift both go. Empty means none."""
    for n, message in enumerate(messages[::8]):
        done = n * 8 / len(messages)
        first = (shift.age == 0 and done > 0.4) or (shift.age == 1 and done < 0.6)
        second = first and (shift.age == 1 or done > 0.6)
        message["p"]["dtc"] = ",".join((FIRST_FAULT,) * first + (SECOND_FAULT,) * second)


def _unavailable_codes(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """Now and then a control unit answers "not available": all bits of the field set."""
    for message in messages:
        known = [name for name in NOT_AVAILABLE if name in message["p"]]
        if known and rng.random() < 0.03:
            for name in rng.sample(known, rng.randint(1, len(known))):
                message["p"][name] = NOT_AVAILABLE[name]


def _garbage(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """Texts where numbers belong, and parameters that nobody asked for."""
    for message in messages:
        if rng.random() < 0.02:
            message["p"][rng.choice(sorted(message["p"]))] = rng.choice(RUBBISH)
            message["p"]["gsm_info"] = "310,410,0x1A2B"


def _same_second(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """An event record beside the periodic one: same device time, other parameters, no position."""
    for message in messages[7::35]:
        event = message | {"f": message["f"] & ~POSITION, "pos": None, "rt": message["rt"] + 1}
        messages.append(event | {"p": {"event_io": rng.randint(240, 255), "gsm_signal": rng.randint(40, 99)}})


def _black_box(messages: Messages, shift: Shift, rng: random.Random) -> None:
    """No network from 13:00 to 17:00 local: those messages are registered in one upload after 21:10.

    The afternoon before belongs to this shift, too, as far as the truck had already finished its day by then.
    """
    for days_ago in (0, 1):
        if (shift.age - days_ago) % EVENTFUL_EVERY % 3 == 0:
            midnight = shift.midnight - days_ago * DAY
            afternoon = range(midnight + 13 * HOUR, midnight + 17 * HOUR)
            for n, message in enumerate(message for message in messages if message["t"] in afternoon):
                message["rt"] = midnight + 21 * HOUR + 600 + n // 4


def _moving(messages: Messages) -> Messages:
    return [message for message in messages if message["pos"] and message["pos"]["s"] > 5]


_EDITS: dict[Peculiarity, Callable[[Messages, Shift, random.Random], None]] = {
    Peculiarity.HARSH_DRIVING: _harsh_driving,
    Peculiarity.FAULT_CODES: _fault_codes,
    Peculiarity.UNAVAILABLE_CODES: _unavailable_codes,
    Peculiarity.GARBAGE: _garbage,
    Peculiarity.SAME_SECOND: _same_second,
    Peculiarity.BLACK_BOX: _black_box,
    Peculiarity.GPS_GAPS: _gps_gaps,
}
