"""Three trucks, two months, eleven invoices: every figure of costs and utilization against a sheet worked by hand.

The fleet is that of `golden`: on each of 146 truck-days (A 59, B 59, C 28) two hours of driving and one of idling, A
and C 120 km on 30 litres, B 180 km on 45, and 2 litres idling. A litre costs 1.00, from 15 February 09:00 on 1.20, from
10 March 12:00 on 1.10.

Fuel. On 15 February half the drive is at the old price: A and C 15 × 1.00 + 17 × 1.20 = 35.40, B 22.5 × 1.00 + 24.5 ×
1.20 = 51.90. On 10 March the work is done before the price falls.
  A February 14 × 32.00 + 35.40 + 13 × 38.40 = 982.60; March 10 × 38.40 + 21 × 35.20 = 1,123.20; together 2,105.80
  B February 14 × 47.00 + 51.90 + 13 × 56.40 = 1,443.10; March 10 × 56.40 + 21 × 51.70 = 1,649.70; together 3,092.80
  C February 982.60. All: February 3,408.30, March 2,772.90, together 6,181.20.
Idling: 2 l a truck-day; February 14 × 2.00 + 14 × 2.40 = 61.60 for each of three, March 10 × 2.40 + 21 × 2.20 = 70.20
for each of two: 184.80 + 140.40 = 325.20.
Tires, by rate, 0.02 per km: A 141.60, B 212.40, C 67.20; February 235.20, March 186.00; together 421.20.

Invoices (see INVOICES, in its order):
   1 lease of A: 2,950 ÷ 59 = 50 a day: February 1,400, March 1,550
   2 lease of C: 1,770 ÷ 59 = 30 a day: February 840; March 930, when C is sold, no truck can bear
   3 insurance of all by days: 30 a day, in February ÷ 3, in March ÷ 2: A 280 + 465 = 745, B the same, C 280
   4 permits of all, evenly over trucks: 59 each, 1 a day: A 59, B 59, C 28; 31 no truck can bear
   5 toll of B on 10 February 42.50;  6 toll of A on 8 March 17.30;  7 repair of B on 3 March 615.25: actual
   8 wages of February by km: 11,760 ÷ 11,760 km = 1.00: A 3,360, B 5,040, C 3,360
   9 wages of March by km: 9,300 ÷ 9,300 km = 1.00: A 3,720, B 5,580
  10 credit note on the insurance of B: −59 ÷ 59 = −1 a day
  11 other, of A, 1 to 11 March: 100 EUR × 1.1 = 110 USD, 10 a day

Sums by truck:
  A 2,105.80 fuel + 141.60 + 2,950 + 745 + 59 + 17.30 + 7,080 + 110 = 13,208.70
  B 3,092.80 fuel + 212.40 + (745 − 59) + 59 + 42.50 + 615.25 + 10,620 = 15,327.95
  C 982.60 fuel + 67.20 + 840 + 280 + 28 + 3,360 = 5,557.80
  no truck: 930 + 31 = 961.00. Together 35,055.45.

Drivers: Anna has A until 10 March 09:00, Ben from there on; of B and C nobody is known. That day Anna drives an hour of
two, 60 km on 15 l, and has the truck for 9 of 24 hours; Ben is at work for two of three hours, on 17 l.
  fuel: Anna 982.60 + 9 × 38.40 + 15 × 1.20 = 1,346.20; Ben 17 × 1.20 + 21 × 35.20 = 759.60
  tires by km: Anna 37 × 2.40 + 1.20 = 90.00; Ben 51.60       tolls on 8 March: Anna 17.30
  lease by time: Anna 37 × 50 + 50 × 9 ÷ 24 = 1,868.75; Ben 1,081.25
  insurance: Anna 280 + 9 × 15 + 5.63 (of 5.625, the cent goes to her) = 420.63; Ben 9.37 + 21 × 15 = 324.37
  permits: Anna 37 + 0.38 (of 0.375) = 37.38; Ben 21.62       other: Anna 90 + 3.75 = 93.75; Ben 6.25 + 10 = 16.25
  wages by time at work: Anna 37 × 120 + 120 ÷ 3 = 4,480; Ben 80 + 21 × 120 = 2,600
  together Anna 8,354.01, Ben 4,854.69, which is A; nobody B and C, 20,885.75.

Of it estimated (fuel, tires) 6,602.40, actual 42.50 + 17.30 + 615.25 = 675.05, allocated the rest: 27,778.00.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.accounts.models import Fleet
from apps.fleet import summaries
from apps.fleet.models import WorkshopStay
from apps.fleet.utilization import working_calendars, workshop
from tests import rows
from tests.api import golden
from tests.api.golden import BOTH, END, SOLD, TRUCKS, at, usd, work

Get = Callable[..., httpx.Response]


@pytest.fixture
def key(transactional_db: None) -> str:
    return golden.made()


def amounts(lines: list[dict[str, Any]]) -> dict[str, str]:
    return {line["line"]: line["amount"]["amount"] for line in lines}


def costs(api_get: Get, key: str) -> None:
    answer = api_get(f"/api/v2/fleet/cost-analysis?{BOTH}", key).json()
    summary, data = answer["summary"], answer["data"]
    assert summary["amount"] == usd("35055.45")
    assert summary["estimated_pct"] == 18.83  # 6,602.40 ÷ 35,055.45
    assert summary["distance_m"] == 21_060_000
    assert summary["cost_per_km"] == usd("1.6646")  # ÷ 21,060
    assert summary["cost_per_engine_hour"] == usd("80.0353")  # ÷ 146 × 3 h
    assert summary["cost_per_truck_day"] == usd("240.1058")  # ÷ 146
    assert summary["unallocated"] == usd("961.00")
    assert [(each["source"], each["amount"]["amount"], each["share_pct"]) for each in summary["sources"]] == [
        ("actual", "675.05", 1.93), ("allocated", "27778.00", 79.24), ("estimated", "6602.40", 18.83),
    ]  # fmt: skip
    assert summary["idling"] == {
        "litres": 292.0, "amount": usd("325.20"), "productive_amount": usd("0.00"),
        "nonproductive_amount": usd("325.20"),
    }  # fmt: skip
    assert summary["fuel"]["used"] == {
        "litres": 5557.0, "priced_litres": 5557.0, "amount": usd("6181.20"), "per_litre": usd("1.1123"),
    }  # fmt: skip
    assert amounts(data["by_line"]) == {
        "fuel": "6181.20", "tires": "421.20", "payments": "3790.00", "insurance": "1711.00", "permits": "146.00",
        "tolls": "59.80", "repair_maintenance": "615.25", "driver_wages": "21060.00", "other": "110.00",
        "unallocated": "961.00",
    }  # fmt: skip
    assert summary["benchmark"] is None


def costs_by_truck(api_get: Get, key: str) -> None:
    trucks = api_get(f"/api/v2/fleet/cost-analysis?{BOTH}", key).json()["data"]["by_truck"]
    found = {
        truck["truck_id"]: (truck["distance_m"], truck["amount"]["amount"], truck["cost_per_km"]["amount"])
        for truck in trucks
    }
    assert found == {
        "A": (7_080_000, "13208.70", "1.8656"),
        "B": (10_620_000, "15327.95", "1.4433"),
        "C": (3_360_000, "5557.80", "1.6541"),
    }
    assert {truck["truck_id"]: amounts(truck["lines"]) for truck in trucks} == {
        "A": {
            "fuel": "2105.80", "tires": "141.60", "payments": "2950.00", "insurance": "745.00", "permits": "59.00",
            "tolls": "17.30", "driver_wages": "7080.00", "other": "110.00",
        },
        "B": {
            "fuel": "3092.80", "tires": "212.40", "insurance": "686.00", "permits": "59.00", "tolls": "42.50",
            "repair_maintenance": "615.25", "driver_wages": "10620.00",
        },
        "C": {
            "fuel": "982.60", "tires": "67.20", "payments": "840.00", "insurance": "280.00", "permits": "28.00",
            "driver_wages": "3360.00",
        },
    }  # fmt: skip


def costs_by_driver(api_get: Get, key: str) -> None:
    drivers = api_get(f"/api/v2/fleet/cost-analysis?{BOTH}&by=driver", key).json()["data"]["by_driver"]
    assert [
        (each["name"], each["truck_days"], each["distance_m"], each["engine_on_s"], each["amount"]["amount"])
        for each in drivers
    ] == [
        ("Anna", 38, 4_500_000, 112 * 3_600, "8354.01"), ("Ben", 22, 2_580_000, 65 * 3_600, "4854.69"),
        (None, 87, 13_980_000, 87 * 10_800, "20885.75"),
    ]  # fmt: skip
    assert [each["cost_per_km"]["amount"] for each in drivers] == ["1.8564", "1.8817", "1.4940"]
    assert [amounts(each["lines"]) for each in drivers[:2]] == [
        {
            "fuel": "1346.20", "tires": "90.00", "payments": "1868.75", "insurance": "420.63", "permits": "37.38",
            "tolls": "17.30", "driver_wages": "4480.00", "other": "93.75",
        },
        {
            "fuel": "759.60", "tires": "51.60", "payments": "1081.25", "insurance": "324.37", "permits": "21.62",
            "driver_wages": "2600.00", "other": "16.25",
        },
    ]  # fmt: skip
    assert [each["source"] for each in drivers[0]["sources"]] == ["actual", "allocated", "estimated"]
    card = api_get(f"/api/v2/drivers/D-1/scorecard?{BOTH}", key).json()
    assert card["data"]["costs"] == {name: drivers[0][name] for name in card["data"]["costs"]}
    assert card["data"]["costs"]["amount"] == usd("8354.01")
    assert card["previous"]["costs"]["amount"] is None


def driving(api_get: Get, key: str) -> None:
    """60 and 90 km/h at 08:00 to 10:00, so no speeding and no night; ten minutes apart nothing harsh is measured."""
    quiet = {"speeding_minor": 0, "speeding_moderate": 0, "speeding_severe": 0, "speeding_s": 0, "night_driving_s": 0}
    harsh = dict.fromkeys(("harsh_braking", "harsh_acceleration", "harsh_cornering"))
    common = {**quiet, **harsh, "safety_score": 100.0, "idle_pct": 33.33, "night_driving_pct": 0.0}
    answer = api_get(f"/api/v2/fleet/driver-behavior?{BOTH}", key).json()
    trucks = {row["truck_id"]: row for row in answer["data"]}
    for code, days, km, fuel, idle in (
        ("A", 59, 7_080, "2105.80", "131.80"), ("B", 59, 10_620, "3092.80", "131.80"),
        ("C", 28, 3_360, "982.60", "61.60"),
    ):  # fmt: skip
        expected = {**common, "distance_m": km * 1_000, "trips": days, "moving_s": days * 7_200, "idle_s": days * 3_600}
        assert {name: trucks[code][name] for name in expected} == expected
        assert (trucks[code]["fuel_cost"], trucks[code]["idle_cost"]) == (usd(fuel), usd(idle))
    summary = answer["summary"]
    assert {name: summary[name] for name in common} == common
    assert (summary["trips"], summary["fuel_cost"], summary["fuel_cost_per_km"]) == (146, usd("6181.20"), usd("0.2935"))
    drivers = api_get(f"/api/v2/fleet/driver-behavior?{BOTH}&by=driver", key).json()["data"]
    assert [(row["name"], row["distance_m"], row["trips"], row["fuel_cost"]) for row in drivers] == [
        ("Anna", 4_500_000, 38, usd("1346.20")), ("Ben", 2_580_000, 21, usd("759.60")),
        (None, 13_980_000, 87, usd("4075.40")),
    ]  # fmt: skip


def trends(api_get: Get, key: str) -> None:
    """What the two months are; March as in the other figures."""
    answer = api_get(f"/api/v2/fleet/trends?{BOTH}&by=month", key).json()
    names = ("truck_days", "distance_m", "trips", "idle_events", "fuel_used_l", "safety_score", "speeding_s")
    assert [[point[name] for name in names] for point in answer["data"]] == [
        [84, 11_760_000, 84, 84, 3108.0, 100.0, 0], [62, 9_300_000, 62, 62, 2449.0, 100.0, 0],
    ]  # fmt: skip
    assert [point["total_cost"] for point in answer["data"]] == [usd("18582.00"), usd("16473.45")]


def costs_by_month(api_get: Get, key: str) -> None:
    """February: 3,408.30 + 235.20 + 2,240 + (840 − 28) + 84 + 42.50 + 11,760 = 18,582.00; March the rest, 16,473.45."""
    months = api_get(f"/api/v2/fleet/cost-analysis?{BOTH}", key).json()["data"]["by_month"]
    assert [(m["month"], m["distance_m"], m["amount"]["amount"], m["cost_per_km"]["amount"]) for m in months] == [
        ("2026-02", 11_760_000, "18582.00", "1.5801"),
        ("2026-03", 9_300_000, "16473.45", "1.7713"),
    ]
    assert amounts(months[0]["lines"]) == {
        "fuel": "3408.30", "tires": "235.20", "payments": "2240.00", "insurance": "812.00", "permits": "84.00",
        "tolls": "42.50", "driver_wages": "11760.00",
    }  # fmt: skip
    assert amounts(months[1]["lines"]) == {
        "fuel": "2772.90", "tires": "186.00", "payments": "1550.00", "insurance": "899.00", "permits": "62.00",
        "tolls": "17.30", "repair_maintenance": "615.25", "driver_wages": "9300.00", "other": "110.00",
        "unallocated": "961.00",
    }  # fmt: skip


def why_march_cost_less(api_get: Get, key: str) -> None:
    """The 31 days before March hold all of February: 18,582.00, so 2,108.55 less.

    Fuel, 3,408.30 → 2,772.90: d 11,760 → 9,300 km, u 3,108 ÷ 11,760 → 2,449 ÷ 9,300 l/km, p 3,408.30 ÷ 3,108 →
    2,772.90 ÷ 2,449. With u = 0.264286, u' = 0.263333, p = 1.096622, p' = 1.132258:
      distance    −2,460 × ((u p + u' p') ÷ 3 + (u p' + u' p) ÷ 6) = −2,460 × 0.293994 = −723.23
      consumption −0.000952 × ((d p + d' p') ÷ 3 + (d p' + d' p) ÷ 6) = −0.000952 × 11,728 = −11.17
      price       +0.035636 × ((d u + d' u') ÷ 3 + (d u' + d' u) ÷ 6) = +0.035636 × 2,778.2 = +99.00
    Wages, 11,760 → 9,300 at 1.00 per km both: all distance. Not split, since February has none of them: the repair of
    615.25, other 110.00, and 961.00 that no truck bears.
    """
    change = api_get("/api/v2/fleet/cost-analysis?from=2026-03-01&to=2026-03-31", key).json()["summary"]["change"]
    assert change["period"] == {"from": "2026-01-29", "to": "2026-02-28", "timezone": "America/Chicago"}
    assert (change["previous_amount"], change["change"]) == (usd("18582.00"), usd("-2108.55"))
    lines = {line.pop("line"): line for line in change["by_line"]}
    assert lines["fuel"] == {
        "previous_amount": usd("3408.30"), "change": usd("-635.40"), "price": usd("99.00"), "distance": usd("-723.23"),
        "consumption": usd("-11.17"), "not_split": usd("0.00"),
    }  # fmt: skip
    assert lines["driver_wages"] == {
        "previous_amount": usd("11760.00"), "change": usd("-2460.00"), "price": usd("0.00"),
        "distance": usd("-2460.00"), "consumption": None, "not_split": usd("0.00"),
    }  # fmt: skip
    assert lines["unallocated"]["change"] == lines["unallocated"]["not_split"] == usd("961.00")
    assert change["not_split"] == usd("1686.25")
    parts = ("price", "distance", "consumption", "not_split")
    assert sum(Decimal(change[part]["amount"]) for part in parts) == Decimal("-2108.55")
    assert sum(Decimal(line["change"]["amount"]) for line in lines.values()) == Decimal("-2108.55")


def utilization(api_get: Get, key: str) -> None:
    """Moving 2 h, idle 1 h a truck-day; A and B have an hour less on 8 March, and each truck's last day has a second
    less: it is known up to its last second.
    """
    answer = api_get(f"/api/v2/fleet/utilization?{BOTH}", key).json()
    ratios = {
        "engine_utilization_pct": 66.67,  # 2 of 3 h
        "asset_utilization_pct": 16.67,  # 2 of 12 h
        "day_utilization_pct": 100.0,
        "idle_pct": 33.33,
        "idle_nonproductive_pct": 33.33,
    }

    def states(days: int, length_s: int) -> dict[str, Any]:
        return {
            "truck_days": days, "truck_days_used": days, "length_s": length_s, "moving_s": days * 7_200,
            "idle_s": days * 3_600, "idle_productive_s": 0, "parked_s": length_s - days * 10_800, "no_data_s": 0,
            "engine_on_s": days * 10_800, "engine_moving_s": days * 7_200, "available_s": days * 43_200, **ratios,
            "coverage_pct": 100.0,
        }  # fmt: skip

    def days(used: int) -> dict[str, Any]:
        reasons = {"parked": 0, "workshop": 0, "no_data": 0}
        return {"working": {"used": used, **reasons}, "off": {"used": 0, **reasons}}

    missed = {"target_utilization_pct": 60, "utilization_met": False, "target_idle_pct": 15, "idle_met": False}
    common = {"name": None, "is_ranked": True, "targets": missed}
    assert answer["summary"] == {
        **states(146, 146 * 86_400 - 2 * 3_600 - 3), "days": days(146), "targets": missed, "not_ranked": None,
    }  # fmt: skip
    assert {truck.pop("truck_id"): {**truck, "name": None} for truck in answer["data"]} == {
        "A": {**states(59, 59 * 86_400 - 3_601), **common, "days": {**days(59), "outside": 0}},
        "B": {**states(59, 59 * 86_400 - 3_601), **common, "days": {**days(59), "outside": 0}},
        "C": {**states(28, 28 * 86_400 - 1), **common, "days": {**days(28), "outside": 31}},
    }


def utilization_by_hour(api_get: Get, key: str) -> None:
    """146 truck-days drive from 8 to 10 and idle to 11. From 2 to 3 it is only 144 times: not on 8 March."""
    hours = api_get(f"/api/v2/fleet/utilization?{BOTH}&by=hour", key).json()["data"]
    assert [hour["moving_s"] for hour in hours] == [146 * 3_600 if number in (8, 9) else 0 for number in range(24)]
    assert [hour["idle_s"] for hour in hours] == [146 * 3_600 if number == 10 else 0 for number in range(24)]
    assert (hours[1]["length_s"], hours[2]["length_s"]) == (146 * 3_600, 144 * 3_600)
    assert hours[23]["length_s"] == 146 * 3_600 - 3
    assert (hours[8]["engine_utilization_pct"], hours[10]["idle_pct"], hours[11]["idle_pct"]) == (100.0, 100.0, None)


def utilization_by_weekday(api_get: Get, key: str) -> None:
    """February has each weekday four times; March has Sunday, Monday and Tuesday five times, for A and B."""
    days = api_get(f"/api/v2/fleet/utilization?{BOTH}&by=weekday", key).json()["data"]
    assert [day["truck_days"] for day in days] == [22, 22, 20, 20, 20, 20, 22]
    assert [day["moving_s"] for day in days] == [days["truck_days"] * 7_200 for days in days]


def utilization_before(api_get: Get, key: str) -> None:
    """The 31 days before March hold all of February: 84 truck-days, 62 in March."""
    answer = api_get("/api/v2/fleet/utilization?from=2026-03-01&to=2026-03-31", key).json()
    assert (answer["previous"]["moving_s"], answer["change_pct"]["moving_s"]) == (84 * 7_200, -26.19)


def idling_and_where(api_get: Get, key: str) -> None:
    """An hour and 2 l a truck-day, all in one spot: A and B 61.60 + 70.20 = 131.80, C 61.60; together 325.20."""
    answer = api_get(f"/api/v2/fleet/idling?{BOTH}", key).json()
    found = [(row["truck_id"], row["idle_s"], row["litres"], row["cost"]) for row in answer["data"]["trucks"]]
    assert found == [
        ("A", 59 * 3_600, 118.0, usd("131.80")), ("B", 59 * 3_600, 118.0, usd("131.80")),
        ("C", 28 * 3_600, 56.0, usd("61.60")),
    ]  # fmt: skip
    whole = {
        "idle_events": 146, "idle_s": 146 * 3_600, "idle_productive_s": 0, "idle_nonproductive_s": 146 * 3_600,
        "litres": 292.0, "productive_litres": 0.0, "nonproductive_litres": 292.0, "cost": usd("325.20"),
        "productive_cost": usd("0.00"), "nonproductive_cost": usd("325.20"),
    }  # fmt: skip
    [place] = answer["data"]["places"]
    lat, lon = place.pop("lat"), place.pop("lon")
    assert (abs(lat - 41.85) < 0.002, abs(lon + 87.65) < 0.002) == (True, True)
    assert place == {"place": None, **whole}
    assert answer["summary"] == {
        **whole, "engine_on_s": 146 * 10_800, "idle_pct": 33.33, "idle_nonproductive_pct": 33.33, "trucks": 3,
        "places": 1, "not_ranked": {"count": 0, "trucks": []},
    }  # fmt: skip
    march = api_get("/api/v2/fleet/idling?from=2026-03-01&to=2026-03-31", key).json()
    assert (march["previous"]["cost"], march["summary"]["cost"]) == (usd("184.80"), usd("140.40"))
    assert march["change_pct"]["cost"] == -24.03


def utilization_with_a_calendar(api_get: Get, key: str) -> None:
    """From Monday to Friday 8 hours, on Friday 6 March none; A is in the workshop in February's last week, and drives.

    Of March's 31 days 22 are Monday to Friday, less the holiday 21, for A and B 42: 42 × 8 = 336 h. All 31 days are
    driven: 62 × 2 = 124 h. 124 ÷ 336 = 36.90 %. Days off: 31 − 21 = 10, for both 20.
    """
    fleet = Fleet.objects.get()
    with working_calendars.changing(fleet) as done:
        rows.calendar(fleet, "8 8 8 8 8 0 0", ("2026-03-06",), effective_from=SOLD)
    assert done.days == 62  # each day has other hours than the 12 before
    workshop.save(WorkshopStay(fleet=fleet, truck=fleet.trucks.get(code="A"), effective_from=dt.date(2026, 2, 23)))
    assert summaries.rebuild(fleet).failed == 0
    answer = api_get("/api/v2/fleet/utilization?from=2026-03-01&to=2026-03-31", key).json()
    assert answer["summary"]["asset_utilization_pct"] == 36.9
    assert (answer["previous"]["asset_utilization_pct"], answer["change_points"]["asset_utilization_pct"]) == (
        16.67, 20.23,
    )  # fmt: skip
    reasons = {"parked": 0, "workshop": 0, "no_data": 0}
    assert answer["summary"]["days"] == {"working": {"used": 42, **reasons}, "off": {"used": 20, **reasons}}


def change_in_points(api_get: Get, key: str) -> None:
    """Fuel and tires are estimates: 3,643.50 of 18,582.00 in February, 19.61 %; 2,958.90 of 16,473.45 in March."""
    march = "from=2026-03-01&to=2026-03-31"
    costs = api_get(f"/api/v2/fleet/cost-analysis?{march}", key).json()
    assert (costs["previous"]["estimated_pct"], costs["summary"]["estimated_pct"]) == (19.61, 17.96)
    assert costs["change_points"] == {"estimated_pct": -1.65}
    summary = api_get(f"/api/v2/fleet/summary?{march}", key).json()
    assert (summary["change_points"]["estimated_cost_pct"], summary["change_points"]["idle_pct"]) == (-1.65, 0.0)
    assert costs["freshness"]["unspread_invoices"] == {"waiting": 0, "no_exchange_rate": 0}


def of_a_group(api_get: Get, key: str) -> None:
    """A and C: 87 truck-days. Idling 131.80 + 61.60 = 193.40 on 174 l; fuel 59 × 32 + 28 × 32 = 2,784 l; of B alone,
    which is in no group, 59 × 47 = 2,773 l.
    """
    fleet = Fleet.objects.get()
    rows.group(fleet, "North", *fleet.trucks.filter(code__in="AC"))
    idling = api_get(f"/api/v2/fleet/idling?{BOTH}&group=North", key).json()
    assert [row["truck_id"] for row in idling["data"]["trucks"]] == ["A", "C"]
    for found in (idling["summary"], idling["data"]["places"][0]):
        assert (found["idle_events"], found["idle_s"]) == (87, 87 * 3_600)
        assert (found["litres"], found["cost"]) == (174.0, usd("193.40"))
    hours = api_get(f"/api/v2/fleet/utilization?{BOTH}&by=hour&group=North", key).json()["data"]
    assert [hour["moving_s"] for hour in hours] == [87 * 3_600 if number in (8, 9) else 0 for number in range(24)]
    assert (hours[10]["idle_s"], hours[1]["length_s"], hours[2]["length_s"]) == (87 * 3_600, 87 * 3_600, 86 * 3_600)
    groups = api_get(f"/api/v2/fleet/fuel?{BOTH}", key).json()["summary"]["groups"]
    assert [(row["group"], row["trucks"], row["fuel_used_l"]) for row in groups] == [
        ("North", 2, 2784.0), (None, 1, 2773.0),
    ]  # fmt: skip


def drivers_in_order(api_get: Get, key: str) -> None:
    """Anna drove 4,500 km, Ben 2,580."""
    for sort, names in (("distance_m", ["Ben", "Anna"]), ("-distance_m", ["Anna", "Ben"])):
        found = api_get(f"/api/v2/drivers?{BOTH}&sort={sort}", key).json()["data"]
        assert [row["name"] for row in found] == names


def figures_of_the_summary(api_get: Get, key: str) -> None:
    data = api_get(f"/api/v2/fleet/summary?{BOTH}", key).json()["data"]
    assert (data["active_trucks"], data["truck_days"], data["distance_m"]) == (3, 146, 21_060_000)
    assert (data["total_cost"], data["fuel_cost"]) == (usd("35055.45"), usd("6181.20"))
    assert (data["cost_per_km"], data["estimated_cost_pct"]) == (usd("1.6646"), 18.83)
    assert data["consumption_l_per_100km"] == 26.39  # 5,557 l ÷ 21,060 km
    assert (data["fuel_used_l"], data["idle_fuel_l"]) == (5557.0, 292.0)
    assert (data["consumption_l"], data["fuel_distance_m"]) == (5557.0, 21_060_000)
    assert (data["engine_moving_s"], data["idle_productive_s"], data["engine_on_s"]) == (146 * 7_200, 0, 146 * 10_800)
    assert (data["available_s"], data["asset_utilization_pct"]) == (146 * 43_200, 16.67)
    assert [(each["source"], each["amount"], each["share_pct"]) for each in data["cost_sources"]] == [
        ("actual", usd("675.05"), 1.93), ("allocated", usd("27778.00"), 79.24), ("estimated", usd("6602.40"), 18.83),
    ]  # fmt: skip


def idling_by_event(api_get: Get, key: str) -> None:
    """An hour a day, 2 litres: on 15 February, from 10:00 on, at 1.20; on the day before at 1.00."""
    answer = api_get("/api/v2/trucks/B/idle-events?from=2026-02-15&to=2026-02-15", key).json()
    assert [(event["duration_s"], event["fuel_l"], event["cost"]) for event in answer["data"]] == [
        (3_600, 2.0, usd("2.40"))
    ]
    assert (answer["summary"]["cost"], answer["previous"]["cost"]) == (usd("2.40"), usd("2.00"))
    assert answer["change_pct"]["cost"] == 20.0


def test_every_figure_is_as_worked_by_hand(api_get: Get, key: str) -> None:
    """One test for all of them: the two months take seconds to compute."""
    for figures in (
        costs, costs_by_truck, costs_by_month, why_march_cost_less, utilization, utilization_by_hour,
        utilization_by_weekday, utilization_before, figures_of_the_summary, costs_by_driver, driving, trends,
    ):  # fmt: skip
        figures(api_get, key)
    for figures in (change_in_points, drivers_in_order, of_a_group):
        figures(api_get, key)
    for figures in (idling_by_event, idling_and_where, utilization_with_a_calendar):
        figures(api_get, key)


# --- the formulas of the system that this one replaces, on the same messages ---


def latest(code: str, t: int) -> dict[str, Any]:
    return max((message for message in work(code) if message["t"] <= t), key=lambda message: message["t"])


def test_the_formulas_before_are_as_far_off_as_the_manual_says() -> None:
    """March, whose true figures are 9,300 km, 2,449 l, 124 h moving and 16,473.45 USD, see above.

    Odometers at the end: 407,080 + 410,620 + 403,360 km; fuel counters 121,888 + 122,773 + 120,896 l.
    """
    end, morning = at(END) - 1, at(dt.date(2026, 3, 31), 9 * 60)
    last = [latest(code, end)["p"] for code in TRUCKS]
    distance_km, litres = sum(each["odo"] for each in last), sum(each["used"] for each in last)
    assert (distance_km, litres) == (1_221_060, 365_557)

    def hours_moving(t: int) -> int:
        return 10 * 31 * sum(latest(code, t)["pos"]["s"] > 5 for code in TRUCKS)

    constants = Decimal("2.251") / Decimal("0.641")  # ATRI 2022: all lines for each dollar of fuel
    cost = (Decimal("2772.90") * constants).quantize(Decimal("0.01"))
    assert (hours_moving(end), hours_moving(morning), cost) == (0, 620, Decimal("9737.59"))
    manual = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    for row in (
        "| distance | the odometers' values | 1,221,060 km | 9,300 km | × 131 |",
        "| fuel | the fuel counters' values | 365,557 l | 2,449 l | × 149 |",
        "| hours moving | trucks that move when asked × 10 h × days, asked at midnight | 0 h | 124 h | − 100 % |",
        "| hours moving | the same, asked at 09:00 | 620 h | 124 h | × 5 |",
        "| cost | fuel cost × constants (2.251 ÷ 0.641) | 9,737.59 USD | 16,473.45 USD | − 41 % |",
    ):
        assert row in manual
