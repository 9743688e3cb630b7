import datetime as dt
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from apps.accounts.schemas import Instant, Money, OwnMoney
from apps.files.cells import Column, Kind
from apps.files.columns import Shape, Told, shape
from apps.files.measures import MEASURES


class Point(BaseModel):
    lat: float | None = Field(description="Latitude.")


class Person(BaseModel):
    driver_id: str
    name: str


class Part(BaseModel):
    line: str
    amount: Money
    share_pct: float | None


class Item(BaseModel):
    day: dt.date
    started_at: Instant
    start: Point
    driver: Person | None
    kind: Literal["a", "b"] | None
    is_used: bool
    distance_m: int | None
    cost_per_km: Money | None
    parts: list[Part]


LISTED = Told("line", ("fuel", "tolls"))
ITEM = {
    "day": dt.date(2026, 3, 10),
    "started_at": dt.datetime(2026, 3, 10, 12, 30, 5, 999, tzinfo=dt.timezone(dt.timedelta(hours=-6))),
    "start": {"lat": 41.5},
    "driver": None,
    "kind": "a",
    "is_used": False,
    "distance_m": 0,
    "cost_per_km": {"amount": "1.2345", "currency": "EUR"},
    "parts": [{"line": "tolls", "amount": {"amount": "3.00", "currency": "EUR"}, "share_pct": None}],
}


def of_item() -> Shape:
    return shape(Item, parts=LISTED)


def test_objects_are_flat_and_lists_have_a_column_for_each_value() -> None:
    assert [(column.name, column.kind) for column in of_item().columns("EUR")] == [
        ("day", Kind.DAY),
        ("started_at", Kind.INSTANT),
        ("start_lat", Kind.NUMBER),
        ("driver_id", Kind.TEXT),
        ("driver_name", Kind.TEXT),
        ("kind", Kind.TEXT),
        ("is_used", Kind.BOOLEAN),
        ("distance_m", Kind.NUMBER),
        ("cost_per_km_eur", Kind.MONEY),
        ("part_fuel_eur", Kind.MONEY),
        ("part_fuel_share_pct", Kind.NUMBER),
        ("part_tolls_eur", Kind.MONEY),
        ("part_tolls_share_pct", Kind.NUMBER),
    ]


def test_what_a_field_means_goes_along() -> None:
    (column,) = [column for column in of_item().columns("EUR") if column.field == "start_lat"]
    assert column.about == "Latitude."


def test_an_item_is_a_row_of_texts_and_null_is_none() -> None:
    shaped = of_item()
    assert shaped.row(ITEM, shaped.columns("EUR")) == [
        "2026-03-10", "2026-03-10 18:30:05", "41.5", None, None, "a", "0", "0", "1.2345", None, None, "3.00", None
    ]  # fmt: skip


def test_a_field_of_two_schemas_stands_where_it_comes_first() -> None:
    class Named(BaseModel):
        kind: str

    assert [column.field for column in shape(Named, Point, Item, parts=LISTED).columns("EUR")][:3] == [
        "kind",
        "lat",
        "day",
    ]


def test_a_list_of_texts_is_one_text_and_of_objects_that_nothing_tells_apart_there_is_the_number() -> None:
    class Codes(BaseModel):
        codes: list[str]
        parts: list[Part]

    shaped = shape(Codes)
    columns = shaped.columns("EUR")
    assert [(column.name, column.kind) for column in columns] == [("codes", Kind.TEXT), ("parts", Kind.NUMBER)]
    assert shaped.row({"codes": ["A", "B"], "parts": ITEM["parts"]}, columns) == ["A, B", "1"]
    assert shaped.row({"codes": [], "parts": []}, columns) == ["", "0"]


def test_what_cannot_stand_in_a_cell_has_no_place_in_a_row() -> None:
    class Texts(BaseModel):
        texts: dict[str, str]

    with pytest.raises(TypeError, match="cannot stand in a cell"):
        shape(Texts).columns("EUR")


def test_money_as_it_was_paid_has_its_currency_beside_it() -> None:
    class Paid(BaseModel):
        amount: OwnMoney

    shaped = shape(Paid)
    columns = shaped.columns("EUR")
    assert [(column.name, column.kind) for column in columns] == [
        ("amount", Kind.MONEY), ("amount_currency", Kind.TEXT),
    ]  # fmt: skip
    assert shaped.row({"amount": {"amount": "1.50", "currency": "CAD"}}, columns) == ["1.50", "CAD"]


