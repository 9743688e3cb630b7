"""The golden fleet's refuels, drains, tanks, cards and faults: every figure against a sheet worked by hand.

The fleet is that of `golden`: A uses 32 l a day, B 47 l, C (without level and faults, sold at the end of February) 32.
A litre costs 1.00, from 15 February 09:00 on 1.20, from 10 March 12:00 on 1.10. Nothing is used from 11:00 to 08:00, so
the five readings on either side of what happens at night are alike, and the litres are what came or went.

Tank of A, 500 l on 1 February; 32 l are gone for each day since the last refuel, that of the next one included:
  10 February  500 − 10 × 32 = 180 → 580       400 l × 1.00 = 400.00     card 405 l,  409.05
  23 February  580 − 13 × 32 = 164 → 564       400 l × 1.20 = 480.00     card 400 l,  488.00
  10 March     564 − 15 × 32 =  84 → 484       400 l × 1.10 = 440.00     paid in cash, not booked
  24 March     484 − 14 × 32 =  36 → 456       420 l × 1.10 = 462.00     card 420 l,  453.60
  31 March     456 −  7 × 32 = 232; on 1 March 564 − 5 × 32 = 404

Tank of B, 550 l on 1 February, 47 l a day:
   8 February  550 −  8 × 47 = 174 → 574       400 l × 1.00 = 400.00     card 400 l,  404.00
  18 February  574 − 10 × 47 = 104 → 544       440 l × 1.20 = 528.00     card 440 l,  536.80
  20 February  544 −  1 × 47 = 497 → 417       drain  80 l × 1.20 = 96.00, suspected
  27 February  417 −  8 × 47 =  41 → 541       500 l × 1.20 = 600.00     card 500 l,  500.00 EUR × 1.1 = 550.00
   8 March     541 −  9 × 47 = 118 → 518       400 l × 1.20 = 480.00     card 400 l,  488.00
  12 March     518 −  3 × 47 = 377 → 327       drain  50 l × 1.10 = 55.00, confirmed
  15 March     327 −  3 × 47 = 186 → 146       drain  40 l × 1.10 = 44.00, dismissed: in no figure
  16 March     146 −  2 × 47 =  52 → 552       500 l × 1.10 = 550.00     card 515 l,  566.50
  25 March     a leak of 20 l, less than 30 l: no drain
  26 March     552 − 20 − 10 × 47 = 62 → 492   230 + 200, one refuel: 430 l × 1.10 = 473.00     card 430 l, 464.40
  31 March     492 −  5 × 47 = 257; on 1 March 541 − 1 × 47 = 494
C bought 300 l for 303.00 on 12 February. Nobody measures its tank.

Refuels: February A 2 of 800 l, B 3 of 1,340; March A 2 of 820, B 3 of 1,330. Together 2,140 and 2,150.

Balance of the tanks of A and B, 59 truck-days each; what is unexplained has its reasons:
  A bought 405 + 400 + 420 = 1,225; refuelled 1,620; used 59 × 32 = 1,888; tank 232 − 500 = −268
    not in the tank 1,225 − 1,620 = −395: 5 paid for and not filled, 400 filled and not booked
    unexplained 1,225 − 1,888 + 268 = −395: the same
  B bought 400 + 440 + 500 + 400 + 515 + 430 = 2,685; refuelled 2,670; drained 80 + 50 = 130; used 59 × 47 = 2,773;
    tank 257 − 550 = −293; not in the tank 15
    unexplained 2,685 − 130 − 2,773 + 293 = 75: these 15, 40 that were dismissed and are gone all the same, 20 leaked
  both bought 3,910; refuelled 4,290; drained 130; used 4,661; tank −561; not in the tank −380; unexplained −320
March, 62 truck-days: bought A 420, B 400 + 515 + 430 = 1,345; refuelled 2,150; drained 50; used 992 + 1,457 = 2,449;
  tank A 232 − 404 = −172, B 257 − 494 = −237; not in the tank −385 (400 not booked, 15 not filled); unexplained
  1,765 − 50 − 2,449 + 409 = −325: −400 + 15 + 40 + 20

Cards: A 3 of 409.05 + 488.00 + 453.60 = 1,350.65; B 6 of 404 + 536.80 + 550 + 488 + 566.50 + 464.40 = 3,009.70; with
C's 10 purchases of 4,210 l for 4,663.35, a litre 1.1077. Used are 5,557 l for 6,181.20; 1,347 l and 1,517.85 less are
bought. In March 4 of 1,765 l for 453.60 + 488 + 566.50 + 464.40 = 1,972.50.

Faults: A's oil pressure (SPN 100, FMI 1, severe) from 5 March 09:00 to 6 March 08:00. B's coolant temperature (110, 16,
moderate) from 10 February 08:30 on, noticed on the 11th at noon; SPN 7, FMI 15 (minor) on 20 March from 08:00 to 10:00,
and again from 25 March 08:00 on. So 1 opened in February, 3 in March.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api import golden
from tests.api.golden import BOTH, usd

Get = Callable[..., httpx.Response]
FEBRUARY, MARCH = "from=2026-02-01&to=2026-02-28", "from=2026-03-01&to=2026-03-31"


@pytest.fixture
def key(transactional_db: None) -> str:
    return golden.made()


def of(row: dict[str, Any], names: str) -> list[Any]:
    return [row[name] for name in names.split()]


# --- single events ----------------------------------------------------------------------------------------------------


def refuels_and_drains_of_b(api_get: Get, key: str) -> None:
    """In UTC: six hours ahead of Chicago until 8 March, five from there on."""
    names = "started_at ended_at kind review level_before_l level_after_l litres cost"
    found = {}
    for month in (FEBRUARY, MARCH):
        answer = api_get(f"/api/v2/trucks/B/fuel-events?{month}", key).json()
        found[month] = [of(event, names) for event in answer["data"]]
        assert {(event["lat"], event["lon"]) for event in answer["data"]} == {(41.85, -87.65)}
    assert found[FEBRUARY] == [
        ["2026-02-09T02:00:00Z", "2026-02-09T03:00:00Z", "refuel", None, 174.0, 574.0, 400.0, usd("400.00")],
        ["2026-02-19T02:00:00Z", "2026-02-19T03:00:00Z", "refuel", None, 104.0, 544.0, 440.0, usd("528.00")],
        ["2026-02-20T08:00:00Z", "2026-02-20T09:00:00Z", "drain", "suspected", 497.0, 417.0, 80.0, usd("96.00")],
        ["2026-02-28T02:00:00Z", "2026-02-28T03:00:00Z", "refuel", None, 41.0, 541.0, 500.0, usd("600.00")],
    ]
    assert found[MARCH] == [
        ["2026-03-09T01:00:00Z", "2026-03-09T02:00:00Z", "refuel", None, 118.0, 518.0, 400.0, usd("480.00")],
        ["2026-03-12T08:00:00Z", "2026-03-12T09:00:00Z", "drain", "confirmed", 377.0, 327.0, 50.0, usd("55.00")],
        ["2026-03-15T07:00:00Z", "2026-03-15T08:00:00Z", "drain", "dismissed", 186.0, 146.0, 40.0, usd("44.00")],
        ["2026-03-17T01:00:00Z", "2026-03-17T02:00:00Z", "refuel", None, 52.0, 552.0, 500.0, usd("550.00")],
        ["2026-03-27T01:00:00Z", "2026-03-27T03:00:00Z", "refuel", None, 62.0, 492.0, 430.0, usd("473.00")],
    ]


def sums_of_b_beside_those_before(api_get: Get, key: str) -> None:
    """Refuels 480 + 550 + 473 = 1,503.00 in March, 400 + 528 + 600 = 1,528.00 in the 31 days before.

    −10 ÷ 1,340 = −0.75 %; −25 ÷ 1,528 = −1.64 %; drains −30 ÷ 80 = −37.5 %, −41 ÷ 96 = −42.71 %.
    """
    answer = api_get(f"/api/v2/trucks/B/fuel-events?{MARCH}", key).json()
    assert answer["summary"] == {
        "refuels": 3, "refuel_l": 1330.0, "refuel_cost": usd("1503.00"), "drains": 1, "drain_l": 50.0,
        "drain_cost": usd("55.00"), "suspected": 0, "suspected_l": 0.0, "suspected_cost": usd("0.00"),
    }  # fmt: skip
    assert answer["previous"].pop("period") == {"from": "2026-01-29", "to": "2026-02-28", "timezone": "America/Chicago"}
    assert answer["previous"] == {
        "refuels": 3, "refuel_l": 1340.0, "refuel_cost": usd("1528.00"), "drains": 1, "drain_l": 80.0,
        "drain_cost": usd("96.00"), "suspected": 1, "suspected_l": 80.0, "suspected_cost": usd("96.00"),
    }  # fmt: skip
    assert answer["change_pct"] == {
        "refuels": 0.0, "refuel_l": -0.75, "refuel_cost": -1.64, "drains": 0.0, "drain_l": -37.5, "drain_cost": -42.71,
        "suspected": -100.0, "suspected_l": -100.0, "suspected_cost": -100.0,
    }  # fmt: skip
    dismissed = api_get(f"/api/v2/trucks/B/fuel-events?{MARCH}&review=dismissed", key).json()
    assert ([event["litres"] for event in dismissed["data"]], dismissed["summary"]["drain_l"]) == ([40.0], 50.0)


def events_of_the_others(api_get: Get, key: str) -> None:
    """A is measured and was not drained; of C nothing is measured, though it has days."""
    events = api_get(f"/api/v2/trucks/A/fuel-events?{MARCH}", key).json()
    assert [of(event, "started_at litres cost") for event in events["data"]] == [
        ["2026-03-11T01:00:00Z", 400.0, usd("440.00")], ["2026-03-25T01:00:00Z", 420.0, usd("462.00")],
    ]  # fmt: skip
    names = "refuels refuel_l refuel_cost drains drain_l drain_cost"
    assert of(events["summary"], names) == [2, 820.0, usd("902.00"), 0, 0.0, usd("0.00")]
    assert of(events["previous"], names) == [2, 800.0, usd("880.00"), 0, 0.0, usd("0.00")]
    nothing = api_get(f"/api/v2/trucks/C/fuel-events?{FEBRUARY}", key).json()
    assert (nothing["data"], nothing["freshness"]["coverage_pct"]) == ([], 100.0)
    assert set(nothing["summary"].values()) == set(nothing["change_pct"].values()) == {None}


# --- the fleet's fuel -------------------------------------------------------------------------------------------------


def fuel_in_march(api_get: Get, key: str) -> None:
    """A 31 × 32 = 992 l on 3,720 km, B 31 × 47 = 1,457 l on 5,580 km; the 28 days before are all of February.

    The fleet 2,449 ÷ 9,300 km = 26.33, in February with C 3,108 ÷ 11,760 = 26.43: 0.36 % less.
    Fuel of A 10 × 38.40 + 21 × 35.20 = 1,123.20, of B 10 × 56.40 + 21 × 51.70 = 1,649.70; idling of each 70.20.
    """
    answer = api_get(f"/api/v2/fleet/fuel?{MARCH}", key).json()
    assert [
        (truck["truck_id"], truck["consumption_l_per_100km"], truck["baseline"]["deviation_pct"], truck["ranked"])
        for truck in answer["data"]
    ] == [("A", 26.67, 0.0, True), ("B", 26.11, 0.0, True)]
    names = "fuel_used_l fuel_priced_l fuel_cost idle_fuel_l idle_cost idle_productive_cost"
    assert [of(truck, names) for truck in answer["data"]] == [
        [992.0, 992.0, usd("1123.20"), 62.0, usd("70.20"), usd("0.00")],
        [1457.0, 1457.0, usd("1649.70"), 62.0, usd("70.20"), usd("0.00")],
    ]
    assert {truck["peers"]["reason"] for truck in answer["data"]} == {"no_class"}
    assert {len(truck["alerts"]) for truck in answer["data"]} == {0}
    summary = answer["summary"]
    assert of(summary, names) == [2449.0, 2449.0, usd("2772.90"), 124.0, usd("140.40"), usd("0.00")]
    assert of(summary, "consumption_l fuel_distance_m consumption_days") == [2449.0, 9_300_000, 62]
    assert (summary["consumption_l_per_100km"], answer["previous"]["consumption_l_per_100km"]) == (26.33, 26.43)
    assert (summary["baseline"]["deviation_pct"], summary["baseline"]["days"]) == (-0.36, 84)


REFUELLED = "refuels refuel_l drains drain_l drain_priced_l drain_cost"
SUSPECTED = "suspected_drains suspected_drain_l suspected_drain_cost"


def drains_in_march(api_get: Get, key: str) -> None:
    """The 31 days before are those of February: 5 refuels of 2,140 l, now of 2,150: +10 ÷ 2,140 = 0.47 %."""
    answer = api_get(f"/api/v2/fleet/fuel?{MARCH}", key).json()
    a, b = answer["data"]
    assert of(a, f"{REFUELLED} {SUSPECTED}") == [2, 820.0, 0, 0.0, 0.0, usd("0.00"), 0, 0.0, usd("0.00")]
    assert of(b, f"{REFUELLED} {SUSPECTED}") == [3, 1330.0, 1, 50.0, 50.0, usd("55.00"), 0, 0.0, usd("0.00")]
    now, before, change = answer["summary"], answer["previous"], answer["change_pct"]
    assert of(now, f"{REFUELLED} {SUSPECTED}") == [5, 2150.0, 1, 50.0, 50.0, usd("55.00"), 0, 0.0, usd("0.00")]
    assert of(before, f"{REFUELLED} {SUSPECTED}") == [5, 2140.0, 1, 80.0, 80.0, usd("96.00"), 1, 80.0, usd("96.00")]
    assert of(change, f"{REFUELLED} {SUSPECTED}") == [0.0, 0.47, 0.0, -37.5, -37.5, -42.71, -100.0, -100.0, -100.0]


def drains_in_february(api_get: Get, key: str) -> None:
    """What is not measured of C is null, and the fleet's are those of A and B."""
    answer = api_get(f"/api/v2/fleet/fuel?{FEBRUARY}&sort=-drain_l", key).json()
    b, a, c = answer["data"]
    assert of(b, f"{REFUELLED} {SUSPECTED}") == [3, 1340.0, 1, 80.0, 80.0, usd("96.00"), 1, 80.0, usd("96.00")]
    assert of(a, REFUELLED) == [2, 800.0, 0, 0.0, 0.0, usd("0.00")]
    assert (c["truck_id"], set(of(c, f"{REFUELLED} {SUSPECTED}"))) == ("C", {None})
    assert of(answer["summary"], REFUELLED) == [5, 2140.0, 1, 80.0, 80.0, usd("96.00")]
    assert set(of(answer["previous"], REFUELLED)) == set(of(answer["change_pct"], REFUELLED)) == {None}


