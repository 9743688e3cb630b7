"""Files as answers: what may be asked of them, which form a client wants, and the answer that streams one."""

import asyncio
import datetime as dt
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import BaseModel, Field

from apps import mysql
from apps.accounts import answers
from apps.accounts.authentication import AuthenticatedRequest, Principal
from apps.accounts.parameters import Parameters
from apps.accounts.periods import Period
from apps.accounts.problems import ClientLeft, FieldError, InvalidParameters, NotAcceptable
from apps.accounts.schemas import described
from apps.files.cells import Column
from apps.files.columns import Shape
from apps.files.job import FileFormat, Job, Pages, Statement
from apps.files.processes import File, writers

TYPES: Mapping[FileFormat, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Of a sheet there can be a million, but a workbook of so many is put together for a minute before its first byte.
MOST_ROWS: Mapping[FileFormat, int] = {"csv": 10_000_000, "xlsx": 250_000}
_UNITS = "Of a file, its values and the names of its columns: metric as in JSON, or US. Without it the fleet's."


class FileOptions(Parameters):
    """How a file is to be."""

    units: Literal["metric", "us"] | None = Field(None, description=_UNITS)
    bom: bool = Field(False, description="CSV begins with a byte order mark, by which Excel tells UTF-8.")
    comment: bool = Field(
        False,
        description="CSV begins with a row of one cell that says what it is: fleet, period, currency, units, how far "
        "the trucks are known, revision. A workbook has it on its sheet About.",
    )


class Exportable(FileOptions):
    """Parameters of a list that is JSON, or a file."""

    format: Literal["json", "csv", "xlsx"] | None = Field(
        None,
        description="JSON, or the whole list as a file; without it by `Accept`. A file takes no `limit` or `cursor`.",
    )


class OfTruck(BaseModel):
    """What the rows of lists over several trucks begin with."""

    truck_id: str = described("The truck's code, unique in its fleet.", "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")


def negotiated(request: AuthenticatedRequest, asked: FileFormat | None) -> FileFormat:
    """The form of the file: what is asked for, else the first that the client takes. Raises NotAcceptable."""
    if asked is not None:
        return asked
    accept = request.headers.get("Accept") or "*/*"
    kinds = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    for form, kind in TYPES.items():
        if kind in kinds:
            return form
    if {"*/*", "text/*"} & set(kinds):
        return "csv"
    raise NotAcceptable(f"Files are {' or '.join(TYPES.values())}.")


def file_asked(request: AuthenticatedRequest, asked: Exportable) -> FileFormat | None:
    """The form of the file that a list is to be; None for JSON. Raises InvalidParameters."""
    form = asked.format or _taken(request)
    if form is None or form == "json":
        given = {"units": asked.units == "us", "bom": asked.bom, "comment": asked.comment}
        _refuse([name for name, is_given in given.items() if is_given], "is for files: JSON is metric")
        return None
    _refuse([name for name in ("limit", "cursor") if name in request.GET], "is for JSON: a file has all rows")
    return form


def _refuse(names: Sequence[str], detail: str) -> None:
    if names:
        raise InvalidParameters(f"{names[0]}: {detail}.", [FieldError(f"/query/{name}", detail) for name in names])


def _taken(request: AuthenticatedRequest) -> FileFormat | None:
    """The first form that the client takes and JSON is not, if there is one."""
    accept = request.headers.get("Accept")
    if not accept or answers.takes_json(request):
        return None
    kinds = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    return next((form for form, kind in TYPES.items() if kind in kinds), None)


class Titled(Protocol):
    """What a file is of. `title`: of its sheet, and in the file's name."""

    @property
    def title(self) -> str: ...

    def columns(self, currency: str, units: str) -> tuple[Column, ...]: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be had as a file, with the columns of its JSON."""

    title: str
    shape: Shape

    def columns(self, currency: str, units: str) -> tuple[Column, ...]:
        return self.shape.columns(currency, units)


_OF_ALL = {*Exportable.model_fields, "from_", "to", "period", "limit", "cursor", "by"}


def narrowed(asked: BaseModel) -> dict[str, str]:
    """What narrows a list and how it is sorted, but for its period, for people to read."""
    given = asked.model_dump(mode="json", exclude=_OF_ALL, exclude_defaults=True)
    named = {name.removesuffix("_id").replace("_", " ").capitalize(): value for name, value in given.items()}
    return {name: ",".join(value) if isinstance(value, list) else f"{value}" for name, value in named.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for which list in which form. `when`: of which period, or, of what has none, now.

    `filters`: what else narrows it, for people to read; `about`: a word of it for the file's name.
    """

    listing: Titled
    who: Principal
    when: Period | dt.datetime
    form: FileFormat
    options: FileOptions
    filters: Mapping[str, str]
    about: str = ""

    @property
    def units(self) -> str:
        return self.options.units or self.who.units

    def job(self, source: Statement | Pages) -> Job:
        return Job(
            format=self.form,
            title=self.listing.title,
            columns=self.listing.columns(self.who.currency, self.units),
            zone=self.who.zone.key,
            facts=self._facts(),
            source=source,
            most_rows=MOST_ROWS[self.form],
            bom=self.options.bom,
            comment=self.options.comment,
        )

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("List", self.listing.title),
            ("Fleet", self.who.fleet_name),
            *self._times(),
            ("Time zone", self.who.zone.key),
            ("Currency", self.who.currency),
            ("Units", self.units),
            *self.filters.items(),
            ("Empty cell", "not measured; 0 is measured and zero"),
        )

    def _times(self) -> tuple[tuple[str, str], ...]:
        if isinstance(self.when, dt.datetime):
            return (("At", self._here.isoformat(timespec="seconds")),)
        echo = self.when.echo()
        return ("From", echo["from"]), ("To", echo["to"])

    @property
    def _here(self) -> dt.datetime:
        assert isinstance(self.when, dt.datetime)
        return self.when.astimezone(self.who.zone)

    @property
    def period(self) -> Period | None:
        return None if isinstance(self.when, dt.datetime) else self.when

    @property
    def file_name(self) -> str:
        """Of ASCII letters alone, so that every client understands it."""
        first, last = (self._here.date(),) * 2 if self.period is None else (self.period.first, self.period.last)
        days = f"{first}" if first == last else f"{first} to {last}"
        words = unicodedata.normalize("NFKD", " ".join([self.who.fleet_name, self.listing.title, self.about, days]))
        name = re.sub(r"[^A-Za-z0-9._ -]+", "", words)
        return f"{re.sub(' +', '-', name.strip())}.{self.form}"


