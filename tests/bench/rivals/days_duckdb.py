"""The rival of a rebuild: days in DuckDB, by window functions over a Parquet file.

It reads messages that are cleaned, one a second, and computes of each day what is usually asked for: time moving and
idling, kilometres by GPS and odometer, fuel, the highest speed, how often a truck set out, idled and sped. No rests
that end trips, no events with their places, no readings beyond the day, no parameters, no money; and it stores nothing.
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


def write(messages: Mapping[str, Any], file: Path) -> int:
    """Writes columns (truck, t, lat, lon, speed_kmh, ignition, odometer_m, fuel_used_l) as Parquet. Its size."""
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