# --- cards, tanks and counters ----------------------------------------------------------------------------------------

BALANCE = "truck_days bought_l refuelled_l drained_l used_l tank_change_l not_in_tank_l unexplained_l"


def cards_against_tanks_and_counters(api_get: Get, key: str) -> None:
    answer = api_get(f"/api/v2/fleet/cost-analysis?{BOTH}", key).json()
    fuel = answer["summary"]["fuel"]
    assert fuel["used"]["amount"] == usd("6181.20")
    assert fuel["bought"] == {
        "purchases": 10, "litres": 4210.0, "amount": usd("4663.35"), "per_litre": usd("1.1077"),
    }  # fmt: skip
    assert fuel["difference"] == {"litres": -1347.0, "amount": usd("-1517.85")}
    assert of(fuel["balance"], BALANCE) == [118, 3910.0, 4290.0, 130.0, 4661.0, -561.0, -380.0, -320.0]
    a, b, c = (truck["fuel_balance"] for truck in answer["data"]["by_truck"])
    assert of(a, BALANCE) == [59, 1225.0, 1620.0, 0.0, 1888.0, -268.0, -395.0, -395.0]
    assert of(b, BALANCE) == [59, 2685.0, 2670.0, 130.0, 2773.0, -293.0, 15.0, 75.0]
    assert c is None


