"""The rival of a rebuild: days in DuckDB, by window functions over a Parquet file.

It reads messages that are cleaned, one a second, and computes of each day what is usually asked for: time moving and
idling, kilometres by GPS and odometer, fuel, the highest speed, how often a truck set out, idled and sped. No events
with their places, no readings beyond the day, no parameters, no money; and it stores nothing.

`events` is nearer to a rebuild's work: trips that rests end and the stops between them, idling, speeding, refuels and
drains as rows. What a rebuild does besides: readings carried over gaps, productive idling, drivers, harsh driving,
faults, hours, money, the comparison with what stands, and writing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

_WRITE = "COPY (SELECT * FROM messages ORDER BY truck, t) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"
_DAYS = """
WITH states AS (
    SELECT *, t // 86400 AS day, ignition = 1 AND speed_kmh > 5 AS moving, ignition = 1 AND speed_kmh <= 5 AS idle,
        speed_kmh > 88 AS fast
    FROM '{file}'
), following AS (
    SELECT *, lead(t) OVER truck AS next_t, lead(lat) OVER truck AS next_lat, lead(lon) OVER truck AS next_lon,
        lead(odometer_m) OVER truck AS next_odometer_m, lead(fuel_used_l) OVER truck AS next_fuel_used_l,
        lag(moving) OVER truck AS moved, lag(idle) OVER truck AS idled, lag(fast) OVER truck AS was_fast
    FROM states WINDOW truck AS (PARTITION BY truck ORDER BY t)
), steps AS (
    SELECT *, least(next_t - t, 600) AS held_s, 12742000 * asin(sqrt(
        pow(sin(radians(next_lat - lat) / 2), 2)
        + cos(radians(lat)) * cos(radians(next_lat)) * pow(sin(radians(next_lon - lon) / 2), 2))) AS metres
    FROM following
)
SELECT truck, day, count(*) AS messages, sum(held_s) FILTER (moving) AS moving_s, sum(held_s) FILTER (idle) AS idle_s,
    sum(metres) FILTER (next_t - t < 600) AS distance_m, max(speed_kmh) AS max_speed_kmh,
    sum(greatest(next_odometer_m - odometer_m, 0)) AS odometer_m,
    sum(greatest(next_fuel_used_l - fuel_used_l, 0)) AS fuel_used_l,
    count(*) FILTER (moving AND NOT moved) AS trips, count(*) FILTER (idle AND NOT idled) AS idle_events,
    count(*) FILTER (fast AND NOT was_fast) AS speeding
