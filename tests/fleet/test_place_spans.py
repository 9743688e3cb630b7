"""The places of many trucks together: taken away by every change, added up later, and the same to whoever reads."""

import datetime as dt
import random
from dataclasses import asdict
from typing import Any

import pytest
from django.db.models import F

from apps.accounts.models import Fleet
from apps.fleet import queries, summaries
from apps.fleet.idling import heads
from apps.fleet.idling.blocks import pack_places
from apps.fleet.models import IdlePlaceSpan, TruckBlock, TruckDayIdlePlace
from apps.fleet.summaries import batches, blocks, place_spans, writing
from apps.fleet.sums import places
from apps.fleet.sums import queries as sum_queries
from apps.fleet.sums.places import worst_places_of_group_sync, worst_places_sync
from apps.mysql import Row
from apps.trucks.models import SummaryRevision, TruckGroup
from tests import rows
from tests.elsewhere import Elsewhere, waiting_in_vain
from tests.fleet.filling import fill
from tests.fleet.places_twin import assert_packed
from tests.fleet.span_twin import total
from tests.lasting import Lasting, anew

FIRST, LAST = dt.date(2026, 1, 13), dt.date(2026, 4, 12)  # 90 days: days, pentads and months
ONE = dt.timedelta(days=1)
TRUCKS = (3, 60, 64, 700, 16_390)  # of four blocks, the last in another part
SPOTS = ["@7.3", "@7.4", "@9.1", "=Yard", "?"]


def five_trucks() -> Fleet:
    """Five trucks that idle at some of five places every third day; `All` and `Some` of them are groups."""
    made, chance = rows.fleet(timezone="UTC"), random.Random(11)
    trucks = [rows.truck(made, f"T-{pk}", id=pk) for pk in TRUCKS]
    rows.group(made, "All", *trucks)
    rows.group(made, "Some", *trucks[1:4])
    days = [(truck.pk, FIRST + number * ONE) for truck in trucks for number in range(-20, 110, 3)]
    for truck_id, day in days:
        for spot in chance.sample(SPOTS, 2):
            idle(made, truck_id, day, spot, chance.randrange(9_999))
    blocks.replace_places(made.pk, days)
    return made


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(five_trucks)


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


def idle(fleet: Fleet, truck_id: int, day: dt.date, spot: str, seconds: int) -> None:
    TruckDayIdlePlace.objects.create(
        fleet_id=fleet.pk, truck_id=truck_id, day=day, spot=spot, events=1, idle_s=seconds, productive_s=seconds // 3
    )


def worst(fleet: Fleet, first: dt.date = FIRST, last: dt.date = LAST) -> list[tuple[Any, ...]]:
    return seconds(worst_places_sync(queries.period(fleet.pk, first, last), 100))


def worst_of(group: TruckGroup, first: dt.date = FIRST, last: dt.date = LAST) -> list[tuple[Any, ...]]:
    where = {**queries.period(group.fleet_id, first, last), "id": group.pk}
    return seconds(worst_places_of_group_sync(where, 100))


def seconds(found: list[Row]) -> list[tuple[Any, ...]]:
    return [(row["spot"], row["events"], row["idle_s"], row["productive_s"]) for row in found]


def plainly(fleet: Fleet, first: dt.date = FIRST, last: dt.date = LAST, trucks: Any = TRUCKS) -> list[tuple[Any, ...]]:
    """Over the rows of the days."""
    days = [row for row in TruckDayIdlePlace.objects.filter(fleet_id=fleet.pk) if first <= row.day <= last]
    found = []
    for spot in {row.spot for row in days if row.truck_id in trucks}:
        its = [row for row in days if row.spot == spot and row.truck_id in trucks]
        found.append(
            (spot, *(total(getattr(row, name) for row in its) for name in ("events", "idle_s", "productive_s")))
        )
    return sorted(found, key=lambda row: (row[3] - row[2], row[0]))


