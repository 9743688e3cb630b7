"""A fleet of any size for measuring reads: rows multiplied inside the database, so that a year takes seconds.

One truck and one day are made as the tests make them; all others are copies with other distances and idling, each truck
with a driver of its own; all are in the group `All`. They idle at one of 25 depots and one of 2,000 stops a day, and
every third day elsewhere; they have two trips a day, and are too fast once. Beside the product's tables stands
`bench_latest`: the same values of a truck, in one column each, for the rivals.
"""

import datetime as dt
from dataclasses import dataclass

import orjson
from django.db import connection, transaction
from django.db.models import Model

from apps.accounts.models import Fleet
from apps.fleet import queries
from apps.fleet.models import TruckDayDriver
from apps.fleet.summaries import blocks, hours, place_spans, sums
from apps.fleet.utilization.hours import pack
from apps.trucks.detection.motion import Seconds
from apps.trucks.models import LatestValues, SpeedingEpisode, Trip, Truck, TruckDay, TruckSync
from apps.trucks.sync.watermarks import recount
from tests import rows

SENSORS = 30
_TABLES = (
    "truck, truck_sync, truck_day, truck_day_cost, fleet_day, fleet_day_cost, truck_span, truck_span_cost, fleet_span, "
    "driver, truck_day_driver, truck_day_driver_cost, truck_span_driver, truck_span_driver_cost, truck_day_idle_place, "
    "truck_block, driver_block, ranking_block, idle_place_span, truck_day_hours"
)
COLUMNS = [f"value_{number}" for number in range(SENSORS)]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A fleet with trucks T-00000, T-00001, …, and as many days up to yesterday."""

    fleet_id: int
    key: str
    trucks: int
    days: int
    last_day: dt.date


def make(trucks: int, days: int) -> Dataset:
    """A new fleet in the database."""
    now = dt.datetime.now(dt.UTC)
    fleet = rows.fleet(f"bench {now:%H:%M:%S.%f}", timezone="UTC")
    first = rows.truck(fleet, "T-00000")
    rows.known(first, now)
    rows.revision(fleet, 1)
    rows.latest(first, now, document=_document(now))
    _multiply_trucks(fleet, first, trucks)
    _make_rival_table(fleet)
    made = Dataset(fleet.pk, rows.api_key(fleet), trucks, 0, now.date() - dt.timedelta(days=1))
    return extend(made, days)


def _document(now: dt.datetime) -> bytes:
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    sensors = [
        {"id": number, "name": f"Sensor {number}", "type": "custom", "unit": "V", "value": 12.5 + number, "at": at}
        for number in range(SENSORS)
    ]
    position = {
        "lat": 41.85, "lon": -87.65, "speed_kmh": 88.0, "course_deg": 270.0, "altitude_m": 180.0, "satellites": 12,
        "at": at,
    }  # fmt: skip
    return orjson.dumps({"sensors": sensors, "position": position})


def _others(model: type[Model], *without: str) -> tuple[str, str]:
    """The model's columns but for some: as they are inserted, and as they are copied from a row `s`."""
    columns = (field.column for field in model._meta.concrete_fields if not field.generated)
    names = [name for name in columns if name and name not in without]
    return ", ".join(f"`{name}`" for name in names), ", ".join(f"s.`{name}`" for name in names)


def _multiply_trucks(fleet: Fleet, first: Truck, trucks: int) -> None:
    others, copied = _others(Truck, "id", "code", "wialon_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO truck (code, wialon_id, {others}) "
            f"SELECT CONCAT('T-', LPAD(n.seq, 5, '0')), 1000000 + n.seq, {copied} "
            f"FROM seq_1_to_{max(trucks - 1, 1)} n JOIN truck s ON s.id = %s",
            [first.pk],
        )
        for model in (TruckSync, LatestValues):
            table, (others, copied) = model._meta.db_table, _others(model, "truck_id")
            cursor.execute(
                f"INSERT INTO {table} (truck_id, {others}) SELECT t.id, {copied} "
                f"FROM truck t JOIN {table} s ON s.truck_id = %s WHERE t.fleet_id = %s AND t.id <> %s",
                [first.pk, fleet.pk, first.pk],
            )
        cursor.execute(
            "INSERT INTO driver (fleet_id, resource_id, wialon_id, code, name, key_card, is_active) "
            "SELECT fleet_id, 1, id, CONCAT('D', SUBSTRING(code, 2)), CONCAT('Driver ', id), '', 1 "
            "FROM truck WHERE fleet_id = %s",
            [fleet.pk],
        )
    recount(fleet.pk)
    rows.group(fleet, "All", *Truck.objects.filter(fleet=fleet))


