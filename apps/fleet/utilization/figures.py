"""From rows of sums, or columns of them, to what the time of trucks went into, as the API serves it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from apps.fleet import columns, figures
from apps.fleet.columns import Column
from apps.fleet.utilization.hours import Table, sums_of_hours
from apps.fleet.utilization.ratios import utilization

RANKED_FROM_PCT = 50  # of its time must be known, else a truck is in no ranking
LISTED = 100  # trucks that are left out of a ranking, by name
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SECONDS = (
    "length_s", "moving_s", "idle_s", "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "engine_moving_s",
)  # fmt: skip
_STATES = ("truck_days", "truck_days_used", *_SECONDS, "available_s")
_OF_ENGINE = ("idle_s", "idle_productive_s", "engine_on_s", "engine_moving_s")
_RATIOS_OF_HOUR = ("engine_utilization_pct", "idle_pct", "idle_nonproductive_pct")
Row = Mapping[str, Any]


def states(row: Row) -> dict[str, Any]:
    """The states, the named utilizations and the coverage of a row of sums."""
    return {**{name: row[name] for name in _STATES}, **figures.utilizations(row), "coverage_pct": coverage_pct(row)}


def coverage_pct(row: Row) -> float | None:
    return figures.rounded(figures.coverage_pct(row), 2)


def days(row: Row) -> dict[str, Any] | None:
    """The truck-days by whether they were working days, used, and why not; they add up to all of them."""
    if figures.has_no_days(row):
        return None
    working, every = (
        {
            "used": row[used],
            "workshop": row[f"days_workshop{which}"],
            "no_data": row[f"days_no_data{which}"],
            "parked": row[total] - row[used] - row[f"days_workshop{which}"] - row[f"days_no_data{which}"],
        }
        for which, total, used in (
            ("_working", "days_working", "days_used_working"),
            ("", "truck_days", "truck_days_used"),
        )
    )
    return {"working": working, "off": {name: every[name] - working[name] for name in every}}


def days_of_period(row: Row, trucks: int, length: int) -> dict[str, Any] | None:
    """The same of some trucks that have days, with the days of the period on which they have none."""
    found = days(row)
    return found and {**found, "outside": trucks * length - row["truck_days"]}


def is_ranked(row: Row) -> bool:
    """Whether enough is known of the truck's time to hold it against others."""
    length_s = row["length_s"]
    return bool(length_s) and 100 * (length_s - row["no_data_s"]) >= RANKED_FROM_PCT * length_s


def are_ranked(sums: Mapping[str, Column]) -> list[bool]:
    """The same of columns."""
    found: list[bool] = which_are_ranked(sums).tolist()
    return found


def which_are_ranked(sums: Mapping[str, Column]) -> npt.NDArray[np.bool_]:
    length_s = sums["length_s"]
    found: npt.NDArray[np.bool_] = (length_s > 0) & (100 * (length_s - sums["no_data_s"]) >= RANKED_FROM_PCT * length_s)
    return found


def _utilization_of(sums: Mapping[str, Column], figure: str) -> Column:
    found: Column = getattr(utilization(figures.usage(sums)), figure)
    return found


def ranked(
    sums: Mapping[str, Column],
    codes: Sequence[str],
    sort: str,
    of: Callable[[Mapping[str, Column], str], Column] = _utilization_of,
) -> list[int]:
    """The places of a ranking by a figure, with - from the highest down: of those of whom enough is known.

    `of`: what the figure of columns is. Those without it come last.
    """
    is_one = are_ranked(sums)
    return [place for place in in_order(of(sums, sort.removeprefix("-")), codes, sort) if is_one[place]]


def and_left_out(order: Sequence[int], count: int) -> list[int]:
    """The places of a ranking, and behind them all that it leaves out, by code: a file has all rows."""
    return [*order, *sorted(set(range(count)).difference(order))]


def in_order(values: Column, codes: Sequence[str], sort: str) -> list[int]:
    """The places of all by their values, with - from the highest down; equals by code, nulls last."""
    sign = -1 if sort.startswith("-") else 1
    keys = [
        (value != value, 0.0 if value != value else sign * value, code)
        for value, code in zip(values.tolist(), codes, strict=True)
    ]
    return sorted(range(len(keys)), key=keys.__getitem__)


def by_weekday(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Monday to Sunday, null where the period has no such day."""
    found = {row["weekday"]: {**states(row), "days": days(row)} for row in rows}
    nothing = dict.fromkeys((*_STATES, *figures.UTILIZATIONS, "coverage_pct", "days"))
    return [{"weekday": name, **found.get(number, nothing)} for number, name in enumerate(WEEKDAYS)]


def by_hour(table: Table, totals: Row) -> list[dict[str, Any]]:
    """Midnight to midnight; what needs an engine is null where the totals say that none was measured."""
    return [{"hour": hour, **_of_hour(row, totals)} for hour, row in enumerate(sums_of_hours(table))]


def _of_hour(row: Row, totals: Row) -> dict[str, Any]:
    """There is no share of the available time: how much there is says a calendar of days, not when in the day."""
    if not totals["truck_days"]:
        return dict.fromkeys((*_SECONDS, *_RATIOS_OF_HOUR, "coverage_pct"))
    length_s = sum(row[name] for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))
    sums = {**row, "length_s": length_s, "engine_on_s": row["engine_moving_s"] + row["idle_s"]}
    if totals["engine_on_s"] is None:
        sums |= dict.fromkeys(_OF_ENGINE)
    ratios = figures.utilizations({**sums, "available_s": 0, "truck_days": 1, "truck_days_used": 0})
    return {
        **{name: sums[name] for name in _SECONDS},
        **{name: ratios[name] for name in _RATIOS_OF_HOUR},
        "coverage_pct": coverage_pct(sums),
    }


def not_ranked(rows: Iterable[Row], key: str = "truck_id") -> dict[str, Any]:
    """The trucks that a ranking leaves out, those known least first, each with its coverage; all of them counted."""
    left_out = sorted((row for row in rows if not is_ranked(row)), key=lambda row: (_known(row), row[key]))
    return {
        "count": len(left_out),
        "trucks": [
            {key: row[key], "name": row["name"], "coverage_pct": coverage_pct(row)} for row in left_out[:LISTED]
        ],
    }


def least_known(sums: Mapping[str, Column], codes: Sequence[str]) -> tuple[list[int], int]:
    """The places of those that `not_ranked` lists, of columns; and how many a ranking leaves out."""
    length_s = sums["length_s"]
    coverage = np.nan_to_num(columns.percentage(length_s - sums["no_data_s"], length_s))
    values = np.where(which_are_ranked(sums), np.nan, np.where(length_s > 0, coverage, 101.0))
    return columns.least_first(values, codes, LISTED), int((~np.isnan(values)).sum())


def _known(row: Row) -> float:
    return (figures.coverage_pct(row) or 0.0) if row["length_s"] else 101.0
