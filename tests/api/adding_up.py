"""What must hold of any answer about figures, whatever they are: rules for all objects in it, and sums of rows.

Nothing here is shared with the product; the rules are those of docs/metrics.md.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

Body = Mapping[str, Any]


def objects(part: Any, path: str = "") -> Iterator[tuple[str, Body]]:
    """Every object of an answer, with where it stands."""
    if isinstance(part, Mapping):
        yield path, part
        for name, value in part.items():
            yield from objects(value, f"{path}/{name}")
    elif isinstance(part, list):
        for place, value in enumerate(part):
            yield from objects(value, f"{path}/{place}")


def numbers(part: Any) -> Iterator[float | Decimal]:
    """Every number of a body before it becomes JSON, where what is not a number would be null."""
    if isinstance(part, Mapping):
        part = list(part.values())
    if isinstance(part, list | tuple):
        for value in part:
            yield from numbers(value)
    elif isinstance(part, float | Decimal):
        yield part


def assert_finite(body: Any) -> None:
    assert all(math.isfinite(value) for value in numbers(body)), body


# --- ratios -----------------------------------------------------------------------------------------------------------


def amount(value: Any) -> Any:
    """A number as it is, money as a decimal."""
    return Decimal(value["amount"]) if isinstance(value, Mapping) else value


def _worked(row: Body) -> int | None:
    return None if row["engine_moving_s"] is None else row["engine_moving_s"] + (row["idle_productive_s"] or 0)


def _nonproductive(row: Body) -> int | None:
    return None if row["idle_s"] is None else row["idle_s"] - (row["idle_productive_s"] or 0)


def _known(row: Body) -> int | None:
    return None if row["length_s"] is None else row["length_s"] - row["no_data_s"]


def _at_work(row: Body) -> int | None:
    return None if row["moving_s"] is None else row["moving_s"] + (row["idle_productive_s"] or 0)


def _cost(row: Body) -> Any:
    return amount(row["total_cost"] if "total_cost" in row else row["amount"])


# Numerator, denominator, and how many units of the ratio one of the one to one of the other is.
Rule = tuple[Callable[[Body], Any], str, int]
PER_CENT: Mapping[str, Rule] = {
    "engine_utilization_pct": (_worked, "engine_on_s", 100),
    "asset_utilization_pct": (_at_work, "available_s", 100),
    "day_utilization_pct": (lambda row: row["truck_days_used"], "truck_days", 100),
    "idle_pct": (lambda row: row["idle_s"], "engine_on_s", 100),
    "idle_nonproductive_pct": (_nonproductive, "engine_on_s", 100),
    "night_driving_pct": (lambda row: row["night_driving_s"], "moving_s", 100),
    "coverage_pct": (_known, "length_s", 100),
    "consumption_l_per_100km": (lambda row: row["consumption_l"], "fuel_distance_m", 100_000),
}
MONEY_PER: Mapping[str, Rule] = {
    "cost_per_km": (_cost, "distance_m", 1_000),
    "cost_per_engine_hour": (_cost, "engine_on_s", 3_600),
    "cost_per_truck_day": (_cost, "truck_days", 1),
}
# What its ratio is not worked out from where it stands: a change, or what is compared with.
NO_FIGURES = (
    "/change_pct",
    "/change_points",
    "/baseline",
    "/peers",
    "/benchmark",
    "/alerts",
    "/by_line",
    "/not_ranked",
)


def assert_ratios(answer: Body) -> None:
    """Each is its numerator ÷ its denominator, and null where that is 0 or one of them null."""
    for path, row in objects(answer):
        if any(part in path for part in NO_FIGURES):
            continue
        for name, rule in {**PER_CENT, **MONEY_PER}.items():
            if name in row and _can_be_worked_out(rule, row):
                assert amount(row[name]) == expected(name, rule, row), f"{path}/{name}"


def _can_be_worked_out(rule: Rule, row: Body) -> bool:
    """Whether its parts stand beside it."""
    try:
        rule[0](row)
    except KeyError:
        return False
    return rule[1] in row


def expected(name: str, rule: Rule, row: Body) -> Any:
    numerator, denominator, unit = rule
    part, whole = numerator(row), row[denominator]
    if part is None or not whole:
        return None
    if name in MONEY_PER:
        return (part * unit / whole).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    return round(unit * part / whole, 2)


def assert_changes(answer: Body) -> None:
    """`change_pct` is that of the figures that stand in the answer; null from nothing and from zero.

    What is in per cent or points itself is in `change_points` instead, as the difference; null from nothing alone.
    """
    now, before = answer.get("summary", answer["data"]), answer.get("previous", {})
    if "driving" in before:  # a scorecard
        now, before = ({**part["driving"], "costs": part["costs"]} for part in (now, before))
    _assert_changes(answer.get("change_pct", {}), now, before, _per_cent)
    _assert_changes(answer.get("change_points", {}), now, before, _points)


def _assert_changes(changes: Body, now: Body, before: Body, true: Callable[[Any, Any], float | None]) -> None:
    for name, change in changes.items():
        if isinstance(change, Mapping):
            _assert_changes(change, now[name], before[name], true)
            continue
        assert (name.endswith("_pct") or name == "safety_score") == (true is _points), name
        if name in now:  # else a share that stands among the sources
            assert change == true(amount(now[name]), amount(before[name])), name


def _per_cent(new: Any, old: Any) -> float | None:
    return None if new is None or not old else round(100 * (float(new) - float(old)) / abs(float(old)), 2)


def _points(new: Any, old: Any) -> float | None:
    return None if new is None or old is None else round(new - old, 2)


# --- sums -------------------------------------------------------------------------------------------------------------

OF_RATIOS = frozenset(
    {*PER_CENT, *MONEY_PER, "safety_score", "estimated_cost_pct", "estimated_pct", "fuel_cost_per_km", "max_speed_kmh"}
)


def added(values: Iterable[Any]) -> Any:
    """Their sum, null where all are null."""
    known = [amount(value) for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def assert_rows_add_up(rows: Sequence[Body], whole: Body, but: Collection[str] = ()) -> int:
    """Every figure of the whole that its rows have is their sum; null where it is null in all. Returns how many are."""
    names = [
        name
        for name, value in whole.items()
        if rows and name in rows[0] and name not in OF_RATIOS and name not in but and is_figure(value)
    ]
    for name in names:
        assert_same(added(row[name] for row in rows), amount(whole[name]), name, len(rows))
    return len(names)


def is_figure(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "currency" in value
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def assert_same(found: Any, true: Any, name: str, rows: int) -> None:
    """Exactly, but for litres, which are rounded in every row."""
    if isinstance(found, float) and true is not None:
        allowed = rows * (0.01 if name.endswith("litres") else 1e-6)
        assert abs(found - true) <= allowed, (name, found, true)
    else:
        assert found == true, name
