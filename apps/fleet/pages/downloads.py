"""What a page shows as a file, CSV or XLSX, written by the process that writes the API's files."""

import datetime as dt
from collections.abc import Mapping
from typing import cast

import orjson
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from apps.accounts.authentication import Principal
from apps.accounts.models import Fleet
from apps.accounts.periods import Period
from apps.accounts.problems import Problem
from apps.files import answers as files
from apps.files.answers import TYPES, FileOptions, Question, Titled
from apps.files.job import FileFormat, Pages, Statement
from apps.fleet.pages.sheets import Sheet
from apps.trucks.freshness import Freshness

_OWN = ("download", "format", "page")
_OPTIONS = FileOptions(units=None, bom=True, comment=False)  # people open CSV with Excel, which wants the mark


def form_named(name: str) -> FileFormat:
    """Raises Http404 for a form that files do not have."""
    if name not in TYPES:
        raise Http404("no such form of a file")
    return cast(FileFormat, name)


def question(
    fleet: Fleet, listing: Titled, when: Period | dt.datetime, form: FileFormat, narrowed: Mapping[str, str]
) -> Question:
    """A file of a fleet's, in its units; the rows of a page follow from a session, not from a key."""
    who = Principal(0, fleet.pk, fleet.name, fleet.zone, fleet.currency, frozenset(), fleet.units)
    return Question(listing, who, when, form, _OPTIONS, narrowed, about=" ".join(narrowed.values()))


def of_table(
    request: HttpRequest, fleet: Fleet, period: Period, sheet: Sheet, fresh: Freshness, narrowed: Mapping[str, str]
) -> HttpResponse:
    """A page's table as a file. Raises Http404 for a form that files do not have."""
    asked = question(fleet, sheet, period, form_named(request.GET.get("format", "")), narrowed)
    pages = (orjson.dumps(sheet.rows),) if sheet.rows else ()
    source = Pages(pages, {"revision": fresh.revision, "known_until": fresh.known_until})
    return answer(request, asked, source, request.path + address(request, fleet))


def answer(request: HttpRequest, asked: Question, source: Statement | Pages, page: str) -> HttpResponse:
    """The file; or the way back to the page, which then says why there is none."""
    try:
        return async_to_sync(files.written)(request, asked, source)
    except Problem as problem:
        why = problem.errors[0].detail if problem.errors else problem.detail
        messages.error(request, f"There is no file. {why[0].upper()}{why[1:]}")
        return HttpResponseRedirect(page)


def address(request: HttpRequest, fleet: Fleet) -> str:
    """What the page was asked, without the part of a list and the file: `&download=…&format=…` may follow."""
    query = request.GET.copy()
    for name in _OWN:
        query.pop(name, None)
    query["fleet"] = str(fleet.pk)
    return f"?{query.urlencode()}"
