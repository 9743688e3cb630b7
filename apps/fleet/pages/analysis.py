"""What the pages about costs and about utilization share: what is asked, how fresh it is, in words and in tables."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Min
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.admin_base import local_time
from apps.accounts.calendar import as_utc, day_of
from apps.accounts.models import Fleet
from apps.accounts.periods import Period, PeriodError
from apps.accounts.scope import asked_fleet, fleets_of
from apps.accounts.units import UnitSystem, unit_system
from apps.fleet.models import FleetDay
from apps.fleet.pages import downloads, graphics
from apps.fleet.pages.cells import Numbers
from apps.fleet.pages.graphics import Chart, Series
from apps.fleet.pages.presets import LONGEST_DAYS, asked_period, presets
from apps.fleet.pages.sheets import sheet
from apps.fleet.reports.wording import Number, number
from apps.fleet.summaries.writing import SETTLED_AFTER_S
from apps.fleet.whose import Whose
from apps.mysql import fetch_all_sync
from apps.trucks import queries as truck_queries
from apps.trucks.freshness import Freshness, of_members, of_row, of_watermarks
from apps.trucks.models import DirtyDay, Truck, TruckDay, TruckGroup

T = TypeVar("T")
# The tables of a page that can be had as files, by their names in addresses: title, and what makes the table, if any.
Files = Mapping[str, tuple[str, Callable[[], Numbers | None]]]
_READS = 3
_DAYS_SHOWN, _WEEKS_SHOWN = 62, 190  # a longer period is drawn by week, then by month


@dataclass(frozen=True, slots=True)
class Selection:
    """A fleet's days, all of its trucks or those of a group or one alone."""

    fleet: Fleet
    period: Period
    choice: str | None  # the preset that names the period
    now: dt.datetime
    group: TruckGroup | None = None
    truck: Truck | None = None

    @property
    def units(self) -> UnitSystem:
        return unit_system(self.fleet.units)

    @property
    def distance_word(self) -> str:
        """Behind "per"."""
        return {"mi": "mile"}.get(self.units.distance_label, self.units.distance_label)

    @property
    def by(self) -> str:
        """What a column of a chart is: a day, a week or a month."""
        days = self.period.days
        return "day" if days <= _DAYS_SHOWN else "week" if days <= _WEEKS_SHOWN else "month"

    @property
    def about(self) -> str:
        return str(self.truck or self.group or "All trucks")


def trucks_of(chosen: Selection) -> list[int] | None:
    """The ids of the trucks that it is about; None of the whole fleet."""
    if chosen.truck:
        return [chosen.truck.pk]
    return list(chosen.group.trucks.values_list("pk", flat=True)) if chosen.group else None


def whose(chosen: Selection) -> Whose:
    """What reads its sums."""
    group, truck = (only.pk if only else None for only in (chosen.group, chosen.truck))
    return Whose(chosen.fleet.pk, group, 0, truck_id=truck)


class ScopeError(ValueError):
    """A truck or group that the fleet does not have."""


# --- the page -------------------------------------------------------------------------------------------------------


def page(request: HttpRequest, title: str, template: str, build: Callable[[Selection], dict[str, Any]]) -> HttpResponse:
    """The page of what is asked, or one of its tables as a file; `build` makes its context, with `fresh` and `files`.

    What cannot be asked is told, with a status of 400. Raises Http404 for a fleet that the reader does not see.
    """
    fleet, now = asked_fleet(request), dt.datetime.fromtimestamp(time.time(), dt.UTC)
    context = {**admin.site.each_context(request), "title": title, "fleet": fleet, "fleets": fleets_of(request)}
    status = 200
    if fleet is not None:
        chosen: Selection | None = None
        try:
            chosen = asked(request.GET, fleet, now)
            context |= build(chosen)
            if "download" in request.GET:
                return _file(request, chosen, context)
            context["file_address"] = downloads.address(request, fleet)
        except (PeriodError, ScopeError) as error:
            status, context["problem"] = 400, _told(error)
            context["period_words"] = period_words(chosen.period) if chosen else ""
        context |= _chooser(request.GET, chosen, fleet, now)
    return TemplateResponse(request, template, context, status=status)


def _file(request: HttpRequest, chosen: Selection, context: Mapping[str, Any]) -> HttpResponse:
    """Raises Http404 for a table that the page does not have."""
    files: Files = context["files"]
    title, make = files.get(request.GET["download"], ("", lambda: None))
    table = make()
    if table is None:
        raise Http404("no such table")
    narrowed = {name: str(only) for name, only in _narrowed(chosen, context.get("driver")).items() if only}
    return downloads.of_table(request, chosen.fleet, chosen.period, sheet(title, table), context["fresh"], narrowed)


def _narrowed(chosen: Selection, driver: Any) -> dict[str, Any]:
    return {"Group": chosen.group, "Truck": chosen.truck and chosen.truck.code, "Driver": driver}


