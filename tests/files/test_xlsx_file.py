import datetime as dt
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from apps.files import xlsx_file
from apps.files.cells import Column, Kind

CHICAGO = ZoneInfo("America/Chicago")


def column(name: str, kind: Kind = Kind.NUMBER, measure: str | None = None, about: str = "") -> Column:
    return Column(name, name, kind, about, measure)


@pytest.fixture
def written(tmp_path: Path):
    def write(columns: list[Column], *batches: list) -> openpyxl.Workbook:
        file = tmp_path / "file.xlsx"
        facts = [("Fleet", "=Prairie"), ("Units", "us")]
        xlsx_file.write(batches, columns, file, title="Days", zone=CHICAGO, facts=facts)
        return openpyxl.load_workbook(file)

    return write


def cells(book: openpyxl.Workbook, sheet: str = "Days") -> list[tuple]:
    return list(book[sheet].iter_rows(values_only=True))


def test_numbers_are_numbers_days_are_days_and_null_is_empty(written) -> None:
    columns = [column("n"), column("amount_usd", Kind.MONEY), column("day", Kind.DAY), column("used", Kind.BOOLEAN)]
    book = written(
        columns, [("-1.5", "12.34", "2026-03-10", "1")], [(None, None, None, "0"), ("7", "0.00", None, None)]
    )
    assert cells(book) == [
        ("n", "amount_usd", "day", "used"),
        (-1.5, 12.34, dt.datetime(2026, 3, 10), True),
        (None, None, None, False),
        (7, 0, None, None),
    ]


def test_instants_are_wall_time_and_the_header_says_whose(written) -> None:
    """In Chicago the clocks went forward on 8 March 2026, at 8:00 UTC."""
    book = written([column("at", Kind.INSTANT)], [("2026-03-08 07:59:59",), ("2026-03-08 08:00:00.900000",)])
    assert cells(book) == [
        ("at (America/Chicago)",),
        (dt.datetime(2026, 3, 8, 1, 59, 59),),
        (dt.datetime(2026, 3, 8, 3, 0),),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "@x", "http://x.y", "12", " a ", "<b>&", "two\nlines", "🚚"])
def test_a_text_stays_the_text_that_it_is(written, text: str) -> None:
    book = written([column("name", Kind.TEXT)], [(text,)])
    cell = book["Days"]["A2"]
    assert (cell.value, cell.data_type) == (text, "s" if cell.data_type == "s" else "inlineStr")


def test_what_xml_cannot_hold_is_left_out(written) -> None:
    assert cells(written([column("name", Kind.TEXT)], [("a\x00b\x0bc\ufffe",)]))[1] == ("abc",)


def test_us_units(written) -> None:
    book = written([column("distance_mi", measure="_m"), column("mpg", measure="_l_per_100km")], [("1609344", "0")])
    assert cells(book)[1] == (1000, None)


def test_the_header_stays_and_filters(written) -> None:
    sheet = written([column("a"), column("b")], [("1", "2"), ("3", "4")])["Days"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.dimensions) == ("A2", "A1:B3", "A1:B3")


def test_beside_the_rows_stand_what_they_are_and_what_columns_mean(written) -> None:
    book = written([column("at", Kind.INSTANT, about="When."), column("n", about="How many.")], [])
    assert book.sheetnames == ["Days", "About", "Columns"]
    assert cells(book, "About")[1:] == [("Fleet", "=Prairie"), ("Units", "us")]
    assert book["About"]["B2"].data_type == "s"
    assert cells(book, "Columns")[1:] == [("at (America/Chicago)", "When."), ("n", "How many.")]
    assert len(cells(book)) == 1


def test_every_cell_says_where_it_stands(written, tmp_path: Path) -> None:
    """Some readers need it, though the format does not."""
    written([column("a"), column("b", Kind.TEXT)], [("1", "x"), (None, "y")])
    xml = zipfile.ZipFile(tmp_path / "file.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert [part.split('"')[1] for part in xml.split("<c ")[1:]] == ["A1", "B1", "A2", "B2", "B3"]
