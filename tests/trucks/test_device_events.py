"""What a device says of its own accord: harsh driving and faults, from parameters to readings."""

from typing import Any

import pytest

from apps.trucks.sensors import DEFAULT_EVENTS, DeviceEvents, EventParameter, SensorTable
from apps.trucks.sensors.device import HARSH_KINDS, FaultCode, codes_of, happened, is_told, parse_codes


def told(params: dict[str, Any], events: DeviceEvents = DEFAULT_EVENTS) -> dict[str, bool]:
    """Kind → whether it happened, of the kinds that the parameters tell of."""
    code = events.read(params)[0] or 0
    return {kind: happened(code, kind) for kind in HARSH_KINDS if is_told(code, kind)}


def test_one_is_an_event_zero_is_none_and_absent_is_not_told() -> None:
    assert told({"harsh_braking": 1, "harsh_cornering": 0, "speed": 1}) == {"braking": True, "cornering": False}
    assert told({"harsh_braking": "1"}) == {"braking": True}
    assert told({"harsh_braking": 2}) == {"braking": False}
    assert DEFAULT_EVENTS.read({}) == (None, None, 0)


def test_messages_together_say_what_each_says_alone() -> None:
    messages: list[dict[str, Any]] = [
        {},
        {"speed": 1},
        {"harsh_braking": 1, "dtc": "100/1"},
        {"dtc": "n/a"},
        {"dtc": None},
    ]
    assert DEFAULT_EVENTS.read_all(messages) == [DEFAULT_EVENTS.read(each) for each in messages]


@pytest.mark.parametrize("value", ["n/a", "", float("nan"), -348201.3876, [1], "1e999"])
def test_what_is_no_number_says_nothing_and_is_dropped(value: object) -> None:
    assert DEFAULT_EVENTS.read({"harsh_braking": value}) == (None, None, 1)


def test_a_mapping_replaces_the_names_of_its_measure_alone() -> None:
    green_driving = [EventParameter(f"harsh_{kind}", "io_253", n) for n, kind in ((1, "acceleration"), (2, "braking"))]
    events = DeviceEvents.with_names(green_driving)
    assert told({"io_253": 2}, events) == {"braking": True, "acceleration": False}
    assert told({"harsh_braking": 1, "harsh_cornering": 1}, events) == {"cornering": True}
    assert events.read({"dtc": "100/1"})[1] == "100/1"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("SPN100/FMI1,SPN3251/FMI0", "100/1,3251/0"),
        (" spn 3251 / fmi 0 ; 100-1 ", "100/1,3251/0"),
        ("100:1:0,100:1", "100/1/0,100/1"),
        ("524287/31/254", "524287/31/254"),
        ("100/1,100/1", "100/1"),
        ("", ""),
        (" , ;", ""),
        ("n/a", None),
        ("100/1,P0420", None),
        ("100", None),
        ("524288/1", None),
        ("100/32", None),
        ("100/1/256", None),
        (",".join(f"{n}/1" for n in range(61)), None),
    ],
)
def test_codes_are_read_in_several_spellings_or_the_whole_text_says_nothing(text: str, codes: str | None) -> None:
    assert parse_codes(text) == codes
    assert DEFAULT_EVENTS.read({"dtc": text}) == (None, codes, int(codes is None))
    if codes is not None:
        assert ",".join(map(str, sorted(codes_of(codes)))) == codes


def test_codes_that_are_no_text_say_nothing() -> None:
    assert DEFAULT_EVENTS.read({"dtc": 100}) == (None, None, 1)


def test_a_code_without_a_source_is_another_than_one_with() -> None:
    assert codes_of("100/1,100/1/0") == {FaultCode(100, 1, 255), FaultCode(100, 1, 0)}


def test_the_longest_list_fits_its_column() -> None:
    longest = ",".join(f"{524_287 - n}/31/254" for n in range(60))
    assert parse_codes(longest) is not None and len(parse_codes(longest) or "") <= 1000


def test_readings_have_what_the_device_tells_and_count_what_it_tells_wrongly() -> None:
    table = SensorTable.compile({})
    readings = table.readings({"t": 1, "p": {"harsh_braking": 1, "dtc": "x"}})
    assert (told({"harsh_braking": 1}), readings.dtc, readings.dropped) == ({"braking": True}, None, 1)
    assert table.readings({"t": 1, "p": None}).harsh is None


def test_a_mapping_is_part_of_the_tables_version_and_the_names_of_ours_are_not() -> None:
    own = DeviceEvents.with_names([EventParameter("dtc", "can_dtc")])
    same = DeviceEvents.with_names([EventParameter("dtc", "dtc")])
    assert SensorTable.compile({}, events=own).version != SensorTable.compile({}).version
    assert SensorTable.compile({}, events=same).version == SensorTable.compile({}).version
