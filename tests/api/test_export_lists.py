"""Lists that are JSON are files as well: in the order, with the filters and by the rows that are asked for."""

import datetime as dt
from decimal import Decimal

import pytest

from apps.fleet.export_api import BY_PAGES, NAMES, ROWS
from apps.fleet.models import CostEntry, FuelPrice, FuelPurchase
from apps.trucks import paged_lists
from apps.trucks.models import Truck
from tests import rows
from tests.api.endpoints import DOCUMENT, PATHS, parameters_of, route_of
from tests.api.exported import (
    ALONE,
    JSON,
    MARCH,
    OF_NOW,
    PATH,
    XLSX,
    Get,
    flat,
    furnished,
    none_is_written,
    of_march,
    same,
    table,
    workbook,
)
from tests.api.test_contract import full_fleet
from tests.conftest import AsgiClient


@pytest.mark.usefixtures("here")
def test_every_list_that_is_json_is_a_file_as_well(api_get: Get) -> None:
    key = furnished()
    for name in NAMES:
        whole = table(api_get(f"{PATH}/{name}?{of_march(name)}&format=csv", key))
        answer = api_get(f"/api/v2{JSON[name]}?{of_march(name)}&format=csv", key)
        found = table(answer)
        for row in (*whole, *found):
            for moving in OF_NOW.get(name, ()):
                row.pop(moving)
        assert (answer.headers["Content-Type"].split(";")[0], found) == ("text/csv", whole), name
    assert api_get(f"/api/v2/trucks/T-1/days?{MARCH}", key, {"Accept": "text/csv"}).text.startswith("truck_id,name,")
    answer = api_get(f"/api/v2/fleet/utilization?{MARCH}", key, {"Accept": XLSX})
    assert len(list(workbook(answer)["Utilization"].rows)) == 2


def test_of_an_event_stands_first_when_it_was_and_last_where() -> None:
    for name, listed in ROWS.items():
        found = [column.name for column in listed.listing.columns("USD", "metric")][2:]
        assert found[0] in ("day", "started_at", "opened_at", "truck_wialon_id"), name
        if "lat" in found:
            assert found[-2:] == ["lat", "lon"], name
    first, *_ = BY_PAGES["active-faults"][0].listings.values()
    assert [column.name for column in first.columns("USD", "metric")][2:5] == ["opened_at", "acknowledged_at", "spn"]


def test_what_a_row_is_about_stands_in_its_first_columns() -> None:
    about = {
        "truck": ("truck_id", "name"), "driver": ("driver_id", "name"), "group": ("group",), "weekday": ("weekday",),
        "hour": ("hour",), "place": ("place",), **dict.fromkeys(("day", "week", "month", "quarter"), ("from", "to")),
    }  # fmt: skip
    of_whole_lists = {**dict.fromkeys(BY_PAGES, about["truck"]), "drivers": about["driver"]}
    of_whole_lists |= dict.fromkeys([name for name in BY_PAGES if JSON[name].startswith("/costs/")], ("id",))
    for name, (listed, _) in BY_PAGES.items():
        for by, listing in listed.listings.items():
            expected = of_whole_lists[name] if by is None else about[by]
            expected = ("month",) if (name, by) == ("cost-analysis", "month") else expected
            found = tuple(column.name for column in listing.columns("USD", "metric"))
            assert found[: len(expected)] == expected, (name, by)


def test_the_document_has_the_forms_of_each() -> None:
    paths = {path for path in PATHS if "format" in parameters_of(path)}
    assert paths == {f"/api/v2{path}" for path in (*JSON.values(), *ALONE)}
    for path in paths:
        content = DOCUMENT["paths"][route_of(path)]["get"]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/csv", XLSX}


def test_json_is_metric_so_it_takes_no_options_of_files(api_get: Get) -> None:
    """Miles that were asked for and not given would be a wrong figure without a word."""
    key = furnished()
    for path in (f"/api/v2/trucks/T-1/trips?{MARCH}", f"/api/v2/fleet/summary?{MARCH}", "/api/v2/trucks?q=T"):
        for given in ("units=us", "bom=true", "comment=true"):
            for form in ("", "&format=json"):
                answer = api_get(f"{path}&{given}{form}", key)
                assert (answer.status_code, answer.json()["errors"]) == (
                    422,
                    [{"pointer": f"/query/{given.partition('=')[0]}", "detail": "is for files: JSON is metric"}],
                )
            assert api_get(f"{path}&{given}&format=csv", key).status_code == 200
        assert api_get(f"{path}&units=metric&bom=false", key).status_code == 200