def cards_in_march(api_get: Get, key: str) -> None:
    """1,972.50 ÷ 1,765 l = 1.1176 a litre; 1,765 − 2,449 = −684 l, 1,972.50 − 2,772.90 = −800.40."""
    fuel = api_get(f"/api/v2/fleet/cost-analysis?{MARCH}", key).json()["summary"]["fuel"]
    assert of(fuel["bought"], "purchases litres amount per_litre") == [4, 1765.0, usd("1972.50"), usd("1.1176")]
    assert fuel["difference"] == {"litres": -684.0, "amount": usd("-800.40")}
    assert of(fuel["balance"], BALANCE) == [62, 1765.0, 2150.0, 50.0, 2449.0, -409.0, -385.0, -325.0]


# --- faults -----------------------------------------------------------------------------------------------------------


def faults_that_are_active(api_get: Get, key: str) -> None:
    """Known to the last second of March. B's coolant since 10 February 08:30: 15.5 h of that day and 49 days, less the
    hour of 8 March, are 1,190.5 h; since 25 March 08:00: 16 h and 6 days.
    """
    answer = api_get(f"/api/v2/fleet/faults?{MARCH}", key).json()
    names = "truck_id spn suspect fmi failure source severity opened_at age_s acknowledged_at"
    assert [of(fault, names) for fault in answer["data"]] == [
        [
            "B", 110, "coolant temperature", 16, "above normal range, moderately severe", None, "moderate",
            "2026-02-10T14:30:00Z", 4_285_800 - 1, "2026-02-11T18:00:00Z",
        ],
        [
            "B", 7, None, 15, "above normal range, least severe", None, "minor", "2026-03-25T13:00:00Z", 576_000 - 1,
            None,
        ],
    ]  # fmt: skip
    assert answer["summary"] == {
        "severe": 0, "moderate": 1, "minor": 1, "trucks": 1, "unacknowledged": 1, "faults_opened": 3,
    }  # fmt: skip
    assert (answer["previous"]["faults_opened"], answer["change_pct"]["faults_opened"]) == (1, 200.0)