def asked(query: QueryDict, fleet: Fleet, now: dt.datetime) -> Selection:
    """Raises PeriodError and ScopeError."""
    period, choice = asked_period({name: str(query[name]) for name in query}, now, fleet.zone)
    return Selection(fleet, period, choice, now, _group(fleet, query.get("group")), _truck(fleet, query.get("truck")))


def _group(fleet: Fleet, wanted: str | None) -> TruckGroup | None:
    if not wanted:
        return None
    found = TruckGroup.objects.filter(fleet=fleet, pk=wanted).first() if wanted.isdecimal() else None
    if found is None:
        raise ScopeError("This fleet has no such group.")
    return found


def _truck(fleet: Fleet, wanted: str | None) -> Truck | None:
    if not wanted:
        return None
    found = Truck.objects.filter(fleet=fleet, code=wanted.strip()).defer("sensor_table").first()
    if found is None:
        raise ScopeError(f"This fleet has no truck {wanted.strip()!r}.")
    return found


def _told(error: PeriodError | ScopeError) -> str:
    if isinstance(error, PeriodError):
        names = {"from": "The first day", "to": "The last day", "period": "The period"}
        return f"{names.get(error.field, error.field)} {error}. A period has at most {LONGEST_DAYS} days."
    return str(error)


def _chooser(query: QueryDict, chosen: Selection | None, fleet: Fleet, now: dt.datetime) -> dict[str, Any]:
    """What the form shows: presets as links that keep everything else, and the fleet's groups."""
    kept = [("fleet", str(fleet.pk))]
    kept += [(name, str(query[name])) for name in ("group", "truck", "driver", "order") if query.get(name)]
    choices = [
        {
            "title": title,
            "address": _address([("period", choice), *kept]),
            "is_chosen": chosen is not None and chosen.choice == choice,
        }
        for choice, (title, _, _) in presets(day_of(now.timestamp(), fleet.zone)).items()
    ]
    return {
        "chosen": chosen,
        "presets": choices,
        "groups": list(TruckGroup.objects.filter(fleet=fleet).order_by("name")),
        "asked_from": query.get("from") or (chosen.period.first.isoformat() if chosen else ""),
        "asked_to": query.get("to") or (chosen.period.last.isoformat() if chosen else ""),
        "asked_truck": query.get("truck", ""),
        "asked_group": query.get("group", ""),
        "kept": [(name, str(query[name])) for name in ("driver", "order") if query.get(name)],
        "hatching": graphics.hatching(),
    }


def _address(values: Sequence[tuple[str, str]]) -> str:
    address = QueryDict(mutable=True)
    for name, value in values:
        address[name] = value
    return f"?{address.urlencode()}"


def with_query(chosen: Selection, **values: str) -> str:
    """The address of the same fleet and period with other values: it leads there from anywhere."""
    who, period = {"fleet": str(chosen.fleet.pk)}, {"period": chosen.choice or ""}
    if not chosen.choice:
        period = {"from": chosen.period.first.isoformat(), "to": chosen.period.last.isoformat()}
    return _address([(name, value) for name, value in {**who, **period, **values}.items() if value])


# --- one revision, and how fresh it is ------------------------------------------------------------------------------


def of_one_revision(chosen: Selection, read: Callable[[], T]) -> tuple[Freshness, T]:
    """What `read` reads by several statements, again if the summaries changed meanwhile, as the API does."""
    fresh = _freshness(chosen)
    for _ in range(_READS):
        found, later = read(), _freshness(chosen)
        if fresh.is_still(later):
            break
        fresh = later
    return fresh, found


def _freshness(chosen: Selection) -> Freshness:
    """Of the truck, of the trucks of the group, or of the fleet."""
    now = int(chosen.now.timestamp())
    asked = {"fleet": chosen.fleet.pk}
    if chosen.truck:
        [row] = fetch_all_sync(truck_queries.TRUCK_FRESHNESS, {**asked, "truck": chosen.truck.code})
        return of_row(row, now)
    [row] = fetch_all_sync(truck_queries.FLEET_FRESHNESS, asked)
    if chosen.group:
        [theirs] = fetch_all_sync(truck_queries.GROUP_WATERMARKS, {**asked, "id": chosen.group.pk})
        return of_members(row, theirs, chosen.group.pk, now)
    return of_watermarks(row, now)


def provisional_since(fresh: Freshness, fleet: Fleet) -> dt.date:
    """The first day that may still change by itself: 72 hours after its end are not known of all trucks."""
    if fresh.known_until is None:
        return dt.date.min
    return day_of(fresh.known_until - SETTLED_AFTER_S, fleet.zone)


def _whose(chosen: Selection) -> str:
    if chosen.truck:
        return f"Truck {chosen.truck.code} is"
    return f"All trucks of {chosen.group.name} are" if chosen.group else "All trucks are"


