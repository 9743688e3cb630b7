"""The fleet as a whole: the same twice, alive, editable, quick."""

import time

import pytest

from tests.wialon_simulator.client import NOW
from wialon_simulator import Simulator


def settings(**changes):
    return {"trucks": 8, "days": 2, "seed": 1, "now": NOW, "timezone": "America/Chicago", "frozen": True} | changes


def truth(**changes) -> list:
    with Simulator(**settings(**changes)) as simulator:
        return [simulator.messages(unit) for unit in simulator.units]


def test_the_same_seed_gives_the_same_messages():
    assert truth() == truth()


def test_another_seed_gives_other_messages():
    assert truth(seed=2, trucks=1) != truth(trucks=1)


def test_more_trucks_do_not_change_the_first_ones():
    assert truth(trucks=3)[0] == truth(trucks=1)[0]


def test_history_begins_at_the_local_midnight_so_many_days_ago():
    with Simulator(**settings(trucks=1, days=2)) as simulator:
        first = simulator.messages(601001)[0]["t"]
    midnight = 1763704800  # 2025-11-21 00:00 in Chicago
    assert midnight <= first < midnight + 1800


def test_a_message_is_served_once_the_clock_passes_its_registration(simulate):
    simulator = simulate()
    before = simulator.messages(601001)
    assert all(message["rt"] <= NOW for message in before)
    simulator.advance(3600)
    after = simulator.messages(601001)
    assert after[: len(before)] == before
    assert {m["rt"] > NOW for m in after[len(before) :]} == {True}
    assert len(after) > len(before)


def test_jumping_ahead_shows_the_same_future_as_walking(simulate):
    walking, jumping = simulate(), simulate()
    for _ in range(30):
        walking.advance(7200)
        walking.messages(601001)
    jumping.advance(30 * 7200)
    assert walking.messages(601001) == jumping.messages(601001)


def test_the_clock_runs_unless_it_is_frozen(simulate):
    running, frozen = simulate(frozen=False), simulate()
    time.sleep(1.05)
    assert running.now() >= NOW + 1
    assert frozen.now() == NOW


def test_messages_until_an_earlier_time_are_those_visible_then(simulate):
    simulator = simulate()
    then = simulator.messages(601001)
    simulator.advance(7200)
    assert simulator.messages(601001, until=NOW) == then


def test_late_messages_take_their_place_by_device_time(simulate):
    simulator = simulate()
    simulator.add_messages(601001, [{"t": NOW - 7200, "pos": {"y": 1.0, "x": 2.0, "s": 0}, "p": {"late": 1}}])
    messages = simulator.messages(601001)
    assert [m["t"] for m in messages] == sorted(m["t"] for m in messages)
    late = [m for m in messages if "late" in m["p"]]
    assert late[0]["rt"] == NOW and late[0]["f"] == 1 and late[0]["tp"] == "ud"


def test_a_late_message_may_lie_before_the_history(simulate):
    simulator = simulate(trucks=8)
    silent = simulator.units_with("never_reports")[0]
    simulator.add_messages(silent, [{"t": NOW - 10**6, "p": {"a": 1}}])
    assert simulator.unit(silent)["lmsg"]["t"] == NOW - 10**6


def test_a_message_from_the_future_can_be_put_in(simulate, connect):
    simulator = simulate()
    simulator.add_messages(601001, [{"t": NOW + 3 * 86_400, "p": {}}])
    assert simulator.unit(601001)["lmsg"]["t"] == NOW + 3 * 86_400
    assert connect(simulator).load(601001, last=NOW + 4 * 86_400)["messages"][-1]["t"] == NOW + 3 * 86_400


def test_deleted_messages_are_gone_and_later_ones_still_come(simulate):
    simulator = simulate()
    doomed = simulator.messages(601001)
    removed = simulator.delete_messages(601001, lambda message: message["t"] % 2 == 0)
    assert removed == sum(message["t"] % 2 == 0 for message in doomed)
    assert all(message["t"] % 2 for message in simulator.messages(601001))
    simulator.advance(3600)
    assert any(message["t"] % 2 == 0 for message in simulator.messages(601001))


def test_sensors_and_names_can_be_changed_and_units_removed(simulate, connect):
    simulator = simulate()
    simulator.set_sensors(601001, {"1": {"id": 1, "n": "X"}})
    simulator.rename(601001, "Other")
    simulator.remove_unit(601002)
    assert simulator.unit(601001)["sens"] == {"1": {"id": 1, "n": "X"}}
    client = connect(simulator)
    assert [item["nm"] for item in client.search()["items"]] == ["Other"]
    assert client.load(601002) == {"error": 7}


def test_a_unit_was_created_a_day_before_its_history(simulate):
    simulator = simulate()
    assert simulator.unit(601001)["ct"] == 1763766000 - 86_400  # 2025-11-22 00:00 in Berlin


def test_the_odometer_counter_follows_the_last_message(simulate):
    simulator = simulate()
    unit = simulator.unit(601002)
    assert unit["cnm_km"] == simulator.messages(601002)[-1]["p"]["io_16"] // 1000
    simulator.advance(86_400)
    assert simulator.unit(601002)["cnm_km"] > unit["cnm_km"]


def test_names_have_blanks_and_letters_of_other_alphabets_and_share_a_prefix():
    with Simulator(**settings(trucks=20)) as simulator:
        names = [simulator.unit(unit)["nm"] for unit in simulator.units]
    assert len(set(names)) == 20
    assert any(not name.isascii() for name in names) and any(" " in name for name in names)
    assert any(other != name and other.startswith(name) for name in names for other in names)


@pytest.mark.soak
def test_two_hundred_trucks_and_five_weeks_take_about_a_minute():
    began = time.perf_counter()
    with Simulator(trucks=200, days=35, now=NOW, frozen=True) as simulator:
        world = simulator.world
        count = sum(len(unit.history.between(0, NOW, NOW)) for unit in world.units.values())
    assert count > 2_000_000
    assert time.perf_counter() - began < 90