def _make_rival_table(fleet: Fleet) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_latest")
        values = ", ".join(f"{12.5 + number} AS {name}" for number, name in enumerate(COLUMNS))
        cursor.execute(
            "CREATE TABLE bench_latest (code VARCHAR(32) PRIMARY KEY, document BLOB NOT NULL) ENGINE=InnoDB "
            f"SELECT t.code, l.t, l.lat, l.lon, l.speed_kmh, {values}, l.document "
            "FROM truck t JOIN latest_values l ON l.truck_id = t.id WHERE t.fleet_id = %s",
            [fleet.pk],
        )


def extend(dataset: Dataset, days: int) -> Dataset:
    """The same fleet with as many days: those before the ones it has."""
    first = Truck.objects.get(fleet_id=dataset.fleet_id, code="T-00000")
    wanted = [dataset.last_day - dt.timedelta(days=ago) for ago in range(dataset.days, days)]
    for day in wanted:
        rows.truck_day(first, day)
        rows.cost(first, "fuel", "180.10", day)
        rows.cost(first, "payments", "71.00", day, source="allocated")
        rows.cost(first, "tolls", "11.00", day, source="actual")
        with transaction.atomic():
            _multiply_day(first, day)
            _multiply_events(first, day)
    with transaction.atomic():
        trucks = Truck.objects.filter(fleet_id=dataset.fleet_id).values_list("pk", flat=True)
        truck_days = [(truck, day) for truck in trucks for day in wanted]
        blocks.replace_places(dataset.fleet_id, truck_days)
        hours.add_up(dataset.fleet_id, truck_days)
        sums.of_spans(dataset.fleet_id, truck_days)
    place_spans.add_up(first.fleet, early=True)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {_TABLES}")
    return Dataset(dataset.fleet_id, dataset.key, dataset.trucks, days, dataset.last_day)


def _multiply_events(first: Truck, day: dt.date) -> None:
    morning = dt.datetime.combine(day, dt.time(8), dt.UTC)
    rows.trip(first, morning)
    rows.trip(first, morning + dt.timedelta(hours=3))
    rows.speeding(first, morning)
    events: tuple[type[Model], ...] = (Trip, SpeedingEpisode)
    for model in events:
        others, copied = _others(model, "truck_id")
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} (truck_id, {others}) SELECT t.id, {copied} "
                f"FROM {model._meta.db_table} s JOIN truck t ON t.fleet_id = s.fleet_id AND t.id <> s.truck_id "
                "WHERE s.fleet_id = %s AND s.truck_id = %s AND s.day = %s",
                [first.fleet_id, first.pk, day],
            )


