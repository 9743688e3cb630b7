"""Raw parameter values as numbers: not sent, usable, or sent but unusable."""

from __future__ import annotations

import math

NAN = math.nan
# Wialon's "cannot be calculated" is -348201.3876; 32-bit floats and printing round it.
MARKER_FROM, MARKER_TO = -348201.45, -348201.33


def number(value: object) -> float | None:
    """The value as a float; None when nothing was sent, NaN when what was sent is no number.

    "27.4" and True are numbers; Wialon's invalid marker, empty texts, lists and what no float can hold are not.
    """
    if type(value) is not float:
        if value is None:
            return None
        value = _converted(value)
    return NAN if MARKER_FROM < value < MARKER_TO else value


def integer(value: object) -> int | None:
    """The value as a whole number, cut towards zero; None when it is no finite number.

    Whole numbers keep all their bits, which a float loses above 2^53.
    """
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and "_" not in value:
        try:
            return int(value)
        except ValueError:
            pass  # "27.4" is one by way of a float
    result = number(value)
    return int(result) if result is not None and math.isfinite(result) else None


def is_invalid_marker(value: object) -> bool:
    """Whether the value, or text, is Wialon's mark for what cannot be calculated."""
    return isinstance(value, float | str) and MARKER_FROM < _converted(value) < MARKER_TO


def _converted(value: object) -> float:
    # Python would read "1_000" as a number; no device means it so.
    if not isinstance(value, str | int | float) or (isinstance(value, str) and "_" in value):
        return NAN
    try:
        return float(value)
    except (ValueError, OverflowError):
        return NAN
