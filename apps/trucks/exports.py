"""The lists of trucks that can be had as files: their columns, and the statements that read them row by row.

A statement selects the fields of its columns in their order. All take `fleet` first: one fleet never sees another.
Rows come in the order of an index, of the days or of one truck, so that the first is there at once.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from zoneinfo import ZoneInfo

import orjson
from django.http import HttpResponse

from apps.accounts.authentication import AuthenticatedRequest
from apps.accounts.periods import Period
from apps.files.answers import FileOptions, Listing, OfTruck, Question, answer, narrowed, statement
from apps.files.columns import shape
from apps.files.job import FileFormat, Statement
from apps.mysql import fetch_all, fetch_all_sync
from apps.trucks import event_schemas, freshness, schemas
from apps.trucks.comparison import bounds
from apps.trucks.detection.faults import failure
from apps.trucks.detection.spn import NAMES as SUSPECTS
from apps.trucks.event_queries import fault_fields
from apps.trucks.freshness import no_such_truck
from apps.trucks.messages.sealing import first_open_day
from apps.trucks.queries import FLEET_FRESHNESS, TRUCK_STATE, shown
from apps.trucks.schemas import TruckPeriod

# Ids of the truck of a code, and the different floors of the fleet's trucks.
_TRUCK_ID = "SELECT id FROM truck WHERE fleet_id = %(fleet)s AND code = %(truck)s"
_FLOORS = "SELECT DISTINCT raw_since_t FROM truck_sync WHERE fleet_id = %(fleet)s AND raw_since_t IS NOT NULL"
_OF_TRUCK = {"truck_id": "t.code", "name": "t.name"}
_PLACES = {"start_lat": "x.lat", "start_lon": "x.lon"}


@dataclass(frozen=True, slots=True)
class TruckList:
    """A list over trucks: the table its rows are of (`x`), what is joined, and what stands for a field.

    `by_time`: the column by which the rows of one truck are asked for and sorted; `kept`: the condition on rows that
    are of the list; `words`: texts that its fields look up, by a key in JSON. `order`: of the rows of all trucks, by
    day, truck and time unless it says otherwise.
    """

    listing: Listing
    table: str
    of_field: Mapping[str, str]
    by_time: str = "started_at"
    order: tuple[str, ...] = ()
    joined: str = ""
    kept: str = ""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def source(
        self, parameters: Mapping[str, Any], *, of_truck: bool, only: Mapping[str, str] | None = None, order: str = ""
    ) -> Statement:
        """The rows of a period: of all trucks by day and truck, or of the truck `id` by time, in this order.

        `only`: column → the values that it may have, with commas.
        """
        if of_truck:
            within = ("%(from_day)s", "<= %(to_day)s") if self.by_time == "day" else ("%(start)s", "< %(end)s")
            where = f"x.truck_id = %(id)s AND x.{self.by_time} >= {within[0]} AND x.{self.by_time} {within[1]}"
            order = f"x.{self.by_time} {order}"
        else:
            where = "x.day BETWEEN %(from_day)s AND %(to_day)s"
            order = self._order
        kept = self.kept + "".join(f" AND FIND_IN_SET(x.{name}, %(only_{name})s)" for name in only or {})
        where = f"WHERE x.fleet_id = %(fleet)s AND {where}{kept}"
        parameters = {
            **parameters,
            **self._words,
            **{f"only_{name}": values for name, values in (only or {}).items()},
        }
        return self._statement(self.table, where, order, TRUCK_STATE if of_truck else FLEET_FRESHNESS, parameters)

    def chosen(self, rows: str, parameters: Mapping[str, Any]) -> Statement:
        """The rows that a statement finds, which has all columns of the table: by `order`, of one fleet."""
        where = "WHERE x.fleet_id = %(fleet)s"
        return self._statement(f"({rows})", where, self._order, FLEET_FRESHNESS, {**parameters, **self._words})

    def _statement(self, source: str, where: str, order: str, state: str, parameters: Mapping[str, Any]) -> Statement:
        return statement(
            f"SELECT STRAIGHT_JOIN {self._selected} FROM {source} x JOIN truck t ON t.id = x.truck_id {self.joined}"
            f" {where} ORDER BY {order}",
            f"SELECT COUNT(*) AS rows_found FROM {source} x {where}",
            state,
            parameters,
        )

    @property
    def _order(self) -> str:
        return ", ".join(f"x.{name}" for name in dict.fromkeys(self.order or ("day", "truck_id", self.by_time)))

    @property
    def _words(self) -> dict[str, str]:
        return {name: orjson.dumps(texts).decode() for name, texts in self.words.items()}

    @property
    def _selected(self) -> str:
        of_field = {**_OF_TRUCK, **self.of_field}
        fields = (column.field for column in self.listing.shape.columns(""))
        return ", ".join(f"{of_field.get(field) or shown(field, 'x')} AS {field}" for field in fields)


def _word(words: str, key: str) -> str:
    """The text that `words`, a parameter with a JSON object, has under a key; null where it has none."""
    return f"""JSON_VALUE(%({words})s, CONCAT('$."', {key}, '"'))"""


def _events(title: str, table: str, item: Any, **of_field: str) -> TruckList:
    return TruckList(Listing(title, shape(OfTruck, item)), table, of_field)


# A sealed day begins before its truck's floor; `open_days` has the first open day of each floor.
_SEALED = f"IF(s.raw_since_t IS NULL, 0, x.day < {_word('open_days', 's.raw_since_t')})"
DAYS = TruckList(
    Listing("Days", shape(OfTruck, schemas.DayItem)),
    "truck_day",
    {"truck_wialon_id": "t.wialon_id", "sealed": _SEALED},
    by_time="day",
    joined="LEFT JOIN truck_sync s ON s.truck_id = x.truck_id",
)
TRIPS = TruckList(
    Listing("Trips", shape(OfTruck, event_schemas.TripItem)),
    "trip",
    {
        **_PLACES,
        "duration_s": "x.moving_s + COALESCE(x.idle_s, 0) + x.parked_s + x.no_data_s",
        "driver_id": "d.code",
        "driver_name": "d.name",
    },
    joined="LEFT JOIN driver d ON d.id = x.driver_id AND d.fleet_id = x.fleet_id",
)
STOPS = _events("Stops", "stop", event_schemas.StopItem)
IDLE_EVENTS = _events("Idle events", "idle_event", event_schemas.IdleItem)
SPEEDING_EVENTS = _events("Speeding events", "speeding_episode", event_schemas.SpeedingItem)
HARSH_EVENTS = _events("Harsh events", "harsh_event", event_schemas.HarshItem)
FUEL_EVENTS = _events("Fuel events", "fuel_event", event_schemas.FuelEventItem)
# A fault's numbers in words.
IN_WORDS = {"suspect": _word("suspects", "x.spn"), "failure": _word("failures", "x.fmi")}
FAULT_WORDS = {
    "suspects": {str(spn): name for spn, name in SUSPECTS.items()},
    "failures": {str(fmi): failure(fmi) for fmi in range(100)},
}
FAULTS = TruckList(
    Listing("Faults", shape(OfTruck, event_schemas.FaultItem)),
    "fault_change",
    {**fault_fields("x"), **IN_WORDS},
    kept=" AND x.kind = 'opened'",
    words=FAULT_WORDS,
)

LISTS: dict[str, TruckList] = {
    "days": DAYS,
    "trips": TRIPS,
    "stops": STOPS,
    "idle-events": IDLE_EVENTS,
    "speeding-events": SPEEDING_EVENTS,
    "harsh-events": HARSH_EVENTS,
    "fuel-events": FUEL_EVENTS,
    "faults": FAULTS,
}
_FILTERS = ("kind", "severity", "review")


async def of_truck(
    request: AuthenticatedRequest, asked: TruckList, truck: str, search: TruckPeriod, form: FileFormat, period: Period
) -> HttpResponse:
    """A truck's list as a file, in the order and with the filters of its JSON. Raises NotFound."""
    who = request.auth
    given = {name: ",".join(values) for name in _FILTERS if (values := getattr(search, name, None))}

    async def source() -> Statement:
        order = "DESC" if search.is_descending else "ASC"
        return await read(asked, who.fleet_id, who.zone, period, truck, only=given, order=order)

    fresh = await freshness.state_of_fleet(who.fleet_id, dt.datetime.now(dt.UTC))
    filters = {"Truck": truck, **narrowed(search)}
    question = Question(asked.listing, who, period, form, cast(FileOptions, search), filters)
    return await answer(request, question, source, fresh)


