"""Rows of cells out of files as people have them: encodings, delimiters, workbooks, and what must not be opened."""

import datetime as dt
import io
import zipfile
from typing import Any

import openpyxl
import pytest
from defusedxml.common import EntitiesForbidden

from apps.fleet.imports import sheets
from apps.fleet.imports.kinds import KINDS, template_csv, template_xlsx
from apps.fleet.imports.sheets import Unreadable, read
from tests.fleet.imports.files import workbook

KNOWN = ["line", "amount", "document", "covers_from"]
TEXT = "line,amount,document\r\ntolls,12.50,Brücke\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(encoding: str) -> None:
    sheet = read(TEXT.encode(encoding), KNOWN)
    assert sheet.rows == ((2, ("tolls", "12.50", "Brücke")),)
    assert {"utf-8-sig": "UTF-8", "cp1252": "cp1252"}.get(encoding, encoding.upper()) in sheet.read_as


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(delimiter: str) -> None:
    text = f'line;amount;document\ntolls;"12{delimiter}5";a, b; c' if delimiter != ";" else "line;amount\ntolls;12,5"
    text = text.replace(";", delimiter) if delimiter != ";" else text
    sheet = read(text.encode(), KNOWN)
    assert sheet.header[:2] == ("line", "amount")
    assert sheet.rows[0][1][0] == "tolls"


def test_a_decimal_comma_between_semicolons_stays_in_its_cell() -> None:
    assert read(b"line;amount\ntolls;1.234,50\n", KNOWN).rows == ((2, ("tolls", "1.234,50")),)


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    sheet = read(b'\nline,document\n\ntolls,"two\nlines"\n,\ntires,x\n', KNOWN)
    assert sheet.header_row == 2
    assert [number for number, _ in sheet.rows] == [4, 6]


def test_headings_are_read_as_people_write_them() -> None:
    assert read(b"Line,Covers from, AMOUNT \nx,y,z", KNOWN).header == ("line", "covers_from", "amount")


def test_what_is_no_table() -> None:
    for content, why in (
        (b"", "The file is empty"),
        (b"\n;;\n \n", "The file is empty"),
        (b"a,b\n1,2", "first row does not name"),
        (b"\x00\x01\x02", "neither XLSX nor text"),
        (b"line\x81,amount\n", "neither XLSX nor text"),
        (b'line,amount\ntolls,"12', "not CSV"),
        (b"PK\x03\x04 and no more", "no workbook"),
        (b"x" * (sheets.MAX_BYTES + 1), "at most"),
        (b"line\n" + b"x\n" * (sheets.MAX_ROWS + 1), "more than 50,000 rows"),
    ):
        with pytest.raises(Unreadable, match=why):
            read(content, KNOWN)


def test_as_many_rows_as_are_taken_are_read() -> None:
    assert len(read(b"line\n" + b"x\n" * sheets.MAX_ROWS, KNOWN).rows) == sheets.MAX_ROWS


# --- workbooks ---


def test_a_workbook_s_cells_keep_their_types() -> None:
    day = dt.datetime(2026, 3, 5)
    sheet = read(
        workbook(["line", "amount", "covers_from"], ["tolls", 12.5, day], [None] * 3, ["tires", 7, day]), KNOWN
    )
    assert sheet.rows == ((2, ("tolls", 12.5, day)), (4, ("tires", 7, day)))
    assert sheet.read_as == "XLSX, sheet Sheet"


def test_the_one_sheet_with_the_columns_is_read() -> None:
    assert read(workbook(["About this file"], data=[["line"], ["tolls"]]), KNOWN).rows == ((2, ("tolls",)),)
    assert read(workbook(["line"], ["tolls"], Sheet2=[], Sheet3=[[None]]), KNOWN).rows == ((2, ("tolls",)),)
    with pytest.raises(Unreadable, match="Sheet, more all begin"):
        read(workbook(["line"], ["a"], more=[["line"], ["b"]]), KNOWN)
    with pytest.raises(Unreadable, match="None of the sheets"):
        read(workbook(["nothing"]), KNOWN)


def repacked(content: bytes, **parts: bytes) -> bytes:
    """The workbook with some of its parts replaced."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, parts.get(name.rpartition("/")[2].partition(".")[0], before.read(name)))
    return packed.getvalue()


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = repacked(workbook(["line"], ["x"]), sheet1=b" " * (sheets.MAX_UNPACKED_BYTES + 1))
    assert len(bomb) < 200_000
    with pytest.raises(Unreadable, match="unpacks to more"):
        read(bomb, KNOWN)


def test_entities_in_a_workbook_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    with pytest.raises(Unreadable, match="cannot be read") as refused:
        read(repacked(workbook(["line"], ["x"]), sheet1=bomb), KNOWN)
    reasons: list[BaseException | None] = [refused.value]
    while reasons[-1] is not None:
        reasons.append(reasons[-1].__context__)
    assert any(isinstance(reason, EntitiesForbidden) for reason in reasons)


def test_a_sheet_that_claims_to_be_huge_is_read_as_far_as_it_goes() -> None:
    head = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    )
    body = (
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>line</t></is></c></row>'
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>tolls</t></is></c></row></sheetData></worksheet>'
    )
    assert read(repacked(workbook(["line"], ["x"]), sheet1=head + body), KNOWN).rows == ((2, ("tolls",)),)


def test_a_row_far_down_is_too_many_rows() -> None:
    book = openpyxl.Workbook()
    first: Any = book.active
    first["A1"], first["A1048576"] = "line", "x"
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Unreadable, match="more than 50,000 rows"):
        read(content.getvalue(), KNOWN)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_templates_can_be_read(kind: Any) -> None:
    for content in (template_csv(kind), template_xlsx(kind)):
        sheet = read(content, kind.names)
        assert list(sheet.header) == kind.names
        assert len(sheet.rows) == 1
    notes = openpyxl.load_workbook(io.BytesIO(template_xlsx(kind))).worksheets[1]
    needed = [name for name, is_needed, _ in notes.iter_rows(min_row=2, values_only=True) if is_needed == "yes"]
    assert needed == [column.name for column in kind.columns if column.is_required]
