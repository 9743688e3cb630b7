"""The log of dirty days becomes truck-days, events, costs and fleet-days: once, whole, or not at all."""

import datetime as dt
import math
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.models import (
    CostRate,
    FleetDay,
    FleetDayCost,
    FleetDayHours,
    FuelMoney,
    FuelPrice,
    TruckDayCost,
    TruckDayDriver,
    TruckDayFuel,
    TruckDayHours,
)
from apps.fleet.queries import DAYS_OF_USE
from apps.fleet.summaries import batches, sums, writing
from apps.trucks import invalidation
from apps.trucks.messages import bulk_load
from apps.trucks.models import DirtyDay, ParameterSet, SummaryRevision, TruckDay
from apps.trucks.sync import ingest
from tests import rows
from tests.fleet.shifts import (
    DAYS,
    MONDAY,
    NOW,
    ONE,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    days_written_since,
    revision,
    shift,
    trucks,
)
from tests.fleet.test_reports_runs import in_threads
from tests.pipeline import feed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sums_add_up")]
SUMMARIES = (
    TruckDay, *feed.EVENTS, TruckDayCost, TruckDayFuel, TruckDayDriver, TruckDayHours, FleetDay, FleetDayCost,
    FleetDayHours,
)  # fmt: skip


def table(model: Any, fleet: Fleet) -> list[dict[str, Any]]:
    return list(model.objects.filter(fleet_id=fleet.id).order_by("pk").values())


def tables(fleet: Fleet) -> dict[str, list[dict[str, Any]]]:
    """All that a rebuild writes, to the last column."""
    return {model.__name__: table(model, fleet) for model in (*SUMMARIES, SummaryRevision, DirtyDay)}


def figures(fleet: Fleet) -> dict[str, list[dict[str, Any]]]:
    """The same without when and how often it was written."""
    without = ("revision", "computed_at", "id")
    return {
        model.__name__: [{n: v for n, v in row.items() if n not in without} for row in table(model, fleet)]
        for model in SUMMARIES
    }


def marked(fleet: Fleet) -> list[tuple[str, dt.date]]:
    codes = {truck.id: truck.code for truck in trucks(fleet)}
    log = DirtyDay.objects.filter(fleet_id=fleet.id).order_by("truck_id", "day")
    return [(codes[row.truck_id], row.day) for row in log]


def mark_all(fleet: Fleet) -> None:
    assert invalidation.mark_fleet(fleet.id, MONDAY, "test") == 8


def elsewhere(work: Callable[[], Any]) -> None:
    """Does it on another connection, to its commit."""

    def on_a_connection_of_its_own() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=on_a_connection_of_its_own)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


# --- runs ---


def test_the_first_run_makes_a_row_of_every_day_and_empties_the_log(fleet: Fleet) -> None:
    assert summaries.waiting(fleet.id) == 8
    assert summaries.rebuild(fleet) == summaries.Outcome(claimed=8, changed=8, failed=0)
    assert marked(fleet) == []
    assert days_written_since(fleet, 0) == [(code, day) for code in ("T-0", "T-1") for day in DAYS]
    assert [row.day for row in FleetDay.objects.filter(fleet_id=fleet.id).order_by("day")] == DAYS
    monday = TruckDay.objects.get(truck_id=trucks(fleet)[0].id, day=MONDAY)
    assert (monday.distance_m, monday.moving_s, monday.idle_s) == (120_000, 7_200, 3_600)
    assert (monday.trips, monday.idle_events, monday.fuel_used_l) == (1, 1, 30.0)
    costs = TruckDayCost.objects.filter(truck_id=trucks(fleet)[0].id, day=MONDAY).order_by("line")
    assert [(cost.line, cost.amount) for cost in costs] == [("fuel", Decimal("45.00")), ("tolls", Decimal("24.00"))]


def test_a_run_without_dirty_days_writes_nothing(rebuilt: Fleet) -> None:
    before = tables(rebuilt)
    assert summaries.rebuild(rebuilt) == summaries.Outcome()
    assert tables(rebuilt) == before


def test_rebuilding_days_that_come_out_the_same_writes_nothing(rebuilt: Fleet) -> None:
    before = tables(rebuilt)
    mark_all(rebuilt)
    assert summaries.rebuild(rebuilt) == summaries.Outcome(claimed=8, changed=0, failed=0)
    assert tables(rebuilt) == before


