"""A page that leads from a truck-day's figures to events, messages, versions and the ledger."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import slugify

from apps.accounts.admin_base import local_time
from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.fleet.admin.figures import figure, title
from apps.fleet.lineage import days as lineage
from apps.fleet.models import CostLine
from apps.fleet.reports.wording import NOT_MEASURED
from apps.mysql import Row, fetch_all_sync
from apps.trucks.message_api import BEFORE_ALL, MESSAGES, message_item
from apps.trucks.models.views import TruckDayRow

SHOWN_MESSAGES = 100
_MESSAGE_FIGURES = ("speed_kmh", "odometer_m", "fuel_used_l", "fuel_level_l")

Table = tuple[str, str, list[str], list[list[str]]]  # anchor, heading, column titles, rows of cells


def page(request: HttpRequest, row: Any, tables: list[tuple[str, list[str], list[list[str]]]]) -> HttpResponse:
    """The page of a TruckDayRow; `tables` are its events, by heading. `?after=` goes on in the messages."""
    found = lineage.of_day(row.truck, row.day)
    assert found is not None  # the row is the day
    context = {
        **admin.site.each_context(request),
        "title": f"How it was computed: {row}",
        "opts": TruckDayRow._meta,
        "row": row,
        "day_address": reverse("admin:trucks_truckdayrow_change", args=[row.pk]),
        "found": found,
        "figures": [_figure(each, found, row.fleet) for each in found["figures"]],
        "shown": {"messages", *(slugify(heading) for heading, _, _ in tables)},
        "facts": _facts(found, row.fleet),
        "events": [(slugify(heading), heading, titles, cells) for heading, titles, cells in tables],
        "costs": [_cost(each, row.fleet) for each in found["costs"]],
        **_messages(row, found, request.GET.get("after", "")),
    }
    return TemplateResponse(request, "fleet/lineage.html", context)


def _figure(each: lineage.Part, found: lineage.Part, fleet: Fleet) -> dict[str, Any]:
    """A line of the table: title, column, value, rule, what it rests on as (anchor, words), parameters as text."""
    values = found["parameters"]["values"]
    return {
        "title": title(each["name"]),
        "column": each["name"],
        "value": figure(each["name"], each["value"], fleet),
        "rule": each["rule"],
        "rests_on": [(slugify(_WORDS[kind]), _WORDS[kind]) for kind in each["rests_on"]],
        "parameters": [f"{name} = {values[name]:g}" for name in each["parameters"]],
    }


_HEADINGS = ("Trips", "Stops", "Idle events", "Speeding", "Refuels and drains", "Harsh driving", "Faults")
_WORDS = {"messages": "messages", **dict(zip(lineage.EVENTS, map(str.lower, _HEADINGS), strict=True))}


def _facts(found: lineage.Part, fleet: Fleet) -> list[tuple[str, str]]:
    """What of the day's messages was counted, and with what they were read."""
    messages = found["messages"]
    names = {"first_at": "First", "last_at": "Last", "before_at": "Last before the day", "after_at": "First after it"}
    tables = [f"{table['version']} ({table['messages']:,} messages)" for table in found["sensor_tables"]]
    return [
        ("Counted when it was computed", f"{messages['count']:,}"),
        ("Stored now", f"{messages['stored']:,}"),
        *((words, _time(messages[name], fleet)) for name, words in names.items()),
        ("Hash of what is stored", messages["hash"]),
        ("Read with the sensor table", "; ".join(tables) or NOT_MEASURED),
    ]


def _time(instant: dt.datetime | None, fleet: Fleet) -> str:
    return NOT_MEASURED if instant is None else local_time(instant, fleet.zone, seconds=True)


def _cost(each: lineage.Part, fleet: Fleet) -> tuple[str, str, str, list[str]]:
    """(line, source, amount, where from in words)."""
    line = str(CostLine(each["line"]).label)
    return (
        line,
        each["source"],
        f"{each['amount']:,.2f} {fleet.currency}",
        [_origin(part, fleet) for part in each["from"]],
    )


def _origin(part: lineage.Part, fleet: Fleet) -> str:
    match part["kind"]:
        case "invoice":
            name = part["document"] or f"entry {part['entry_id']}"
            whole = "" if part["amount"] is None else f" of {part['amount']:,.2f} {part['currency']}"
            return f"{part['share']:,.2f}{whole}, invoice {name}"
        case "rate":
            until = f" to {part['effective_to']}" if part["effective_to"] else ""
            basis = part["basis"].replace("_", " ")
            return f"{part['amount']} {fleet.currency} {basis}, in force from {part['effective_from']}{until}"
    return f"{part['price_per_l']} {fleet.currency}/l from {_time(part['from'], fleet)} to {_time(part['to'], fleet)}"


# --- messages -------------------------------------------------------------------------------------------------------


def _messages(row: Any, found: lineage.Part, after: str) -> dict[str, Any]:
    """The day's messages from a place on, by the statement of the API."""
    second, _, digest = (after if _is_key(after) else BEFORE_ALL).partition(":")
    asked = {
        "fleet": row.fleet_id, "id": row.truck_id, "limit": SHOWN_MESSAGES + 1, "after_t": int(second),
        "after_digest": int(digest), "first_t": int(found["start"].timestamp()),
        "end_t": int(found["as_of"].timestamp()),
    }  # fmt: skip
    rows = fetch_all_sync(MESSAGES, asked)
    shown = rows[:SHOWN_MESSAGES]
    return {
        "message_titles": ["Time", "Place", "Engine", *map(title, _MESSAGE_FIGURES), "As Wialon sent it"],
        "message_rows": [_message(each, row.fleet) for each in shown],
        "next_after": shown[-1]["message_key"] if len(rows) > SHOWN_MESSAGES else None,
        "is_continued": bool(after),
    }


def _is_key(text: str) -> bool:
    second, _, digest = text.partition(":")
    return second.isdecimal() and len(second) < 13 and digest.removeprefix("-").isdecimal() and len(digest) < 21


def _message(each: Row, fleet: Fleet) -> list[str]:
    readings = message_item(each)["readings"]
    place = NOT_MEASURED if each["lat"] is None else f"{each['lat']:.5f}, {each['lon']:.5f}"
    engine = {True: "on", False: "off", None: NOT_MEASURED}[readings["ignition"]]
    figures = [figure(name, each[name], fleet) for name in _MESSAGE_FIGURES]
    time = local_time(as_utc(each["t"]), fleet.zone, seconds=True)
    return [time, place, engine, *figures, bytes(each["payload"]).decode()]
