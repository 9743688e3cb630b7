"""Charts as PNG, since no mail client shows SVG. Pure: figures in, image and its description out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert

WIDTH, HEIGHT = 480, 190  # small, so that its letters can still be read on a phone; drawn in twice the pixels
_SCALE = 2
# They differ in lightness, not only in hue, and stand out from white: legible in grey and with any colour blindness.
_EMPHASIS, _QUIET, _INK, _LINE = "#1b5e9b", "#a9c1d9", "#333d47", "#c5ccd3"
_FONT = "Liberation Sans"  # comes with vl-convert, so that a server without fonts draws the same
_FONT_SIZE = 12


@dataclass(frozen=True, slots=True)
class Chart:
    png: bytes
    alt: str


def distance_chart(days: Sequence[tuple[dt.date, float | None]], unit: str) -> Chart | None:
    """One bar a day, ascending, the last emphasised; a day without a figure says so. None if no day has one."""
    if all(distance is None for _, distance in days):
        return None
    png = vl_convert.vegalite_to_png(_spec(days), vl_version="5.21", scale=_SCALE, allowed_base_urls=[])
    return Chart(png, _description(days, unit))


def _spec(days: Sequence[tuple[dt.date, float | None]]) -> dict[str, Any]:
    x = {
        "field": "day",
        "type": "ordinal",
        "sort": None,
        "axis": {"title": None, "labelExpr": "split(datum.label, ' ')", "labelAngle": 0, "ticks": False},
    }
    y = {"field": "distance", "type": "quantitative", "axis": None}
    colour = {"condition": {"test": "datum.last", "value": _EMPHASIS}, "value": _QUIET}
    label = {
        "type": "text",
        "baseline": "bottom",
        "lineBreak": "\n",
        "dy": {"expr": f"datum.measured ? -3 : -{_FONT_SIZE + 5}"},
        "fontSize": _FONT_SIZE,
        "fontWeight": {"expr": "datum.last ? 'bold' : 'normal'"},
        "color": _INK,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH - 10,
        "height": HEIGHT - 45,
        "padding": 5,
        "background": "white",
        "data": {"values": _values(days)},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2, "width": {"band": 0.76}}, "encoding": {"color": colour}},
            {"mark": label, "encoding": {"text": {"field": "label"}}},
        ],
        "config": {
            "font": _FONT,
            "view": {"stroke": None},
            "axis": {"labelColor": _INK, "labelFontSize": _FONT_SIZE, "domainColor": _LINE, "labelPadding": 6},
        },
    }


def _values(days: Sequence[tuple[dt.date, float | None]]) -> list[dict[str, Any]]:
    largest = max(distance or 0 for _, distance in days)
    return [
        {
            "day": f"{day:%a} {day.day}",
            "distance": distance or 0,
            "measured": distance is not None,
            "label": "no\ndata" if distance is None else _label(distance, largest),
            "last": day == days[-1][0],
        }
        for day, distance in days
    ]


def _label(distance: float, largest: float) -> str:
    """Five characters at most, which is what fits over a bar; all bars alike."""
    if largest < 10_000:
        return f"{distance:,.0f}"
    if largest < 1_000_000:
        return f"{distance / 1000:.{1 if largest < 100_000 else 0}f}k"
    return f"{distance / 1_000_000:.1f}M"


def _description(days: Sequence[tuple[dt.date, float | None]], unit: str) -> str:
    """The chart in words: what is read off it, for those who do not see it."""
    measured = [(distance, day) for day, distance in days if distance is not None]
    (most, best), (least, worst) = max(measured), min(measured)
    last_day, last = days[-1]
    missing = len(days) - len(measured)
    return (
        f"Bar chart of the distance per day from {_date(days[0][0])} to {_date(last_day)}. "
        f"{_date(last_day)}: {'no data' if last is None else f'{last:,.0f} {unit}'}. "
        f"Most: {most:,.0f} {unit} on {_date(best)}. Least: {least:,.0f} {unit} on {_date(worst)}."
        + (f" Days without data: {missing}." if missing else "")
    )


def _date(day: dt.date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"
