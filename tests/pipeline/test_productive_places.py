"""Places in which idling is productive: as the twin has it, and whenever they are entered, moved, ended or removed."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.models import TruckDayFuel
from apps.trucks import productive_places
from apps.trucks.models import DirtyDay, IdleEvent, ProductivePlace, Truck, TruckDay, TruckGroup
from tests import rows
from tests.pipeline import feed
from tests.pipeline.agreement import differences
from tests.pipeline.conftest import sync_and_summarise
from tests.twin import Place as TwinPlace
from tests.twin import truth
from wialon_simulator import Simulator

pytestmark = pytest.mark.django_db
ZONE = "Europe/Berlin"
FIRST = dt.date(2026, 3, 26)
DAYS = 5  # over a change of the clocks
START, END = feed.midnight(FIRST, ZONE), feed.midnight(FIRST + dt.timedelta(days=DAYS), ZONE)
CONNECTED_S = 35 * 86_400
Make = Callable[..., Fleet]


several = pytest.mark.parametrize("messages", range(4), indirect=True)


@pytest.fixture
def messages(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return feed.history(getattr(request, "param", 1), START, END)


def fleet_of(name: str) -> Fleet:
    return rows.fleet(name, timezone=ZONE)


def known(fleet: Fleet, name: str, messages: list[dict[str, Any]]) -> Truck:
    """A truck with its days computed."""
    truck = feed.truck_of(fleet, name)
    feed.receive(truck, messages, END)
    assert summaries.rebuild(fleet).failed == 0
    return truck


def where_it_idled(truck: Truck) -> IdleEvent:
    """One of its longer idle events with a place, in the middle of its days."""
    found = IdleEvent.objects.filter(truck_id=truck.pk, lat__isnull=False, duration_s__gte=300).order_by("started_at")
    return found[found.count() // 2]


def place(truck: Truck, **values: Any) -> ProductivePlace:
    """Not saved yet: around where the truck idled, from its first day on."""
    event = where_it_idled(truck)
    area = {"lat": event.lat, "lon": event.lon, "radius_m": 40_000} if "polygon" not in values else {}
    return ProductivePlace(**{"fleet": truck.fleet, "name": "Yard", "effective_from": FIRST, **area, **values})


def dirty(truck: Truck) -> set[dt.date]:
    found = feed.dirty(truck)
    DirtyDay.objects.all().delete()
    return found


def near(messages: list[dict[str, Any]], row: ProductivePlace) -> set[dt.date]:
    """The days with a fix in the place, or with the last one before them there, by the raw messages."""
    area = TwinPlace("", FIRST, None, (row.lat or 0, row.lon or 0), row.radius_m or 0)
    fixes = [
        (m["t"], (m["pos"]["y"], m["pos"]["x"])) for m in messages if m["pos"] and (m["pos"]["sc"] in (255, 9, 12))
    ]
    found = set()
    for number in range(DAYS):
        day = FIRST + dt.timedelta(days=number)
        start, end = feed.midnight(day, ZONE), feed.midnight(day + dt.timedelta(days=1), ZONE)
        before = [spot for t, spot in fixes if t < start and start - t <= CONNECTED_S][-1:]
        if any(area.holds(spot) for spot in [*before, *(spot for t, spot in fixes if start <= t < end)]):
            found.add(day)
    return found


def changed_days(truck: Truck, messages: list[dict[str, Any]], *places: ProductivePlace) -> set[dt.date]:
    """The days that come out otherwise with the places than without any, by the twin."""

    def days(which: list[TwinPlace]) -> dict[dt.date, dict[str, Any]]:
        return truth(messages, truck.sensor_table, timezone=ZONE, as_of=END, places=which)

    theirs = [
        TwinPlace(p.name, p.effective_from, p.effective_to, (p.lat or 0, p.lon or 0), p.radius_m or 0) for p in places
    ]
    plain, other = days([]), days(theirs)
    return {day for day in plain if plain[day] != other[day]}


# --- figures --------------------------------------------------------------------------------------------------------


def test_idling_in_places_is_what_the_twin_computes(make_fleet: Make) -> None:
    """Circles and polygons, some for a group only, some for some of the days, one over another."""
    now = dt.datetime(2026, 3, 30, 16, tzinfo=dt.UTC).timestamp()
    with Simulator(trucks=6, days=3, seed=5, now=now, timezone=ZONE, frozen=True) as simulator:
        fleet = make_fleet(simulator, timezone=ZONE)
        sync_and_summarise(fleet)
        first, second, *others = IdleEvent.objects.filter(fleet_id=fleet.id).order_by("-duration_s")
        third = next(each for each in others if abs(each.lat - first.lat) > 0.1 < abs(each.lat - second.lat))
        group = rows.group(fleet, "Some", Truck.objects.get(pk=second.truck_id))
        square = [
            [third.lat - 0.01, third.lon - 0.02],
            [third.lat + 0.02, third.lon],
            [third.lat - 0.01, third.lon + 0.02],
        ]
        common = {"fleet": fleet, "effective_from": dt.date(2026, 3, 1)}
        wide = {"lat": first.lat, "lon": first.lon, "radius_m": 60_000}
        for values in (
            {"name": "B", **wide, "effective_to": first.day},
            {"name": "A", **wide, "radius_m": 300},
            {"name": "C", "lat": second.lat, "lon": second.lon, "radius_m": 90_000, "group": group},
            {"name": "AA", "polygon": square, "effective_from": third.day},
        ):
            row = ProductivePlace(**{**common, **values})
            row.full_clean()
            productive_places.save(row)
        assert summaries.rebuild(fleet).failed == 0
        assert differences(fleet, simulator) == []
    named = set(IdleEvent.objects.filter(fleet_id=fleet.id).values_list("productive_place", flat=True))
    assert {"A", "AA", "B", "C", None} <= named


@several
def test_a_place_entered_afterwards_ends_where_having_had_it_from_the_start_ends(
    messages: list[dict[str, Any]],
) -> None:
    ours, theirs = fleet_of("Ours"), fleet_of("Theirs")
    truck = known(ours, "T-1", messages)
    row = place(truck, effective_from=FIRST + dt.timedelta(days=1), effective_to=where_it_idled(truck).day)
    from_the_start = ProductivePlace.objects.create(
        fleet=theirs, name=row.name, lat=row.lat, lon=row.lon, radius_m=row.radius_m,
        effective_from=row.effective_from, effective_to=row.effective_to,
    )  # fmt: skip
    other = known(theirs, "T-1", messages)
    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(other))
    productive_places.save(row)
    summaries.rebuild(ours)
    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(other)) == []
    assert feed.fleet_days(ours) == feed.fleet_days(theirs)
    # … and removing both ends without either.
    productive_places.delete(from_the_start)
    productive_places.delete(row)
    for each in (ours, theirs):
        summaries.rebuild(each)
    assert feed.differences(feed.summaries_of(truck), feed.summaries_of(other)) == []
    assert TruckDay.objects.filter(fleet_id=ours.pk, day=where_it_idled(truck).day).exists()


def test_a_place_changes_the_cost_of_productive_idling_too(messages: list[dict[str, Any]]) -> None:
    fleet = fleet_of("Ours")
    rows.price(fleet, FIRST)
    truck = known(fleet, "T-1", messages)
    costs = TruckDayFuel.objects.filter(truck_id=truck.pk)
    before = costs.aggregate(total=Sum("idle_productive_cost"))["total"]
    productive_places.save(place(truck, radius_m=100_000))
    summaries.rebuild(fleet)
    assert costs.aggregate(total=Sum("idle_productive_cost"))["total"] > before


# --- the days that a change marks -----------------------------------------------------------------------------------


@several
def test_entering_moving_ending_and_removing_mark_the_days_spent_there(messages: list[dict[str, Any]]) -> None:
    truck = known(fleet_of("Ours"), "T-1", messages)
    row = place(truck, radius_m=15_000)
    assert productive_places.save(row) == len(near(messages, row) & with_idling(truck))
    assert changed_days(truck, messages, row) <= (marked := dirty(truck)) <= near(messages, row)
    assert marked
    there, moved = near(messages, row), row
    moved.lat = (row.lat or 0) + 0.5
    productive_places.save(moved)
    assert dirty(truck) == (there | near(messages, moved)) & with_idling(truck)
    moved.lat = (row.lat or 0) - 0.5
    productive_places.save(moved)
    dirty(truck)
    moved.effective_to = last = FIRST + dt.timedelta(days=2)
    productive_places.save(moved)
    assert dirty(truck) == {day for day in near(messages, moved) & with_idling(truck) if day > last}
    moved.name = "Depot"  # events carry it
    productive_places.save(moved)
    assert dirty(truck) == {day for day in near(messages, moved) & with_idling(truck) if day <= last}
    productive_places.save(moved)
    assert dirty(truck) == set()
    productive_places.delete(moved)
    assert dirty(truck) == {day for day in near(messages, moved) & with_idling(truck) if day <= last}


def with_idling(truck: Truck) -> set[dt.date]:
    return set(TruckDay.objects.filter(truck_id=truck.pk, idle_s__gt=0).values_list("day", flat=True))


def test_an_idle_event_that_comes_into_a_place_only_after_midnight_is_marked_on_its_own_day() -> None:
    """It belongs to the day in which it starts, and its productive seconds with it."""
    midnight = feed.midnight(FIRST + dt.timedelta(days=1), ZONE)
    position = {"x": 9.0, "z": 0, "s": 0, "c": 0, "sc": 9}
    messages = [
        {
            "t": midnight + 300 * n,
            "f": 1,
            "tp": "ud",
            "p": {"ign": 1},
            "pos": {**position, "y": 50.0 if n < 2 else 50.1},
        }
        for n in range(-3, 5)
    ]
    truck = known(fleet_of("Ours"), "T-1", messages)
    row = ProductivePlace(
        fleet=truck.fleet, name="Yard", lat=50.1, lon=9.0, radius_m=100, effective_from=FIRST, effective_to=FIRST
    )
    productive_places.save(row)
    assert feed.dirty(truck) == {FIRST} == changed_days(truck, messages, row)
    summaries.rebuild(truck.fleet)
    [event] = IdleEvent.objects.filter(truck_id=truck.pk)
    assert (event.day, event.productive_place) == (FIRST, "Yard")
    assert event.productive_s > 900


def test_where_very_many_days_are_concerned_all_with_idling_are_marked(
    messages: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    truck = known(fleet_of("Ours"), "T-1", messages)
    monkeypatch.setattr(productive_places, "LOOKED_AT", 1)
    productive_places.save(place(truck, lat=-40.0))
    assert dirty(truck) == with_idling(truck)
    monkeypatch.undo()
    productive_places.save(place(truck, lat=-40.0))
    assert dirty(truck) == set()


def test_trucks_that_come_into_a_group_or_leave_it_are_computed_anew(messages: list[dict[str, Any]]) -> None:
    truck = known(fleet_of("Ours"), "T-1", messages)
    group = rows.group(truck.fleet, "Quarry")
    productive_places.save(place(truck, group=group))
    assert dirty(truck) == set()
    join, leave = (lambda: group.trucks.add(truck)), (lambda: truck.groups.remove(group))
    for change in (join, leave, lambda: group.trucks.set([truck]), group.trucks.clear):
        change()
        assert dirty(truck) != set()
    group.trucks.add(truck)
    summaries.rebuild(truck.fleet)
    assert IdleEvent.objects.filter(truck_id=truck.pk, productive_place="Yard").exists()
    assert TruckGroup.objects.filter(pk=group.pk).exists()


def test_nobody_stores_or_rebuilds_while_a_place_changes(messages: list[dict[str, Any]]) -> None:
    """A message that is stored meanwhile would be in nobody's search."""
    row = place(known(fleet_of("Ours"), "T-1", messages))
    with connection.execute_wrapper(log := Statements()):
        productive_places.save(row)
    first = next(n for n, sql in enumerate(log.seen) if "FROM `truck_sync`" in sql)
    assert "FOR UPDATE" in log.seen[first]
    assert first < min(n for n, sql in enumerate(log.seen) if "`productive_place`" in sql)


