"""Histories of changes to a small fleet, at random, and what must hold when nothing is left to do.

Not hypothesis' state machine but seeds: a step may run on a connection of its own while another is in the middle of a
transaction, or be killed there, and each needs committed rows. So a sequence takes half a second, two thousand are run
rather than shrunk, and a failing one is known by its seed and the list of its steps.
"""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import wraps
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import CostAllocation, CostEntry, CostRate, FleetDay, FleetDayCost, FuelPrice, TruckDayCost
from apps.fleet.summaries import batches, shares, sums, writing
from apps.trucks import invalidation
from apps.trucks.messages import packs, settled, storage
from apps.trucks.messages.normal import sort_out
from apps.trucks.models import DirtyDay, Truck, TruckDay, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import ingest, latest_values
from apps.trucks.sync.rederivation import rederive
from tests import rows as make
from tests.pipeline import feed
from tests.pipeline.agreement import agreement_of_truck, same
from tests.twin import truth

DAY_S = 86_400
LONG_AGO = dt.date(2020, 1, 1)
FIRST = dt.date(2026, 3, 27)  # the night after next the clocks change in Berlin
ZONES = ("Europe/Berlin", "UTC", "America/Chicago", "Pacific/Auckland")
TABLES = (
    feed.PLAIN,
    feed.SENSORS,
    {number: each for number, each in feed.PLAIN.items() if number in ("1", "3", "6")},
    {number: each for number, each in feed.PLAIN.items() if number in ("1", "2", "4")},
)
PARAMETERS: list[dict[str, float]] = [
    {"idle_event_min_s": 600},
    {"trip_end_s": 900},
    {"moving_speed_kmh": 30},
    {"speed_limit_kmh": 60},
    {"trip_min_m": 9_000},
    {"night_begin_h": 13.5, "night_end_h": 7},
]
# Where a step may be killed, or something else may happen meanwhile: before these are called, or after.
POINTS: list[tuple[Any, str]] = [
    (batches, "detect_days"), (batches, "changed_days"), (batches, "_update_log"), (writing, "next_revision"),
    (writing, "_replace_events"), (writing, "_replace_costs"), (sums, "of_days"), (shares, "allocate"),
    (ingest, "mark_changed"), (ingest, "_move_cursor"), (latest_values, "keep"), (storage, "insert"),
    (storage, "delete"), (storage, "replace_readings"), (invalidation, "mark"), (batches, "_lock_trucks"),
    (packs, "keep"), (packs, "forget"), (packs, "packed"),
]  # fmt: skip


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Trigger:
    """What happens once, when this thread comes to a point."""

    point: str
    is_before: bool
    action: Callable[[], None]
    thread: int = field(default_factory=threading.get_ident)


