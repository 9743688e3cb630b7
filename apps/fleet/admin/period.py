"""The filters that computed rows are always read with: one fleet, and a period of its local days."""

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin_base import FleetFilter
from apps.accounts.calendar import ONE_DAY, day_of
from apps.accounts.models import Fleet
from apps.accounts.scope import chosen_fleet

LONGEST = dt.timedelta(days=366)
DEFAULT = "7"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included, and the choice that named them; no choice: any other days."""

    first: dt.date
    last: dt.date
    choice: str | None = None

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} – {self.last}"


def presets(today: dt.date) -> dict[str, tuple[str, Period]]:
    """choice → (title, period)."""
    month_ago = today.replace(day=1) - ONE_DAY
    periods = {
        "today": ("Today", today, today),
        "yesterday": ("Yesterday", today - ONE_DAY, today - ONE_DAY),
        "7": ("Last 7 days", today - 6 * ONE_DAY, today),
        "30": ("Last 30 days", today - 29 * ONE_DAY, today),
        "month": ("This month", today.replace(day=1), today),
        "last-month": ("Last month", month_ago.replace(day=1), month_ago),
    }
    return {choice: (title, Period(first, last, choice)) for choice, (title, first, last) in periods.items()}


def period_of(asked: dict[str, str], today: dt.date) -> Period:
    """The days that an address asks for by `period`, or by `from` and `to`; the last 7 unless it names others."""
    named = presets(today)
    try:
        first = dt.date.fromisoformat(asked.get("from", ""))
        last = dt.date.fromisoformat(asked["to"]) if asked.get("to") else first
    except ValueError:
        return named.get(asked.get("period", DEFAULT), named[DEFAULT])[1]
    first, last = sorted((first, last))
    return Period(max(first, last - LONGEST), last)


def today_of(fleet: Fleet) -> dt.date:
    return day_of(time.time(), fleet.zone)


class OneFleetFilter(FleetFilter):
    """One fleet at a time: every index of the big tables begins with it, and every time on the page is of one zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        fleet = chosen_fleet(request)
        return queryset.filter(fleet=fleet.pk) if fleet else queryset.none()

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen = chosen_fleet(self.request)
        for pk, name in self.lookup_choices:
            address = changelist.get_query_string({self.parameter_name: pk})
            yield {"selected": chosen is not None and str(chosen.pk) == pk, "query_string": address, "display": name}


class PeriodFilter(admin.ListFilter):
    """Days of the fleet's calendar. It always has a value: no list ever reads all of history."""

    title = "period"
    template = "fleet/period_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        asked = {name: params.pop(name)[-1] for name in ("period", "from", "to") if name in params}
        fleet = chosen_fleet(request)
        self.today = today_of(fleet) if fleet else dt.date.today()
        self.period = period_of(asked, self.today)
        self.used_parameters.update(asked)

    def expected_parameters(self) -> list[str | None]:
        return ["period", "from", "to"]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice, (title, _) in presets(self.today).items():
            address = changelist.get_query_string({"period": choice}, remove=["from", "to", "p"])
            yield {"selected": choice == self.period.choice, "query_string": address, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(day__range=(self.period.first, self.period.last))
