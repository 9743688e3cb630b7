"""All figures of all days of a truck."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.twin.by_driver import figures_by_driver
from tests.twin.day import by_the_clock, day_row, night_driving
from tests.twin.history import History
from tests.twin.motion import Place
from tests.twin.page import PARAMETERS, Message
from tests.twin.trips import Assigned


def truth(
    messages: list[Message],
    sens: dict[str, Any],
    *,
    timezone: str,
    as_of: int,
    parameters: dict[str, float] | None = None,
    tank_l: float | None = None,
    dismissed: frozenset[int] = frozenset(),
    assigned: Iterable["Assigned"] = (),
    places: Iterable["Place"] = (),
) -> dict[date, dict[str, Any]]:
    """The truck-day of each local day, from the first message's day to the day that `as_of` ends or lies in.

    `messages` come in any order, as `messages/load_interval` serves them; `dismissed` holds the starts of dismissed
    drains. Litres and hours are not rounded. Under "events": trips and stops that are still open end with None, and an
    open trip's figures go up to `as_of`; an idle event or speeding episode that still goes on ends at `as_of`.
    `assigned` tells who had the truck when, `places` where idling is productive on each of the days.
    """
    everywhere, everybody = list(places), list(assigned)

    def history(in_force: list[Place]) -> History:
        return History(messages, sens, as_of, PARAMETERS | (parameters or {}), tank_l, everybody, in_force)

    plain = history([])
    if not plain.points:
        return {}
    zone = ZoneInfo(timezone)
    days = list(local_days(plain.points[0].t, as_of, zone))
    by_places: dict[tuple[Place, ...], History] = {(): plain}
    rows = {}
    for day, start, end in days:
        # A day is computed as if its own places had always been there.
        in_force = tuple(place for place in everywhere if place.first <= day and (not place.last or day <= place.last))
        if in_force not in by_places:
            by_places[in_force] = history(list(in_force))
        rows[day] = day_row(by_places[in_force], start, end, dismissed)
        rows[day]["night_driving_s"] = night_driving(by_places[in_force], start, end, zone)
        rows[day]["hours"] = by_the_clock(by_places[in_force].stretches, start, end, zone)
        rows[day]["drivers"] = figures_by_driver(by_places[in_force], rows[day], start, end, zone, dismissed)
    return rows


def local_days(first: int, as_of: int, zone: ZoneInfo) -> Iterator[tuple[date, int, int]]:
    """Each local day with its first instant and its end; the day in progress ends at `as_of`."""
    day = datetime.fromtimestamp(first, zone).date()
    while midnight(day, zone) < as_of:
        start, end = midnight(day, zone), min(midnight(day + timedelta(days=1), zone), as_of)
        if start < end:  # a zone that crosses the date line skips a whole day
            yield day, start, end
        day += timedelta(days=1)


def midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
