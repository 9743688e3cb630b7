import csv
from io import BytesIO, StringIO

import pytest

from apps.files import csv_file
from apps.files.cells import Column, Kind


def column(name: str, kind: Kind = Kind.NUMBER, measure: str | None = None) -> Column:
    return Column(name, name, kind, "", measure)


def written(columns: list[Column], *batches: list, **how: object) -> bytes:
    out = BytesIO()
    csv_file.write(batches, columns, out, **how)
    return out.getvalue()


def test_rows_are_as_rfc_4180_has_them() -> None:
    columns = [column("a", Kind.TEXT), column("b", Kind.TEXT), column("n")]
    content = written(columns, [('say "hi", now', "two\r\nlines", "1"), (None, "ü", None)], [("x", "", "-0.5")])
    assert content == (
        b'a,b,n\r\n"say ""hi"", now","two\r\nlines",1\r\n' + ",ü,\r\n".encode() + b"x,,-0.5\r\n"
    )  # fmt: skip
    assert list(csv.reader(StringIO(content.decode(), newline="")))[1] == ['say "hi", now', "two\r\nlines", "1"]


def test_an_empty_list_has_its_header() -> None:
    assert written([column("a"), column("b")], ()) == b"a,b\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_could_be_a_formula_is_made_harmless(start: str) -> None:
    content = written([column("name", Kind.TEXT)], [(f"{start}1+1",)]).decode()
    ((_,), (cell,)) = csv.reader(StringIO(content, newline=""))
    assert cell == f"'{start}1+1"


def test_numbers_stay_numbers_whatever_their_sign() -> None:
    assert written([column("n"), column("m", Kind.MONEY)], [("-1.5", "-2.00")]) == b"n,m\r\n-1.5,-2.00\r\n"


def test_instants_and_booleans_are_as_in_json() -> None:
    columns = [column("at", Kind.INSTANT), column("day", Kind.DAY), column("is_used", Kind.BOOLEAN)]
    rows = [("2026-03-10 17:00:00.999999", "2026-03-10", "1"), ("2026-03-10 17:00:00", None, "0")]
    assert written(columns, rows) == (
        b"at,day,is_used\r\n2026-03-10T17:00:00Z,2026-03-10,true\r\n2026-03-10T17:00:00Z,,false\r\n"
    )


@pytest.mark.parametrize(
    ("measure", "metric", "us"),
    [
        ("_m", "1609344", "1000.0"),
        ("_l", "378.5411784", "100.0"),
        ("_kmh", "88", "54.681"),
        ("_l_per_100km", "33", "7.13"),
        ("_l_per_100km", "0", ""),
        ("_per_km", "1.0000", "1.6093"),
    ],
)
def test_us_units(measure: str, metric: str, us: str) -> None:
    assert written([column("x", measure=measure), column("y")], [(metric, "1")]).decode() == f"x,y\r\n{us},1\r\n"


def test_a_mark_and_a_comment_stand_in_front() -> None:
    content = written([column("a")], [("1",)], bom=True, comment="Fleet: A, B; Units: us")
    assert content == b'\xef\xbb\xbf"# Fleet: A, B; Units: us"\r\na\r\n1\r\n'