def add_messages(dataset: Dataset, number: int) -> None:
    """Short messages of the last days, as many for each truck, a minute apart: rows that no request reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO message (fleet_id, truck_id, t, digest, flags, dropped, sensor_version, payload) "
            "SELECT fleet_id, id, UNIX_TIMESTAMP() - 60 * n.seq, n.seq, 1, 0, '1', '' "
            f"FROM truck JOIN seq_1_to_{max(1, number // dataset.trucks)} n WHERE fleet_id = %s "
            "ORDER BY id, n.seq DESC",
            [dataset.fleet_id],
        )
        cursor.execute("ANALYZE TABLE message")


_others_of_driver, _copied_of_driver = _others(TruckDayDriver, "fleet_id", "truck_id", "day", "driver_id")
# With all columns of the key: without it every driver would be looked at for every truck.
_ITS_DRIVER = (
    "truck t ON t.fleet_id = s.fleet_id "
    "JOIN driver d ON d.fleet_id = t.fleet_id AND d.resource_id = 1 AND d.wialon_id = t.id"
)
_OF_DRIVERS = (
    f"INSERT INTO truck_day_driver (fleet_id, truck_id, day, driver_id, {_others_of_driver}) "
    f"SELECT s.fleet_id, t.id, s.day, d.id, {_copied_of_driver} FROM truck_day_driver s JOIN {_ITS_DRIVER} "
    "WHERE s.fleet_id = %(fleet)s AND s.truck_id = %(first)s AND s.day = %(day)s AND s.driver_id = 0",
    "DELETE FROM truck_day_driver WHERE fleet_id = %(fleet)s AND day = %(day)s AND driver_id = 0",
    "INSERT INTO truck_day_driver_cost (fleet_id, truck_id, day, driver_id, line, source, amount) "
    f"SELECT s.fleet_id, s.truck_id, s.day, d.id, s.line, s.source, s.amount FROM truck_day_cost s JOIN {_ITS_DRIVER} "
    "AND t.id = s.truck_id WHERE s.fleet_id = %(fleet)s AND s.day = %(day)s",
)


def _idled(place: str, which: str = "TRUE") -> str:
    """The trucks for some time at a place of their day, which is a number."""
    seconds = f"300 + CRC32(CONCAT(id, '/', %(day)s, '/', {place})) %% 3000"
    return (
        "INSERT INTO truck_day_idle_place (fleet_id, day, truck_id, spot, events, idle_s, productive_s, fuel_l, "
        "productive_fuel_l, cost, productive_cost) SELECT fleet_id, %(day)s, id, "
        f"CONCAT('@', 58000 + ({place}) DIV 1000, '.', 40000 + ({place}) %% 1000), 1, {seconds}, 0, 0.5, 0, 0.53, 0 "
        f"FROM truck WHERE fleet_id = %(fleet)s AND {which}"
    )


_CHANCE = "CRC32(CONCAT(%(day)s, '-', id))"
_IDLED = (
    _idled("id %% 25"),
    _idled(f"25 + {_CHANCE} %% 2000"),
    _idled(f"2025 + {_CHANCE} %% 1000000", f"{_CHANCE} %% 3 = 0"),
)


# Every truck's day: nine hours on the road, three of standing with the engine on, twelve parked.
_SPENT = pack(
    [
        (hour, Seconds(2_700 * (6 < hour < 19), 900 * (6 < hour < 19), 0, 3_600 * (not 6 < hour < 19), 0))
        for hour in range(24)
    ],
    True,
)
_HOURS = (
    "INSERT INTO truck_day_hours (fleet_id, day, truck_id, hours) "
    "SELECT fleet_id, %(day)s, id, %(hours)s FROM truck WHERE fleet_id = %(fleet)s"
)


def _multiply_day(first: Truck, day: dt.date) -> None:
    others, copied = _others(TruckDay, "fleet_id", "truck_id", "day", "distance_m", "idle_s", "parked_s")
    where = {
        "fleet": first.fleet_id, "first": first.pk, "day": day, "revision": 1, "computed_at": rows.NOON,
        "hours": _SPENT,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO truck_day (fleet_id, truck_id, day, distance_m, idle_s, parked_s, {others}) "
            "SELECT s.fleet_id, t.id, s.day, s.distance_m + t.id * 17 %% 90000, s.idle_s + t.id * 7919 %% 1800, "
            f"s.parked_s - t.id * 7919 %% 1800, {copied} "
            "FROM truck_day s JOIN truck t ON t.fleet_id = s.fleet_id AND t.id <> s.truck_id "
            "WHERE s.fleet_id = %(fleet)s AND s.truck_id = %(first)s AND s.day = %(day)s",
            where,
        )
        cursor.execute(
            "INSERT INTO truck_day_cost (fleet_id, truck_id, day, line, source, amount) "
            "SELECT c.fleet_id, t.id, c.day, c.line, c.source, c.amount + t.id %% 90 "
            "FROM truck_day_cost c JOIN truck t ON t.fleet_id = c.fleet_id AND t.id <> c.truck_id "
            "WHERE c.fleet_id = %(fleet)s AND c.truck_id = %(first)s AND c.day = %(day)s",
            where,
        )
        for statement in (*_OF_DRIVERS, *_IDLED, _HOURS, *queries.SUM_UP_DAY):
            cursor.execute(statement, where)
