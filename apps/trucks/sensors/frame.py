"""One message while its sensors are evaluated, and how its parameters are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from .value import integer

Message: TypeAlias = Mapping[str, Any]
SensorValue: TypeAlias = float | str | None


class Frame:
    """One message, the values found so far, and how many were dropped by cleaning."""

    __slots__ = ("dropped", "message", "parameters", "previous", "values")

    def __init__(self, message: Message, previous: Frame | None, values: dict[int, SensorValue]) -> None:
        self.message = message
        self.parameters = parameters_of(message)
        self.previous = previous
        self.values = values
        self.dropped = 0


def parameters_of(message: Message) -> Mapping[str, Any]:
    """What the device sent by name; nothing where that is no object."""
    parameters = message.get("p")
    return parameters if isinstance(parameters, Mapping) else {}


Reader: TypeAlias = Callable[[Frame], object]  # a parameter as it was sent; None when it was not

_IN_MESSAGE = {"time": "t", "regtime": "rt"}
_IN_POSITION = {"speed": "s", "altitude": "z", "sats": "sc", "course": "c", "lat": "y", "lon": "x"}
# The whole bit mask and its 32 lines: name → (key of the message, flag that says it was sent, bit)
_IN_LINES: dict[str, tuple[str, int, int | None]] = {
    name + (str(bit + 1) if bit is not None else ""): (key, flag, bit)
    for name, key, flag in (("in", "i", 2), ("out", "o", 4))
    for bit in (None, *range(32))
}


def reader(name: str, *, previous: bool = False) -> Reader:
    """Reads a parameter of the frame's message or of the one before.

    What Wialon derives from the message itself (position, time, inputs, outputs) comes before a sent parameter of
    the same name.
    """
    derive = derivation(name)

    def sent(frame: Frame) -> object:
        return frame.parameters.get(name)

    def derived(frame: Frame) -> object:
        value = derive(frame.message) if derive else None
        return frame.parameters.get(name) if value is None else value

    read = derived if derive else sent

    def of_previous(frame: Frame) -> object:
        return None if frame.previous is None else read(frame.previous)

    return of_previous if previous else read


def derivation(name: str) -> Callable[[Message], object] | None:
    """How Wialon derives a parameter of this name from the message itself, if it does."""
    if name in _IN_MESSAGE:
        return partial(_message_value, _IN_MESSAGE[name])
    if name in _IN_POSITION:
        return partial(_position_value, _IN_POSITION[name])
    if name in _IN_LINES:
        return partial(_line_value, *_IN_LINES[name])
    return None


def _message_value(key: str, message: Message) -> object:
    return message.get(key)


def _position_value(key: str, message: Message) -> object:
    position = message.get("pos")
    return position.get(key) if isinstance(position, Mapping) else None


def _line_value(key: str, sent_flag: int, bit: int | None, message: Message) -> int | None:
    mask = integer(message.get(key))
    if mask is None:
        return None
    flags = integer(message.get("f"))
    # Wialon fills in a 0 for a mask that the device did not send: that zero was not measured.
    if mask == 0 and flags is not None and not flags & sent_flag:
        return None
    return mask if bit is None else mask >> bit & 1