async def read(
    asked: TruckList, fleet_id: int, zone: ZoneInfo, period: Period, truck: str | None = None, **how: Any
) -> Statement:
    """What the writer of a file is to read. Raises NotFound for a truck that the fleet does not have."""
    fleet = {"fleet": fleet_id}
    floors = await fetch_all(_FLOORS, fleet) if asked is DAYS else []
    parameters = {**fleet, **bounds(period), **_open_days(floors, zone)}
    if truck is None:
        return asked.source(parameters, of_truck=False)
    found = await fetch_all(_TRUCK_ID, {**fleet, "truck": truck})
    if not found:
        raise no_such_truck()
    return asked.source({**parameters, "id": found[0]["id"]}, of_truck=True, **how)


def read_chosen(asked: TruckList, fleet_id: int, zone: ZoneInfo, rows: str, parameters: Mapping[str, Any]) -> Statement:
    """What the writer is to read of rows that a statement of Django's finds, on Django's connection."""
    fleet = {"fleet": fleet_id}
    floors = fetch_all_sync(_FLOORS, fleet) if asked is DAYS else []
    return asked.chosen(rows, {**parameters, **fleet, **_open_days(floors, zone)})


def _open_days(floors: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> dict[str, str]:
    """The first open day of each floor of the fleet's trucks."""
    days = {str(row["raw_since_t"]): first_open_day(row["raw_since_t"], zone).isoformat() for row in floors}
    return {"open_days": orjson.dumps(days).decode()}
