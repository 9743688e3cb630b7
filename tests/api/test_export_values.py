"""Files have the values of JSON: of all trucks, of whole days, of every page, in either system of units."""

import csv
import datetime as dt
import re
from io import StringIO
from itertools import compress
from typing import Any

import pytest

from apps.accounts.units import LITRES_PER_GALLON, METRES_PER_MILE
from apps.fleet.export_api import BY_PAGES, NAMES
from apps.trucks import paged_lists
from tests import rows
from tests.api.exported import (
    CHICAGO,
    MARCH,
    OF_NOW,
    PATH,
    Get,
    as_paid,
    flat,
    furnished,
    items,
    of_march,
    same,
    table,
    workbook,
)


@pytest.mark.usefixtures("here")
def test_a_csv_has_the_values_of_json(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        found = table(api_get(f"{PATH}/{name}?{of_march(name)}&format=csv&units=metric", key))
        expected = [flat(as_paid(item, name)) for item in items(api_get, key, name, of_march(name))]
        for row in (*found, *expected):
            for moving in OF_NOW.get(name, ()):
                assert row.pop(moving) not in ("", None)
        assert len(found) == len(expected) >= 1, name
        for row, item in zip(found, expected, strict=True):
            shown = {column: value for column, value in item.items() if column in row or value is not None}
            assert shown.keys() <= row.keys()
            wrong = {column: row[column] for column, value in shown.items() if not same(row[column], value)}
            assert wrong == {}, name
            beside = {column: cell for column, cell in row.items() if column not in shown and cell}
            assert beside in ({}, {"truck_id": "T-1", "name": "Truck T-1"})
    assert "Driver 1" in [row["driver_name"] for row in table(api_get(f"{PATH}/trips?{MARCH}&format=csv", key))]


@pytest.mark.usefixtures("here")
def test_a_workbook_has_the_cells_of_the_csv(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        query = f"{PATH}/{name}?{of_march(name)}"
        of_csv = list(csv.reader(StringIO(api_get(f"{query}&format=csv", key).text, newline="")))
        book = workbook(api_get(f"{query}&format=xlsx", key))
        sheet = list(book.worksheets[0].iter_rows(values_only=True))
        assert [head.replace(" (America/Chicago)", "") for head in sheet[0]] == of_csv[0]
        kept = [head not in OF_NOW.get(name, ()) for head in of_csv[0]]
        assert [[_as_csv(cell) for cell in compress(cells, kept)] for cells in sheet[1:]] == [
            [_as_number(text) for text in compress(texts, kept)] for texts in of_csv[1:]
        ]


def _as_csv(cell: Any) -> str | float:
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=CHICAGO).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else float(cell) if isinstance(cell, int | float) else cell


def _as_number(text: str) -> str | float:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else text


@pytest.mark.parametrize("name", ["days", "trips"])
def test_a_list_is_of_all_trucks_and_whole_days(api_get: Get, name: str) -> None:
    """The day before and the day after are not in it, by the fleet's clocks; by day, then by truck."""
    fleet = rows.fleet()
    trucks = [rows.truck(fleet, code) for code in ("B", "A")]
    for truck in trucks:
        for days in range(-1, 4):
            day = rows.DAY + dt.timedelta(days=days)
            rows.truck_day(truck, day)
            rows.trip(truck, rows.NOON + dt.timedelta(days=days), day=day)
    query = f"from={rows.DAY}&to={rows.DAY + dt.timedelta(days=1)}&format=csv"
    found = table(api_get(f"{PATH}/{name}?{query}", rows.api_key(fleet)))
    assert [row["truck_id"] for row in found] == ["B", "A", "B", "A"]
    assert {(row.get("day") or row["started_at"])[:10] for row in found} == {"2026-03-10", "2026-03-11"}


@pytest.mark.usefixtures("here")
def test_a_list_has_every_page(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_lists, "AT_ONCE", 2)
    fleet = rows.fleet()
    for number in range(5):
        truck = rows.truck(fleet, f"T-{number}")
        rows.truck_day(truck, driver=rows.driver(fleet))
        rows.open_fault(truck)
        rows.ledger(truck, rows.NOON + number * dt.timedelta(hours=1))
    key = rows.api_key(fleet)
    for name in BY_PAGES:
        found = table(api_get(f"{PATH}/{name}?{'' if name.endswith('rates') else of_march(name)}&format=csv", key))
        ids = [next(row[each] for each in ("id", "truck_id", "driver_id", "from") if each in row) for row in found]
        assert len(found) == len(set(ids)) == (31 if name == "fleet-days" else 5), name


def test_one_truck_alone(api_get: Get) -> None:
    fleet = rows.fleet()
    for code in ("A", "B"):
        truck = rows.truck(fleet, code)
        rows.truck_day(truck)
        rows.stop(truck)
    key = rows.api_key(fleet)
    for name in ("days", "stops"):
        assert [row["truck_id"] for row in table(api_get(f"{PATH}/{name}?{MARCH}&format=csv&truck_id=b", key))] == ["B"]


def test_sealed_days_are_told_as_in_json(api_get: Get) -> None:
    """The floor of the first truck is the beginning of 10 March in Chicago; that of the second is later on that day."""
    fleet = rows.fleet()
    midnight = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)
    for code, floor in (("A", midnight), ("B", midnight + dt.timedelta(hours=1)), ("C", None)):
        truck = rows.truck(fleet, code)
        rows.known(truck, raw_since_t=None if floor is None else int(floor.timestamp()))
        for days in (-1, 0, 1):
            rows.truck_day(truck, rows.DAY + dt.timedelta(days=days))
    key = rows.api_key(fleet)
    found = {(row["truck_id"], row["day"]): row["sealed"] for row in table(api_get(f"{PATH}/days?{MARCH}", key))}
    expected = {
        (code, item["day"]): str(item["sealed"]).lower()
        for code in "ABC"
        for item in api_get(f"/api/v2/trucks/{code}/days?{MARCH}", key).json()["data"]
    }
    assert found == expected
    assert list(found.values()).count("true") == 3


