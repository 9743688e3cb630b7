"""How each figure of a truck-day comes about, in a sentence each; docs/metrics.md has it at length. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`section`: the heading in docs/metrics.md; `rests_on`: `messages` and kinds of events; `parameters`: by name."""

    section: str
    text: str
    rests_on: tuple[str, ...] = ("messages",)
    parameters: tuple[str, ...] = ()


_CLEANING, _MOTION, _DISTANCE, _EVENTS = (
    "Cleaning: from messages to points", "Engine and motion", "Distance and counters", "Events"
)  # fmt: skip
_SPEEDING = ("speed_limit_kmh", "speeding_min_s", "speeding_minor_kmh", "speeding_moderate_kmh")
_LEGS = ("max_leg_kmh", "trip_max_gap_s", "min_satellites")


def _episodes(severity: str) -> Rule:
    text = f"Speeding episodes that start in the day and whose largest excess is {severity}."
    return Rule(_EVENTS, text, ("speeding_episodes", "messages"), _SPEEDING)


def _harsh(kind: str, threshold: str | None = None) -> Rule:
    by_speed = " On a day without such messages, what the speed between fixes at most 2 s apart shows."
    text = f"Harsh {kind} that the device reports in the day."
    parameters = (threshold,) if threshold else ()
    return Rule(_EVENTS, text + (by_speed if threshold else ""), ("harsh_events", "messages"), parameters)


RULES: dict[str, Rule] = {
    "messages": Rule(_CLEANING, "Distinct seconds with at least one data message."),
    "fixes": Rule(_CLEANING, "Distinct seconds with a GPS fix.", parameters=("min_satellites",)),
    "dropped_values": Rule(_CLEANING, "Sensor values that were sent and were not usable, over all sensors."),
    "quarantined": Rule(_CLEANING, "Messages dated more than a day into the future that were first seen on this day."),
    "moving_s": Rule(
        _MOTION,
        "Seconds from a message with the engine on, or unknown, and a speed above the limit of moving to the next "
        "message, each interval up to its cap and cut at midnight.",
        parameters=("moving_speed_kmh", "engine_gap_cap_s"),
    ),
    "idle_s": Rule(
        _MOTION,
        "Seconds from a message with the engine on and the truck still to the next message, each up to its cap.",
        parameters=("moving_speed_kmh", "engine_gap_cap_s"),
    ),
    "idle_productive_s": Rule(
        _MOTION,
        "The part of the idling that is work: with the power take-off on, or in a productive place.",
        parameters=("engine_gap_cap_s",),
    ),
    "parked_s": Rule(
        _MOTION,
        "Seconds from a message with the engine off, or still where the engine is unknown, to the next message, each "
        "up to its cap.",
        parameters=("parked_gap_cap_s",),
    ),
    "no_data_s": Rule(
        _MOTION,
        "What the other three leave of the day: silence beyond the caps.",
        parameters=("engine_gap_cap_s", "parked_gap_cap_s"),
    ),
    "engine_on_s": Rule(_MOTION, "Moving and idling together.", parameters=("engine_gap_cap_s",)),
    "night_driving_s": Rule(
        _MOTION,
        "The part of the moving time in which the local clock shows an hour of the night.",
        parameters=("moving_speed_kmh", "engine_gap_cap_s", "night_begin_h", "night_end_h"),
    ),
    "distance_m": Rule(
        _DISTANCE, "By odometer, else by GPS without drift; distance_source says which.", parameters=_LEGS
    ),
    "distance_source": Rule(_DISTANCE, "The odometer where it has readings around the day, else GPS."),
    "distance_gps_m": Rule(
        _DISTANCE,
        "Straight lines between consecutive fixes, without those that are too fast or too long in time.",
        parameters=_LEGS,
    ),
    "drift_m": Rule(_DISTANCE, "The part of the GPS distance between fixes that are both parked.", parameters=_LEGS),
    "distance_gap_m": Rule(_DISTANCE, "Straight lines over silence that is too long to be driving.", parameters=_LEGS),
    "distance_odometer_m": Rule(_DISTANCE, "Increases of the odometer between consecutive readings."),
    "engine_hours": Rule(_DISTANCE, "Increases of the engine-hour counter between consecutive readings."),
    "counter_resets": Rule(_DISTANCE, "How often one of the counters fell."),
    "fuel_used_l": Rule(
        _DISTANCE,
        "Increases of the total-fuel counter; without one, level at the start − at the end + refuels − drains.",
        ("messages", "fuel_events"),
    ),
    "fuel_source": Rule(_DISTANCE, "The total-fuel counter where it has readings, else the level."),
    "idle_fuel_l": Rule(_DISTANCE, "The part of the counter's increases that falls into idling."),
    "max_speed_kmh": Rule(_DISTANCE, "The highest GPS speed of the day's fixes.", parameters=("min_satellites",)),
    "trips": Rule(
        _EVENTS,
        "Trips that start in the day.",
        ("trips", "messages"),
        ("moving_speed_kmh", "trip_end_s", "trip_max_gap_s", "trip_min_s", "trip_min_m"),
    ),
    "stops": Rule(_EVENTS, "Stops between trips that start in the day.", ("stops", "trips"), ("trip_end_s",)),
    "idle_events": Rule(
        _EVENTS, "Unbroken idling that is long enough.", ("idle_events", "messages"), ("idle_event_min_s",)
    ),
    "speeding_minor": _episodes("minor"),
    "speeding_moderate": _episodes("moderate"),
    "speeding_severe": _episodes("severe"),
    "speeding_s": Rule(
        _EVENTS, "Seconds of the episodes inside the day.", ("speeding_episodes", "messages"), _SPEEDING
    ),
    "harsh_braking": _harsh("braking", "harsh_braking_ms2"),
    "harsh_acceleration": _harsh("acceleration", "harsh_acceleration_ms2"),
    "harsh_cornering": _harsh("cornering"),
    "refuels": Rule(_EVENTS, "Rises of the level that are high enough.", ("fuel_events",), ("refuel_min_l",)),
    "refuel_l": Rule(_EVENTS, "The litres of the refuels.", ("fuel_events",), ("refuel_min_l",)),
    "drains": Rule(
        _EVENTS,
        "Falls of the level with the engine off that are deep enough and that nobody dismissed.",
        ("fuel_events",),
        ("drain_min_l",),
    ),
    "drain_l": Rule(_EVENTS, "The litres of these drains.", ("fuel_events",), ("drain_min_l",)),
    "faults_opened": Rule(_EVENTS, "Fault codes that became active.", ("fault_changes",)),
    "coverage_pct": Rule(_MOTION, "100 × (1 − seconds without data ÷ length of the day)."),
    "status": Rule(
        "Freshness", "Provisional, final 72 hours after the day's end is known, corrected if it changes then."
    ),
    "revision": Rule("Freshness", "The fleet's revision with which the day last changed."),
    "computed_at": Rule("Freshness", "When it last changed."),
    "as_of": Rule("Freshness", "The day's end, or the truck's watermark if that is earlier."),
}
