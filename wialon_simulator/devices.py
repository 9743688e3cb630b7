"""Trackers: each names and scales the same measurements in its own way; only its sensor table tells what is what."""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wialon_simulator.trucks import Truck

Params = dict[str, Any]
Sensors = dict[str, dict[str, Any]]

WITH_OVERFLOW = 0x20
BOUNDS_AFTER_TABLE = 0x40
LOGICAL_AND = 1


class Sample:
    """What there is to measure at one instant; reused from message to message."""

    __slots__ = (
        "coolant_c",
        "engine_h",
        "engine_on",
        "fuel_used_l",
        "level_l",
        "odometer_km",
        "pto",
        "rpm",
        "speed_kmh",
    )
    coolant_c: float
    engine_h: float
    engine_on: bool
    fuel_used_l: float
    level_l: float
    odometer_km: float
    pto: bool
    rpm: float
    speed_kmh: int


@dataclass(frozen=True, slots=True)
class Device:
    """A tracker as installed in one truck. `params` makes the raw parameters of a message; `reads_inputs` says whether
    messages carry the mask of digital inputs, `reads_drivers` whether drivers log in with a key; `flags` are bits that
    this hardware sets in every message."""

    hardware_id: int
    reads_inputs: bool
    reads_drivers: bool
    flags: int
    params: Callable[[Sample, random.Random], Params]
    sensors: Sensors


class Scale:
    """A curve through (raw, value) points, as an installer measures it when filling a tank step by step."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._raw = [raw for raw, _ in points]
        self._values = [value for _, value in points]

    def raw(self, value: float) -> float:
        """Returns what the device reads at `value`; beyond the ends the outermost pieces go on."""
        i = min(max(bisect_right(self._values, value), 1), len(self._values) - 1)
        return self._raw[i - 1] + (value - self._values[i - 1]) / self._slope(i)

    def table(self) -> list[dict[str, float]]:
        """Returns Wialon's rows: y = a·X + b from x on."""
        rows = []
        for i in range(1, len(self._raw)):
            a = self._slope(i)
            rows.append({"x": self._raw[i - 1], "a": a, "b": self._values[i - 1] - a * self._raw[i - 1]})
        return rows

    def _slope(self, i: int) -> float:
        return (self._values[i] - self._values[i - 1]) / (self._raw[i] - self._raw[i - 1])


def sensor(
    number: int,
    name: str,
    kind: str,
    unit: str,
    expression: str,
    *,
    table: Sequence[dict[str, float]] = (),
    flags: int = 0,
    bounds: tuple[float, float] | None = None,
    validated_by: int = 0,
) -> dict[str, Any]:
    """Returns one row of a unit's sensor table in Wialon's shape."""
    config: dict[str, Any] = {"act": 1, "appear_in_popup": True, "show_time": False, "mu": "0", "timeout": 0}
    if bounds:
        config |= {"lower_bound": bounds[0], "upper_bound": bounds[1]}
    return {
        "id": number,
        "n": name,
        "t": kind,
        "d": "",
        "m": unit,
        "p": expression,
        "f": flags,
        "c": orjson.dumps(config).decode(),
        "vt": LOGICAL_AND if validated_by else 0,
        "vs": validated_by,
        "tbl": list(table),
    }


def sensor_table(*rows: dict[str, Any]) -> Sensors:
    return {str(row["id"]): row for row in rows}


def linear(a: float, b: float = 0.0) -> list[dict[str, float]]:
    return [{"x": 0, "a": a, "b": b}]


def step(x: float, value: float) -> dict[str, float]:
    """Returns the row of a table that is `value` from `x` on."""
    return {"x": x, "a": 0, "b": value}


def _battery_v(sample: Sample, rng: random.Random, system: int = 12) -> float:
    volts = 13.75 + 0.3 * rng.random() if sample.engine_on else 12.45 + 0.2 * rng.random()
    return volts * system / 12