def test_costs_per_mile_and_miles_per_gallon_are_those_of_the_row_s_amounts_miles_and_gallons(api_get: Get) -> None:
    """Two in five differ in their last place if they are converted from the cost per km as it is shown."""
    fleet = rows.fleet()
    for number in range(1, 31):
        truck = rows.truck(fleet, f"T-{number:02}")
        rows.truck_day(truck, distance_m=100_000 + 7_919 * number, fuel_used_l=30.7 + number)
        rows.cost(truck, "fuel", f"{50 + number}.55")
    key = rows.api_key(fleet)
    query = f"{MARCH}&format=csv&units="
    us, metric = (table(api_get(f"/api/v2/fleet/cost-analysis?{query}{units}", key)) for units in ("us", "metric"))
    miles = [float(row["distance_m"]) / METRES_PER_MILE for row in metric]
    amounts = [float(row["amount_usd"]) for row in metric]
    expected = [f"{amount / mile:.4f}" for amount, mile in zip(amounts, miles, strict=True)]
    assert [f"{float(row['cost_per_mi_usd']):.4f}" for row in us] == expected
    by_way_of_km = [f"{float(row['cost_per_km_usd']) * METRES_PER_MILE / 1000:.4f}" for row in metric]
    assert by_way_of_km != expected
    us, metric = (table(api_get(f"/api/v2/fleet/fuel?{query}{units}", key)) for units in ("us", "metric"))
    gallons = [float(row["consumption_l"]) / LITRES_PER_GALLON for row in metric]
    expected = [f"{mile / gallon:.2f}" for mile, gallon in zip(miles, gallons, strict=True)]
    assert [f"{float(row['consumption_mpg']):.2f}" for row in us] == expected


def test_units_are_those_of_the_fleet_or_as_asked_and_stand_in_the_names(api_get: Get) -> None:
    fleet = rows.fleet(units="us")
    rows.truck_day(rows.truck(fleet), distance_m=1_609_344, fuel_used_l=100 * LITRES_PER_GALLON)
    key = rows.api_key(fleet)
    (own,) = table(api_get(f"{PATH}/days?{MARCH}&format=csv", key))
    assert (own["distance_mi"], own["fuel_used_gal"], own["max_speed_mph"]) == (
        "1000.0", "100.0", str(round(104_000 / METRES_PER_MILE, 3))
    )  # fmt: skip
    (metric,) = table(api_get(f"{PATH}/days?{MARCH}&format=csv&units=metric", key))
    assert metric["distance_m"] == "1609344"
    about = dict(workbook(api_get(f"{PATH}/days?{MARCH}&format=xlsx", key))["About"].iter_rows(values_only=True))
    assert (about["Units"], about["Currency"]) == ("us", "USD")
