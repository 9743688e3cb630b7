"""What a page of computed rows costs: it is read by the table's own key, in the order of an index."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.trucks.models import Truck
from apps.trucks.models.views import Row, TripRow, TruckDayRow
from tests import rows
from tests.admin.test_computed_rows import page
from tests.lasting import Lasting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "as_root")]

TRUCKS, DAYS = 30, 60


@pytest.fixture(scope="module")
def history(lasting: Lasting[list[Truck]]) -> list[Truck]:
    return lasting(two_fleets)


def two_fleets() -> list[Truck]:
    """Two fleets of 30 trucks with 60 days and a trip each day; the first fleet's trucks."""
    trucks = [rows.truck(rows.fleet("Alpha Haulage"))] + [rows.truck(rows.fleet("Bravo Logistics"))]
    for truck in list(trucks):
        trucks += [rows.truck(truck.fleet, f"{truck.fleet_id}-{number}") for number in range(TRUCKS - 1)]
    day, trip = (
        rows.truck_day(trucks[0], dt.date(2020, 1, 1)),
        rows.trip(trucks[0], dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    )
    dates = [(truck, rows.DAY - dt.timedelta(days=back)) for truck in trucks for back in range(DAYS)]
    _copy(day, [{"fleet_id": truck.fleet_id, "truck_id": truck.pk, "day": date} for truck, date in dates])
    _copy(
        trip,
        [
            {
                "fleet_id": truck.fleet_id,
                "truck_id": truck.pk,
                "day": date,
                "started_at": dt.datetime.combine(date, dt.time(15), dt.UTC),
            }
            for truck, date in dates
        ],
    )
    return [truck for truck in trucks if truck.fleet_id == trucks[0].fleet_id]


def _copy(row: Model, changes: list[dict[str, Any]]) -> None:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    type(row)._default_manager.bulk_create([type(row)(**{**values, **change}) for change in changes])


def rows_read(client: Client, address: str) -> int:
    """How many rows the server read to answer a request."""

    def read_so_far() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            return sum(int(value) for _, value in cursor.fetchall())

    before = read_so_far()
    assert client.get(address).status_code == 200
    return read_so_far() - before


def plan(client: Client, address: str, table: str) -> list[str]:
    """What EXPLAIN says of the statement that reads the page's rows from a table: access type and remarks."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    statements = [
        each["sql"] for each in captured if f"FROM `{table}`" in each["sql"] and "COUNT(*)" not in each["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statements[0]}")
        names = [column[0] for column in cursor.description]
        return [
            f"{line['type']} {line['Extra']}"
            for line in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
        ]


@pytest.mark.parametrize(("view", "table"), [(TruckDayRow, "admin_truck_day"), (TripRow, "admin_trip")])
def test_a_rows_page_reads_it_by_the_key_of_the_table(
    client: Client, history: list[Truck], view: type[Row], table: str
) -> None:
    row = view._default_manager.filter(truck=history[3]).first()
    address = page("change", view, row.pk)
    assert [line.split()[0] for line in plan(client, address, table)] == ["const"]
    assert rows_read(client, address) < 50  # of some 7,200


@pytest.mark.parametrize(("view", "table"), [(TruckDayRow, "admin_truck_day"), (TripRow, "admin_trip")])
def test_a_list_follows_an_index_and_reads_no_more_than_its_period(
    client: Client, history: list[Truck], view: type[Row], table: str
) -> None:
    address = page("changelist", view) + "?period=7"
    remarks = plan(client, address, table)
    assert len(remarks) == 1 and remarks[0].startswith("range"), remarks
    assert "filesort" not in remarks[0] and "temporary" not in remarks[0], remarks
    assert rows_read(client, address) < 2 * 7 * TRUCKS + 200


def test_a_search_finds_the_truck_first(client: Client, history: list[Truck]) -> None:
    answer = client.get(page("changelist", TruckDayRow) + f"?period=30&q={history[5].code}")
    assert {row.truck_id for row in answer.context["cl"].result_list} == {history[5].pk}
    assert answer.context["cl"].result_count == 30
