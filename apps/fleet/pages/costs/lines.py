"""What the costs were for: by line, over time and in all."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from apps.fleet.figures import Costs, share_pct
from apps.fleet.models.costs import UNALLOCATED
from apps.fleet.pages import analysis, graphics
from apps.fleet.pages.analysis import Figure, Selection, date
from apps.fleet.pages.buckets import bucket_label, bucket_words
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.pages.costs.reading import Bucket, Spent
from apps.fleet.pages.costs.words import SOURCES, amount, line_title, rate
from apps.fleet.pages.graphics import Column, Series

_HATCHED = ("driver_benefits", "tires", "permits", UNALLOCATED)


def series_of(costs: Costs) -> list[Series]:
    """The lines, the largest first, which is at the bottom of a column."""
    return [Series(line_title(line), line.replace("_", "-"), line in _HATCHED) for line in _largest_first(costs)]


def _largest_first(costs: Costs) -> list[str]:
    by_line = costs.by_line()
    return sorted(by_line, key=lambda line: (-by_line[line], line))


def over_time(chosen: Selection, buckets: Sequence[Bucket], costs: Costs, provisional: Any) -> Figure:
    lines, series = _largest_first(costs), series_of(costs)
    shown = [
        Column(
            bucket_label(chosen.by, each.first),
            f"{bucket_words(chosen.by, each.first, each.last)}: {_bucket_words(chosen, each)}",
            [float(each.amounts.get(line, 0)) for line in lines],
            is_provisional=each.last >= provisional,
            is_missing=not each.has_days and not each.amounts,
        )
        for each in buckets
    ]
    title = f"Cost by {chosen.by} and line, in {chosen.fleet.currency}"
    chart = graphics.columns("over-time", series, shown, title, _described(chosen, buckets))
    note = "Shaded: provisional, late data may still change them." if any(each.is_provisional for each in shown) else ""
    return analysis.figure(chart, over_time_table(chosen, buckets, costs, provisional), series, note)


def rate_over_time(chosen: Selection, buckets: Sequence[Bucket], provisional: Any) -> graphics.Chart:
    """Cost per distance; the table of the chart before it has the same figures."""
    rates = [(each, chosen.units.per_distance(each.total, each.distance_m)) for each in buckets]
    unit = f"{chosen.fleet.currency}/{chosen.units.distance_label}"
    shown = [
        Column(
            bucket_label(chosen.by, each.first),
            f"{bucket_words(chosen.by, each.first, each.last)}: {rate(value, chosen)}",
            [float(value or 0)],
            is_provisional=each.last >= provisional,
            is_missing=value is None,
        )
        for each, value in rates
    ]
    title = f"Cost per {chosen.distance_word} by {chosen.by}, in {unit}"
    known = [value for _, value in rates if value is not None]
    described = f"From {rate(min(known), chosen)} to {rate(max(known), chosen)}." if known else "Nothing was driven."
    return graphics.columns("rate", [Series("Cost", "own")], shown, title, described, height=190)


def _bucket_words(chosen: Selection, each: Bucket) -> str:
    return amount(each.total, chosen) if each.amounts else "nothing was priced" if each.has_days else "no data"


def _described(chosen: Selection, buckets: Sequence[Bucket]) -> str:
    """What is read off the chart."""
    priced = [(each.total or Decimal(0), each) for each in buckets if each.amounts]
    (most, dearest), (least, cheapest) = max(priced, key=_first), min(priced, key=_first)
    missing = len(buckets) - len(priced)
    return (
        f"Stacked columns from {date(chosen.period.first)} to {date(chosen.period.last)}. "
        f"Most: {amount(most, chosen)}, {bucket_words(chosen.by, dearest.first, dearest.last)}. "
        f"Least: {amount(least, chosen)}, {bucket_words(chosen.by, cheapest.first, cheapest.last)}."
        + (f" Without an amount: {missing} of {len(buckets)}." if missing else "")
    )


def _first(pair: tuple[Decimal, Bucket]) -> Decimal:
    return pair[0]


def over_time_table(chosen: Selection, buckets: Sequence[Bucket], costs: Costs, provisional: Any) -> Numbers:
    units, lines = chosen.units, _largest_first(costs)
    heads = [
        chosen.by.capitalize(), f"Total ({chosen.fleet.currency})", f"Distance ({units.distance_label})",
        f"{chosen.fleet.currency}/{units.distance_label}", *map(line_title, lines),
    ]  # fmt: skip
    rows = [
        [
            bucket_words(chosen.by, each.first, each.last) + (" (provisional)" if each.last >= provisional else ""),
            number(each.total, 2),
            number(units.distance(each.distance_m)),
            number(units.per_distance(each.total, each.distance_m), 3),
            *(number(each.amounts.get(line), 2) for line in lines),
        ]
        for each in buckets
    ]
    return Numbers(heads, rows, caption=f"Cost by {chosen.by} and line")


def lines_table(chosen: Selection, now: Spent) -> Numbers:
    costs, distance_m = now.costs, now.totals["distance_m"]
    by_line = costs.by_line()
    heads = [
        "Line", f"Amount ({chosen.fleet.currency})", "Share", f"{chosen.fleet.currency}/{chosen.units.distance_label}",
        *(f"{name} ({chosen.fleet.currency})" for name in SOURCES.values()),
    ]  # fmt: skip
    rows = []
    for line in _largest_first(costs):
        style = Series(line_title(line), line.replace("_", "-"), line in _HATCHED)
        own = costs.of_line(line).by_source()
        name = told(format_html("{} {}", graphics.swatch(style), line_title(line)), line_title(line))
        rows.append([name, *_line_cells(chosen, by_line[line], costs.total, distance_m, own)])
    total = ["All lines", *_line_cells(chosen, costs.total, costs.total, distance_m, costs.by_source())]
    return Numbers(heads, rows, total, caption="Cost by line")


def _line_cells(
    chosen: Selection, own: Decimal | None, whole: Decimal | None, distance_m: int | None, parts: Mapping[str, Decimal]
) -> list[str]:
    share = None if own is None else share_pct(own, whole)
    per_distance = chosen.units.per_distance(own, distance_m)
    return [number(own, 2), number(share, 1, "%"), number(per_distance, 3), *(number(parts.get(s), 2) for s in SOURCES)]
