"""Pages of trucks with their sums: which trucks are on them, and which blocks are read for them."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from apps.accounts.calendar import ONE_DAY
from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums import trucks as truck_sums
from apps.mysql import fetch_all_sync
from apps.trucks import remembered
from apps.trucks.models import FactsRevision, Truck
from tests import rows
from tests.statements import sent_statements

page = async_to_sync(truck_sums.page)


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    remembered.forget()


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """Six trucks in as many blocks; the first, third and fourth have no days."""
    made = rows.fleet()
    for number in range(6):
        truck = rows.truck(made, f"T-{number}", id=64 * (1 + number))
        if number not in (0, 2, 3):
            rows.truck_day(truck, distance_m=1_000 * number)
    rows.group(made, "Even", *made.trucks.filter(code__in=["T-0", "T-2", "T-4"]))
    rows.sum_up()  # the pool reads them here
    return made


def codes(fleet: Fleet, after: str, limit: int, group_id: int | None = None) -> list[tuple[str, int]]:
    where = queries.period(fleet.pk, rows.DAY, rows.DAY)
    found = page(where, ("distance_m",), after, limit, facts=0, group_id=group_id)
    return [(row["truck_id"], row["distance_m"]) for row in found.trucks]


def test_a_page_holds_the_trucks_with_days_after_its_start_up_to_its_limit(fleet: Fleet) -> None:
    every = [("T-1", 1_000), ("T-4", 4_000), ("T-5", 5_000)]
    assert codes(fleet, "", 9) == codes(fleet, "", 3) == every
    assert codes(fleet, "", 2) == every[:2], "trucks without days take further turns, not places on the page"
    assert codes(fleet, "", 1) == every[:1]
    assert codes(fleet, "T-1", 2) == every[1:]
    assert codes(fleet, "T-5", 2) == []


def test_of_a_group_only_its_trucks_are_on_a_page(fleet: Fleet) -> None:
    assert codes(fleet, "", 1, fleet.truck_groups.get().pk) == [("T-4", 4_000)]


def test_another_fleet_has_no_trucks_of_this_one(fleet: Fleet) -> None:
    assert codes(rows.fleet("Other"), "", 9) == []


def test_a_page_reads_the_blocks_of_its_trucks_alone(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_statements(monkeypatch)
    codes(fleet, "T-3", 1)
    [read] = [sql for sql in sent if "truck_block" in sql]
    assert "block BETWEEN 5 AND 5" in read


def test_a_page_of_a_large_fleet_is_read_from_as_many_rows_as_of_a_small_one(fleet: Fleet) -> None:
    """Whatever a row has packed is read with it: by its day alone all blocks would be."""
    period = queries.period(fleet.pk, rows.DAY - ONE_DAY, rows.DAY + ONE_DAY)
    where = {**period, "from_block": 5, "to_block": 5}
    statement = sum_queries.around(sum_queries.figures(("distance_m",)), where, [5])
    assert rows_read(statement, where) <= 3 < rows_read(sum_queries.columns(("distance_m",)), where)


def rows_read(statement: str, where: dict[str, Any]) -> int:
    def reads() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            return sum(int(value) for _, value in cursor.fetchall())

    before = reads()
    assert len(fetch_all_sync(statement, where)) == 1
    return reads() - before


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_what_is_read_beside_a_page_has_all_of_its_trucks_once(fleet: Fleet, limit: int) -> None:
    where = queries.period(fleet.pk, rows.DAY, rows.DAY)
    found = page(where, ("trips",), "", limit, facts=0, beside=[truck_sums.sums_beside(where, ("distance_m",))])
    beside = truck_sums.sums_in(found.beside[0], ("distance_m",), found.trucks.ids)
    assert list(beside["distance_m"]) == [1_000, 4_000, 5_000][:limit]


def test_a_page_starts_after_a_truck_that_is_gone(fleet: Fleet) -> None:
    assert codes(fleet, "T-11", 9) == [("T-4", 4_000), ("T-5", 5_000)]


def test_who_is_in_a_fleet_is_read_once_as_long_as_its_facts_are_the_same(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = queries.period(fleet.pk, rows.DAY, rows.DAY)

    def named() -> list[str]:
        facts = FactsRevision.objects.get(fleet_id=fleet.pk).revision
        return page(where, ("trips",), "", 9, facts=facts).trucks.names

    before = named()
    sent = sent_statements(monkeypatch)
    assert named() == before
    assert not [sql for sql in sent if "FROM truck " in sql]
    truck = Truck.objects.get(code="T-4")
    truck.name = "Another"
    truck.save()
    assert named() == [before[0], "Another", before[2]]


def test_a_truck_counts_in_each_of_its_groups_and_those_of_none_come_last() -> None:
    groups = [{"id": 3, "name": "A", "trucks": "[1,2]"}, {"id": 4, "name": "B", "trucks": "[2,9]"}]
    groups.append({"id": 5, "name": "C", "trucks": "[8]"})
    found = list(truck_sums.grouped({1, 2, 7}, groups))
    assert found == [(3, "A", [1, 2]), (4, "B", [2]), (None, None, [7])]
