"""What changed in a day after it was final: old, new and why, so that no figure changes in silence."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.fleet.summaries.rows import Summary
from apps.trucks.models import Correction, SummaryRevision, TruckDay
from apps.trucks.queries import DAY_FIGURES

Causes = Mapping[tuple[int, Any], str]  # (truck, day) → why it was marked last
COLUMNS = tuple(name for name in DAY_FIGURES if name not in ("status", "revision", "computed_at", "as_of"))


def corrections(
    fleet_id: int, changed: Iterable[tuple[Summary, TruckDay | None]], causes: Causes, revision: SummaryRevision
) -> Iterator[Correction]:
    """One a figure that differs from what a final or corrected day had; a day that was provisional has none."""
    for summary, stored in changed:
        if stored is None or stored.status == TruckDay.Status.PROVISIONAL:
            continue
        for column in COLUMNS:
            old, new = getattr(stored, column), summary.columns[column]
            if not _same(old, new):
                yield Correction(
                    fleet_id=fleet_id,
                    truck_id=summary.truck_id,
                    day=summary.result.day,
                    revision=revision.revision,
                    column=column,
                    old=_text(old),
                    new=_text(new),
                    cause=causes.get((summary.truck_id, summary.result.day), ""),
                    corrected_at=revision.changed_at,
                )


def _same(old: Any, new: Any) -> bool:
    """Equal; floats as far as the database keeps them."""
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=1e-12, abs_tol=1e-12)
    return bool(old == new)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
