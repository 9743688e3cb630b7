"""The page about driving: how safely and how thriftily trucks are driven, by whom; and the page of one driver."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.fleet import figures
from apps.fleet.pages import analysis
from apps.fleet.pages.analysis import Files, ScopeError, Selection
from apps.fleet.pages.buckets import Bucket
from apps.fleet.pages.driving.driver import by_day, over_time, over_time_table, score
from apps.fleet.pages.driving.in_short import tiles
from apps.fleet.pages.driving.lists import (
    ORDERS,
    every_driver,
    every_driver_not_ranked,
    not_ranked,
    ranked,
    table,
    together,
)
from apps.fleet.pages.driving.reading import Driven, added, buckets_of, by_driver, days_of, of_driver
from apps.fleet.utilization.figures import RANKED_FROM_PCT
from apps.mysql import Row
from apps.trucks.models import Driver


def view(request: HttpRequest) -> HttpResponse:
    order, page, code = (request.GET.get(name, "") for name in ("order", "page", "driver"))

    def build(chosen: Selection) -> dict[str, Any]:
        if code:
            return of_one(chosen, _driver(chosen, code))
        known = order if order in ORDERS else "safety_score"
        return of_all(chosen, known, int(page) if page.isdecimal() else 1)

    return analysis.page(request, "Driving", "fleet/driving.html", build)


def of_all(chosen: Selection, order: str = "safety_score", page: int = 1) -> dict[str, Any]:
    fresh, found = analysis.of_one_revision(chosen, lambda: by_driver(chosen))
    totals = added([each.now for each in found])
    shown = _head(chosen, fresh, totals) | {"files": files(chosen, found, order)}
    if not found:
        return shown
    nobody = [each for each in found if each.code is None]
    return shown | {
        "tiles": tiles(chosen, together(found)),
        "drivers": ranked(chosen, found, order, page),
        "not_ranked": not_ranked(chosen, found),
        "ranked_from": RANKED_FROM_PCT,
        "nobody": table(chosen, nobody, "Time of which nobody is known") if nobody else None,
    }


def of_one(chosen: Selection, driver: Driver) -> dict[str, Any]:
    """The page of a driver: score and what it is made of, hours over time, and each day."""

    def read() -> tuple[Driven, list[Bucket], list[Row]]:
        days = days_of(chosen, driver)
        return of_driver(chosen, driver), buckets_of(chosen, days), days

    fresh, (driven, buckets, days) = analysis.of_one_revision(chosen, read)
    shown = _head(chosen, fresh, driven.now) | {"driver": driver, "all_address": analysis.with_query(chosen)}
    shown["has_days"] = True  # the fleet may have days though the driver has none
    shown["files"] = files_of_one(chosen, driven, buckets, days)
    if not driven.now["days"]:
        return shown | {"nothing": _nothing(chosen, driver)}
    provisional = analysis.provisional_since(fresh, chosen.fleet)
    return shown | {
        "tiles": tiles(chosen, driven),
        "score": score(chosen, driven),
        "over_time": over_time(chosen, buckets, provisional, driven.weights),
        "days": by_day(chosen, days, driven.weights),
    }


def _nothing(chosen: Selection, driver: Driver) -> str:
    if chosen.truck:
        return f"{driver.name} did not have {chosen.truck} in this period"
    of_group = f" of {chosen.group.name}" if chosen.group else ""
    return f"{driver.name} had no truck{of_group} in this period"


def files(chosen: Selection, found: Sequence[Driven], order: str) -> Files:
    """The tables of the page that can be had as files."""
    nobody = [each for each in found if each.code is None]
    return {
        "drivers": ("Driving by driver", lambda: every_driver(chosen, found, order)),
        "not-ranked": ("Drivers not ranked", lambda: every_driver_not_ranked(chosen, found)),
        "nobody": ("Driving of nobody known", lambda: table(chosen, nobody, "")),
    }


def files_of_one(chosen: Selection, driven: Driven, buckets: Sequence[Bucket], days: Sequence[Row]) -> Files:
    return {
        "score": ("Safety score", lambda: score(chosen, driven)),
        "over-time": (f"Driving by {chosen.by}", lambda: over_time_table(chosen, buckets, driven.weights)),
        "days": ("Days of a driver", lambda: by_day(chosen, days, driven.weights)),
    }


def _head(chosen: Selection, fresh: Any, totals: Row) -> dict[str, Any]:
    return {
        "fresh": fresh,
        "freshness": analysis.freshness_words(chosen, fresh, figures.coverage_pct(totals)),
        "has_days": bool(totals["days"]),
        "period_words": analysis.period_words(chosen.period),
    }


def _driver(chosen: Selection, code: str) -> Driver:
    found = Driver.objects.filter(fleet=chosen.fleet, code=code.strip()).first()
    if found is None:
        raise ScopeError(f"This fleet has no driver {code.strip()!r}.")
    return found