def test_a_quarter_is_the_same_whatever_is_added_up_of_it(fleet: Fleet) -> None:
    expected = plainly(fleet)
    assert len(expected) == len(SPOTS)
    assert not IdlePlaceSpan.objects.filter(due_at=None).exists()
    assert worst(fleet) == expected, "nothing is added up yet"
    keys = sorted(place_spans.due(fleet.pk, early=True).values_list("pk", flat=True))
    for number, key in enumerate(random.Random(5).sample(keys, len(keys))):
        place_spans._add_up(IdlePlaceSpan.objects.get(pk=key))
        if number % 5 == 0:
            assert worst(fleet) == expected
    assert not place_spans.due(fleet.pk, early=True).exists()
    assert worst(fleet) == expected, "all of it is"
    assert_packed(fleet.pk, list(TruckDayIdlePlace.objects.all()))


def test_a_quarter_is_the_sum_of_its_days_and_a_group_of_all_is_the_fleet(fleet: Fleet) -> None:
    place_spans.add_up(fleet, early=True)
    every, some = (TruckGroup.objects.get(name=name) for name in ("All", "Some"))
    for days in ((FIRST, LAST), (FIRST, FIRST), (FIRST, FIRST + 6 * ONE), (FIRST - 12 * ONE, LAST + 18 * ONE)):
        assert worst_of(every, *days) == worst(fleet, *days) == plainly(fleet, *days)
        assert worst_of(some, *days) == plainly(fleet, *days, trucks=TRUCKS[1:4])
    days_of = [worst_of(some, FIRST + number * ONE, FIRST + number * ONE) for number in range(90)]
    assert sum(row[2] for day in days_of for row in day) == sum(row[2] for row in worst_of(some))


def test_a_change_takes_the_sums_away_of_its_part_and_spans_alone(fleet: Fleet) -> None:
    place_spans.add_up(fleet, early=True)
    idle(fleet, 3, dt.date(2026, 2, 7), "@1.1", 50_000_000)
    blocks.replace_places(fleet.pk, [(3, dt.date(2026, 2, 7))])
    gone = place_spans.due(fleet.pk, early=True)
    assert set(gone.values_list("span", "first_day", "part", "places")) == {
        ("day", dt.date(2026, 2, 7), 0, b""), ("pentad", dt.date(2026, 2, 6), 0, b""),
        ("month", dt.date(2026, 2, 1), 0, b""),
    }  # fmt: skip
    assert worst(fleet) == plainly(fleet)
    assert worst(fleet)[0][:3] == ("@1.1", 1, 50_000_000)
    assert place_spans.add_up(fleet, early=True) == 3
    assert worst(fleet) == plainly(fleet)


def test_they_are_added_up_ten_minutes_after_the_first_change_once_for_all(fleet: Fleet) -> None:
    assert (place_spans.add_up(fleet), summaries.fleets_with_dirty_days()) == (0, [])
    IdlePlaceSpan.objects.update(due_at=F("due_at") - blocks.PLACES_LATER)
    before = dict(IdlePlaceSpan.objects.values_list("pk", "due_at"))
    blocks.replace_places(fleet.pk, list(TruckDayIdlePlace.objects.values_list("truck_id", "day")))
    assert dict(IdlePlaceSpan.objects.values_list("pk", "due_at")) == before, "the first change counts"
    assert summaries.fleets_with_dirty_days() == [fleet.pk]
    assert place_spans.add_up(fleet, seconds=0) == 1, "one at least"
    assert summaries.rebuild(fleet, seconds=60) == summaries.Outcome()
    assert summaries.fleets_with_dirty_days() == []
    assert not IdlePlaceSpan.objects.exclude(due_at=None).exists()


def test_a_worker_leaves_those_that_are_not_due_and_the_foreground_does_not(fleet: Fleet) -> None:
    batches.rebuild(fleet, seconds=60)
    assert not IdlePlaceSpan.objects.filter(due_at=None).exists()
    batches.rebuild(fleet)
    assert not IdlePlaceSpan.objects.exclude(due_at=None).exists()


