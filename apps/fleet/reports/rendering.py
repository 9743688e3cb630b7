"""A day's mail as files: subject, text, HTML, chart and workbook, the same for every recipient."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.text import slugify

from apps.accounts.models import Fleet
from apps.accounts.units import unit_system
from apps.fleet.reports.charts import Chart, distance_chart
from apps.fleet.reports.content import DailyContent, Reader, daily_content
from apps.fleet.reports.figures import DailyFigures
from apps.fleet.reports.reading import DAYS_SHOWN, daily_figures
from apps.fleet.reports.workbook import CONTENT_TYPE as XLSX
from apps.fleet.reports.workbook import daily_workbook

SUBJECT, TEXT, HTML, CHART = "subject.txt", "mail.txt", "mail.html", "chart.png"
CHART_ID = "chart@fleet-report"


@dataclass(frozen=True, slots=True)
class RenderedFile:
    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """The files of one mail, and the revision of the summaries they were read from."""

    files: Sequence[RenderedFile]
    revision: int


def render_daily(fleet: Fleet, day: dt.date) -> RenderedReport:
    """The mail about a fleet's local day. Raises FiguresChanging."""
    figures = daily_figures(fleet, day)
    reader = Reader(fleet.name, fleet.zone, unit_system(fleet.units), fleet.currency)
    chart = _chart(figures, reader)
    files = [
        *_parts(daily_content(figures, reader), chart),
        RenderedFile(f"{slugify(fleet.name) or 'fleet'}-{day}.xlsx", XLSX, daily_workbook(figures, reader)),
    ]
    if chart is not None:
        files.append(RenderedFile(CHART, "image/png", chart.png))
    return RenderedReport(files, figures.revision)


def _chart(figures: DailyFigures, reader: Reader) -> Chart | None:
    units = reader.units
    days = [(day.day, units.distance(day.sums.distance_m) if day.sums else None) for day in figures.days]
    return distance_chart(days, units.distance_label)


def _parts(content: DailyContent, chart: Chart | None) -> list[RenderedFile]:
    context = {
        "content": content,
        "units": content.reader.units,
        "chart": chart,
        "chart_id": CHART_ID,
        "days_shown": DAYS_SHOWN,
        "link": f"{settings.SITE_URL}/admin/",
    }
    # One line, whatever the fleet is called: no header can be slipped in.
    subject = " ".join(render_to_string("fleet/mail/daily.subject.txt", context).split())
    text = render_to_string("fleet/mail/daily.txt", context)
    page = render_to_string("fleet/mail/daily.html", context)
    html = css_inline.inline(page, keep_at_rules=True, load_remote_stylesheets=False)
    return [
        RenderedFile(SUBJECT, "text/plain", subject.encode()),
        RenderedFile(TEXT, "text/plain", text.encode()),
        RenderedFile(HTML, "text/html", html.encode()),
    ]
