"""The page about utilization: what the trucks' time went into, when, and which trucks are used how well."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.fleet import figures
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Files, Selection
from apps.fleet.pages.utilization.days import days
from apps.fleet.pages.utilization.hours import at_work, heat_map
from apps.fleet.pages.utilization.lists import ORDERS, by_group, every_truck, every_truck_not_ranked, not_ranked, trucks
from apps.fleet.pages.utilization.places import places
from apps.fleet.pages.utilization.ratios import ratios
from apps.fleet.pages.utilization.reading import Reading, read
from apps.fleet.pages.utilization.states import over_time, over_time_table, whole
from apps.fleet.utilization.figures import RANKED_FROM_PCT


def view(request: HttpRequest) -> HttpResponse:
    order = request.GET.get("order", "")
    page = request.GET.get("page", "1")

    def build(chosen: Selection) -> dict[str, Any]:
        known = order if order in ORDERS else "asset_utilization_pct"
        return context(chosen, known, int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Utilization", "fleet/utilization.html", build)


def context(chosen: Selection, order: str = "asset_utilization_pct", page: int = 1) -> dict[str, Any]:
    fresh, reading = analysis.of_one_revision(chosen, lambda: read(chosen))
    now, provisional = reading.now, analysis.provisional_since(fresh, chosen.fleet)
    shown = {
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(now)),
        "has_days": bool(now["truck_days"]),
        "period_words": analysis.period_words(chosen.period),
        "fresh": fresh,
        "files": files(chosen, reading, order, provisional),
    }
    if not now["truck_days"]:
        return shown
    return shown | {
        "ratios": ratios(chosen, reading),
        "whole": whole(now),
        "over_time": over_time(chosen, reading.buckets, provisional),
        "heat_map": heat_map(reading.hours),
        "days": days(chosen, reading),
        "places": places(chosen, reading.places),
        "by_group": by_group(reading),
        "trucks": trucks(chosen, reading, order, page),
        "not_ranked": not_ranked(chosen, reading),
        "ranked_from": RANKED_FROM_PCT,
    }


def files(chosen: Selection, reading: Reading, order: str, provisional: dt.date) -> Files:
    """The tables of the page that can be had as files."""
    return {
        "over-time": (
            f"Utilization by {chosen.by}", lambda: over_time_table(chosen, reading.buckets, provisional)
        ),
        "hours": ("Time at work by hour", lambda: at_work(reading.hours)),
        "days": ("Days used and not used", lambda: days(chosen, reading)),
        "places": ("Where trucks idle", lambda: found["table"] if (found := places(chosen, reading.places)) else None),
        "groups": ("Utilization by group", lambda: by_group(reading)),
        "trucks": ("Utilization by truck", lambda: every_truck(chosen, reading, order)),
        "not-ranked": ("Trucks not ranked", lambda: every_truck_not_ranked(chosen, reading)),
    }  # fmt: skip