class Points:
    """The places of the product at which a sequence can interfere."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.trigger: Trigger | None = None
        for module, name in POINTS:
            patch.setattr(module, name, self.watched(name, getattr(module, name)))

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def watched(*arguments: Any, **named: Any) -> Any:
            self._come_to(name, is_before=True)
            result = function(*arguments, **named)
            self._come_to(name, is_before=False)
            return result

        return watched

    def _come_to(self, name: str, *, is_before: bool) -> None:
        due = self.trigger
        if due and (due.point, due.is_before, due.thread) == (name, is_before, threading.get_ident()):
            self.trigger = None
            due.action()

    @contextmanager
    def armed(self, rng: random.Random, action: Callable[[], None]) -> Iterator[None]:
        self.trigger = Trigger(rng.choice(POINTS)[1], rng.random() < 0.5, action)
        try:
            yield
        finally:
            self.trigger = None


class World:
    """A fleet of two trucks, what Wialon has of them, and what is known here of that."""

    def __init__(self, seed: int, points: Points) -> None:
        self._own = threading.local()
        self._own.rng = random.Random(seed)
        self.points = points
        self.told: list[str] = []
        self.fleet = make.fleet(f"{type(self).__name__} {seed}", timezone=self.rng.choice(ZONES), currency="EUR")
        midnights = [feed.midnight(FIRST + dt.timedelta(days=n), self.fleet.timezone) for n in range(1, 4)]
        self.trucks = [feed.truck_of(self.fleet, f"T-{n}", feed.PLAIN) for n in range(2)]
        self.coming, self.late, self.here = {}, {}, {}
        for number, truck in enumerate(self.trucks):
            messages = feed.nights(2 * seed + number, midnights)
            self.late[truck.pk] = [m for m in messages[1:] if self.rng.random() < 0.2]
            self.coming[truck.pk] = [m for m in messages if m not in self.late[truck.pk]]
            self.here[truck.pk] = []
        self.now = midnights[0] - 2 * 3_600
        self.parameters: list[tuple[dt.date, dict[str, float]]] = []
        self.price = make.price(self.fleet, LONG_AGO, "1.50")
        self.rate = CostRate(
            fleet=self.fleet, line="tolls", basis="per_km", amount=Decimal("0.2"), effective_from=LONG_AGO
        )
        ledger.save(self.rate)
        invoice = {"line": "insurance", "currency": "EUR", "basis": "km", "amount": Decimal("99.99")}
        self.invoice = CostEntry(fleet=self.fleet, covers_from=FIRST, covers_to=FIRST + dt.timedelta(days=2), **invoice)
        ledger.save(self.invoice)

    @property
    def rng(self) -> random.Random:
        """One for each thread: what the one draws does not depend on how far the other is."""
        rng: random.Random = self._own.rng
        return rng

    # --- steps; each may be killed, and then it has happened wholly or not at all ---

    def news(self) -> None:
        """A pass that brings what a truck sent since."""
        truck, count = self._pick(), self.rng.choice((1, 3, 10, 40))
        new = self.coming[truck.pk][:count]
        now = max([self.now, *(m["t"] for m in new)]) + self.rng.choice((5, 400, 4_000, 40_000))
        self.now = now
        self._deliver(truck, new, now)
        for message in new:
            self.coming[truck.pk].remove(message)
        ingest.advance(self.fleet, [truck.pk], now)

    def late_news(self) -> None:
        truck = self._pick()
        some = [m for m in self.late[truck.pk] if m["t"] <= self.now][: self.rng.choice((1, 2, 8))]
        self.rng.shuffle(some)
        self._deliver(truck, some, self.now)
        self.late[truck.pk] = [m for m in self.late[truck.pk] if m not in some]
        ingest.advance(self.fleet, [truck.pk], self.now)

    def again(self) -> None:
        truck = self._pick()
        self._deliver(truck, self.rng.sample(self.here[truck.pk], min(9, len(self.here[truck.pk]))), self.now)

    def gone(self) -> None:
        """Wialon has some messages no longer."""
        truck = self._pick()
        candidates = self.here[truck.pk][1:]
        if not candidates:
            return
        start = self.rng.choice(candidates)["t"]
        end = start + self.rng.choice((0, 900, 20_000))
        kept = [m for m in self.here[truck.pk] if not start <= m["t"] <= end or self.rng.random() < 0.3]
        kept = self.here[truck.pk][:1] + [m for m in kept if m is not self.here[truck.pk][0]]
        batch = sort_out([m for m in kept if start <= m["t"] <= end], self.now)
        self._catch_up(truck)
        table, stored = SensorTables(self.fleet.pk).of(truck), storage.known_keys(self.fleet.pk, truck.pk, start, end)
        ingest.replace(self.fleet, truck, table, batch, start, end, self.now, stored)
        self.here[truck.pk] = kept

    def sensors(self) -> None:
        """The unit's table is another one in Wialon."""
        truck = self._pick()
        truck.sensor_table = self.rng.choice(TABLES)
        SensorTables(self.fleet.pk).renew(truck)
        truck.save()
        self._catch_up(truck)

    @transaction.atomic
    def thresholds(self) -> None:
        since, values = FIRST + dt.timedelta(days=self.rng.randrange(5)), self.rng.choice(PARAMETERS)
        make.parameters(self.fleet, values, effective_from=since)
        invalidation.mark_fleet(self.fleet.pk, since, "parameters")
        self.parameters = sorted([*self.parameters, (since, values)], key=lambda each: each[0])

    @transaction.atomic
    def zone(self) -> None:
        zone = self.rng.choice(ZONES)
        invalidation.lock_trucks(self.fleet.pk)
        Fleet.objects.filter(pk=self.fleet.pk).update(timezone=zone)
        invalidation.mark_zone(self.fleet.pk)
        self.fleet.timezone = zone

    def prices(self) -> None:
        changed: FuelPrice | CostRate = self.rng.choice((self.price, self.rate))
        name = "price_per_l" if changed is self.price else "amount"
        value, before = Decimal(self.rng.randrange(1, 300)) / 100, getattr(changed, name)
        setattr(changed, name, value)
        try:
            ledger.save(changed)
        except BaseException:
            setattr(changed, name, before)
            raise

    def packs(self) -> None:
        """Messages of days that are over are kept in packs, too."""
        settled.pack_settled_days(60)

    def rebuild(self) -> None:
        assert summaries.rebuild(self.fleet).failed == 0, "a truck's days could not be computed"

    STEPS = ("news", "news", "news", "late_news", "late_news", "again", "gone", "sensors", "thresholds", "zone",
             "prices", "packs", "packs", "rebuild", "rebuild", "rebuild")  # fmt: skip
    UNDISTURBED, KILLED = 0.5, 0.2  # of all steps; in the middle of the others something else happens
    # One worker at a time reads a fleet.
    DELIVERING = frozenset({"news", "late_news", "again", "gone", "sensors"})
    # What people and other workers do, and what no lock of a rebuild holds up for long.
    MEANWHILE = ("prices", "prices", "thresholds", "zone", "rebuild", "news", "late_news", "gone", "packs")

    def step(self) -> None:
        """One step: as it is, killed at some point, or with another one in the middle of it."""
        name, how = self.rng.choice(self.STEPS), self.rng.random()
        if how < self.UNDISTURBED:
            self._do(name, "")
        elif how < self.UNDISTURBED + self.KILLED:
            with self.points.armed(self.rng, self._die), suppress(Killed):
                self._do(name, "killed")
        else:
            others = [each for each in self.MEANWHILE if each != name and not {each, name} <= self.DELIVERING]
            self._interleave(name, self.rng.choice(others))

    def _do(self, name: str, how: str) -> None:
        self.told.append(f"{name} {how}".strip())
        getattr(self, name)()

    def _die(self) -> None:
        raise Killed

    def _interleave(self, name: str, other: str) -> None:
        """The other one begins in the middle of it, on a connection of its own, and ends when locks let it."""
        errors: list[BaseException] = []
        rng = random.Random(self.rng.random())

        def work() -> None:
            self._own.rng = rng
            try:
                getattr(self, other)()
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=work)

        def begin() -> None:
            thread.start()
            thread.join(0.04)

        with self.points.armed(self.rng, begin):
            self._do(name, f"while {other}")
        if thread.ident:
            thread.join(60)
        assert not thread.is_alive(), f"{other} waits for ever"
        if errors:
            raise errors[0]

    # --- what must hold ---

    def settle(self) -> None:
        """Lets the next passes do what is left to do."""
        for truck in self.trucks:
            self._catch_up(truck)
        ingest.advance(self.fleet, [truck.pk for truck in self.trucks], self.now)
        self.rebuild()
        assert not DirtyDay.objects.filter(fleet_id=self.fleet.pk).exists(), "the log is not empty"

    def wrong(self) -> list[str]:
        """Where the summaries are not what the raw messages make them, in words."""
        found = []
        for truck in self.trucks:
            as_of = TruckSync.objects.get(truck_id=truck.pk).known_until or 0
            days = self._truth(truck, as_of)
            found += agreement_of_truck(self.fleet, truck, days, as_of).differences
            found += self._wrong_costs(truck, days)
        return [*found, *self._wrong_sums()]

    def _truth(self, truck: Truck, as_of: int) -> dict[dt.date, dict[str, Any]]:
        """The twin's days, each under the parameters in force on it."""
        by_values: dict[str, dict[dt.date, dict[str, Any]]] = {}

        def under(values: dict[str, float]) -> dict[dt.date, dict[str, Any]]:
            if str(values) not in by_values:
                by_values[str(values)] = truth(
                    self.here[truck.pk],
                    truck.sensor_table,
                    timezone=self.fleet.timezone,
                    as_of=as_of,
                    parameters=values,
                )
            return by_values[str(values)]

        return {day: under(self._values_on(day))[day] for day in under({})}

    def _values_on(self, day: dt.date) -> dict[str, float]:
        values: dict[str, float] = {}
        for since, each in self.parameters:
            values |= each if since <= day else {}
        return values

    def _wrong_costs(self, truck: Truck, days: dict[dt.date, dict[str, Any]]) -> Iterator[str]:
        found = TruckDayCost.objects.filter(fleet_id=self.fleet.pk, truck_id=truck.pk, source="estimated")
        ours = {(cost.day, cost.line): cost.amount for cost in found}
        true = {}
        for day, figures in days.items():
            if figures["fuel_used_l"] is not None:
                true[day, "fuel"] = Decimal(repr(figures["fuel_used_l"])) * self.price.price_per_l
            if figures["distance_m"] is not None:
                true[day, "tolls"] = self.rate.amount * figures["distance_m"] / 1_000
        for key in ours.keys() ^ true.keys():
            yield f"{truck} {key}: only one side has the cost"
        for key in ours.keys() & true.keys():
            if abs(ours[key] - true[key]) > Decimal("0.005001"):
                yield f"{truck} {key}: costs {ours[key]}, truth {true[key]}"

    def _wrong_sums(self) -> Iterator[str]:
        """The fleet's days are the sums of its trucks'; an invoice is shared out to the cent."""
        names = ("distance_m", "moving_s", "idle_s", "parked_s", "no_data_s", "trips", "fuel_used_l")
        sums = {
            row.pop("day"): row
            for row in TruckDay.objects.filter(fleet_id=self.fleet.pk)
            .values("day")
            .annotate(**{n: Sum(n) for n in names})
        }
        days = {row.day: row for row in FleetDay.objects.filter(fleet_id=self.fleet.pk)}
        if days.keys() != sums.keys():
            yield f"fleet-days {sorted(days)} of truck-days {sorted(sums)}"
        for day in days.keys() & sums.keys():
            for name in names:
                if not same(getattr(days[day], name), sums[day][name]):
                    yield f"fleet {day} {name}: {getattr(days[day], name)}, sum {sums[day][name]}"
        costs = TruckDayCost.objects.filter(fleet_id=self.fleet.pk)
        ours = sorted(
            FleetDayCost.objects.filter(fleet_id=self.fleet.pk).values_list("day", "line", "source", "amount")
        )
        true = sorted(costs.values_list("day", "line", "source").annotate(Sum("amount")).order_by())
        if ours != true:
            yield f"fleet's costs {ours}, sums {true}"
        shared = CostAllocation.objects.filter(fleet_id=self.fleet.pk).aggregate(amount=Sum("amount"))["amount"]
        last = max(sums, default=LONG_AGO)
        if last >= self.invoice.covers_to and shared != self.invoice.amount:
            yield f"of the invoice {shared} is shared out"

    # --- how it is done ---

    def _pick(self) -> Truck:
        return Truck.objects.select_related("fleet").get(pk=self.rng.choice(self.trucks).pk)

    def _catch_up(self, truck: Truck) -> None:
        """What each pass begins with: stored messages get the readings of the present table."""
        truck.refresh_from_db()
        rederive(truck, TruckSync.objects.get(truck_id=truck.pk))

    def _deliver(self, truck: Truck, messages: list[dict[str, Any]], now: int) -> None:
        self._catch_up(truck)
        ingest.store(self.fleet, truck, SensorTables(self.fleet.pk).of(truck), sort_out(messages, now), now)
        known = self.here[truck.pk]
        self.here[truck.pk] = sorted([*known, *(m for m in messages if m not in known)], key=lambda m: m["t"])


def broken_by(seed: int, points: Points, kind: type[World] = World) -> list[str]:
    """What is wrong after the sequence of this seed; nothing, if all is well."""
    world = kind(seed, points)
    try:
        for _ in range(world.rng.randint(6, 14)):
            world.step()
        world.settle()
    except Exception as error:
        return [f"{seed}: {world.told}", f"{type(error).__name__}: {error}"]
    wrong = world.wrong()
    return [f"{seed} {world.fleet.timezone}: {world.told}", *wrong] if wrong else []
