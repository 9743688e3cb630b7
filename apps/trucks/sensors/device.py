"""What a device says of its own accord, by parameters of known names: harsh driving, and active fault codes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

from .value import number

HARSH_KINDS = ("braking", "acceleration", "cornering")
DTC = "dtc"
MEASURES = (*(f"harsh_{kind}" for kind in HARSH_KINDS), DTC)
NO_SOURCE = 255  # J1939's address of everyone: no fault comes from there
MOST_CODES = 60
_MAX_SPN, _MAX_FMI = 2**19 - 1, 31
_CODE = re.compile(
    r"(?:SPN\s*)?(?P<spn>\d{1,6})\s*[/:-]\s*(?:FMI\s*)?(?P<fmi>\d{1,2})(?:\s*[/:@-]\s*(?:SA\s*)?(?P<source>\d{1,3}))?",
    re.IGNORECASE,
)


Told: TypeAlias = tuple[int | None, str | None, int]  # what `DeviceEvents.read` gives
SILENT: Told = (None, None, 0)


class EventParameter(NamedTuple):
    """A raw parameter that tells of one of MEASURES; of harsh driving it does so when it has this value."""

    measure: str
    parameter: str
    value: float = 1


@dataclass(frozen=True)
class DeviceEvents:
    """The parameters by which one kind of device tells of events."""

    parameters: tuple[EventParameter, ...]

    @classmethod
    def with_names(cls, own: Iterable[EventParameter]) -> DeviceEvents:
        """Those given; a measure of which none is given keeps its own name as the parameter's."""
        own = sorted(set(own))
        named = {each.measure for each in own}
        return cls((*own, *(EventParameter(measure, measure) for measure in MEASURES if measure not in named)))

    @property
    def own(self) -> list[EventParameter]:
        """Those that are not simply the measures' own names."""
        return [each for each in self.parameters if each != EventParameter(each.measure, each.measure)]

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(each.parameter for each in self.parameters)

    def read_all(self, params: Sequence[Mapping[str, Any]]) -> list[Told]:
        """`read` of each message: hardly any says something."""
        return [SILENT if self._names.isdisjoint(each) else self.read(each) for each in params]

    def read(self, params: Mapping[str, Any]) -> Told:
        """Harsh driving (see `harsh_code`), active faults (see `parse_codes`), and how many values were unusable.

        None is what the message does not tell.
        """
        harsh, faults, dropped = 0, None, 0
        for measure, parameter, value in self.parameters:
            raw = params.get(parameter)
            if raw is None:
                continue
            if measure == DTC:
                found = parse_codes(raw) if isinstance(raw, str) else None
                faults, dropped = (faults, dropped + 1) if found is None else (found, dropped)
                continue
            sent = number(raw)
            if sent is None or not math.isfinite(sent):
                dropped += 1
            else:
                harsh |= harsh_code(measure.removeprefix("harsh_"), happened=sent == value)
        return harsh or None, faults, dropped


DEFAULT_EVENTS = DeviceEvents.with_names(())


def harsh_code(kind: str, *, happened: bool) -> int:
    """Two bits: that the device tells of this kind of harsh driving, and that it happened. Codes may be or-ed."""
    bit = HARSH_KINDS.index(kind)
    return 1 << bit + len(HARSH_KINDS) | happened << bit


def happened(code: int, kind: str) -> bool:
    return bool(code >> HARSH_KINDS.index(kind) & 1)


def is_told(code: int, kind: str) -> bool:
    """Whether the device told of this kind of harsh driving at all, be it that there was none."""
    return bool(code >> HARSH_KINDS.index(kind) + len(HARSH_KINDS) & 1)


class FaultCode(NamedTuple):
    """A diagnostic trouble code of J1939."""

    spn: int  # what is faulty
    fmi: int  # how
    source: int  # address of the control unit that says so; NO_SOURCE where the device does not pass it on

    def __str__(self) -> str:
        return f"{self.spn}/{self.fmi}" if self.source == NO_SOURCE else f"{self.spn}/{self.fmi}/{self.source}"


@lru_cache(maxsize=4096)
def parse_codes(text: str) -> str | None:
    """The codes of a text such as "SPN100/FMI1,SPN3251/FMI0", ascending, in the form "100/1,3251/0"; "" for none.

    A source follows as "100/1/0". None where any part is no code, or there are more than 60.
    """
    codes = set()
    for part in filter(None, (part.strip() for part in re.split("[,;]", text))):
        found = _CODE.fullmatch(part)
        code = found and FaultCode(int(found["spn"]), int(found["fmi"]), int(found["source"] or NO_SOURCE))
        if not code or code.spn > _MAX_SPN or code.fmi > _MAX_FMI or code.source > NO_SOURCE:
            return None
        codes.add(code)
    return None if len(codes) > MOST_CODES else ",".join(map(str, sorted(codes)))


@lru_cache(maxsize=4096)
def codes_of(text: str) -> frozenset[FaultCode]:
    """The codes of a text that `parse_codes` gave."""
    parts = (part.split("/") for part in text.split(",") if part)
    return frozenset(FaultCode(int(spn), int(fmi), int(*source or (NO_SOURCE,))) for spn, fmi, *source in parts)
