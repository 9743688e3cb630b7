"""A Wialon server for demos and tests; `docs/wialon.md` says what it speaks and how to make it fail."""

from wialon_simulator.simulator import Simulator

__all__ = ["Simulator"]
