"""Pages of trucks with their sums: which trucks are on them, and which blocks are read for them."""

import pytest
from asgiref.sync import async_to_sync

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.sums import trucks as truck_sums
from tests import rows
from tests.statements import sent_statements

page = async_to_sync(truck_sums.page)


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
    found = page(where, ("distance_m",), after, limit, group_id)
    return [(row["truck_id"], row["distance_m"]) for row in found]


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


def test_a_truck_counts_in_each_of_its_groups_and_those_of_none_come_last() -> None:
    groups = [{"id": 3, "name": "A", "trucks": "[1,2]"}, {"id": 4, "name": "B", "trucks": "[2,9]"}]
    groups.append({"id": 5, "name": "C", "trucks": "[8]"})
    found = list(truck_sums.grouped({1, 2, 7}, groups))
    assert found == [(3, "A", [1, 2]), (4, "B", [2]), (None, None, [7])]
