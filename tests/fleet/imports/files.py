"""Files for the ledger as tests bring them."""

import csv
import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

import openpyxl

from apps.accounts.models import Fleet
from apps.fleet.imports import storing
from apps.fleet.imports.checking import Checked
from apps.fleet.imports.kinds import Kind
from apps.fleet.models import LedgerImport

MARCH = dt.date(2026, 3, 1)
ENTRY = ("line", "amount", "currency", "truck", "group", "covers_from", "covers_to", "basis", "document")


def table(*lines: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def workbook(*lines: list[Any], **others: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    first: Any = book.active
    for line in lines:
        first.append(line)
    for name, rows in others.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def entries(*lines: Iterable[Any]) -> bytes:
    return table(ENTRY, *lines)


def imported(fleet: Fleet, kind: Kind, content: bytes) -> LedgerImport:
    made = storing.received(fleet, kind.name, "costs.csv", content, "root")
    storing.store(made)
    return made


def problems(checked: Checked) -> list[str]:
    return [str(error) for error in checked.errors]


def one_toll(amount: str = "10.00") -> bytes:
    return entries(["tolls", amount, "USD", "T-1", "", "2026-03-05", "", "", ""])