def _teltonika(truck: Truck) -> Device:
    """Numbered AVL elements; millivolts, metres, tenths; keeps repeating the last CAN values when the engine is off."""
    tank = Scale(
        [(0, 0), (20, 0.16 * truck.tank_l), (50, 0.49 * truck.tank_l), (80, 0.82 * truck.tank_l), (100, truck.tank_l)]
    )

    def params(sample: Sample, rng: random.Random) -> Params:
        return {
            "io_239": int(sample.engine_on),
            "io_240": int(sample.speed_kmh > 0),
            "io_66": int(_battery_v(sample, rng) * 1000),
            "io_67": 4040,
            "io_21": 3 + int(rng.random() * 3),
            "io_69": 1,
            "io_16": int(sample.odometer_km * 1000),
            "io_85": int(sample.rpm),
            "io_83": int(sample.fuel_used_l * 10),
            "io_89": round(min(100.0, max(0.0, tank.raw(sample.level_l))), 1),
            "io_115": int(sample.coolant_c * 10),
            "io_102": int(sample.engine_h * 60),
        }

    return Device(
        hardware_id=9,
        reads_inputs=False,
        reads_drivers=True,
        flags=0x40000000,
        params=params,
        sensors=sensor_table(
            sensor(1, "Ignition", "engine operation", "On/Off", "io_239"),
            sensor(2, "Battery", "voltage", "V", "io_66*const0.001"),
            sensor(3, "Odometer", "mileage", "km", "io_16*const0.001", flags=WITH_OVERFLOW),
            sensor(4, "RPM", "engine rpm", "rpm", "io_85", bounds=(0, 8000)),
            sensor(5, "Fuel used", "absolute fuel consumption", "l", "io_83*const0.1", flags=WITH_OVERFLOW),
            sensor(6, "Fuel", "fuel level", "l", "io_89", table=tank.table(), bounds=(0, 100)),
            sensor(7, "Coolant", "temperature", "°C", "io_115", table=linear(0.1)),
            sensor(8, "Engine hours", "engine hours", "h", "io_102/const60", flags=WITH_OVERFLOW),
        ),
    )


def _fms(truck: Truck) -> Device:
    """J1939 as it is on the bus: 5 m, half litres, 0.05 h and 0.4 % per bit; silent when the engine is off."""
    half = truck.tank_l / 2

    def params(sample: Sample, rng: random.Random) -> Params:
        values: Params = {"pwr_ext": round(_battery_v(sample, rng), 2), "gsm": 12 + int(rng.random() * 16)}
        if sample.engine_on:
            left = sample.level_l * (0.5 + 0.01 * (rng.random() - 0.5))
            values |= {
                "can_ign": 1,
                "can_rpm": int(sample.rpm),
                "can_speed": sample.speed_kmh,
                "can_odo": int(sample.odometer_km * 200),
                "can_fuel_used": int(sample.fuel_used_l * 2),
                "can_fls1": min(250, int(left / half * 250)),
                "can_fls2": min(250, int((sample.level_l - left) / half * 250)),
                "can_engine_hours": int(sample.engine_h * 20),
                "can_coolant_temp": int(sample.coolant_c) + 40,
            }
        return values

    return Device(
        hardware_id=23,
        reads_inputs=True,
        reads_drivers=False,
        flags=0,
        params=params,
        sensors=sensor_table(
            sensor(1, "Ignition", "engine operation", "On/Off", "can_ign|in1"),
            sensor(2, "Fuel left", "fuel level", "l", "can_fls1", table=linear(half / 250), bounds=(0, 250)),
            sensor(3, "Fuel right", "fuel level", "l", "can_fls2", table=linear(half / 250), bounds=(0, 250)),
            sensor(4, "Mileage", "mileage", "km", "can_odo|tacho_odo", table=linear(0.005), flags=WITH_OVERFLOW),
            sensor(
                5,
                "Fuel used",
                "absolute fuel consumption",
                "l",
                "can_fuel_used",
                table=linear(0.5),
                flags=WITH_OVERFLOW,
            ),
            sensor(6, "Revolutions", "engine rpm", "rpm", "can_rpm"),
            sensor(7, "Engine hours", "engine hours", "h", "can_engine_hours", table=linear(0.05), flags=WITH_OVERFLOW),
            sensor(8, "Coolant", "temperature", "°C", "can_coolant_temp", table=linear(1, -40), bounds=(0, 250)),
            sensor(9, "Voltage", "voltage", "V", "pwr_ext"),
        ),
    )


