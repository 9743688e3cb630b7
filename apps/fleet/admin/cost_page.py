"""The page about costs: what a period cost, what of, which trucks, and why it was not what it was before."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from apps.fleet import cost_figures, figures, graphics
from apps.fleet.admin import analysis
from apps.fleet.admin.analysis import Asked, Figure, Numbers, bucket_label, bucket_words, date
from apps.fleet.admin.cost_drivers import by_driver
from apps.fleet.admin.cost_reading import Bucket, GroupSpent, Reading, Spent, TruckSpent, read
from apps.fleet.dashboard import Tile
from apps.fleet.figures import Costs, per, share_pct
from apps.fleet.graphics import Column, Series, Step
from apps.fleet.models import CostLine
from apps.fleet.models.costs import UNALLOCATED
from apps.fleet.reports.wording import NOT_MEASURED, number

TRUCKS_SHOWN = 50
SOURCES = {"actual": "Actual", "allocated": "Allocated", "estimated": "Estimated"}
_HATCHED = ("driver_benefits", "tires", "permits", UNALLOCATED)
ORDERS = {"amount": "cost", "distance": "cost per distance", "name": "name"}


def view(request: HttpRequest) -> HttpResponse:
    order = request.GET.get("order", "amount")
    page = request.GET.get("page", "1")

    def build(chosen: Asked) -> dict[str, Any]:
        return context(chosen, order if order in ORDERS else "amount", int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Costs", "fleet/costs.html", build)


def context(chosen: Asked, order: str = "amount", page: int = 1) -> dict[str, Any]:
    fresh, reading = analysis.of_one_revision(chosen.fleet, chosen.now, lambda: read(chosen))
    totals, costs = reading.now.totals, reading.now.costs
    shown = {
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(totals)),
        "has_days": bool(totals["truck_days"]),
        "has_costs": costs.total is not None,
        "period_words": analysis.period_words(chosen.period),
        "tiles": tiles(chosen, reading.now, reading.before),
    }
    if costs.total is None:
        return shown
    provisional = analysis.provisional_since(fresh, chosen.fleet)
    return shown | {
        "sources": sources(costs, chosen.fleet.currency),
        "rate_over_time": rate_over_time(chosen, reading.buckets, provisional),
        "over_time": over_time(chosen, reading.buckets, costs, provisional),
        "lines": lines_table(chosen, reading.now),
        "unallocated": unallocated(chosen, costs),
        "change": change(chosen, reading),
        "by_group": by_group(chosen, reading.groups),
        "trucks": trucks(chosen, reading.trucks, order, page),
        "drivers": by_driver(chosen, reading.drivers),
        "benchmark": benchmark(chosen, reading),
        "fuel": fuel(chosen, totals),
        "idling": idling(chosen, totals),
    }


# --- words ----------------------------------------------------------------------------------------------------------


def line_title(line: str) -> str:
    return "Unallocated" if line == UNALLOCATED else str(CostLine(line).label).capitalize()


def amount(value: Decimal | None, chosen: Asked) -> str:
    return number(value, 2, chosen.fleet.currency)


def rate(value: Decimal | None, chosen: Asked) -> str:
    """Cost per km or mile, to three places, as the trade publishes them."""
    return number(value, 3, f"{chosen.fleet.currency}/{chosen.units.distance_label}")


def of_money(money: Mapping[str, str] | None) -> Decimal | None:
    """The amount of an answer's money."""
    return None if money is None else Decimal(money["amount"])


def signed(value: Decimal, chosen: Asked) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,.2f} {chosen.fleet.currency}"


# --- in short -------------------------------------------------------------------------------------------------------