def test_a_field_has_its_name_of_the_answer_and_a_text_may_be_a_number_or_a_day() -> None:
    class Row(BaseModel):
        from_: Annotated[str, Kind.DAY] = Field(alias="from")
        litres: Annotated[str, Kind.NUMBER]

    shaped = shape(Row)
    columns = shaped.columns("USD", "us")
    assert [(column.name, column.kind) for column in columns] == [("from", Kind.DAY), ("gallons", Kind.NUMBER)]
    assert shaped.row({"from": "2026-03-01", "litres": "310.250"}, columns) == ["2026-03-01", "310.250"]


def test_an_instant_of_the_database_is_utc() -> None:
    class At(BaseModel):
        at: Instant

    shaped = shape(At)
    assert shaped.row({"at": dt.datetime(2026, 3, 10, 12, 0, 1)}, shaped.columns("USD")) == ["2026-03-10 12:00:01"]


def test_a_price_of_a_litre_becomes_that_of_a_gallon() -> None:
    assert MEASURES["_per_l"].of("1.0000") == "3.7854"


def test_miles_per_gallon_are_what_the_miles_and_gallons_of_the_row_give() -> None:
    """768 l over 2,880 km: 26.666… l/100 km are served as 26.67, and 1,789.549 mi ÷ 202.884 gal are 8.821."""
    miles, gallons = MEASURES["_m"].of("2880000"), MEASURES["_l"].of("768")
    assert miles and gallons
    assert MEASURES["_l_per_100km"].of("26.67") == f"{float(miles) / float(gallons):.2f}" == "8.82"


class Spent(BaseModel):
    distance_m: int | None
    amount: Money | None
    cost_per_km: Money | None


def per_mile(distance_m: int | None, amount: str | None, cost_per_km: str | None) -> str | None:
    """Of a row, as the files' writer converts it."""
    columns = shape(Spent).columns("USD", "us")
    item = {
        "distance_m": distance_m,
        "amount": None if amount is None else {"amount": amount, "currency": "USD"},
        "cost_per_km": None if cost_per_km is None else {"amount": cost_per_km, "currency": "USD"},
    }
    text = shape(Spent).row(item, columns)[2]
    return None if text is None else MEASURES["_per_km"].of(text)


def test_a_cost_per_mile_is_that_of_the_amount_and_the_distance_not_of_a_rounded_one() -> None:
    assert per_mile(1_000_000, "55.55", "0.0556") == "0.0894"  # 0.05555 × 1.609344; of 0.0556 it would be 0.0895
    assert per_mile(1_000_000, None, None) is None
    assert per_mile(None, "55.55", None) is None
    metric = shape(Spent).row(
        {"distance_m": 1_000_000, "amount": {"amount": "55.55", "currency": "USD"}, "cost_per_km": "0.0556"},
        shape(Spent).columns("USD"),
    )
    assert metric[2] == "0.0556"


def test_a_ratio_without_its_parts_is_converted_as_it_stands() -> None:
    one = type("One", (BaseModel,), {"__annotations__": {"consumption_l_per_100km": float}})
    columns = shape(one).columns("USD", "us")
    assert shape(one).row({"consumption_l_per_100km": 26.67}, columns) == ["26.67"]
    beside = {"consumption_l_per_100km": 26.67, "consumption_l": 768.0, "fuel_distance_m": 2_880_000}
    (exact,) = shape(one).row(beside, columns)
    assert exact is not None and exact.startswith("26.66666666")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("distance_m", "distance_mi"),
        ("fuel_l", "fuel_gal"),
        ("litres", "gallons"),
        ("max_speed_kmh", "max_speed_mph"),
        ("consumption_l_per_100km", "consumption_mpg"),
        ("price_per_l", "price_per_gal"),
        ("moving_s", "moving_s"),
        ("trips", "trips"),
        ("peak_ms2", "peak_ms2"),
    ],
)
def test_us_units_are_in_the_name(field: str, name: str) -> None:
    one = type("One", (BaseModel,), {"__annotations__": {field: float}})
    (column,) = shape(one).columns("USD", "us")
    assert (column.field, column.name) == (field, name)
    (metric,) = shape(one).columns("USD", "metric")
    assert metric == Column(field, field, Kind.NUMBER, "")
