"""What trucks are ranked by, packed of thousands in a row: it comes out again, and added up to the last digit."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.models import Fleet
from apps.fleet.models import RankingBlock
from apps.fleet.summaries import sums
from apps.fleet.sums.blocks import pack, unpacked
from apps.fleet.sums.ranking_blocks import COLUMNS, added_up, part_of, replaced
from apps.trucks.models import SummaryRevision, TruckDay
from tests import rows
from tests.fleet.filling import fill
from tests.fleet.span_twin import assert_rankings_hold, total

TRUCKS = (0, 1, 2, 63, 64, 4_095, 4_096, 9_000)
VALUE = st.none() | st.sampled_from((0, 5, 65_534, 65_535, 65_536, 2**32 - 2, 2**32 - 1, 2**32, 2**40))
FIGURES = st.sampled_from([(0, 0, 86_400, 0), (None, None, 86_400, 0)]) | st.tuples(VALUE, VALUE, VALUE, VALUE)
DAY = st.dictionaries(st.sampled_from(TRUCKS), FIGURES)


@settings(deadline=None)
@given(st.lists(DAY, max_size=4))
def test_days_add_up_by_truck_exactly_and_null_where_nothing_is_measured(days: list[dict[int, Any]]) -> None:
    ids, columns = added_up(row for day in days for row in packed(day).items())
    assert ids.tolist() == sorted({truck for day in days for truck in day})
    for place, name in enumerate(COLUMNS):
        true = [total(day[truck][place] for day in days if truck in day) for truck in ids.tolist()]
        assert [None if value != value else int(value) for value in columns[name].tolist()] == true


@settings(deadline=None)
@given(DAY, DAY, st.sets(st.sampled_from([truck // 64 for truck in TRUCKS])))
def test_a_row_has_what_some_blocks_have_now_and_what_the_others_had(
    before: dict[int, Any], now: dict[int, Any], blocks: set[int]
) -> None:
    rows = packed(before)
    changed = {part: {block for block in blocks if part_of(block) == part} for part in map(part_of, blocks)}
    tables = {part: table({truck: now[truck] for truck in now if truck // 64 in changed[part]}) for part in changed}
    after = {part: replaced(rows.get(part, b""), changed[part], [tables[part]]) for part in changed}
    true = {truck: row for truck, row in before.items() if truck // 64 not in blocks}
    true |= {truck: row for truck, row in now.items() if truck // 64 in blocks}
    assert {part: row for part, row in (rows | after).items() if row} == packed(true)


def packed(day: dict[int, Any]) -> dict[int, bytes]:
    parts = {part: {truck: day[truck] for truck in day if truck // 4_096 == part} for part in {t // 4_096 for t in day}}
    return {part: replaced(b"", {truck // 64 for truck in trucks}, [table(trucks)]) for part, trucks in parts.items()}


def table(day: dict[int, Any]) -> Any:
    return unpacked(pack([(truck, *day[truck]) for truck in sorted(day)]), 1 + len(COLUMNS))


# --- as days change -------------------------------------------------------------------------------------------------

ONE = dt.timedelta(days=1)


@pytest.fixture
def fleet(db: None) -> Fleet:
    """Four trucks, the last in another row, with some days over a month's end."""
    made = rows.fleet(timezone="UTC")
    for number, pk in enumerate((5, 6, 70, 5_000)):
        truck = rows.truck(made, f"T-{pk}", id=pk)
        for ago in range(0, 12, 1 + number % 2):
            figures = {"idle_s": None, "idle_productive_s": None} if pk == 6 else {"idle_s": 3_000 + pk % 99 + ago}
            rows.truck_day(truck, dt.date(2026, 3, 4) - ago * ONE, **figures)
    rows.sum_up()
    return made


def all_days(fleet: Fleet) -> list[TruckDay]:
    return list(TruckDay.objects.filter(fleet_id=fleet.pk))


def test_late_days_and_days_that_are_gone_are_in_the_rows_of_their_time(fleet: Fleet) -> None:
    assert_rankings_hold(fleet.pk, all_days(fleet))
    days = TruckDay.objects.filter(fleet_id=fleet.pk, truck_id__in=(6, 70), day__gte=dt.date(2026, 2, 27))
    changed = list(days.values_list("truck_id", "day"))
    days.filter(truck_id=6).update(idle_s=0, idle_productive_s=0)
    days.filter(truck_id=70).delete()
    revision = SummaryRevision.objects.create(fleet_id=fleet.pk, revision=1, changed_at=rows.NOON)
    sums.of_days(fleet.pk, changed, revision)
    assert_rankings_hold(fleet.pk, all_days(fleet))
    changed = list(TruckDay.objects.values_list("truck_id", "day"))
    TruckDay.objects.all().delete()
    sums.of_days(fleet.pk, changed, revision)
    assert not RankingBlock.objects.exists()


def test_a_day_changes_the_rows_of_its_part_of_the_fleet_alone(fleet: Fleet) -> None:
    before = {row.pk: row for row in RankingBlock.objects.all()}
    RankingBlock.objects.filter(part=0).update(idling=b"")  # as if it had been other
    sums.of_spans(fleet.pk, list(TruckDay.objects.filter(truck_id=5_000).values_list("truck_id", "day")))
    assert {row.idling for row in RankingBlock.objects.filter(part=0)} == {b""}, "of another part"
    sums.of_spans(fleet.pk, list(TruckDay.objects.exclude(truck_id=5_000).values_list("truck_id", "day")))
    assert {row.pk: row.idling for row in RankingBlock.objects.all()} == {pk: row.idling for pk, row in before.items()}


def test_another_fleets_trucks_are_in_rows_of_their_own(fleet: Fleet) -> None:
    other = rows.fleet("Other", timezone="UTC")
    rows.truck_day(rows.truck(other, "T-5", id=7), dt.date(2026, 3, 4))
    rows.sum_up()
    for each in (fleet, other):
        assert_rankings_hold(each.pk, all_days(each))


def test_the_migration_packs_the_days_there_are_as_a_rebuild_does(fleet: Fleet) -> None:
    before = list(RankingBlock.objects.order_by("pk").values())
    RankingBlock.objects.all().delete()
    fill("0010_figures_for_rankings")
    assert list(RankingBlock.objects.order_by("pk").values()) == before