def tiles(chosen: Asked, now: Spent, before: Spent) -> list[Tile]:
    units, currency = chosen.units, chosen.fleet.currency
    shown = [_shown(chosen, each) for each in (now, before)]
    unit = {
        f"Cost per {chosen.distance_word}": (3, currency),
        "Cost": (0, currency),
        "Distance": (0, units.distance_label),
        "Per engine hour": (2, currency),
        "Per truck and day": (2, currency),
    }
    return [
        Tile(title, number(shown[0][title], *how), analysis.compared(shown[0][title], shown[1][title], how[0]))
        for title, how in unit.items()
    ]


def _shown(chosen: Asked, spent: Spent) -> dict[str, Decimal | float | None]:
    totals, total = spent.totals, spent.costs.total
    return {
        f"Cost per {chosen.distance_word}": chosen.units.per_distance(total, totals["distance_m"]),
        "Cost": total,
        "Distance": chosen.units.distance(totals["distance_m"]),
        "Per engine hour": per(total, totals["engine_on_s"], 3600),
        "Per truck and day": per(total, totals["truck_days"]),
    }


def sources(costs: Costs, currency: str) -> list[dict[str, Any]]:
    """What the amounts come from: share, words, and the class of its colour."""
    return [
        {
            "style": each["source"],
            "name": SOURCES[each["source"]],
            "amount": number(of_money(each["amount"]), 2, currency),
            "share": max(each["share_pct"] or 0, 0),
            "share_text": number(each["share_pct"], 1, "%"),
        }
        for each in cost_figures.sources(costs, currency)
    ]


def unallocated(chosen: Asked, costs: Costs) -> str:
    """What no truck bears, or nothing where that is zero."""
    value = None if chosen.truck or chosen.group else cost_figures.unallocated(costs)
    return amount(value, chosen) if value else ""


# --- by line --------------------------------------------------------------------------------------------------------


def series_of(costs: Costs) -> list[Series]:
    """The lines, the largest first, which is at the bottom of a column."""
    by_line = costs.by_line()
    lines = sorted(by_line, key=lambda line: (-by_line[line], line))
    return [Series(line_title(line), line.replace("_", "-"), line in _HATCHED) for line in lines]


def over_time(chosen: Asked, buckets: Sequence[Bucket], costs: Costs, provisional: Any) -> Figure:
    by_line, series = costs.by_line(), series_of(costs)
    lines = sorted(by_line, key=lambda line: (-by_line[line], line))
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
    return analysis.figure(chart, _over_time_table(chosen, buckets, lines, provisional), series, note)


def rate_over_time(chosen: Asked, buckets: Sequence[Bucket], provisional: Any) -> graphics.Chart:
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


def _bucket_words(chosen: Asked, each: Bucket) -> str:
    return amount(each.total, chosen) if each.amounts else "nothing was priced" if each.has_days else "no data"


def _described(chosen: Asked, buckets: Sequence[Bucket]) -> str:
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


def _over_time_table(chosen: Asked, buckets: Sequence[Bucket], lines: Sequence[str], provisional: Any) -> Numbers:
    units = chosen.units
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


def lines_table(chosen: Asked, now: Spent) -> Numbers:
    costs, distance_m = now.costs, now.totals["distance_m"]
    by_line = costs.by_line()
    heads = [
        "Line", f"Amount ({chosen.fleet.currency})", "Share", f"{chosen.fleet.currency}/{chosen.units.distance_label}",
        *SOURCES.values(),
    ]  # fmt: skip
    rows = []
    for line in sorted(by_line, key=lambda line: (-by_line[line], line)):
        style = Series(line_title(line), line.replace("_", "-"), line in _HATCHED)
        own = costs.of_line(line).by_source()
        name = format_html("{} {}", graphics.swatch(style), line_title(line))
        rows.append([name, *_line_cells(chosen, by_line[line], costs.total, distance_m, own)])
    total = ["All lines", *_line_cells(chosen, costs.total, costs.total, distance_m, costs.by_source())]
    return Numbers(heads, rows, total, caption="Cost by line")