def test_a_quarter_is_the_same_by_heads_that_leave_most_out(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MOST", 1)
    expected = plainly(fleet)
    keys = sorted(place_spans.due(fleet.pk, early=True).values_list("pk", flat=True))
    for number, key in enumerate(random.Random(6).sample(keys, len(keys))):
        place_spans._add_up(IdlePlaceSpan.objects.get(pk=key))
        if number % 5 == 0 or number + 1 == len(keys):
            where = queries.period(fleet.pk, FIRST, LAST)
            [one] = worst_places_sync(where, 1)
            assert (seconds([one]), one["number"]) == (expected[:1], len(SPOTS))
    assert IdlePlaceSpan.objects.filter(left_s__gt=0).exists()


def test_a_month_is_added_up_from_its_pentads_and_a_pentad_from_its_days(fleet: Fleet) -> None:
    place_spans.add_up(fleet, early=True)
    before = list(IdlePlaceSpan.objects.order_by("pk").values())
    for kind in ("month", "pentad"):
        IdlePlaceSpan.objects.filter(span=kind).update(due_at=rows.NOON, places=b"", worst=b"", cells=b"")
    TruckBlock.objects.exclude(span="day").update(places=b"")  # as if there were none: nobody reads them
    place_spans.add_up(fleet, early=True)
    assert list(IdlePlaceSpan.objects.order_by("pk").values()) == before


def test_pieces_come_before_what_is_added_up_from_them() -> None:
    day, pentad, month = (
        IdlePlaceSpan(span=kind, first_day=dt.date(2026, 2, first), part=0)
        for kind, first in (("day", 2), ("pentad", 1), ("month", 1))
    )
    assert sorted((month, pentad, day), key=place_spans._turn) == [day, pentad, month]


def test_parts_that_are_taken_away_while_they_are_read_have_all_of_it_read() -> None:
    reads = places._worst_places(1)
    assert next(reads) == sum_queries.IDLE_PLACE_HEADS
    of_days = [[("@1.1", 900), ("@1.2", 5)], [("@1.2", 800), ("@1.1", 10)]]
    read = []
    for number, day in enumerate(of_days, 1):
        packed = pack_places([(0, spot, 1, idle_s, None, None, 0, None, None) for spot, idle_s in day])
        head = asdict(heads.Head.of(packed, 1))
        read.append({"span": "day", "first_day": FIRST + number * ONE, "part": 0, **head})
    asked = reads.send(read)
    assert asked == sum_queries.idle_places_of({("day", FIRST + 2 * ONE, 0)})
    assert reads.send([]) == sum_queries.IDLE_PLACES


@pytest.mark.django_db(transaction=True)
def test_nothing_is_added_up_while_somebody_writes_days() -> None:
    """Else the sums of the blocks as they were could be there after these are others."""
    fleet = five_trucks()
    SummaryRevision.objects.create(fleet_id=fleet.pk, revision=1, changed_at=rows.NOON)
    with Elsewhere(lambda: writing.lock_revision(fleet.pk)), waiting_in_vain():
        place_spans.add_up(fleet, early=True)
    assert not IdlePlaceSpan.objects.filter(due_at=None).exists()


def test_one_fleet_never_sees_anothers_places(fleet: Fleet) -> None:
    other = rows.fleet("Other", timezone="UTC")
    place_spans.add_up(fleet, early=True)
    assert place_spans.add_up(other, early=True) == 0
    assert worst(other) == []
    group = TruckGroup.objects.get(name="All")
    group.fleet = other  # as if it were asked about with the other fleet's key
    assert worst_of(group) == []


def test_the_migration_packs_the_places_there_are_as_a_rebuild_does(fleet: Fleet) -> None:
    before = list(TruckBlock.objects.order_by("pk").values())
    TruckBlock.objects.update(places=b"as it was packed before")
    IdlePlaceSpan.objects.all().delete()
    fill("0003_idle_places_by_truck")
    fill("0008_idle_places_of_large_fleets")
    IdlePlaceSpan.objects.update(places=b"as it was packed before", due_at=None)
    fill("0009_narrower_idle_places")
    IdlePlaceSpan.objects.update(places=b"without a head", due_at=None)
    fill("0012_heads_of_idle_places")
    assert list(TruckBlock.objects.order_by("pk").values()) == before
    assert summaries.fleets_with_dirty_days() == [fleet.pk]
    summaries.rebuild(fleet)
    assert_packed(fleet.pk, list(TruckDayIdlePlace.objects.all()))