def faults_of_each_truck(api_get: Get, key: str) -> None:
    names = "spn fmi severity opened_at cleared_at acknowledged_at"
    a, b = (api_get(f"/api/v2/trucks/{code}/faults?{MARCH}", key).json() for code in "AB")
    assert [of(fault, names) for fault in a["data"]] == [
        [100, 1, "severe", "2026-03-05T15:00:00Z", "2026-03-06T14:00:00Z", None],
    ]
    assert a["summary"] == {"severe": 1, "moderate": 0, "minor": 0}
    assert [of(fault, names) for fault in b["data"]] == [
        [7, 15, "minor", "2026-03-20T13:00:00Z", "2026-03-20T15:00:00Z", None],
        [7, 15, "minor", "2026-03-25T13:00:00Z", None, None],
    ]
    assert b["summary"] == {"severe": 0, "moderate": 0, "minor": 2}
    c = api_get(f"/api/v2/trucks/C/faults?{FEBRUARY}", key).json()
    assert (c["data"], set(c["summary"].values())) == ([], {None})


# --- over time --------------------------------------------------------------------------------------------------------


def refuels_drains_and_faults_by_month(api_get: Get, key: str) -> None:
    names = "refuels refuel_l drains drain_l faults_opened"
    answer = api_get(f"/api/v2/fleet/trends?{BOTH}&by=month", key).json()
    assert [of(month, names) for month in answer["data"]] == [[5, 2140.0, 1, 80.0, 1], [5, 2150.0, 1, 50.0, 3]]
    assert of(answer["summary"], names) == [10, 4290.0, 2, 130.0, 4]
    for code, expected in (
        ("A", [[2, 800.0, 0, 0.0, 0], [2, 820.0, 0, 0.0, 1]]),
        ("B", [[3, 1340.0, 1, 80.0, 1], [3, 1330.0, 1, 50.0, 2]]),
        ("C", [[None] * 5] * 2),
    ):
        answer = api_get(f"/api/v2/fleet/trends?{BOTH}&by=month&truck_id={code}", key).json()
        assert [of(month, names) for month in answer["data"]] == expected
    by_week = api_get(f"/api/v2/fleet/trends?{BOTH}&by=week&truck_id=B", key).json()["data"]
    weeks = {week["from"]: of(week, names) for week in by_week if any(of(week, names))}
    assert weeks == {
        "2026-02-02": [1, 400.0, 0, 0.0, 0], "2026-02-09": [0, 0.0, 0, 0.0, 1], "2026-02-16": [1, 440.0, 1, 80.0, 0],
        "2026-02-23": [1, 500.0, 0, 0.0, 0], "2026-03-02": [1, 400.0, 0, 0.0, 0], "2026-03-09": [0, 0.0, 1, 50.0, 0],
        "2026-03-16": [1, 500.0, 0, 0.0, 1], "2026-03-23": [1, 430.0, 0, 0.0, 1],
    }  # fmt: skip


def test_every_figure_of_tanks_cards_and_faults_is_as_worked_by_hand(api_get: Get, key: str) -> None:
    """One test for all of them: the two months take seconds to compute."""
    for figures in (
        refuels_and_drains_of_b, sums_of_b_beside_those_before, events_of_the_others, fuel_in_march, drains_in_march,
        drains_in_february, cards_against_tanks_and_counters, cards_in_march, faults_that_are_active,
        faults_of_each_truck, refuels_drains_and_faults_by_month,
    ):  # fmt: skip
        figures(api_get, key)
