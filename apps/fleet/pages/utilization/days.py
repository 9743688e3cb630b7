"""Days used and not used, and why not."""

from collections.abc import Mapping

from apps.fleet.pages.analysis import Selection
from apps.fleet.pages.cells import Numbers, Told, number
from apps.fleet.pages.utilization.reading import Reading
from apps.fleet.reports.wording import NOT_MEASURED
from apps.fleet.utilization.figures import days as days_used
from apps.fleet.utilization.figures import days_of_period

_HEADINGS = {
    "used": "Used",
    "parked": "Parked: there, and not used",
    "workshop": "In the workshop",
    "no_data": "No data",
}


def days(chosen: Selection, reading: Reading) -> Numbers | None:
    """The truck-days of the period by whether they were used and why not; they add up to all of them."""
    found = days_used(reading.now)
    if found is None:
        return None
    lines: list[list[str]] = [[words, *_counts(found, name)] for name, words in _HEADINGS.items()]
    every = [sum(part.values()) for part in found.values()]
    total: list[str] = ["All", *(number(count) for count in (*every, sum(every)))]
    if (outside := _outside(chosen, reading)) is not None:
        lines.append(["Before the first message, or not known yet", NOT_MEASURED, NOT_MEASURED, number(outside)])
        total[-1] = number(sum(every) + outside)
    heads = ["Truck-days", "Working days", "Days off", "Together"]
    return Numbers(heads, lines, total, caption="Days used and not used")


def _counts(found: Mapping[str, Mapping[str, int]], name: str) -> list[Told]:
    counts = [part[name] for part in found.values()]
    return [number(count) for count in (*counts, sum(counts))]


def _outside(chosen: Selection, reading: Reading) -> int | None:
    """Days of the period on which a group's trucks, or a truck, have none; of the whole fleet that says little."""
    if chosen.truck is None and chosen.group is None:
        return None
    trucks = 1 if chosen.truck else len(reading.trucks)
    found = days_of_period(reading.now, trucks, chosen.period.days)
    return None if found is None else int(found["outside"])
