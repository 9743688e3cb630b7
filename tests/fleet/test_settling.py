"""Days become final, and what changes in them after that is corrected aloud."""

import datetime as dt
from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.trucks import invalidation
from apps.trucks.models import Correction, TruckDay
from apps.trucks.sync import ingest
from tests import rows
from tests.fleet.shifts import (
    DAY_S,
    MONDAY,
    NOW,
    START,
    TUESDAY,
    days_written_since,
    revision,
    shift,
    trucks,
)
from tests.pipeline import feed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sums_add_up")]


# --- settled ---


def status(fleet: Fleet) -> list[str]:
    return [row.status for row in TruckDay.objects.filter(truck_id=trucks(fleet)[0].id).order_by("day")]


def test_a_day_is_provisional_until_72_hours_after_its_end_then_final_then_corrected(rebuilt: Fleet) -> None:
    first = trucks(rebuilt)[0]
    assert status(rebuilt) == ["provisional"] * 4
    assert summaries.settle(rebuilt) == 0

    at_the_second = feed.midnight(TUESDAY, "UTC") + 72 * 3_600
    ingest.advance(rebuilt, [truck.id for truck in trucks(rebuilt)], at_the_second - 1)
    summaries.rebuild(rebuilt)
    assert summaries.settle(rebuilt) == 0
    ingest.advance(rebuilt, [truck.id for truck in trucks(rebuilt)], at_the_second)
    summaries.rebuild(rebuilt)
    number = revision(rebuilt)
    assert summaries.settle(rebuilt) == 2
    assert status(rebuilt)[:2] == ["final", "provisional"]
    assert revision(rebuilt) == number + 1
    assert days_written_since(rebuilt, number) == [("T-0", MONDAY), ("T-1", MONDAY)]
    assert summaries.settle(rebuilt) == 0

    mark_all_again = invalidation.mark_fleet(rebuilt.id, MONDAY, "test")
    assert summaries.rebuild(rebuilt) == summaries.Outcome(claimed=mark_all_again, changed=0, failed=0)
    assert status(rebuilt)[0] == "final", "computed anew and the same, it stays what it is"

    late = {**shift()[3], "t": START + 1_805, "p": {"ign": 1}}
    feed.receive(first, [late], at_the_second)
    summaries.rebuild(rebuilt)
    assert status(rebuilt)[:2] == ["corrected", "provisional"]


def test_a_day_first_computed_when_it_is_settled_is_final_at_once() -> None:
    fleet = rows.fleet(timezone="UTC")
    feed.receive(feed.truck_of(fleet, "T-0"), shift(days=1), START + 10 * DAY_S)
    summaries.rebuild(fleet)
    assert status(fleet)[:8] == ["final"] * 7 + ["provisional"]


def test_a_day_that_is_out_of_date_is_not_declared_final(rebuilt: Fleet) -> None:
    later = START + 4 * DAY_S
    ingest.advance(rebuilt, [truck.id for truck in trucks(rebuilt)], later)
    summaries.rebuild(rebuilt)
    invalidation.mark(rebuilt.id, [(trucks(rebuilt)[0].id, MONDAY)], "test")
    assert summaries.settle(rebuilt) == 1
    assert status(rebuilt)[0] == "provisional"


# --- corrections ---


def corrected(fleet: Fleet) -> list[tuple[str, dt.date, str, str | None, str | None, str]]:
    codes = {truck.id: truck.code for truck in trucks(fleet)}
    found = Correction.objects.filter(fleet_id=fleet.id).order_by("revision", "truck_id", "day", "column")
    return [(codes[each.truck_id], each.day, each.column, each.old, each.new, each.cause) for each in found]


def late(t: int, **values: Any) -> dict[str, Any]:
    return {"t": t, "f": 0, "tp": "ud", "rt": NOW, "pos": None, "p": values}


def test_a_provisional_day_changes_without_a_correction(rebuilt: Fleet) -> None:
    feed.receive(trucks(rebuilt)[0], [late(START + 3_600 + 1, ign=0)], NOW + 60)
    assert summaries.rebuild(rebuilt).changed > 0
    assert corrected(rebuilt) == []


def test_what_changes_in_a_final_day_is_written_down_with_old_new_and_cause(rebuilt: Fleet) -> None:
    first = trucks(rebuilt)[0]
    TruckDay.objects.filter(fleet_id=rebuilt.id, day=MONDAY).update(status="final")
    number = revision(rebuilt)
    feed.receive(first, [late(START + 3_601, ign=0, dtc="100/1")], NOW + 60)
    summaries.rebuild(rebuilt)
    assert corrected(rebuilt) == [
        ("T-0", MONDAY, "faults_opened", None, "1", "messages"),
        ("T-0", MONDAY, "messages", "144", "145", "messages"),
    ]
    assert Correction.objects.values_list("revision", flat=True).distinct().get() == number + 1
    assert status(rebuilt)[0] == "corrected"
    invalidation.mark_fleet(rebuilt.id, MONDAY, "test")
    summaries.rebuild(rebuilt)
    assert len(corrected(rebuilt)) == 2, "computed anew and the same, it is no correction"
    feed.receive(first, [late(START + 3_602, ign=0)], NOW + 120)
    summaries.rebuild(rebuilt)
    assert corrected(rebuilt)[2:] == [("T-0", MONDAY, "messages", "145", "146", "messages")]