def test_json_is_what_a_client_gets_that_takes_both(api_get: Get) -> None:
    key = furnished()
    for accept in ("application/json, text/csv", "text/csv, */*;q=0.1", "*/*"):
        assert "data" in api_get(f"/api/v2/trucks/T-1/days?{MARCH}", key, {"Accept": accept}).json()
    assert "data" in api_get(f"/api/v2/trucks/T-1/days?{MARCH}&format=json", key).json()


def test_a_file_keeps_to_filters_and_order(api_get: Get) -> None:
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    for hours, kind in enumerate(("refuel", "drain", "drain")):
        rows.fuel_event(truck, rows.NOON + dt.timedelta(hours=hours), kind)
    key = rows.api_key(fleet)
    path = f"/api/v2/trucks/T-1/fuel-events?{MARCH}&kind=drain&sort=-started_at&format=csv"
    assert [row["started_at"] for row in table(api_get(path, key))] == ["2026-03-10T19:00:00Z", "2026-03-10T18:00:00Z"]
    instants = "from=2026-03-10T18:00:00Z&to=2026-03-10T19:00:00Z"
    (one,) = table(api_get(f"/api/v2/trucks/T-1/fuel-events?{instants}&format=csv", key))
    assert one["started_at"] == "2026-03-10T18:00:00Z"
    comment = api_get(f"{path}&comment=true", key).text.splitlines()[0]
    assert "Truck: T-1; Sort: -started_at; Kind: drain" in comment


def test_a_file_has_all_rows_so_it_takes_no_limit(api_get: Get) -> None:
    key = furnished()
    for name, path in JSON.items():
        for given in ("limit=5", "cursor=x"):
            if f"/api/v2{path}" == "/api/v2/fleet/trends" or (given.startswith("cursor") and name == "idling"):
                continue  # it has no pages
            answer = api_get(f"/api/v2{path}?{of_march(name)}&format=csv&{given}", key)
            assert [each["pointer"] for each in answer.json()["errors"]] == [f"/query/{given.partition('=')[0]}"], name
            assert answer.status_code == 422


@pytest.mark.usefixtures("here")
def test_rows_by_something_else_than_trucks(api_get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged_lists, "AT_ONCE", 1)
    key = furnished()
    for path, by, column in (
        ("utilization", "group", "group"),
        ("utilization", "weekday", "weekday"),
        ("utilization", "hour", "hour"),
        ("cost-analysis", "group", "group"),
        ("cost-analysis", "driver", "driver_id"),
        ("cost-analysis", "week", "from"),
        ("cost-analysis", "day&group=North", "to"),
        ("driver-behavior", "driver", "driver_id"),
        ("driver-behavior", "driver&sort=-distance_m", "driver_id"),
        ("trends", "week", "from"),
        ("trends", "month&group=North", "to"),
        ("trends", "quarter&truck_id=T-1", "from"),
    ):
        query = f"/api/v2/fleet/{path}?{MARCH}&by={by}"
        data = api_get(query, key).json()["data"]
        expected = [flat(item) for item in (data[f"by_{by.partition('&')[0]}"] if path == "cost-analysis" else data)]
        found = table(api_get(f"{query}&format=csv&units=metric", key))
        assert [row[column] for row in found] == [
            "" if item[column] is None else str(item[column]) for item in expected
        ]
        for row, item in zip(found, expected, strict=True):
            shown = {name: value for name, value in item.items() if name in row or value is not None}
            assert {name: row[name] for name, value in shown.items() if not same(row[name], value)} == {}


@pytest.mark.usefixtures("here")
def test_the_summary_is_a_file_of_the_period_and_the_one_before(api_get: Get) -> None:
    key = furnished()
    query = f"/api/v2/fleet/summary?{MARCH}&group=North"
    answer = api_get(query, key).json()
    now, before = table(api_get(f"{query}&format=csv&units=metric", key))
    assert [(row["from"], row["to"]) for row in (now, before)] == [
        ("2026-03-01", "2026-03-31"),
        ("2026-01-29", "2026-02-28"),
    ]
    for row, part in ((now, answer["data"]), (before, answer["previous"])):
        item = {
            name: value for name, value in flat(part).items() if name != "trucks" and not name.startswith("period_")
        }
        assert item.keys() <= row.keys()
        assert {name: row[name] for name, value in item.items() if not same(row[name], value)} == {}
    assert (now["cost_source_estimated_usd"], now["cost_source_allocated_usd"]) == ("180.10", "")
    assert api_get(f"{query}&format=csv&units=us", key).text.partition("consumption_mpg")[1]
    sheet = workbook(api_get(f"{query}&format=xlsx", key)).worksheets[0]
    assert (sheet.max_row, sheet["A2"].value) == (3, dt.datetime(2026, 3, 1))
    assert "Group: North" in api_get(f"{query}&format=csv&comment=true", key).text.splitlines()[0]