def _line_cells(
    chosen: Asked, own: Decimal | None, whole: Decimal | None, distance_m: int | None, parts: Mapping[str, Decimal]
) -> list[str]:
    share = None if own is None else share_pct(own, whole)
    per_distance = chosen.units.per_distance(own, distance_m)
    return [number(own, 2), number(share, 1, "%"), number(per_distance, 3), *(number(parts.get(s), 2) for s in SOURCES)]


# --- what changed, and why ------------------------------------------------------------------------------------------


def change(chosen: Asked, reading: Reading) -> dict[str, Any]:
    """The change against the period before as a waterfall, and by line."""
    before, now, currency = reading.before, reading.now, chosen.fleet.currency
    found = cost_figures.change_by_line((before.costs, before.totals), (now.costs, now.totals), currency)
    words = analysis.period_words(chosen.period.previous())
    if before.costs.total is None:
        return {"period": words, "figure": None}
    steps = _steps(chosen, found, before.costs.total, now.costs.total or Decimal(0))
    title = f"From {amount(before.costs.total, chosen)} to {amount(now.costs.total, chosen)}"
    parts = "; ".join(f"{step.name}: {step.text}" for step in steps)
    chart = graphics.waterfall("change", steps, title, f"{parts}. The parts add up to the change.")
    return {"period": words, "figure": Figure(chart, _change_table(chosen, found))}


def _steps(chosen: Asked, found: Mapping[str, Any], before: Decimal, now: Decimal) -> list[Step]:
    """Before, the parts of the change, now. What cannot be split is a part of its own, so that they add up."""
    unit = chosen.distance_word
    of_fuel = next((each for each in found["by_line"] if each["line"] == "fuel"), None)
    fuel_price = of_money(of_fuel["price"]) if of_fuel else None
    all_prices = of_money(found["price"])
    parts = {
        "Distance": of_money(found["distance"]),
        f"Fuel used per {unit}": of_money(found["consumption"]),
        "Price of fuel": fuel_price,
        f"Other costs per {unit}": None if all_prices is None else all_prices - (fuel_price or 0),
    }
    # Lines that are new, gone, or lack a measured factor.
    rest = now - before - sum((part for part in parts.values() if part is not None), Decimal(0))
    parts["New, gone or not comparable"] = rest or None
    steps = [Step("Period before", float(before), amount(before, chosen), is_level=True)]
    steps += [Step(name, float(part), signed(part, chosen)) for name, part in parts.items() if part is not None]
    return [*steps, Step("This period", float(now), amount(now, chosen), is_level=True)]


def _change_table(chosen: Asked, found: Mapping[str, Any]) -> Numbers:
    currency = chosen.fleet.currency
    heads = ["Line", f"Before ({currency})", f"Change ({currency})", "of price", "of distance", "of consumption"]
    names = ("previous_amount", "change", "price", "distance", "consumption")

    def cells(each: Mapping[str, Any]) -> list[str]:
        return [number(of_money(each[name]), 2) for name in names]

    rows = [[line_title(each["line"]), *cells(each)] for each in found["by_line"]]
    return Numbers(heads, rows, ["All lines", *cells(found)], caption="Change by line, and what it is due to")


# --- by group and truck ---------------------------------------------------------------------------------------------


def trucks(chosen: Asked, found: Sequence[TruckSpent], order: str, page: int) -> dict[str, Any] | None:
    """A page of the ranking; none on the page of a single truck."""
    if chosen.truck:
        return None
    ranked = sorted(found, key=lambda truck: _rank(truck, order))
    most = max((truck.costs.total or Decimal(0) for truck in ranked), default=Decimal(0))
    return analysis.ranking(
        chosen,
        order,
        ORDERS,
        page,
        len(ranked),
        TRUCKS_SHOWN,
        lambda start, end: _trucks_table(chosen, ranked[start:end], start, most),
    )


