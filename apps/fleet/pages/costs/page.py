"""The page about costs: what a period cost, what of, which trucks, and why it was not what it was before."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.fleet import figures
from apps.fleet.costs import figures as cost_figures
from apps.fleet.figures import Costs, per
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Files, Selection
from apps.fleet.pages.costs.benchmark import benchmark
from apps.fleet.pages.costs.change import change
from apps.fleet.pages.costs.drivers import by_driver, every_driver
from apps.fleet.pages.costs.fuel import fuel, idling
from apps.fleet.pages.costs.lines import lines_table, over_time, over_time_table, rate_over_time
from apps.fleet.pages.costs.lists import ORDERS, by_group, every_truck, trucks
from apps.fleet.pages.costs.reading import Reading, Spent, read
from apps.fleet.pages.costs.words import SOURCES, amount, of_money
from apps.fleet.pages.tiles import Tile
from apps.fleet.reports.wording import number


def view(request: HttpRequest) -> HttpResponse:
    order = request.GET.get("order", "amount")
    page = request.GET.get("page", "1")

    def build(chosen: Selection) -> dict[str, Any]:
        return context(chosen, order if order in ORDERS else "amount", int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Costs", "fleet/costs.html", build)


def context(chosen: Selection, order: str = "amount", page: int = 1) -> dict[str, Any]:
    fresh, reading = analysis.of_one_revision(chosen, lambda: read(chosen))
    totals, costs = reading.now.totals, reading.now.costs
    provisional = analysis.provisional_since(fresh, chosen.fleet)
    shown = {
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(totals)),
        "has_days": bool(totals["truck_days"]),
        "has_costs": costs.total is not None,
        "period_words": analysis.period_words(chosen.period),
        "tiles": tiles(chosen, reading.now, reading.before),
        "fresh": fresh,
        "files": files(chosen, reading, order, provisional),
    }
    if costs.total is None:
        return shown
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
        "fuel": fuel(chosen, totals, reading.tanks, reading.outside),
        "idling": idling(chosen, totals),
    }


def files(chosen: Selection, reading: Reading, order: str, provisional: dt.date) -> Files:
    """The tables of the page that can be had as files."""
    now = reading.now
    return {
        "over-time": (
            f"Costs by {chosen.by}", lambda: over_time_table(chosen, reading.buckets, now.costs, provisional)
        ),
        "lines": ("Costs by line", lambda: lines_table(chosen, now)),
        "change": ("Change of costs", lambda: found.table if (found := change(chosen, reading)["figure"]) else None),
        "groups": ("Costs by group", lambda: by_group(chosen, reading.groups)),
        "trucks": ("Costs by truck", lambda: every_truck(chosen, reading.trucks, order)),
        "drivers": ("Costs by driver", lambda: every_driver(chosen, reading.drivers)),
        "benchmark": ("Benchmark", lambda: found["table"] if (found := benchmark(chosen, reading)) else None),
        "fuel": ("Fuel used and bought", lambda: fuel(chosen, now.totals, reading.tanks, reading.outside)["table"]),
    }  # fmt: skip


# --- in short -------------------------------------------------------------------------------------------------------


def tiles(chosen: Selection, now: Spent, before: Spent) -> list[Tile]:
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
        Tile(title, number(shown[0][title], *how), [analysis.compared(shown[0][title], shown[1][title], how[0])])
        for title, how in unit.items()
    ]


def _shown(chosen: Selection, spent: Spent) -> dict[str, Decimal | float | None]:
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


def unallocated(chosen: Selection, costs: Costs) -> str:
    """What no truck bears, or nothing where that is zero."""
    value = None if chosen.truck or chosen.group else cost_figures.unallocated(costs)
    return amount(value, chosen) if value else ""