@pytest.mark.usefixtures("here")
def test_a_driver_s_days_are_a_file(api_get: Get) -> None:
    key = furnished()
    query = f"/api/v2/drivers/D-1/days?{MARCH}&sort=-day"
    expected = [flat(item) for item in api_get(query, key).json()["data"]]
    found = table(api_get(f"{query}&format=csv", key))
    assert len(found) == len(expected) == 1
    shown = {name: value for name, value in expected[0].items() if name in found[0] or value is not None}
    assert {name: found[0][name] for name, value in shown.items() if not same(found[0][name], value)} == {}
    comment = api_get(f"{query}&format=csv&comment=true", key).text.splitlines()[0]
    assert "Driver: D-1; Sort: -day" in comment
    assert api_get(f"/api/v2/drivers/D-9/days?{MARCH}&format=csv", key).status_code == 404


@pytest.mark.usefixtures("here")
def test_lists_of_now_say_when_they_are_of_and_have_the_tag_of_their_rows(api_get: Get) -> None:
    fleet = full_fleet()
    key = rows.api_key(fleet)
    answer = api_get("/api/v2/trucks?format=xlsx&group=North", key)
    today = dt.datetime.now(fleet.zone).date()
    assert f'filename="Prairie-Haulage-Trucks-{today}.xlsx"' in answer.headers["Content-Disposition"]
    about = dict(workbook(answer)["About"].iter_rows(min_row=2, values_only=True))
    assert about["At"].startswith(f"{today}T")
    assert (about["Group"], "From" in about, about["Time zone"]) == ("North", False, "America/Chicago")
    known = {"If-None-Match": answer.headers["ETag"]}
    assert api_get("/api/v2/trucks?format=xlsx&group=North", key, known).status_code == 304
    Truck.objects.update(make="Kenworth")
    assert api_get("/api/v2/trucks?format=xlsx&group=North", key, known).status_code == 200


@pytest.mark.usefixtures("here")
def test_active_faults_are_those_of_now_whatever_the_period(api_get: Get) -> None:
    key = rows.api_key(full_fleet())
    answer = api_get(f"/api/v2/fleet/faults?format=csv&comment=true&{MARCH}&severity=severe", key)
    comment, _, *faults = answer.text.splitlines()
    assert ("At: " in comment, "From: " in comment, "Severity: severe" in comment, len(faults)) == (
        True, False, True, 1,
    )  # fmt: skip


def test_a_file_of_the_ledger_comes_through_djangos_own_handler(asgi: AsgiClient) -> None:
    """With a process of its own, as every other one; and a client that leaves ends it there, too."""
    fleet = rows.fleet()
    truck = rows.truck(fleet)
    rows.ledger(truck, rows.NOON)
    CostEntry.objects.update(document="=1+1", amount=Decimal("-1234.50"))
    key = rows.api_key(fleet)
    (row,) = table(asgi.get("/api/v2/costs/entries?format=csv", key))
    assert (row["document"], row["amount"], row["amount_currency"], row["truck_id"]) == (
        "'=1+1", "-1234.50", "USD", "T-1",
    )  # fmt: skip
    book = workbook(asgi.get("/api/v2/costs/entries?format=xlsx&period=last7", key))
    assert len(list(book["Cost entries"].rows)) == 1
    head = asgi.send("HEAD", "/api/v2/costs/entries?format=csv", key)
    assert (head.status_code, head.content) == (200, b"")
    asgi.run(none_is_written())


@pytest.mark.usefixtures("here")
def test_the_ledger_in_us_units(api_get: Get) -> None:
    fleet = rows.fleet(units="us")
    rows.ledger(rows.truck(fleet), rows.NOON)
    FuelPurchase.objects.update(litres=Decimal("378.541"))
    FuelPrice.objects.update(price_per_l=Decimal("1.0000"))
    key = rows.api_key(fleet)
    assert table(api_get("/api/v2/costs/fuel-purchases?format=csv", key))[0]["gallons"] == "100.0"
    assert table(api_get("/api/v2/costs/fuel-prices?format=csv", key))[0]["price_per_gal_usd"] == "3.7854"
    sheet = workbook(api_get("/api/v2/costs/fuel-purchases?format=xlsx", key))["Fuel purchases"]
    cells = dict(zip(*sheet.iter_rows(values_only=True), strict=True))
    assert (cells["gallons"], cells["amount"], cells["amount_currency"]) == (100, 12.5, "USD")