def _rank(truck: TruckSpent, order: str) -> tuple[Any, ...]:
    """The dearest first; trucks without what they are ranked by at the end."""
    if order == "name":
        return (truck.name.casefold(), truck.code)
    value = truck.costs.total if order == "amount" else per(truck.costs.total, truck.distance_m)
    return (value is None, -(value or 0), truck.code)


def _trucks_table(chosen: Asked, shown: Sequence[TruckSpent], start: int, most: Decimal) -> Numbers:
    rows = [_truck_cells(chosen, truck, start + place, most) for place, truck in enumerate(shown, 1)]
    return Numbers(["Truck", "Cost by source", *_heads(chosen)], rows, words=1, caption="Cost by truck")


def _heads(chosen: Asked) -> list[str]:
    units, currency = chosen.units, chosen.fleet.currency
    unit = f"{currency}/{units.distance_label}"
    return [f"Cost ({currency})", f"Distance ({units.distance_label})", unit, *SOURCES.values()]


def _truck_cells(chosen: Asked, truck: TruckSpent, place: int, most: Decimal) -> list[Any]:
    address = analysis.with_query(chosen, truck=truck.code)
    name = format_html('<span class="place">{}</span> <a class="link" href="{}">{}</a>', place, address, truck.name)
    return [name, _bar(truck.costs, most), *_cells(chosen, truck.costs, truck.distance_m)]


def _bar(costs: Costs, most: Decimal) -> Any:
    parts = costs.by_source()
    return analysis.meter([(source, float(parts.get(source, 0))) for source in SOURCES], float(most))


def _cells(chosen: Asked, costs: Costs, distance_m: int | None) -> list[str]:
    """Cost, distance, cost per distance, and the share of each source."""
    parts = costs.by_source()
    shares = [share_pct(parts[source], costs.total) if source in parts else None for source in SOURCES]
    return [
        number(costs.total, 2),
        number(chosen.units.distance(distance_m)),
        number(chosen.units.per_distance(costs.total, distance_m), 3),
        *(number(share, 0, "%") for share in shares),
    ]


def by_group(chosen: Asked, found: Sequence[GroupSpent]) -> Numbers | None:
    """None where the fleet has no groups."""
    if not any(group.name for group in found):
        return None
    most = max((group.costs.total or Decimal(0) for group in found), default=Decimal(0))
    rows = [
        [
            group.name or "In no group",
            _bar(group.costs, most),
            f"{group.trucks:,}",
            *_cells(chosen, group.costs, group.distance_m),
        ]
        for group in found
    ]
    heads = ["Group", "Cost by source", "Trucks", *_heads(chosen)]
    return Numbers(heads, rows, words=1, caption="Cost by group")


# --- beside it ------------------------------------------------------------------------------------------------------


def benchmark(chosen: Asked, reading: Reading) -> dict[str, Any] | None:
    """Own cost per distance beside the published one, over the lines that both have."""
    totals, costs = reading.now.totals, reading.now.costs
    found = cost_figures.benchmark(reading.benchmark, costs, totals["distance_m"], chosen.fleet.currency)
    if found is None:
        return None
    scale = Decimal(str(chosen.units.metres_per_distance)) / 1000
    lines = [
        (each["line"], _scaled(each["cost_per_km"], scale), _scaled(each["benchmark_per_km"], scale), each)
        for each in found["lines"]
    ]
    most = max((value for _, *both, _ in lines for value in both if value is not None), default=Decimal(0))
    rows = [
        [line_title(line), _both(own, other, most), number(own, 3), number(other, 3), _against(each["difference_pct"])]
        for line, own, other, each in lines
    ]
    own, other = _scaled(found["cost_per_km"], scale), _scaled(found["benchmark_per_km"], scale)
    difference = None if own is None or not other else float(100 * (own - other) / other)
    unit = f"{chosen.fleet.currency}/{chosen.units.distance_label}"
    total = ["These lines together", "", number(own, 3), number(other, 3), _against(difference)]
    names = ("missing_lines", "lines_without_benchmark", "lines_without_exchange_rate")
    return {
        "year": found["year"],
        "published": "; ".join(found["sources"]),
        "table": Numbers(
            ["Line", "", f"Own ({unit})", f"Benchmark ({unit})", "Against it"], rows, total, words=1,
            caption=f"Own cost against the benchmark of {found['year']}, the same lines alone",
        ),
        **{name: ", ".join(line_title(line) for line in found[name]) for name in names},
    }  # fmt: skip


