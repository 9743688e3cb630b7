"""The named utilizations of the page, each with what it is of what, its target and the period before."""

from dataclasses import dataclass

from apps.fleet import figures
from apps.fleet.pages.analysis import Selection, hours
from apps.fleet.pages.utilization.reading import Reading, targets_of
from apps.fleet.reports.wording import number
from apps.mysql import Row


@dataclass(frozen=True, slots=True)
class Ratio:
    """A utilization with what it is of what; `target` and `change` in words, `is_good` against the target."""

    title: str
    value: str
    fraction: str
    target: str
    change: str
    is_good: bool | None


def ratios(chosen: Selection, reading: Reading) -> list[Ratio]:
    now, before = figures.utilizations(reading.now), figures.utilizations(reading.before)
    targets = targets_of(chosen, reading.targets)
    fractions = _fractions(reading.now)
    wanted = {
        "asset_utilization_pct": (targets["target_utilization_pct"], 1),
        "idle_pct": (targets["target_idle_pct"], -1),
    }
    titles = {
        "asset_utilization_pct": "Asset utilization",
        "engine_utilization_pct": "Engine utilization",
        "day_utilization_pct": "Days used",
        "idle_pct": "Idling",
        "idle_nonproductive_pct": "Idling, not productive",
    }
    return [_ratio(title, now[name], before[name], fractions[name], wanted.get(name)) for name, title in titles.items()]


def _ratio(
    title: str, now: float | None, before: float | None, fraction: str, wanted: tuple[float, int] | None
) -> Ratio:
    """`wanted`: the target, and 1 where more is better, −1 where less is."""
    target, is_good = "", None
    if wanted is not None:
        target = f"target {wanted[0]:g}%"
        if now is not None:
            is_good = (now - wanted[0]) * wanted[1] >= 0
            target += f", {'reached' if is_good else _missed_by(abs(now - wanted[0]))}"
    return Ratio(title, number(now, 1, "%"), fraction, target, _points(now, before), is_good)


def _missed_by(points: float) -> str:
    return f"{points:.1f} points off" if points >= 0.05 else "less than 0.1 points off"


def _points(now: float | None, before: float | None) -> str:
    """How it stands to the period before, in percentage points: a change in per cent of per cent misleads."""
    if now is None or before is None:
        return "period before not measured" if before is None else f"{number(before, 1, '%')} the period before"
    change = round(now, 1) - round(before, 1)
    if not round(change, 1):
        return f"= {number(before, 1, '%')} the period before"
    return f"{'▲' if change > 0 else '▼'} {abs(change):.1f} points from {number(before, 1, '%')}"


def _fractions(row: Row) -> dict[str, str]:
    """Numerator and denominator of each, as docs/metrics.md defines them."""
    productive, engine_on = row["idle_productive_s"] or 0, row["engine_on_s"]
    with_engine = None if row["engine_moving_s"] is None else row["engine_moving_s"] + productive
    idle = row["idle_s"]
    return {
        "asset_utilization_pct": f"{hours(row['moving_s'] + productive)} of {hours(row['available_s'])} available",
        "engine_utilization_pct": f"{hours(with_engine)} of {hours(engine_on)} engine on",
        "day_utilization_pct": f"{row['truck_days_used']:,} of {row['truck_days']:,} truck-days",
        "idle_pct": f"{hours(idle)} of {hours(engine_on)} engine on",
        "idle_nonproductive_pct": f"{hours(None if idle is None else idle - productive)} of {hours(engine_on)}",
    }
