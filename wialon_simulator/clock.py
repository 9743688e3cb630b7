"""The simulator's clock: real time from a chosen start, standing still or pushed forward by a test."""

import time


class Clock:
    """Tells the fleet's time (epoch seconds, UTC) and the time that sessions and limits count with."""

    def __init__(self, start: float, *, frozen: bool = False) -> None:
        self._start = start
        self._frozen = frozen
        self._pushed = 0.0
        self._began = time.monotonic()

    def now(self) -> int:
        """Returns the fleet's time; a frozen clock only moves by `advance`."""
        running = 0.0 if self._frozen else time.monotonic() - self._began
        return int(self._start + running + self._pushed)

    def elapsed(self) -> float:
        """Returns seconds since the start that pass even when frozen, so that a frozen simulator's limits recover."""
        return time.monotonic() - self._began + self._pushed

    def advance(self, seconds: float) -> None:
        """Moves both times forward."""
        self._pushed += seconds