def _scaled(money: Mapping[str, str] | None, scale: Decimal) -> Decimal | None:
    value = of_money(money)
    return None if value is None else value * scale


def _both(own: Decimal | None, other: Decimal | None, most: Decimal) -> Any:
    bars = [
        analysis.meter([(style, float(value or 0))], float(most)) for style, value in (("own", own), ("bench", other))
    ]
    return graphics.joined(bars)


def _against(difference_pct: float | None) -> str:
    if difference_pct is None:
        return NOT_MEASURED
    return f"{'+' if difference_pct > 0 else '−' if difference_pct < 0 else ''}{abs(difference_pct):,.1f}%"


def fuel(chosen: Asked, totals: Mapping[str, Any]) -> dict[str, Any]:
    """Fuel used and bought, and the balance of the tanks with its unexplained rest."""
    found = cost_figures.fuel(dict(totals), chosen.fleet.currency)
    units, currency = chosen.units, chosen.fleet.currency
    volume, per_litre = units.volume_label, Decimal(str(units.litres_per_volume))
    heads = ["", f"Volume ({volume})", f"Amount ({currency})", f"{currency}/{volume}"]
    rows = [
        [
            title,
            number(units.volume(found[name]["litres"]), 1),
            number(of_money(found[name]["amount"]), 2),
            number(_scaled(found[name].get("per_litre"), per_litre), 3),
        ]
        for name, title in (("used", "Used"), ("bought", "Bought"), ("difference", "Bought less used"))
    ]
    return {
        "table": Numbers(heads, rows, caption="Fuel used and fuel bought"),
        "purchases": found["bought"]["purchases"],
        "unpriced": _unpriced(chosen, found["used"]),
        "balance": _balance(chosen, found["balance"]),
    }


def _unpriced(chosen: Asked, used: Mapping[str, Any]) -> str:
    """How much of what was used had no price, or nothing."""
    if used["litres"] is None:
        return ""
    rest = used["litres"] - (used["priced_litres"] or 0)
    return number(chosen.units.volume(rest), 1, chosen.units.volume_label) if rest > 0.05 else ""


def _balance(chosen: Asked, found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    units = chosen.units
    lines = [
        ("Bought", found["bought_l"], ""),
        ("Drained from tanks", -found["drained_l"], "less"),
        ("Used by the counters", -found["used_l"], "less"),
        ("More in the tanks at the end", -found["tank_change_l"], "less"),
    ]
    rows = [[title, number(units.volume(value), 1)] for title, value, _ in lines]
    return {
        "truck_days": f"{found['truck_days']:,}",
        "not_in_tank": number(units.volume(found["not_in_tank_l"]), 1, units.volume_label),
        "table": Numbers(
            ["", units.volume_label], rows, ["Unexplained", number(units.volume(found["unexplained_l"]), 1)],
            caption="Balance of the tanks",
        ),
    }  # fmt: skip


def idling(chosen: Asked, totals: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = cost_figures.idling(dict(totals), chosen.fleet.currency)
    units = chosen.units
    return [
        ("Fuel used idling", number(units.volume(found["litres"]), 1, units.volume_label)),
        ("What it cost", amount(of_money(found["amount"]), chosen)),
        ("Of it productive", amount(of_money(found["productive_amount"]), chosen)),
        ("The rest", amount(of_money(found["nonproductive_amount"]), chosen)),
    ]
