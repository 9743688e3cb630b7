"""Charts of pages as SVG: figures in, markup out; no database, clock or settings.

Drawn here and not by Vega, as mails' charts are: that takes 90 MB in every web process, and keeps all of its threads
waiting, 200 ms a chart and seconds for the first. Colours are classes of `fleet/charts.css`, so that light, dark and
print each have their own; what a colour says is also said by hatching, order, text or a sign.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 10, 16, 28
_MOST_LABELS = 14
_OVER = 6  # how far the ground of a column shows above and below the axis, where the column is full
NARROW = 340  # width of a waterfall on a phone


@dataclass(frozen=True, slots=True)
class Series:
    """A part of every column: its name in the legend, the class of its colour, and whether it is hatched."""

    name: str
    style: str
    is_hatched: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """What stands over one label: a value a series, from the bottom up; `title` is told in words when pointed at."""

    label: str
    title: str
    values: Sequence[float]
    is_provisional: bool = False
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a waterfall: a level of its own, or a change of the level before. `text`: its value in words."""

    name: str
    value: float
    text: str
    is_level: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Markup, and what it shows in words: `title` in short, `description` what is read off it."""

    svg: SafeString
    title: str
    description: str
    narrow: SafeString = SafeString("")  # the same for a phone, if there it is another image


# --- columns --------------------------------------------------------------------------------------------------------


def columns(
    name: str,
    series: Sequence[Series],
    shown: Sequence[Column],
    title: str,
    description: str,
    *,
    height: int = HEIGHT,
    ticks: Sequence[float] = (),
) -> Chart:
    """Stacked columns over a common axis; what is negative hangs below it. `ticks`: the axis, where it is known.

    `name` is unique on the page: the title and description are found by it.
    """
    highest = max([0.0, *(sum(value for value in column.values if value > 0) for column in shown)])
    lowest = min([0.0, *(sum(value for value in column.values if value < 0) for column in shown)])
    ticks = ticks if ticks and ticks[-1] >= highest - 1e-6 else nice_ticks(lowest, highest)
    scale = _Scale(ticks[0], ticks[-1], height - BOTTOM, TOP)
    parts = [*_grid(ticks, scale), *_columns(series, shown, scale), *_labels(shown, height)]
    return Chart(_svg(name, height, title, description, parts, ' data-over-time=""'), title, description)


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places, between two of each."""

    low: float
    high: float
    at_low: float
    at_high: float

    def __call__(self, value: float) -> float:
        return self.at_low + (value - self.low) / (self.high - self.low) * (self.at_high - self.at_low)


