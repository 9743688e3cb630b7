"""The standing data of generated units: identifiers, custom and profile fields, counters' settings."""

import random
from typing import Any

from wialon_simulator.trucks import Duty, Peculiarity, Truck

Json = dict[str, Any]

USER_ID, ACCOUNT_ID = 600_001, 600_010
ALL_RIGHTS = 880_333_094_911

TRIP_DETECTOR: Json = {
    "type": 1,
    "gpsCorrection": 1,
    "minSat": 2,
    "minMovingSpeed": 5,
    "minStayTime": 300,
    "maxMessagesDistance": 10_000,
    "minTripTime": 60,
    "minTripDistance": 100,
}
FUEL_SETTINGS: Json = {
    "calcTypes": 3,
    "fuelLevelParams": {
        "flags": 1,
        "ignoreStayTimeout": 10,
        "minFillingVolume": 30,
        "minTheftTimeout": 0,
        "minTheftVolume": 30,
        "filterQuality": 0,
        "fillingsJoinInterval": 1800,
        "theftsJoinInterval": 1800,
        "extraFillingTimeout": 0,
    },
    "fuelConsMath": {"idling": 2.5, "urban": 38, "suburban": 31},
}
_BRANDS = (
    ("Freightliner", "Cascadia"),
    ("Kenworth", "T680"),
    ("Volvo", "VNL 760"),
    ("Peterbilt", "579"),
    ("Mack", "Anthem"),
)


def standing_blocks(truck: Truck, hardware_id: int) -> dict[int, Json]:
    """Returns the unit's standing keys by the data flag that asks for them."""
    rng = random.Random(f"{truck.seed}/papers")
    spare = Peculiarity.NEVER_REPORTS in truck.peculiarities
    return {
        0x2: {"prp": {"monitoring_sensor_id": "1", "msl": "105"}},
        0x8: {"flds": [] if spare else _custom_fields(truck)},
        0x80: {"aflds": {}},
        0x100: identifiers(truck.unit_id, hardware_id),
        0x800000: {"pflds": {} if spare else _profile_fields(truck, rng)},
    }


def identifiers(unit_id: int, hardware_id: int) -> Json:
    return {
        "hw": hardware_id,
        "uid": f"3500000{unit_id:08d}",
        "uid2": "",
        "ph": f"+1555{unit_id:07d}",
        "ph2": "",
        "psw": "",
        "act": 1,
        "dactt": 0,
    }


def counter_flags(truck: Truck) -> int:
    """Returns `cfl`: by mileage sensor where there is one, else by GPS; the site truck's mileage is kept by hand."""
    if truck.duty is Duty.SITE:
        return 0x3 | 0x10 | 0x200
    if truck.device in ("analogue", "bare"):
        return 0x3 | 0x10 | 0x300 if truck.device == "analogue" else 0x100
    return 0x1 | 0x10 | 0x300


def measure(truck: Truck) -> int:
    """Returns `mu`: every eighth truck is kept in US units, so that its `cnm` counts miles."""
    return int(truck.index % 8 == 5)


def _custom_fields(truck: Truck) -> Json:
    return _numbered({"Depot": truck.depot.name, "Fuel card": f"{7000 + truck.index}", "Duty": truck.duty.value})


def _profile_fields(truck: Truck, rng: random.Random) -> Json:
    brand, model = rng.choice(_BRANDS)
    alphabet = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    values = {
        "vehicle_class": "heavy_truck",
        "vin": "1FT" + "".join(rng.choice(alphabet) for _ in range(14)),
        "registration_plate": f"P{rng.randint(100, 999)} {rng.randint(100, 999)}",
        "brand": brand,
        "model": model,
        "year": str(rng.randint(2014, 2025)),
        "primary_fuel_type": "diesel",
        "axles": "5",
        "gross_vehicle_weight": "36.3",
    }
    return _numbered({name: value for name, value in values.items() if name != "year" or truck.index % 7})


def _numbered(values: dict[str, str]) -> Json:
    return {str(n): {"id": n, "n": name, "v": value} for n, (name, value) in enumerate(values.items(), start=1)}
