"""What is wrong with a file, named by row and column, with what is expected."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Fleet
from apps.fleet.imports.checking import Conventions, check
from apps.fleet.imports.kinds import ENTRIES, PRICES, PURCHASES, RATES, Kind
from apps.fleet.imports.sheets import Unreadable, shown
from apps.fleet.imports.storing import Taken
from apps.fleet.models import ExchangeRate, FuelPurchase
from apps.trucks.models import Truck
from tests import rows
from tests.fleet.imports.files import ENTRY, MARCH, entries, imported, problems, table

pytestmark = pytest.mark.django_db


def test_each_bad_cell_is_named_with_what_is_expected(fleet: Fleet) -> None:
    found = check(
        fleet,
        ENTRIES,
        entries(
            ["fule", "12.50", "USD", "T-9", "", "2026-03-05", "", "", ""],
            ["tolls", "", "USD", "", "North", "2026-13-05", "", "", ""],
            ["tolls", "1.234", "USD", "T-1", "South", "2026-03-05", "2026-03-04", "weekly", "x" * 81],
            ["tolls", "5", "USD", "T-1", "South", "2026-03-05", "2026-03-04", "", ""],
        ),
    )
    assert [(error.row, error.column, error.problem) for error in found.errors] == [
        (2, "line", "is not known"),
        (2, "truck", "is no truck of the fleet"),
        (3, "amount", "is empty"),
        (3, "group", "is no group of the fleet"),
        (3, "covers_from", "is no day"),
        (4, "amount", "Ensure that there are no more than 2 decimal places"),
        (4, "group", "either a truck or a group, not both"),
        (4, "covers_to", "lies before the first day, 2026-03-05"),
        (4, "basis", "is not known"),
        (4, "document", "Ensure this value has at most 80 characters (it has 81)"),
        (5, "group", "either a truck or a group, not both"),
        (5, "covers_to", "lies before the first day, 2026-03-05"),
    ]
    assert found.bad_rows == 4
    assert str(found.errors[1]) == (
        "row 2, truck: 'T-9' is no truck of the fleet; expected: the code of a truck of the fleet"
    )


def test_all_that_is_wrong_with_a_row_is_told_at_once_and_each_cell_once(fleet: Fleet) -> None:
    """What only follows from a cell that is wrong, such as a first day that is missing, is not told beside it."""
    found = check(
        fleet,
        PURCHASES,
        table(
            PURCHASES.names,
            ["T-9", "2026-03-05 08:00", "0", "", "-1", "EUR", "", ""],
            ["T-1", "soon", "1", "0", "-1", "EUR", "", "x" * 81],
            ["T-1", "", "", "0", "", "", "y" * 121, ""],
        ),
    )
    assert [(error.row, error.column) for error in found.errors] == [
        (2, "truck"), (2, "litres"), (2, "amount"), (2, "currency"),
        (3, "purchased_at"), (3, "amount"), (3, "reference"), (3, "litres and gallons"),
        (4, "purchased_at"), (4, "gallons"), (4, "amount"), (4, "currency"), (4, "station"),
    ]  # fmt: skip
    rates = check(fleet, RATES, table(RATES.names, ["fuel", "per_km", "1e9", "T-1", "North", "x", "2026-03-05"]))
    assert [error.column for error in rates.errors] == ["line", "amount", "group", "effective_from"]


def test_a_file_that_mixes_conventions_is_refused_whichever_has_the_majority(fleet: Fleet) -> None:
    line = ["tolls", "1.50", "USD", "", "", "2026-03-05", "", "", ""]
    found = check(fleet, ENTRIES, entries(line, line, [*line[:1], "1,50", *line[2:]]))
    assert [(error.row, error.problem) for error in found.errors] == [
        (4, "does not have a decimal point as the file's other numbers do")
    ]
    assert check(fleet, ENTRIES, entries(line), Conventions(decimal="comma")).bad_rows == 1


def test_what_is_ambiguous_is_refused_until_somebody_says_which(fleet: Fleet) -> None:
    content = entries(["tolls", "1,234", "USD", "", "", "05/03/2026", "", "", ""])
    found = check(fleet, ENTRIES, content)
    assert [error.column for error in found.errors] == ["amount", "covers_from"]
    assert "may be 1234 or 1.234" in found.errors[0].problem
    row = check(fleet, ENTRIES, content, Conventions("point", "day first")).rows[0]
    assert (row.amount, row.covers_from) == (Decimal(1234), dt.date(2026, 3, 5))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (table(["line", "amount", "currency", "covers_form"], [1, 2, 3, 4]), "the column covers_form is not known"),
        (table(["line", "amount", "currency"], [1, 2, 3]), "the column covers_from is missing"),
        (table([*ENTRY, "line"], [1]), "the column line is there twice"),
        (table(ENTRY), "no rows"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_as_a_whole(fleet: Fleet, content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        check(fleet, ENTRIES, content)


def test_a_file_without_either_of_two_columns_is_refused_as_a_whole(fleet: Fleet) -> None:
    header = [name for name in PURCHASES.names if name not in PURCHASES.either]
    with pytest.raises(Unreadable, match="one of the columns litres, gallons is missing"):
        check(fleet, PURCHASES, table(header, ["x"] * len(header)))


def test_a_decimal_comma_between_commas_does_not_shift_the_cells(fleet: Fleet) -> None:
    content = ",".join(ENTRY).encode() + b"\ntolls,12,50,USD,T-1,,2026-03-05,,,x\n"
    assert problems(check(fleet, ENTRIES, content)) == [
        "row 2: has 10 cells, and the header 9; expected: quotes around a value that contains the delimiter, such as a "
        "decimal comma"
    ]


def test_litres_or_gallons(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "gallons", "amount", "currency")
    line = ("T-1", "2026-03-05 14:30")
    content = table(header, [*line, "1", "1", "2", "USD"], [*line, "", "", "2", "USD"], [*line, "", "0", "2", "USD"])
    assert [(error.row, error.column, error.problem) for error in check(fleet, PURCHASES, content).errors] == [
        (2, "litres and gallons", "are both filled"),
        (3, "litres and gallons", "are empty"),
        (4, "gallons", "Ensure this value is greater than or equal to 0.001"),
    ]


def test_a_rate_that_is_there_already_or_twice_is_refused(fleet: Fleet) -> None:
    header = ("line", "basis", "amount", "truck", "effective_from")
    imported(fleet, RATES, table(header, ("tires", "per_km", "0.03", "", "2026-03-01")))
    found = check(
        fleet,
        RATES,
        table(
            header,
            ("tires", "per_km", "0.04", "T-1", "2026-03-01"),
            ("tires", "per_km", "0.05", "", "2026-03-01"),
            ("Tires", "per km", "0.06", "T-1", "2026-03-01"),
            ("tires", "per_km", "0.07", "", "2026-03-02"),
        ),
    )
    assert [(error.row, error.problem) for error in found.errors] == [
        (3, "is in the ledger already, by its effective_from, line, basis, truck, group"),
        (4, "is the same as row 2, by its effective_from, line, basis, truck, group"),
    ]


def test_a_purchase_that_is_there_already_or_twice_is_refused(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "amount", "currency", "reference")
    line = ("T-1", "2026-03-05 14:30", "10", "2", "USD")
    imported(fleet, PURCHASES, table(header, [*line, "a"]))
    found = check(fleet, PURCHASES, table(header, [*line, "b"], [*line, "A"], [*line, "B"]))
    assert [(error.row, error.problem) for error in found.errors] == [
        (3, "is in the ledger already, by its purchased_at, truck, reference"),
        (4, "is the same as row 2, by its purchased_at, truck, reference"),
    ]


def test_rows_that_only_the_database_takes_for_the_same_are_refused(fleet: Fleet) -> None:
    header = ("truck", "purchased_at", "litres", "amount", "currency", "reference")
    lines = [["T-1", "2026-03-05 14:30", "10", "2", "USD", reference] for reference in ("Rene", "René")]
    with pytest.raises(Taken):
        imported(fleet, PURCHASES, table(header, *lines))
    assert not FuelPurchase.objects.exists()


def test_two_prices_of_the_whole_fleet_from_one_instant_on(fleet: Fleet) -> None:
    header = ("effective_at", "price_per_l", "group")
    found = check(
        fleet, PRICES, table(header, ["2026-03-05", 1, ""], ["2026-03-05", 2, "South"], ["2026-03-05", 2, ""])
    )
    assert [(error.row, error.problem) for error in found.errors] == [
        (4, "is the same as row 2, by its effective_at, group")
    ]


def test_trucks_and_groups_of_another_fleet_are_not_known(fleet: Fleet) -> None:
    other = rows.fleet("Other")
    rows.group(other, "North", rows.truck(other, "T-9"))
    found = check(
        fleet,
        ENTRIES,
        entries(
            ["tolls", "1", "USD", "T-9", "", "2026-03-05", "", "", ""],
            ["tolls", "1", "USD", "", "North", "2026-03-05", "", "", ""],
        ),
    )
    assert [error.column for error in found.errors] == ["truck", "group"]


def _row_of(fleet: Fleet, kind: Kind, **changes: Any) -> Any:
    """A good row of a kind, unsaved, with changes."""
    truck = Truck.objects.get(fleet=fleet, code="T-1")
    good: dict[str, dict[str, Any]] = {
        "entries": {
            "line": "tolls", "amount": Decimal("1.00"), "currency": "USD", "covers_from": MARCH, "covers_to": MARCH,
        },
        "rates": {"line": "tolls", "basis": "per_km", "amount": Decimal(1), "effective_from": MARCH},
        "fuel-prices": {"effective_at": rows.NOON, "price_per_l": Decimal(1)},
        "fuel-purchases": {
            "truck": truck, "purchased_at": rows.NOON, "litres": Decimal(1), "amount": Decimal(1), "currency": "USD",
        },
    }  # fmt: skip
    return kind.model(fleet=fleet, **{**good[kind.name], **changes})


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ENTRIES, {"line": "x"}),
        (ENTRIES, {"amount": Decimal("1.234")}),
        (ENTRIES, {"amount": Decimal("9") * 10**13}),
        (ENTRIES, {"covers_to": MARCH - dt.timedelta(days=1)}),
        (ENTRIES, {"covers_to": MARCH + dt.timedelta(days=3_660)}),
        (ENTRIES, {"currency": "EUR"}),
        (ENTRIES, {"basis": "x"}),
        (RATES, {"line": "fuel"}),
        (RATES, {"amount": Decimal(-1)}),
        (RATES, {"effective_to": MARCH - dt.timedelta(days=1)}),
        (PRICES, {"price_per_l": Decimal(-1)}),
        (PRICES, {"price_per_l": Decimal("1.00001")}),
        (PURCHASES, {"litres": Decimal(0)}),
        (PURCHASES, {"amount": Decimal(-1)}),
        (PURCHASES, {"reference": "x" * 81}),
    ],
)
def test_an_import_refuses_what_the_form_refuses(fleet: Fleet, kind: Kind, changes: dict[str, Any]) -> None:
    from apps.fleet.imports.checking import _problems

    assert not list(_problems(_row_of(fleet, kind)))
    row = _row_of(fleet, kind, **changes)
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert {name for name, _ in _problems(row)} >= set(refused.value.message_dict) - {"__all__"}


def _lines_of(kind: Kind, number: int) -> list[Any]:
    """A row of a file of this kind, as no other number gives it; of money in a foreign currency."""
    day, minute = MARCH + dt.timedelta(days=number), f"2026-03-05 {number // 60:02}:{number % 60:02}"
    return {
        "entries": ["tolls", "1", "CAD", "", "", day, "", "", ""],
        "rates": ["tolls", "per_day", "1", "", "", day, ""],
        "fuel-prices": [minute, "1", "", ""],
        "fuel-purchases": ["T-1", minute, "1", "", "1", "CAD", "", ""],
    }[kind.name]


@pytest.mark.parametrize("kind", [ENTRIES, RATES, PRICES, PURCHASES])
def test_many_rows_take_no_more_statements_to_check_than_one(fleet: Fleet, kind: Kind) -> None:
    ExchangeRate.objects.create(fleet=fleet, currency="CAD", effective_from=MARCH, rate="0.7")
    sent = []
    for count in (1, 60):
        with CaptureQueriesContext(connection) as captured:
            found = check(fleet, kind, table(kind.names, *(_lines_of(kind, number) for number in range(count))))
        assert (len(found.rows), found.errors) == (count, [])
        sent.append(len(captured))
    assert sent[0] == sent[1]


def test_a_last_day_that_does_not_fit_is_told_beside_the_first(fleet: Fleet) -> None:
    line = ["tolls", "1", "USD", "", ""]
    content = entries([*line, "2026-03-05", "2026-03-04"], [*line, "2006-03-05", "2026-03-31"])
    assert [error.problem for error in check(fleet, ENTRIES, content).errors] == [
        "lies before the first day, 2026-03-05",
        "is more than 3,660 days after 2006-03-05",
    ]


def test_a_day_of_a_workbook_is_quoted_without_its_midnight() -> None:
    day = dt.datetime(2026, 3, 4)
    assert [shown(day), shown(day + dt.timedelta(hours=6))] == ["2026-03-04", "2026-03-04 06:00:00"]
