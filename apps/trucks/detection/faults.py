"""Faults of a truck: codes (DTC) that its device says are active, and then no longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from apps.trucks.detection.history import Event, History, Stretch, within
from apps.trucks.detection.quantities import CONNECTED_S
from apps.trucks.detection.speeding import Severity
from apps.trucks.sensors.device import FaultCode, codes_of

# J1939-73: how bad a fault is follows from how the value fails. Whatever is not listed is moderate.
_MOST_SEVERE, _LEAST_SEVERE = {0, 1}, {15, 17}
FAILURES = (
    "above normal range, most severe", "below normal range, most severe", "erratic, intermittent or incorrect",
    "voltage above normal, or shorted high", "voltage below normal, or shorted low",
    "current below normal, or open circuit", "current above normal, or grounded circuit",
    "mechanical system not responding", "abnormal frequency, pulse width or period", "abnormal update rate",
    "abnormal rate of change", "root cause not known", "bad device or component", "out of calibration",
    "special instructions", "above normal range, least severe", "above normal range, moderately severe",
    "below normal range, least severe", "below normal range, moderately severe", "received network data in error",
    "data drifted high", "data drifted low",
)  # fmt: skip


class FaultChangeKind(StrEnum):
    OPENED = "opened"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChange(Event):
    """A fault that a device first says is active, or first says nothing of any more. It lasts no time."""

    kind: FaultChangeKind
    spn: int
    fmi: int
    source: int
    severity: Severity


def severity(fmi: int) -> Severity:
    if fmi in _MOST_SEVERE:
        return Severity.SEVERE
    return Severity.MINOR if fmi in _LEAST_SEVERE else Severity.MODERATE


def failure(fmi: int) -> str:
    """What a failure mode means, in words."""
    return FAILURES[fmi] if fmi < len(FAILURES) else "condition exists" if fmi == 31 else "reserved"


def find_fault_changes(history: History) -> list[FaultChange]:
    """The changes between each report of the window and the one before it, ascending by second and code.

    After more than 35 days without a report nothing is known of before: whatever is active then opens anew.
    """
    changes: list[FaultChange] = []
    for (before_t, before), (t, now) in pairwise([(0, ""), *history.fault_reports]):
        if before == now and t - before_t <= CONNECTED_S:
            continue
        known = codes_of(before) if t - before_t <= CONNECTED_S else frozenset()
        active = codes_of(now)
        changes += [_change(history, t, FaultChangeKind.OPENED, code) for code in sorted(active - known)]
        changes += [_change(history, t, FaultChangeKind.CLEARED, code) for code in sorted(known - active)]
    return changes


def _change(history: History, t: int, kind: FaultChangeKind, code: FaultCode) -> FaultChange:
    return FaultChange(
        **history.extent(Stretch(t, t, False)),
        kind=kind,
        spn=code.spn,
        fmi=code.fmi,
        source=code.source,
        severity=severity(code.fmi),
    )


def opened_between(history: History, changes: Sequence[FaultChange], start: int, end: int) -> int | None:
    """How many faults opened in [start, end); null when the device told of no faults, nor of none, in there."""
    if not within(history.fault_reports, start, end):
        return None
    return sum(start <= change.started_at < end and change.kind is FaultChangeKind.OPENED for change in changes)
