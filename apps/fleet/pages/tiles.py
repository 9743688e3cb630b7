"""Figures at the top of a page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure as it is read, and what is told of it: what it was before, what it is of."""

    title: str
    value: str
    notes: Sequence[str]