def freshness_words(chosen: Selection, fresh: Freshness, coverage_pct: float | None) -> list[str]:
    """How far the figures are known, how complete they are, and what may still change them: a sentence each."""
    fleet, period = chosen.fleet, chosen.period
    words = ["No truck is known yet."]
    if fresh.known_until is not None:
        words = [f"{_whose(chosen)} known up to {local_time(as_utc(fresh.known_until), fleet.zone)}."]
    if fresh.lagging_count:
        lagging = f"{fresh.lagging_count:,} of {fresh.trucks:,} trucks lag behind."
        words.append("It lags behind." if chosen.truck else lagging)
    if coverage_pct is not None:
        words.append(f"{number(coverage_pct, 1, '%')} of the time is covered by data.")
    words += _beginning(chosen)
    since = provisional_since(fresh, fleet)
    if since <= period.last:
        words.append(f"Days from {date(max(since, period.first))} on are provisional: late data may still change them.")
    waiting = DirtyDay.objects.filter(fleet_id=fleet.pk, day__range=(period.first, period.last)).count()
    if waiting:
        words.append(f"{waiting:,} truck-day{'s' if waiting > 1 else ''} of the period wait to be computed anew.")
    return words


def _beginning(chosen: Selection) -> list[str]:
    """That data begin within the period or the one before: neither coverage nor a change says so."""
    of_truck = {"fleet_id": chosen.fleet.pk, "truck_id": chosen.truck.pk} if chosen.truck else None
    days = TruckDay.objects.filter(**of_truck) if of_truck else FleetDay.objects.filter(fleet_id=chosen.fleet.pk)
    since: dt.date | None = days.aggregate(since=Min("day"))["since"]
    if since is None:
        return []
    parts = {"the period": chosen.period, "the period before to compare with": chosen.period.previous()}
    known = {name: (period.last - since).days + 1 for name, period in parts.items()}
    return [
        f"Data begin on {date(since)}, which leaves {known[name]:,} of the {period.days:,} days of {name}."
        for name, period in parts.items()
        if 0 < known[name] < period.days
    ]


# --- words ----------------------------------------------------------------------------------------------------------


def date(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def period_words(period: Period) -> str:
    if period.first == period.last:
        return date(period.first)
    return f"{date(period.first)} to {date(period.last)}"


def compared(now: Number | None, before: Number | None, digits: int = 0) -> str:
    """How a figure stands to that of the period before: the sign says what a colour would."""
    if before is None or now is None:
        return "period before not measured" if before is None else f"{number(before, digits)} the period before"
    change = Decimal(str(now)) - Decimal(str(before))
    share = f" ({number(abs(change) / abs(Decimal(str(before))) * 100, 1, '%')})" if before else ""
    if not round(change, digits):
        return f"= {number(before, digits)} the period before"
    return f"{'▲' if change > 0 else '▼'} {number(abs(change), digits)}{share} from {number(before, digits)}"


def hours(seconds: Number | None, digits: int = 1) -> str:
    return number(None if seconds is None else float(seconds) / 3600, digits, "h")


# --- tables and charts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its legend, and the table of what it shows."""

    chart: Chart
    table: Numbers
    note: str = ""
    legend: Sequence[tuple[Any, str, str]] = field(default_factory=list)


def figure(chart: Chart, table: Numbers, series: Sequence[Series] = (), note: str = "") -> Figure:
    return Figure(chart, table, note, graphics.legend(series, {}))


def ranking(
    chosen: Selection,
    order: str,
    orders: Mapping[str, str],
    page: int,
    count: int,
    size: int,
    table: Callable[[int, int], Numbers],
) -> dict[str, Any]:
    """A page of so many rows with the ways to others and to other orders; `table` makes that of rows [start, end)."""
    pages = max(1, -(-count // size))
    page = min(max(page, 1), pages)
    start, end = (page - 1) * size, min(page * size, count)

    def address(by: str, number: int) -> str:
        group = str(chosen.group.pk) if chosen.group else ""
        return with_query(chosen, group=group, order=by, page=str(number) if number > 1 else "") + "#trucks"

    return {
        "table": table(start, end),
        "count": count,
        "first": start + 1,
        "last": end,
        "orders": [(title, address(name, 1), name == order) for name, title in orders.items()],
        "previous": address(order, page - 1) if page > 1 else "",
        "next": address(order, page + 1) if page < pages else "",
    }


def meter(parts: Sequence[tuple[str, float]], most: float) -> SafeString:
    """A thin bar made of parts, beside numbers that say the same."""
    spans = [
        format_html('<span class="fill-{}" style="width: {}%"></span>', style, f"{100 * value / most:.2f}")
        for style, value in parts
        if value > 0 and most > 0
    ]
    return format_html('<span class="meter" aria-hidden="true">{}</span>', graphics.joined(spans))
