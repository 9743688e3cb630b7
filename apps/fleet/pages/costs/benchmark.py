"""Own costs beside the published ones, line by line."""

from decimal import Decimal
from typing import Any

from apps.fleet.costs import figures as cost_figures
from apps.fleet.pages import analysis, graphics
from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, number, told
from apps.fleet.pages.costs.reading import Reading
from apps.fleet.pages.costs.words import line_title
from apps.fleet.reports.wording import NOT_MEASURED


def benchmark(chosen: Selection, reading: Reading) -> dict[str, Any] | None:
    """Own cost per distance beside the published one, over the lines that both have."""
    totals, costs = reading.now.totals, reading.now.costs
    found = cost_figures.benchmark(reading.benchmark, costs, totals["distance_m"], chosen.fleet.currency)
    if found is None:
        return None
    per_m = Decimal(str(chosen.units.metres_per_distance))
    lines = cost_figures.compare(reading.benchmark, costs, totals["distance_m"], chosen.fleet.currency, per_m)
    most = max((value for _, *both in lines for value in both if value is not None), default=Decimal(0))
    rows = [
        [line_title(line), _both(own, other, most), number(own, 3), number(other, 3), _against(each["difference_pct"])]
        for (line, own, other), each in zip(lines, found["lines"], strict=True)
    ]
    known = [(own, other) for _, own, other in lines if own is not None]
    own, other = (sum(values, Decimal(0)) for values in zip(*known, strict=True)) if known else (None, None)
    difference = None if own is None or not other else float(100 * (own - other) / other)
    unit = f"{chosen.fleet.currency}/{chosen.units.distance_label}"
    total = ["These lines together", "", number(own, 3), number(other, 3), _against(difference)]
    names = ("missing_lines", "lines_without_benchmark", "lines_without_exchange_rate")
    return {
        "year": found["year"],
        "published": "; ".join(found["sources"]),
        "table": Numbers(
            ["Line", "", f"Own ({unit})", f"Benchmark ({unit})", "Against it"], rows, total, words=1, is_drawn=True,
            caption=f"Own cost against the benchmark of {found['year']}, the same lines alone",
        ),
        **{name: ", ".join(line_title(line) for line in found[name]) for name in names},
    }  # fmt: skip


def _both(own: Decimal | None, other: Decimal | None, most: Decimal) -> Any:
    bars = [
        analysis.meter([(style, float(value or 0))], float(most)) for style, value in (("own", own), ("bench", other))
    ]
    return graphics.joined(bars)


def _against(difference_pct: float | None) -> str:
    if difference_pct is None:
        return NOT_MEASURED
    shown = f"{'+' if difference_pct > 0 else '−' if difference_pct < 0 else ''}{abs(difference_pct):,.1f}%"
    return told(shown, difference_pct, "%")