async def answer(
    request: AuthenticatedRequest,
    question: Question,
    source: Callable[[], Awaitable[Statement | Pages]],
    state: object,
) -> HttpResponse:
    """The file, or 304 where the client has it already. Raises Unavailable, InvalidParameters, ClientLeft.

    Its tag is of the fleet's state before it is begun: a file may be of a later one, which the next question tells.
    """
    who = question.who
    tag = answers.etag(request, state, question.period, question.form, question.units, who.fleet_name, who.zone.key)
    if answers.is_known(request, tag):
        return answers.not_modified(tag)
    response = await written(request, question, await source())
    response["ETag"] = tag
    return response


async def written(request: HttpRequest, question: Question, source: Statement | Pages) -> HttpResponse:
    """The file. Raises Unavailable, InvalidParameters, ClientLeft."""
    file = await _begun(request, question.job(source), question.who.fleet_id)
    headers = {
        "Content-Type": _content_type(question.form),
        "Content-Disposition": f'attachment; filename="{question.file_name}"',
        "Cache-Control": answers.CACHE_CONTROL,
    }
    response = StreamingHttpResponse(file.parts(), headers=headers)
    # Django's own handler closes answers in a thread.
    end = partial(asyncio.get_running_loop().call_soon_threadsafe, file.end)
    response._resource_closers.append(end)  # type: ignore[attr-defined]
    return cast(HttpResponse, response)


async def _begun(request: HttpRequest, job: Job, fleet_id: int) -> File:
    """The file as soon as it has begun. A client that leaves before, as it may while a workbook is made, ends it."""
    starting = asyncio.ensure_future(writers().start(job, fleet_id))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((starting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            raise ClientLeft
        return starting.result()
    finally:
        for task in (starting, leaving):
            task.cancel()
        await asyncio.gather(starting, leaving, return_exceptions=True)


async def _left(request: HttpRequest) -> None:
    """Waits until the client is gone. Django's own handler does not tell: it cancels the view instead."""
    await (request.left() if hasattr(request, "left") else asyncio.Event().wait())


def _content_type(form: FileFormat) -> str:
    return f"{TYPES[form]}; charset=utf-8; header=present" if form == "csv" else TYPES[form]


def statement(sql: str, count: str, state: str, parameters: Mapping[str, Any]) -> Statement:
    """Rows to be read on a connection of their own, in one snapshot."""
    return Statement(sql, count, state, bound(parameters), mysql.streaming_arguments())


def bound(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Instants as the driver takes them: naive UTC."""
    return {
        name: value.astimezone(dt.UTC).replace(tzinfo=None) if isinstance(value, dt.datetime) else value
        for name, value in parameters.items()
    }
