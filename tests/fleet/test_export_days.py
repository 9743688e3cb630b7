"""The command that writes days out: other tools read its columns."""

import csv
import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Fleet
from tests import rows

pytestmark = pytest.mark.django_db
COLUMNS = (
    "truck_wialon_id", "day", "messages", "fixes", "dropped_values", "quarantined", "moving_s", "idle_s",
    "idle_productive_s", "parked_s", "no_data_s", "engine_on_s", "distance_m", "distance_source", "distance_gps_m",
    "drift_m", "distance_gap_m", "distance_odometer_m", "engine_hours", "counter_resets", "fuel_used_l",
    "fuel_source", "idle_fuel_l", "max_speed_kmh", "trips", "stops", "idle_events", "speeding_minor",
    "speeding_moderate", "speeding_severe", "speeding_s", "harsh_braking", "harsh_acceleration", "harsh_cornering",
    "refuels", "refuel_l", "drains", "drain_l", "faults_opened", "coverage_pct", "status", "revision",
    "computed_at", "as_of",
)  # fmt: skip


@pytest.fixture
def fleet() -> Fleet:
    """A truck with two days, of which the second has no litres; and another fleet with one."""
    made = rows.fleet()
    truck = rows.truck(made)
    rows.truck_day(truck)
    rows.truck_day(truck, rows.DAY + dt.timedelta(days=1), fuel_used_l=None)
    rows.truck_day(rows.truck(rows.fleet("Other"), "THEIRS"))
    return made


def written(**options: Any) -> str:
    out = StringIO()
    arguments = {"fleet": "Prairie Haulage", "first": rows.DAY, "last": rows.DAY + dt.timedelta(days=1), **options}
    call_command("export_days", stdout=out, **arguments)
    return out.getvalue()


def test_a_day_is_a_row_with_these_columns_in_either_form(fleet: Fleet) -> None:
    of_csv = list(csv.DictReader(StringIO(written())))
    of_json = json.loads(written(format="json"))
    assert [row["day"] for row in of_csv] == [row["day"] for row in of_json] == ["2026-03-10", "2026-03-11"]
    for row in (*of_csv, *of_json):
        assert set(COLUMNS) <= set(row)
        assert tuple(row)[:2] == COLUMNS[:2]
        assert not {"in_workshop", "available_s", "content_hash", "length_s"} & set(row)
    assert of_csv[0]["fuel_used_l"] == str(of_json[0]["fuel_used_l"]) != ""
    assert (of_csv[1]["fuel_used_l"], of_json[1]["fuel_used_l"]) == ("", None), "not measured"
    assert of_json[0]["truck_wialon_id"] == fleet.trucks.get().wialon_id


def test_a_period_without_days_and_one_that_cannot_be(fleet: Fleet) -> None:
    none = {"first": dt.date(2020, 1, 1), "last": dt.date(2020, 1, 2)}
    assert written(**none).startswith("truck_wialon_id,day,")
    assert json.loads(written(**none, format="json")) == []
    with pytest.raises(CommandError, match="later"):
        written(first=rows.DAY, last=rows.DAY - dt.timedelta(days=1))
    with pytest.raises(CommandError, match="--from: '2026-02-30' is not a date"):
        call_command("export_days", "--fleet", "Prairie Haulage", "--from", "2026-02-30", "--to", "2026-03-01")