FROM steps GROUP BY truck, day ORDER BY truck, day
"""
_EVENTS = """
CREATE OR REPLACE TEMP TABLE steps AS
WITH states AS (
    SELECT *, ignition = 1 AND speed_kmh > 5 AS moving, ignition = 1 AND speed_kmh <= 5 AS idle,
        speed_kmh > 105 AS fast,
        lead(t) OVER truck AS next_t, lead(lat) OVER truck AS next_lat, lead(lon) OVER truck AS next_lon,
        lead(odometer_m) OVER truck AS next_odometer_m, lead(fuel_used_l) OVER truck AS next_fuel_used_l,
        median(fuel_level_l) OVER (truck ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS level_before,
        median(fuel_level_l) OVER (truck ROWS BETWEEN 1 FOLLOWING AND 5 FOLLOWING) AS level_after
    FROM '{file}' WINDOW truck AS (PARTITION BY truck ORDER BY t)
), turns AS (
    SELECT *, least(next_t - t, 600) AS held_s, greatest(next_odometer_m - odometer_m, 0) AS metres,
        greatest(next_fuel_used_l - fuel_used_l, 0) AS litres, abs(level_after - level_before) >= 30 AS steps,
        moving AND coalesce(t - max(CASE WHEN moving THEN next_t END)
            OVER (truck ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= 300, true) AS sets_out,
        idle AND NOT coalesce(lag(idle) OVER truck, false) AS begins_idling,
        fast AND NOT coalesce(lag(fast) OVER truck, false) AS begins_speeding,
        steps AND NOT coalesce(lag(steps) OVER truck, false) AS begins_step
    FROM states WINDOW truck AS (PARTITION BY truck ORDER BY t)
), numbered AS (
    SELECT *, count_if(sets_out) OVER truck AS trip, count_if(begins_idling) OVER truck AS idling,
        count_if(begins_speeding) OVER truck AS episode, count_if(begins_step) OVER truck AS step
    FROM turns WINDOW truck AS (PARTITION BY truck ORDER BY t)
)
SELECT *, t < max(CASE WHEN moving THEN next_t END) OVER (PARTITION BY truck, trip) AS drives FROM numbered;
CREATE OR REPLACE TEMP TABLE drives AS
SELECT truck, trip, drives, min(t) AS started_at, max(next_t) AS ended_at,
    arg_min(lat, t) AS lat, arg_min(lon, t) AS lon,
    arg_max(next_lat, t) AS end_lat, arg_max(next_lon, t) AS end_lon, sum(metres) AS distance_m, sum(litres) AS fuel_l,
    sum(held_s) FILTER (moving) AS moving_s, sum(held_s) FILTER (idle) AS idle_s, max(speed_kmh) AS max_speed_kmh
FROM steps WHERE trip > 0 GROUP BY truck, trip, drives;
CREATE OR REPLACE TEMP TABLE idling AS
SELECT truck, min(t) AS started_at, max(next_t) AS ended_at, arg_min(lat, t) AS lat, arg_min(lon, t) AS lon,
    sum(litres) AS fuel_l
FROM steps WHERE idle GROUP BY truck, idling HAVING sum(held_s) >= 120;
CREATE OR REPLACE TEMP TABLE speeding AS
SELECT truck, min(t) AS started_at, max(next_t) AS ended_at, arg_min(lat, t) AS lat, arg_min(lon, t) AS lon,
    max(speed_kmh) AS max_speed_kmh, sum(metres) AS distance_m
FROM steps WHERE fast GROUP BY truck, episode HAVING sum(held_s) >= 30;
CREATE OR REPLACE TEMP TABLE fuel AS
SELECT truck, min(t) AS started_at, max(next_t) AS ended_at, arg_min(lat, t) AS lat, arg_min(lon, t) AS lon,
    arg_max(level_after, t) - arg_min(level_before, t) AS litres
FROM steps WHERE steps GROUP BY truck, step
"""


def write(messages: Mapping[str, Any], file: Path) -> int:
    """Writes columns (truck, t, lat, lon, speed_kmh, ignition, odometer_m, fuel_used_l, fuel_level_l) as
    Parquet. Its size."""
    connection = duckdb.connect()
    connection.register("messages", dict(messages))
    connection.execute(_WRITE.format(file=file))
    return file.stat().st_size


def days(file: Path, threads: int) -> tuple[list[tuple[Any, ...]], float, float]:
    """A row for each truck's UTC day; seconds, and seconds of CPU."""
    connection = duckdb.connect(config={"threads": threads})
    started, cpu = time.perf_counter(), time.process_time()
    found = connection.execute(_DAYS.format(file=file)).fetchall()
    return found, time.perf_counter() - started, time.process_time() - cpu


def events(file: Path, threads: int) -> tuple[int, float, float]:
    """How many events it finds, with the days as above; seconds, and seconds of CPU."""
    connection = duckdb.connect(config={"threads": threads})
    started, cpu = time.perf_counter(), time.process_time()
    connection.execute(_DAYS.format(file=file)).fetchall()
    connection.execute(_EVENTS.format(file=file))
    spent = time.perf_counter() - started, time.process_time() - cpu
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM drives) + (SELECT count(*) FROM idling) + (SELECT count(*) FROM speeding)"
        " + (SELECT count(*) FROM fuel)"
    ).fetchone()
    return (counts or (0,))[0], *spent