def move_to(fleet: Fleet, zone: str) -> None:
    with transaction.atomic():
        invalidation.lock_trucks(fleet.id)
        Fleet.objects.filter(id=fleet.id).update(timezone=zone)
        invalidation.mark_zone(fleet.id)
    assert summaries.rebuild(fleet).failed == 0  # the fleet that a worker read before it moved


def test_a_day_that_only_another_zone_had_goes_with_it(rebuilt: Fleet) -> None:
    before, sunday = figures(rebuilt), MONDAY - ONE
    move_to(rebuilt, "America/Chicago")
    assert TruckDay.objects.filter(fleet_id=rebuilt.id, day=sunday).count() == 2
    assert FleetDay.objects.filter(fleet_id=rebuilt.id, day=sunday).exists()
    move_to(rebuilt, "UTC")
    assert figures(rebuilt) == before
    assert marked(rebuilt) == []


def test_a_worker_s_share_of_time_ends_and_the_rest_stays_in_the_log(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    assert summaries.rebuild(fleet, seconds=1e-9).claimed <= 2
    assert len(marked(fleet)) >= 6


def test_what_days_are_computed_with_is_read_once_a_batch(fleet: Fleet, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(1_000) as asked:
        assert summaries.rebuild_batch(fleet).claimed == 8  # of two trucks
    for table in ("parameter_set", "productive_place", "drain_review", "driver_assignment", "quarantined_message"):
        assert sum(f"FROM `{table}`" in query["sql"] for query in asked.captured_queries) == 1, table


def test_of_a_day_that_goes_on_only_what_changed_is_written(rebuilt: Fleet, django_assert_max_num_queries: Any) -> None:
    first = trucks(rebuilt)[0]
    parked = {"t": NOW, "f": 1, "tp": "ud", "rt": NOW, "pos": None, "p": {"ign": 0}}
    feed.receive(first, [parked], NOW + 600)
    with django_assert_max_num_queries(1_000) as asked:
        assert summaries.rebuild(rebuilt).changed == 1
    written = [query["sql"] for query in asked.captured_queries if query["sql"].startswith(("INSERT", "DELETE"))]
    assert any("`truck_day`" in sql for sql in written)
    assert [sql for sql in written if any(f"`{name}`" in sql for name in ("trip", "stop", "idle_event"))] == []


def test_the_fleet_with_the_fewest_dirty_days_comes_first(fleet: Fleet) -> None:
    small = rows.fleet("Small")
    feed.receive(feed.truck_of(small, "S"), shift(days=1), NOW)
    assert summaries.fleets_with_dirty_days() == [small.id, fleet.id]


# --- meanwhile ---


@pytest.mark.django_db(transaction=True)
def test_a_day_marked_again_while_it_is_rebuilt_stays_in_the_log(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    first, calls = trucks(fleet)[0], []

    def detect_and_change(*arguments: Any) -> Iterator[Any]:
        yield from detect_days(*arguments)
        if not calls:  # a price is changed elsewhere after the prices were read
            calls.append(elsewhere(change_price))

    def change_price() -> None:
        FuelPrice.objects.filter(fleet=fleet).update(price_per_l=Decimal("2.00"))
        invalidation.mark_fleet(fleet.id, TUESDAY, "price", first.id)

    detect_days = batches.detect_days
    monkeypatch.setattr(batches, "detect_days", detect_and_change)
    assert summaries.rebuild_batch(fleet) == summaries.Outcome(claimed=8, changed=8, failed=0)
    assert calls
    assert marked(fleet) == [("T-0", day) for day in (TUESDAY, WEDNESDAY, THURSDAY)]
    summaries.rebuild(fleet)
    costs = TruckDayCost.objects.filter(truck_id=first.id, line="fuel").order_by("day")
    assert [cost.amount for cost in costs] == [Decimal(45), Decimal(60), Decimal(60), Decimal(60)]
    assert marked(fleet) == []


@pytest.mark.django_db(transaction=True)
def test_a_failed_day_marked_again_meanwhile_is_not_postponed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def mark_and_fail(*arguments: Any) -> Iterator[Any]:
        elsewhere(lambda: mark_all(fleet))
        raise ArithmeticError("no figures today")

    monkeypatch.setattr(batches, "detect_days", mark_and_fail)
    assert summaries.rebuild_batch(fleet).failed == 8
    assert set(DirtyDay.objects.values_list("attempts", "retry_at", "last_error")) == {(0, None, "")}


@pytest.mark.django_db(transaction=True)
def test_several_rebuilders_end_in_the_same_rows_as_one(rebuilt: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = figures(rebuilt)
    for model in SUMMARIES:
        model.objects.filter(fleet_id=rebuilt.id).delete()
    mark_all(rebuilt)
    monkeypatch.setattr(batches, "BATCH", 2)
    outcomes = in_threads(lambda: summaries.rebuild(rebuilt), 3)
    assert sum(outcomes, summaries.Outcome()) == summaries.Outcome(claimed=8, changed=8, failed=0)
    assert figures(rebuilt) == alone
    assert marked(rebuilt) == []


@pytest.mark.django_db(transaction=True)
def test_a_truck_that_somebody_stores_for_is_left_to_the_next_batch(fleet: Fleet) -> None:
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM truck_sync WHERE truck_id = %s FOR UPDATE", [trucks(fleet)[0].id])
            locked.set()
            done.wait(30)
            cursor.execute("ROLLBACK")
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    try:
        assert summaries.rebuild_batch(fleet).claimed == 4
        assert {code for code, _ in marked(fleet)} == {"T-0"}
        assert summaries.rebuild_batch(fleet).claimed == 0
    finally:
        done.set()
        holder.join()
    assert summaries.rebuild_batch(fleet).claimed == 4


# --- failures ---


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (writing, "next_revision"),
        (writing, "_replace_events"),
        (writing, "_replace_costs"),
        (sums, "_fleet_days"),
        (sums, "of_spans"),
        (batches, "_update_log"),
    ],
)
def test_broken_off_anywhere_it_leaves_everything_as_it_was(
    module: Any, step: str, rebuilt: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    FuelPrice.objects.filter(fleet=rebuilt).update(price_per_l=Decimal("2.00"))
    mark_all(rebuilt)
    before = tables(rebuilt)
    do_it = getattr(module, step)

    def do_it_and_break_off(*arguments: Any) -> None:
        do_it(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, do_it_and_break_off)
        with pytest.raises(KeyboardInterrupt):
            summaries.rebuild(rebuilt)
    assert tables(rebuilt) == before
    assert summaries.rebuild(rebuilt) == summaries.Outcome(claimed=8, changed=8, failed=0)


def let_pauses_pass() -> None:
    DirtyDay.objects.filter(retry_at__isnull=False).update(retry_at=timezone.now() - dt.timedelta(seconds=1))


def pause() -> float:
    """Minutes until all failed days are tried again."""
    at = max(row.retry_at for row in DirtyDay.objects.filter(attempts__gt=0))
    return float((at - timezone.now()).total_seconds() / 60)


def break_first(fleet: Fleet) -> ParameterSet:
    """Parameters that no form would let through: nothing of the first truck can be computed."""
    return ParameterSet.objects.create(
        fleet=fleet, truck=trucks(fleet)[0], values={"nonsense": 1}, effective_from=MONDAY
    )


def test_a_bad_truck_does_not_stop_the_others_and_keeps_its_error(fleet: Fleet) -> None:
    wrong = break_first(fleet)
    assert summaries.rebuild(fleet) == summaries.Outcome(claimed=8, changed=4, failed=4)
    assert days_written_since(fleet, 0) == [("T-1", day) for day in DAYS]
    assert marked(fleet) == [("T-0", day) for day in DAYS]
    for row in DirtyDay.objects.filter(fleet_id=fleet.id):
        assert (row.attempts, "nonsense" in row.last_error) == (1, True)
    assert 0.9 < pause() <= 1
    assert summaries.rebuild(fleet) == summaries.Outcome(), "its time has not come yet"
    wrong.delete()
    let_pauses_pass()
    assert summaries.rebuild(fleet) == summaries.Outcome(claimed=4, changed=4, failed=0)
    assert marked(fleet) == []


def test_after_five_attempts_a_bad_truck_is_tried_every_six_hours(fleet: Fleet) -> None:
    break_first(fleet)
    pauses = []
    for _ in range(7):
        summaries.rebuild(fleet)
        pauses.append(round(pause(), 1))
        let_pauses_pass()
    assert pauses == [1, 1, 1, 1, 360, 360, 360]


def test_marking_a_day_again_takes_its_failures_away(fleet: Fleet) -> None:
    wrong = break_first(fleet)
    summaries.rebuild(fleet)
    wrong.delete()
    mark_all(fleet)
    assert summaries.rebuild(fleet).failed == 0
    assert len(days_written_since(fleet, 0)) == 8


def test_a_truck_that_is_being_filled_is_not_rebuilt_until_its_watermark_covers_it(rebuilt: Fleet) -> None:
    first = trucks(rebuilt)[0]
    before = tables(rebuilt)
    feed.deliver(first, shift(km=480, first_t=NOW, days=1, until=NOW + 7_200), NOW + 7_200)
    assert marked(rebuilt) == [("T-0", THURSDAY)]
    assert summaries.waiting(rebuilt.id) == 0
    assert summaries.rebuild(rebuilt) == summaries.Outcome()
    assert {**tables(rebuilt), "DirtyDay": []} == before
    ingest.advance(rebuilt, [first.id], NOW + 7_200)
    assert summaries.rebuild(rebuilt) == summaries.Outcome(claimed=1, changed=1, failed=0)


# --- sums ---


def test_a_fleet_s_day_is_the_sum_of_its_trucks_days(rebuilt: Fleet) -> None:
    own = {"fleet_id", "day", "trucks", "trucks_used", "engine_moving_s", "fuel_distance_m", "consumption_l"}
    own |= {"consumption_days", "harsh_distance_m"}
    own |= set(DAYS_OF_USE)
    own |= {field.name for field in FuelMoney._meta.local_fields}
    summed = {field.name for field in FleetDay._meta.local_concrete_fields} - own - {"as_of", "revision", "computed_at"}
    fleet_days = FleetDay.objects.filter(fleet_id=rebuilt.id).order_by("day")
    assert [day.day for day in fleet_days] == DAYS
    for whole in fleet_days:
        parts = list(TruckDay.objects.filter(fleet_id=rebuilt.id, day=whole.day))
        assert (whole.trucks, whole.trucks_used) == (2, sum(part.is_used for part in parts)) == (2, 2)
        assert whole.as_of == min(part.as_of for part in parts)
        for name in summed:
            measured = [getattr(part, name) for part in parts if getattr(part, name) is not None]
            assert getattr(whole, name) == (math.fsum(measured) if measured else None), name
        assert (whole.engine_moving_s, whole.fuel_distance_m) == (whole.moving_s, whole.distance_m)
        assert (whole.days_working, whole.days_used_working) == (2, 2)
        assert (whole.consumption_l, whole.consumption_days) == (whole.fuel_used_l, whole.trucks)


def test_a_fleet_s_cost_is_the_sum_of_its_trucks_costs(rebuilt: Fleet) -> None:
    CostRate.objects.create(
        fleet=rebuilt, truck=trucks(rebuilt)[0], line="tolls", basis="per_day", amount=Decimal("7.77"),
        effective_from=MONDAY,
    )  # fmt: skip
    for own_days in (4, 0):
        mark_all(rebuilt)
        summaries.rebuild(rebuilt)
        wholes = FleetDayCost.objects.filter(fleet_id=rebuilt.id)
        parts = TruckDayCost.objects.filter(fleet_id=rebuilt.id)
        assert len(wholes) == len({(part.day, part.line) for part in parts}) == 8
        for whole in wholes:
            assert whole.amount == sum(
                part.amount for part in parts if (part.day, part.line) == (whole.day, whole.line)
            )
        # Rates of one line add up where they have another basis: 24.00 by the kilometre, 7.77 by the day.
        assert parts.filter(line="tolls", amount=Decimal("31.77")).count() == own_days
        CostRate.objects.filter(fleet=rebuilt).exclude(truck=None).delete()


# --- revisions ---


def test_the_revision_grows_with_a_change_and_stands_on_the_changed_days_alone(rebuilt: Fleet) -> None:
    number = revision(rebuilt)
    rows.price(rebuilt, WEDNESDAY, "2.00")
    mark_all(rebuilt)
    summaries.rebuild(rebuilt)
    assert revision(rebuilt) == number + 1
    assert days_written_since(rebuilt, number) == [(c, d) for c in ("T-0", "T-1") for d in (WEDNESDAY, THURSDAY)]
    days = FleetDay.objects.filter(fleet_id=rebuilt.id, revision=number + 1).order_by("day")
    assert [day.day for day in days] == [WEDNESDAY, THURSDAY]


def test_fleets_have_revisions_of_their_own(rebuilt: Fleet) -> None:
    number = revision(rebuilt)
    other = rows.fleet("Other")
    feed.receive(feed.truck_of(other, "O"), shift(days=1), NOW)
    summaries.rebuild(other)
    assert (revision(rebuilt), revision(other)) == (number, 1)


# --- exactly its days ---


def test_a_new_price_changes_the_costs_from_its_day_on(rebuilt: Fleet) -> None:
    before, number = tables(rebuilt), revision(rebuilt)
    rows.price(rebuilt, WEDNESDAY, "3.00")
    assert invalidation.mark_fleet(rebuilt.id, WEDNESDAY, "price") == 4
    assert {day for _, day in marked(rebuilt)} == {WEDNESDAY, THURSDAY}
    assert summaries.rebuild(rebuilt).changed == 4
    assert days_written_since(rebuilt, number) == [(c, d) for c in ("T-0", "T-1") for d in (WEDNESDAY, THURSDAY)]
    fuel = TruckDayCost.objects.filter(truck_id=trucks(rebuilt)[0].id, line="fuel").order_by("day")
    assert [cost.amount for cost in fuel] == [Decimal(45), Decimal(45), Decimal(90), Decimal(90)]
    after = tables(rebuilt)
    assert [row for row in after["TruckDay"] if row["day"] < WEDNESDAY] == [
        row for row in before["TruckDay"] if row["day"] < WEDNESDAY
    ]
    assert after["Trip"] == before["Trip"]


def test_a_truck_s_own_rate_for_a_day_changes_that_truck_s_day(rebuilt: Fleet) -> None:
    number, second = revision(rebuilt), trucks(rebuilt)[1]
    CostRate.objects.create(
        fleet=rebuilt, truck=second, line="insurance", basis="per_day", amount=Decimal("20"),
        effective_from=TUESDAY, effective_to=TUESDAY,
    )  # fmt: skip
    assert invalidation.mark_fleet(rebuilt.id, TUESDAY, "rate", second.id) == 3
    assert summaries.rebuild(rebuilt) == summaries.Outcome(claimed=3, changed=1, failed=0)
    assert days_written_since(rebuilt, number) == [("T-1", TUESDAY)]


def test_a_parameter_changes_the_days_of_its_truck_from_its_day_on(rebuilt: Fleet) -> None:
    number, first = revision(rebuilt), trucks(rebuilt)[0]
    ParameterSet.objects.create(fleet=rebuilt, truck=first, values={"moving_speed_kmh": 70}, effective_from=WEDNESDAY)
    assert invalidation.mark_fleet(rebuilt.id, WEDNESDAY, "parameters", first.id) == 2
    summaries.rebuild(rebuilt)
    assert days_written_since(rebuilt, number) == [("T-0", WEDNESDAY), ("T-0", THURSDAY)]
    own = TruckDay.objects.filter(truck_id=first.id).order_by("day")
    assert [(day.moving_s, day.trips) for day in own] == [(7_200, 1), (7_200, 1), (0, 0), (0, 0)]


# --- the constraint ---


@pytest.mark.parametrize(
    "changes", [{"no_data_s": 3_599}, {"idle_s": None, "no_data_s": 3_600}, {"length_s": 90_000, "no_data_s": 3_600}]
)
def test_the_database_refuses_a_day_that_does_not_add_up(changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="truck_day_adds_up"):
        rows.truck_day(rows.truck(rows.fleet()), **changes)


# --- how they are written ---


@pytest.mark.parametrize("many", [1, math.inf])
def test_rows_are_the_same_whether_they_go_in_by_a_file_or_by_an_insert(
    rebuilt: Fleet, monkeypatch: pytest.MonkeyPatch, many: float
) -> None:
    before = figures(rebuilt)
    for model in feed.EVENTS:
        model.objects.filter(fleet_id=rebuilt.pk).delete()
    TruckDay.objects.filter(fleet_id=rebuilt.pk).update(content_hash="")
    by_file: list[str] = []
    load = bulk_load.load

    def noted(table: str, *arguments: Any) -> bool:
        by_file.append(table)
        return load(table, *arguments)

    monkeypatch.setattr(writing, "_MANY", many)
    monkeypatch.setattr(bulk_load, "load", noted)
    mark_all(rebuilt)
    assert summaries.rebuild(rebuilt).changed == 8
    assert figures(rebuilt) == before
    assert by_file == (["trip", "stop", "idle_event"] if many == 1 else [])