def nice_ticks(low: float, high: float, steps: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`: about so many steps of 1, 2, 2.5 or 5 × a power of ten."""
    high = high if high > low else low + 1
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / steps))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * steps >= span * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [step * number for number in range(first, last + 1)]


def _grid(ticks: Sequence[float], scale: _Scale) -> Iterator[str]:
    step = ticks[1] - ticks[0]
    digits = next((digits for digits in range(9) if math.isclose(round(step, digits), step)), 9)
    for tick in ticks:
        y = scale(tick)
        kind = "axis" if math.isclose(tick, 0, abs_tol=step / 1000) else "grid"
        yield f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick + 0.0:,.{digits}f}</text>'


def _columns(series: Sequence[Series], shown: Sequence[Column], scale: _Scale) -> Iterator[str]:
    step = (WIDTH - LEFT - RIGHT) / max(len(shown), 1)
    for number, column in enumerate(shown):
        x = LEFT + number * step
        yield f"<g><title>{escape(column.title)}</title>"
        if column.is_provisional or column.is_missing:
            kind = "missing" if column.is_missing else "provisional"
            yield _rect(x, TOP - _OVER, step, scale.at_low - TOP + 2 * _OVER, f"{kind} ground")
        yield from _stack(series, column.values, x + step * 0.1, step * 0.8, scale)
        yield "</g>"


def _stack(series: Sequence[Series], values: Sequence[float], x: float, width: float, scale: _Scale) -> Iterator[str]:
    above = below = 0.0
    for each, value in zip(series, values, strict=True):
        base = above if value > 0 else below
        top, bottom = scale(max(base, base + value)), scale(min(base, base + value))
        above, below = (above + value, below) if value > 0 else (above, below + value)
        if bottom - top > 0.05:
            yield _filled(x, top, width, bottom - top, each)


def _labels(shown: Sequence[Column], height: int) -> Iterator[str]:
    step = (WIDTH - LEFT - RIGHT) / max(len(shown), 1)
    every = math.ceil(len(shown) / _MOST_LABELS)
    for number, column in enumerate(shown):
        if number % every == 0:
            x = LEFT + (number + 0.5) * step
            yield f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{escape(column.label)}</text>'


# --- waterfall ------------------------------------------------------------------------------------------------------


def waterfall(name: str, steps: Sequence[Step], title: str, description: str) -> Chart:
    """A row a step, from the first level over its changes to the last; levels are cut off where nothing happens."""
    broad, narrow = (_waterfall(name, steps, title, description, each) for each in (_Broad(), _Narrow()))
    return Chart(broad, title, description, narrow)


@dataclass(frozen=True, slots=True)
class _Broad:
    """Where the parts of a row are: on its left the name, the value behind its bar."""

    width: int = WIDTH
    start: int = 260  # of the bars
    end: int = WIDTH - 150
    row: int = 34
    bar: int = 7  # its top
    thick: int = 22
    style: str = "plot broad"

    def words(self, step: Step, y: float, after: float) -> str:
        name = _word("name", self.start - 12, y + 22, "end", step.name)
        return name + _word("value", after + 8, y + 22, "start", step.text)


@dataclass(frozen=True, slots=True)
class _Narrow:
    """The words above the bar, which has all of the width."""

    width: int = NARROW
    start: int = 0
    end: int = NARROW
    row: int = 46
    bar: int = 22
    thick: int = 16
    style: str = "plot narrow"

    def words(self, step: Step, y: float, after: float) -> str:
        name = _word("name", 0, y + 16, "start", step.name)
        return name + _word("value", self.width, y + 16, "end", step.text)


def _word(style: str, x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _waterfall(name: str, steps: Sequence[Step], title: str, description: str, layout: _Broad | _Narrow) -> SafeString:
    levels = list(accumulate(steps, lambda at, step: step.value if step.is_level else at + step.value, initial=0.0))
    low, high = _range(levels[1:])
    scale = _Scale(low, high, layout.start, layout.end)
    parts: list[str] = []
    for number, step in enumerate(steps):
        start = low if step.is_level else levels[number]
        end = scale(levels[number + 1])
        parts += _row(number, step, scale(start), end, layout)
        if number + 1 < len(steps):
            top = number * layout.row + layout.bar
            parts.append(f'<line class="link" x1="{end:.1f}" x2="{end:.1f}" y1="{top}" y2="{top + layout.row}"/>')
    style = layout.style
    return _svg(f"{name}-{style[5:]}", layout.row * len(steps) + 8, title, description, parts, "", style, layout.width)


def _range(levels: Sequence[float]) -> tuple[float, float]:
    """What the rows span: the levels with room on their left, or from zero where that is near."""
    low, high = min(levels), max(levels)
    room = (high - low) * 0.5 or abs(high) * 0.5 or 1.0
    return (0.0 if 0 <= low < room * 2 else low - room), high or room


def _row(number: int, step: Step, start: float, end: float, layout: _Broad | _Narrow) -> Iterator[str]:
    y = number * layout.row
    top = y + layout.bar
    kind = "level" if step.is_level else "rise" if step.value > 0 else "fall"
    x, width = min(start, end), max(abs(end - start), 1.0)
    yield f"<g><title>{escape(f'{step.name}: {step.text}')}</title>"
    yield layout.words(step, y, x + width)
    yield _filled(x, top, width, layout.thick, Series(step.name, kind, is_hatched=kind == "fall"))
    yield "</g>"


# --- what all share -------------------------------------------------------------------------------------------------


def swatch(series: Series) -> SafeString:
    """The colour of a series, for a legend."""
    rect = _filled(0, 0, 14, 14, series)
    return mark_safe(f'<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">{rect}</svg>')


def hatching() -> SafeString:
    """What hatched parts refer to: once on a page."""
    lines = '<path d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" class="stripe"/>'
    pattern = f'<pattern id="hatch" patternUnits="userSpaceOnUse" width="6" height="6">{lines}</pattern>'
    return mark_safe(f'<svg width="0" height="0" aria-hidden="true" class="defs"><defs>{pattern}</defs></svg>')


def _filled(x: float, y: float, width: float, height: float, series: Series) -> str:
    rect = _rect(x, y, width, height, f"fill {series.style}")
    return rect + (_rect(x, y, width, height, "stripes", "url(#hatch)") if series.is_hatched else "")


def _rect(x: float, y: float, width: float, height: float, style: str, fill: str = "") -> str:
    paint = f' fill="{fill}"' if fill else ""
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{paint}/>'


def _svg(
    name: str,
    height: float,
    title: str,
    description: str,
    parts: Sequence[str],
    mark: str = "",
    style: str = "plot",
    width: int = WIDTH,
) -> SafeString:
    """An image with its words: readers of screens read `title` and `desc` and nothing inside."""
    head = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return mark_safe(
        f'<svg class="{style}" role="img" aria-labelledby="{name}-title {name}-desc" '
        f'viewBox="0 0 {width} {height}"{mark}>{head}{"".join(parts)}</svg>'
    )


def legend(series: Sequence[Series], values: Mapping[str, str]) -> list[tuple[SafeString, str, str]]:
    """(colour, name, value in words) of each series, as they are stacked from the bottom up."""
    return [(swatch(each), each.name, values.get(each.name, "")) for each in series]


def joined(parts: Sequence[SafeString]) -> SafeString:
    """Markup after markup; an empty one of none."""
    return mark_safe("".join(parts))


# --- heat map -------------------------------------------------------------------------------------------------------

_STEPS = 8  # shades of a heat map, from nothing to the most
_CELL = 26


def heat_map(
    name: str,
    rows: Sequence[tuple[str, Sequence[float | None]]],
    columns: Sequence[str],
    title: str,
    description: str,
    unit: str = "%",
) -> Chart:
    """A cell a row and column, the darker the more of the largest value; null cells are left open."""
    most = max((value for _, values in rows for value in values if value is not None), default=0.0) or 1.0
    width = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    parts = [
        f'<text class="tick" x="{LEFT + (place + 0.5) * width:.1f}" y="{TOP - 3}" text-anchor="middle">'
        f"{escape(column)}</text>"
        for place, column in enumerate(columns)
    ]
    for number, (label, values) in enumerate(rows):
        y = TOP + 4 + number * _CELL
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(label)}</text>')
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            words = "no data" if value is None else f"{value:.0f} {unit}"
            style = "none" if value is None else f"heat-{round(value / most * _STEPS)}"
            cell = _rect(LEFT + place * width, y, width - 2, _CELL - 2, f"fill {style}")
            parts.append(f"<g><title>{escape(f'{label}, {column}: {words}')}</title>{cell}</g>")
    return Chart(_svg(name, TOP + 8 + _CELL * len(rows), title, description, parts), title, description)