def _analogue(truck: Truck) -> Device:
    """No CAN: ignition and power take-off on inputs, two level probes that show their own units, no odometer."""
    half = truck.tank_l / 2
    probe = Scale(
        [(12, 0), (410, 0.08 * half), (1300, 0.30 * half), (2600, 0.63 * half), (3600, 0.89 * half), (4095, half)]
    )

    def params(sample: Sample, rng: random.Random) -> Params:
        return {
            "pwr_ext": round(_battery_v(sample, rng), 2),
            "pwr_int": 4.1,
            "gsm": 10 + int(rng.random() * 20),
            "hdop": round(0.6 + rng.random(), 1),
            "lls_lvl_1": int(probe.raw(sample.level_l / 2)),
            "lls_lvl_2": int(probe.raw(sample.level_l / 2 + 1.5 * rng.random())),
        }

    return Device(
        hardware_id=41,
        reads_inputs=True,
        reads_drivers=False,
        flags=0,
        params=params,
        sensors=sensor_table(
            sensor(1, "Ignition", "engine operation", "On/Off", "in1"),
            sensor(2, "Supply", "voltage", "V", "pwr_ext"),
            sensor(3, "Tank front", "fuel level", "l", "lls_lvl_1", table=probe.table(), bounds=(0, 4095)),
            sensor(4, "Tank rear", "fuel level", "l", "lls_lvl_2", table=probe.table(), bounds=(0, 4095)),
            sensor(5, "PTO", "digital", "On/Off", "in2"),
        ),
    )


def _numbered(truck: Truck) -> Device:
    """Nameless numbers: a status word, tenths of a mile, gallons, °F, a float in mV; ignition has a validator."""
    float_mv = Scale([(180, 0), (900, 0.2 * truck.tank_l), (2400, 0.62 * truck.tank_l), (4300, truck.tank_l)])

    def params(sample: Sample, rng: random.Random) -> Params:
        return {
            "param199": (4 if sample.engine_on else 0) | (1 if sample.speed_kmh else 0) | 16,
            "param180": int(sample.odometer_km / 0.1609344),
            "param78": round(sample.fuel_used_l / 3.785411784, 2),
            "param1": int(sample.rpm * 4),
            "param9": int(float_mv.raw(sample.level_l)),
            "param77": int(sample.engine_h * 60),
            "TEMP": round(sample.coolant_c * 1.8 + 32),
            "adc1": round(_battery_v(sample, rng) / 6, 3),
        }

    charging = [step(0, 0), step(13.2, 1)]
    return Device(
        hardware_id=58,
        reads_inputs=False,
        reads_drivers=False,
        flags=0,
        params=params,
        sensors=sensor_table(
            sensor(1, "Charging", "digital", "On/Off", "adc1*const6", table=charging),
            sensor(2, "Ignition", "engine operation", "On/Off", "param199:3", validated_by=1),
            sensor(3, "Odometer", "mileage", "km", "param180*const0.1609344", flags=WITH_OVERFLOW),
            sensor(4, "Fuel used", "absolute fuel consumption", "l", "param78*const3.785411784", flags=WITH_OVERFLOW),
            sensor(5, "RPM", "engine rpm", "rpm", "param1", table=linear(0.25), bounds=(0, 32_000)),
            sensor(
                6,
                "Tank",
                "fuel level",
                "l",
                "param9",
                table=float_mv.table(),
                flags=BOUNDS_AFTER_TABLE,
                bounds=(0, truck.tank_l * 1.05),
            ),
            sensor(7, "Engine hours", "engine hours", "h", "param77/const60", flags=WITH_OVERFLOW),
            sensor(8, "Water", "temperature", "°C", "(TEMP-const32)/const1.8"),
            sensor(9, "Voltage", "voltage", "V", "adc1*const6"),
        ),
    )


def _bare(truck: Truck) -> Device:
    """Plus and minus only: no ignition wire, no bus, no probe; the 24 V supply is all there is to go by."""

    def params(sample: Sample, rng: random.Random) -> Params:
        return {
            "pwr_ext": round(_battery_v(sample, rng, 24), 1),
            "pwr_int": 3.9,
            "gsm_signal": 40 + int(rng.random() * 60),
        }

    return Device(
        hardware_id=77,
        reads_inputs=False,
        reads_drivers=False,
        flags=0,
        params=params,
        sensors=sensor_table(sensor(1, "Voltage", "voltage", "V", "pwr_ext", bounds=(0, 36))),
    )


_DEVICES: dict[str, Callable[[Truck], Device]] = {
    "teltonika": _teltonika,
    "fms": _fms,
    "analogue": _analogue,
    "numbered": _numbered,
    "bare": _bare,
}


def install(truck: Truck) -> Device:
    """Returns the truck's own tracker."""
    return _DEVICES[truck.device](truck)
