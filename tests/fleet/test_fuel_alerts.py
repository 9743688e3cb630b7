"""Alerts about fuel: found with the week's last day, following late data, reviewed by people."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.calendar import as_utc, day_bounds
from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.fuel import alert_reviews
from apps.fleet.models import DirtyFuelWeek, FuelAlert, TruckDayDriver
from apps.fleet.summaries import fuel_alerts
from apps.trucks.invalidation import mark_fleet
from apps.trucks.models import FactsRevision, Truck, TruckDay, TruckSync
from apps.trucks.sync.ingest import advance
from tests import rows
from tests.pipeline import feed

pytestmark = pytest.mark.django_db
CHICAGO = ZoneInfo("America/Chicago")
WEEK = dt.date(2026, 3, 9)  # a Monday; on the Sunday before, the clocks went forward
SUNDAY, AFTER = dt.date(2026, 3, 15), dt.date(2026, 3, 16)
ONE = dt.timedelta(days=1)
START = WEEK - 28 * ONE
KM_A_DAY = 200
FIGURES = (
    "week", "litres", "distance_m", "consumption_l_per_100km", "baseline_l_per_100km", "baseline_distance_m",
    "deviation_pct", "threshold_pct", "excess_l", "excess_cost",
)  # fmt: skip


def at(day: dt.date, minutes: int = 0) -> int:
    """The second of a wall time of the day."""
    return int(dt.datetime.combine(day, dt.time(minutes // 60, minutes % 60), tzinfo=CHICAGO).timestamp())


def drives(first: dt.date, consumptions: Sequence[float], used: float = 1_000.0) -> list[dict[str, Any]]:
    """A drive of 200 km each morning, with the l/100 km of each day; `used`: the fuel counter before."""
    messages = []
    for number, l_per_100km in enumerate(consumptions):
        day = first + number * ONE
        km = 1_000 + KM_A_DAY * (day - START).days
        for minutes in range(480, 601, 10):
            part = (minutes - 480) / 120
            pos = {"y": 41.85, "x": -87.65, "z": 180, "s": 100 if part < 1 else 0, "c": 0, "sc": 9}
            values = {"ign": int(part < 1), "odo": km + KM_A_DAY * part, "used": used + l_per_100km * 2 * part}
            t = at(day, minutes)
            messages.append({"t": t, "f": 1, "tp": "ud", "rt": t, "pos": pos, "p": values})
        used += l_per_100km * 2
    return messages


@pytest.fixture
def truck() -> Truck:
    made = feed.truck_of(rows.fleet(), "A")
    rows.price(made.fleet, START, "1.10")
    return made


def receive(truck: Truck, *parts: list[dict[str, Any]], until: int = at(AFTER, 30)) -> None:
    for messages in parts:
        feed.receive(truck, messages, until)
    rebuild(truck.fleet)


def rebuild(fleet: Fleet) -> None:
    assert summaries.rebuild(Fleet.objects.get(pk=fleet.pk)).failed == 0


def alerts(fleet: Fleet) -> list[dict[str, Any]]:
    """The figures of those that hold."""
    return list(FuelAlert.objects.filter(fleet=fleet, withdrawn_at=None).order_by("week").values(*FIGURES))


def test_a_week_that_deviates_is_an_alert_with_litres_and_money(truck: Truck) -> None:
    """28 days at 30, then 36: 1,400 km took 504 instead of 420 l."""
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    assert alerts(truck.fleet) == [
        {
            "week": WEEK, "litres": 504.0, "distance_m": 1_400_000, "consumption_l_per_100km": 36.0,
            "baseline_l_per_100km": 30.0, "baseline_distance_m": 5_600_000, "deviation_pct": 20.0,
            "threshold_pct": 15.0, "excess_l": 84.0, "excess_cost": Decimal("92.40"),
        }
    ]  # fmt: skip
    assert not DirtyFuelWeek.objects.exists()


def test_less_than_before_is_an_alert_too_and_costs_less(truck: Truck) -> None:
    receive(truck, drives(START, [30.0] * 28 + [24.0] * 7))
    [alert] = alerts(truck.fleet)
    assert (alert["deviation_pct"], alert["excess_l"], alert["excess_cost"]) == (-20.0, -84.0, Decimal("-92.40"))


def test_as_much_as_the_parameter_allows_is_none(truck: Truck) -> None:
    rows.parameters(truck.fleet, {"fuel_deviation_pct": 20})
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    assert alerts(truck.fleet) == []


def test_a_week_is_judged_when_it_is_known_to_its_end(truck: Truck) -> None:
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7), until=at(AFTER) - 1)
    assert alerts(truck.fleet) == []
    fuel_alerts.note(truck.fleet, [(truck.pk, WEEK)], {truck.pk: TruckSync.objects.get()})
    assert not DirtyFuelWeek.objects.exists()  # nothing is noted, day by day, before there is something to judge
    advance(truck.fleet, [truck.pk], at(AFTER))
    rebuild(truck.fleet)
    assert [alert["week"] for alert in alerts(truck.fleet)] == [WEEK]


def test_computing_everything_again_writes_nothing(truck: Truck) -> None:
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    before, facts = list(FuelAlert.objects.values()), FactsRevision.objects.get().revision
    mark_fleet(truck.fleet_id, START, "staff")
    rebuild(truck.fleet)
    fuel_alerts.note(truck.fleet, [(truck.pk, WEEK), (truck.pk, START)], {truck.pk: TruckSync.objects.get()})
    assert DirtyFuelWeek.objects.count() == 5  # the first day's own week and the four after it, this one the last
    assert fuel_alerts.judge(truck.fleet) == 0
    assert list(FuelAlert.objects.values()) == before
    assert FactsRevision.objects.get().revision == facts


@pytest.mark.parametrize("early", [30.0, 40.0], ids=["found late", "withdrawn late"])
def test_late_data_ends_where_data_on_time_does(truck: Truck, early: float) -> None:
    """The first two weeks come last. With them at 40 the baseline is 35, and 36 no alert; without them it was one."""
    first, rest = drives(START, [early] * 14), drives(START + 14 * ONE, [30.0] * 14 + [36.0] * 7, 1_000 + 28 * early)
    receive(truck, rest)
    assert FuelAlert.objects.get(truck=truck, week=WEEK).baseline_distance_m == 2_800_000
    receive(truck, first)
    on_time = feed.truck_of(rows.fleet("On time"), "A")
    rows.price(on_time.fleet, START, "1.10")
    receive(on_time, first, rest)
    assert alerts(truck.fleet) == alerts(on_time.fleet)
    assert (WEEK in [alert["week"] for alert in alerts(truck.fleet)]) == (early == 30.0)
    assert FuelAlert.objects.get(truck=truck, week=WEEK).state == ("open" if early == 30.0 else "withdrawn")


def test_a_parameter_that_changes_withdraws_it_and_taken_back_it_holds_again_with_its_review(truck: Truck) -> None:
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    alert_reviews.review(list(FuelAlert.objects.all()), "acknowledged", "pat", rows.NOON, "trailer brakes")
    changed = rows.parameters(truck.fleet, {"fuel_deviation_pct": 25}, effective_from=SUNDAY)
    mark_fleet(truck.fleet_id, SUNDAY, "parameters")
    rebuild(truck.fleet)
    assert (alerts(truck.fleet), FuelAlert.objects.get().state) == ([], "withdrawn")
    changed.delete()
    mark_fleet(truck.fleet_id, SUNDAY, "parameters")
    rebuild(truck.fleet)
    alert = FuelAlert.objects.get()
    assert (alert.state, alert.note, alert.reviewed_by, alert.threshold_pct) == (
        "acknowledged", "trailer brakes", "pat", 15.0,
    )  # fmt: skip


def test_a_parameter_of_the_truck_alone_and_one_that_comes_later(truck: Truck) -> None:
    rows.parameters(truck.fleet, {"fuel_deviation_pct": 25}, truck=truck)
    rows.parameters(truck.fleet, {"fuel_deviation_pct": 1}, effective_from=AFTER)
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    assert alerts(truck.fleet) == []


def test_a_review_and_new_figures_at_the_same_time_lose_nothing(truck: Truck) -> None:
    """Who opened the page before the figures changed saves only what a person says."""
    receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    opened = FuelAlert.objects.get()
    FuelAlert.objects.update(deviation_pct=17.0)
    alert_reviews.review([opened], "dismissed", "pat", rows.NOON)
    assert FuelAlert.objects.values_list("deviation_pct", "review").get() == (17.0, "dismissed")


def test_a_worker_that_dies_leaves_the_week_in_the_log(truck: Truck, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(fuel_alerts, "_store", _die)
        receive(truck, drives(START, [30.0] * 28 + [36.0] * 7))
    assert DirtyFuelWeek.objects.filter(week=WEEK).exists()
    assert summaries.fleets_with_dirty_days() == [truck.fleet_id]
    rebuild(truck.fleet)
    assert len(alerts(truck.fleet)) == 1


def _die(*_: Any) -> int:
    raise RuntimeError("killed")


def test_a_week_whose_last_day_is_not_computed_to_its_end_waits_for_it() -> None:
    """The truck is known beyond it, but its Sunday is still to be computed: it was, as far as 22:00."""
    truck = rows.truck(rows.fleet())
    for number in range(35):
        write(truck, START + number * ONE, 12 if number >= 28 else 10, 4, known=True)
    end = as_utc(day_bounds(SUNDAY, CHICAGO)[1])
    syncs = {truck.pk: rows.known(truck, end)}
    written = []
    for as_of in (end - dt.timedelta(hours=2), end):
        TruckDay.objects.filter(day=SUNDAY).update(as_of=as_of)
        fuel_alerts.note(truck.fleet, [(truck.pk, SUNDAY)], syncs)
        written.append(fuel_alerts.judge(truck.fleet))
    assert written == [0, 1]


# --- against plain loops, whatever changes in whatever order --------------------------------------------------------

WEEKS = 9
LITRES, KM = st.none() | st.integers(-2, 12), st.none() | st.integers(0, 9)
CHANGES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 7 * WEEKS - 1), LITRES, KM, st.booleans()), min_size=30, max_size=90
)  # truck, day, litres, km, known


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, cut=st.integers(0, 90))
def test_alerts_follow_from_the_days_there_are_however_they_came(changes: list[tuple[Any, ...]], cut: int) -> None:
    """Days come one by one, some of them again with other figures; what is noted is judged now and then."""
    with transaction.atomic():
        fleet = rows.fleet()
        rows.parameters(fleet, {"fuel_min_km": 300})
        trucks = [rows.truck(fleet, f"T-{number}") for number in range(2)]
        end = day_bounds(START + (7 * WEEKS - 1) * ONE, CHICAGO)[1]
        syncs = {truck.pk: rows.known(truck, as_utc(end)) for truck in trucks}
        for number, (which, offset, litres, km, known) in enumerate(changes):
            day = START + offset * ONE
            write(trucks[which], day, litres, km, known)
            fuel_alerts.note(fleet, [(trucks[which].pk, day)], syncs)
            if number in (cut, len(changes) - 1):
                fuel_alerts.judge(fleet)
        assert found(fleet) == by_plain_loops(fleet)
        transaction.set_rollback(True)


def write(truck: Truck, day: dt.date, litres: int | None, km: int | None, known: bool) -> None:
    for model in (TruckDay, TruckDayDriver):
        model.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk, day=day).delete()
    states = {} if known else {"moving_s": 3_000, "idle_s": 0, "idle_productive_s": 0, "parked_s": 20_000}
    rows.truck_day(
        truck, day, fuel_used_l=None if litres is None else 10.0 * litres,
        distance_m=None if km is None else 50_000 * km, as_of=as_utc(day_bounds(day, CHICAGO)[1]), **states,
    )  # fmt: skip


def found(fleet: Fleet) -> dict[tuple[int, dt.date], float]:
    holding = FuelAlert.objects.filter(fleet=fleet, withdrawn_at=None)
    return {(alert.truck_id, alert.week): alert.deviation_pct for alert in holding}


def by_plain_loops(fleet: Fleet) -> dict[tuple[int, dt.date], Any]:
    days = {(row.truck_id, row.day): row for row in TruckDay.objects.filter(fleet_id=fleet.pk)}
    deviations = {}
    for truck_id in {truck_id for truck_id, _ in days}:
        for number in range(WEEKS):
            week = START + 7 * number * ONE
            own = [days[key] for n in range(7) if (key := (truck_id, week + n * ONE)) in days]
            before = [days[key] for n in range(28) if (key := (truck_id, week - (n + 1) * ONE)) in days]
            deviation = deviation_of(own, before)
            if (truck_id, week + 6 * ONE) in days and deviation is not None and abs(deviation) > 15:
                deviations[truck_id, week] = pytest.approx(deviation, abs=1e-3)
    return deviations


def deviation_of(own: list[TruckDay], before: list[TruckDay]) -> float | None:
    ratios = []
    for part in (own, before):
        both = [day for day in part if day.fuel_used_l is not None and day.distance_m is not None]
        litres, metres = sum(day.fuel_used_l for day in both), sum(day.distance_m for day in both)
        if metres < 300_000 or litres <= 0:
            return None
        ratios.append(litres / metres)
    if 2 * sum(day.no_data_s for day in own) > sum(day.length_s for day in own):
        return None
    return 100 * (ratios[0] - ratios[1]) / ratios[1]