class Statements:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        return execute(sql, params, many, context)


# --- rules ----------------------------------------------------------------------------------------------------------

SQUARE = [[50.0, 9.0], [50.0, 9.1], [50.1, 9.1]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"radius_m": None}, "A circle needs latitude, longitude and radius"),
        ({"polygon": SQUARE}, "not both"),
        ({"lat": None, "lon": None, "radius_m": None, "polygon": SQUARE[:2]}, "needs 3 to 200 corners"),
        ({"lat": None, "lon": None, "radius_m": None, "polygon": [*SQUARE, [91, 9]]}, "corner 4 is not"),
        ({"lat": None, "lon": None, "radius_m": None, "polygon": [*SQUARE, ["a", 9]]}, "corner 4 is not"),
        ({"lat": None, "lon": None, "radius_m": None, "polygon": [[0, -179], [1, 179], [0, 179]]}, "180th meridian"),
        ({"effective_to": FIRST - dt.timedelta(days=1)}, "before the first day"),
        ({"lat": 90.5}, "less than or equal to 90"),
        ({"radius_m": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_no_place_is_refused_in_words(values: dict[str, Any], message: str) -> None:
    usual = {"name": "A", "lat": 50.0, "lon": 9.0, "radius_m": 100, "effective_from": FIRST}
    with pytest.raises(ValidationError, match=message):
        ProductivePlace(fleet=fleet_of("Ours"), **{**usual, **values}).full_clean()


def test_another_fleet_s_group_is_refused() -> None:
    ours, theirs = fleet_of("Ours"), fleet_of("Theirs")
    row = ProductivePlace(
        fleet=ours, group=rows.group(theirs, "X"), name="A", lat=1, lon=1, radius_m=9, effective_from=FIRST
    )
    with pytest.raises(ValidationError, match="another fleet"):
        row.full_clean()


@pytest.mark.parametrize(
    "values", [{}, {"lat": 1.0, "lon": 1.0}, {"lat": 1, "lon": 1, "radius_m": 1, "polygon": SQUARE}]
)
def test_the_database_refuses_a_place_without_one_shape(values: dict[str, Any]) -> None:
    fleet = fleet_of("Ours")
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductivePlace.objects.create(fleet=fleet, name="A", effective_from=FIRST, **values)


def test_one_fleet_s_place_is_not_another_s(messages: list[dict[str, Any]]) -> None:
    ours, theirs = fleet_of("Ours"), fleet_of("Theirs")
    truck, other = known(ours, "T-1", messages), known(theirs, "T-1", messages)
    productive_places.save(place(truck))
    assert feed.dirty(other) == set()
    summaries.rebuild(theirs)
    assert not IdleEvent.objects.filter(truck_id=other.pk).exclude(productive_place=None).exists()
