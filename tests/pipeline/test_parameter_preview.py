"""What other parameters would change is what they do change once they are entered; looking at it writes nothing."""

import datetime as dt
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.fleet import summaries
from apps.trucks.invalidation import mark_fleet
from apps.trucks.models import ParameterSet, SpeedingEpisode, Trip, Truck, TruckDay
from tests import rows
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
ZONE = "Europe/Berlin"
FIRST = dt.date(2026, 3, 26)
DAYS = 4
START, END = feed.midnight(FIRST, ZONE), feed.midnight(FIRST + dt.timedelta(days=DAYS), ZONE)
NAMES = ("moving_s", "idle_s", "parked_s", "no_data_s", "trips", "stops", "idle_events", "speeding_s", "distance_m")


@pytest.fixture
def truck() -> Truck:
    made = feed.truck_of(rows.fleet(timezone=ZONE), "T-1")
    feed.receive(made, feed.history(1, START, END), END)
    assert summaries.rebuild(made.fleet).failed == 0
    return made


def previewed(of: Truck, *values: str, **options: Any) -> dict[str, Any]:
    out = StringIO()
    options = {"fleet": of.fleet.name, "days": DAYS, "format": "json", **options}
    call_command("preview_parameters", *values, stdout=out, **options)
    return dict(orjson.loads(out.getvalue()))


def sums(truck: Truck) -> dict[str, int]:
    days = TruckDay.objects.filter(truck_id=truck.pk).values(*NAMES)
    return {name: sum(day[name] or 0 for day in days) for name in NAMES}


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
    with connection.cursor() as cursor:
        tables = [t.name for t in connection.introspection.get_table_list(cursor) if t.type == "t"]
        found = {}
        for name in tables:
            cursor.execute(f"SELECT * FROM `{name}`")
            found[name] = sorted(map(repr, cursor.fetchall()))
    return found


def test_what_is_shown_is_what_comes_of_it(truck: Truck) -> None:
    before = sums(truck)
    shown = previewed(truck, "speed_limit_kmh=60", "trip_end_s=900", "idle_event_min_s=30")
    ParameterSet.objects.create(
        fleet=truck.fleet,
        effective_from=FIRST,
        values={"speed_limit_kmh": 60, "trip_end_s": 900, "idle_event_min_s": 30},
    )
    mark_fleet(truck.fleet_id, FIRST, "parameters")
    starts = {model: started(model, truck) for model in (Trip, SpeedingEpisode)}
    summaries.rebuild(truck.fleet)
    after = sums(truck)
    told = {each["figure"]: (each["old"], each["new"]) for each in shown["total"] if each["figure"] in NAMES}
    assert told == {name: (before[name], after[name]) for name in NAMES if before[name] != after[name]}
    assert {"trips", "idle_events", "speeding_s"} <= told.keys()
    [only] = shown["trucks"]
    for model, kind in ((Trip, "trip"), (SpeedingEpisode, "speeding episode")):
        news = started(model, truck) - starts[model]
        assert news <= {e["started_at"] for e in only["events"] if e["change"] == "appears" and e["kind"] == kind}
    assert shown["truck_days"] == DAYS
    assert shown["truck_days_changed"] == TruckDay.objects.filter(truck_id=truck.pk, revision__gt=1).count()


def started(model: Any, truck: Truck) -> set[str]:
    found = model.objects.filter(truck_id=truck.pk).values_list("started_at", flat=True)
    return {f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in found}


def test_looking_writes_nothing(truck: Truck) -> None:
    before = everything()
    assert previewed(truck, "speed_limit_kmh=60")["total"]
    assert everything() == before


def test_parameters_in_force_already_change_nothing(truck: Truck) -> None:
    shown = previewed(truck, "speed_limit_kmh=105", days=2)
    assert (shown["truck_days"], shown["truck_days_changed"], shown["total"], shown["trucks"]) == (2, 0, [], [])


def test_a_truck_s_own_parameters_win_over_the_fleet_s_and_later_ones_over_earlier(truck: Truck) -> None:
    rows.parameters(truck.fleet, {"speed_limit_kmh": 105}, truck=truck, effective_from=FIRST)
    assert previewed(truck, "speed_limit_kmh=60")["total"] == []
    assert previewed(truck, "speed_limit_kmh=60", truck="T-1")["total"]
    last = FIRST + dt.timedelta(days=DAYS - 1)
    rows.parameters(truck.fleet, {"speed_limit_kmh": 105}, truck=truck, effective_from=last)
    [only] = previewed(truck, "speed_limit_kmh=60", truck="T-1")["trucks"]
    assert only["days_changed"]
    assert last.isoformat() not in only["days_changed"]


def test_the_table_says_the_same_in_words(truck: Truck) -> None:
    out = StringIO()
    call_command("preview_parameters", "speed_limit_kmh=60", fleet=truck.fleet.name, days=DAYS, stdout=out)
    shown = previewed(truck, "speed_limit_kmh=60")
    text = out.getvalue()
    assert f"{shown['truck_days_changed']} of {DAYS} truck-days would change" in text
    for each in shown["total"]:
        assert each["figure"] in text
    assert "appears: speeding episode 2026-03-2" in text


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["speed=60"], {}, "no such parameter"),
        (["speed_limit_kmh"], {}, "not of the form"),
        (["speed_limit_kmh=fast"], {}, "'fast' is not a number"),
        (["speed_limit_kmh=-1"], {}, "not a number from 0 on"),
        (["speed_limit_kmh=nan"], {}, "'speed_limit_kmh=nan'"),
        (["trip_end_s=1.5"], {}, "not a whole number"),
        (["trip_end_s=60"], {"truck": "T-9"}, "there is no truck 'T-9'"),
        (["trip_end_s=60"], {"fleet": "Nobody"}, "there is no fleet 'Nobody'"),
        (["trip_end_s=60"], {"days": 0}, "--days is from 1 to 366"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(
    truck: Truck, values: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        previewed(truck, *values, **options)


def test_another_fleet_s_trucks_are_no_part_of_it(truck: Truck) -> None:
    other = feed.truck_of(rows.fleet("Other", timezone=ZONE), "T-1")
    feed.receive(other, feed.history(1, START, END), END)
    assert previewed(truck, "speed_limit_kmh=60")["truck_days"] == DAYS
