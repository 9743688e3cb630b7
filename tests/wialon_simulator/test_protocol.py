"""The protocol: login, errors, searching, loading messages, batches."""

import pytest

from tests.wialon_simulator.client import NOW, Client
from wialon_simulator import Simulator

ALL = 0xFFFFFFFF
STATIC = 1 | 2 | 4 | 8 | 0x100 | 0x1000 | 0x2000 | 0x20000 | 0x800000


def unit_with(read: Client, peculiarity: str) -> int:
    return read.simulator.units_with(peculiarity)[0]


class TestLogin:
    def test_the_answer_has_session_clock_classes_and_user(self, read: Client):
        answer = read.login()
        assert len(answer["eid"]) == 32
        assert answer["tm"] == NOW
        assert answer["classes"]["avl_unit"] == 2
        assert answer["user"]["prp"]["tz"] == "Europe/Berlin"

    def test_flags_decide_which_parts_come(self, read: Client):
        token = read.simulator.token
        basic = read.call("token/login", {"token": token, "fl": 1})
        with_token = read.call("token/login", {"token": token, "fl": 4})
        assert "user" not in basic and "token" not in basic
        assert isinstance(with_token["token"], str) and "user" not in with_token

    def test_the_token_has_72_characters_and_follows_from_the_seed(self, simulate):
        first, again, other = simulate(seed=5), simulate(seed=5), simulate(seed=6)
        assert len(first.token) == 72
        assert first.token == again.token != other.token

    def test_a_wrong_token_is_error_8(self, read: Client):
        assert read.call("token/login", {"token": "0" * 72}) == {"error": 8}

    def test_another_user_s_name_is_error_7(self, read: Client):
        assert read.call("token/login", {"token": read.simulator.token, "operateAs": "boss"}) == {"error": 7}

    def test_logout_ends_the_session(self, connect, fleet: Simulator):
        client = connect(fleet)
        assert client.call("core/logout") == {"error": 0}
        assert client.call("core/logout") == {"error": 1}


class TestErrors:
    @pytest.mark.parametrize(
        ("svc", "params", "code"),
        [
            ("core/no_such_thing", {}, 2),
            ("avl_evts", {}, 2),
            ("core/search_item", {"id": "x", "flags": 1}, 4),
            ("core/search_item", {"id": 1, "flags": 1}, 7),
            ("core/search_items", {"flags": 1}, 4),
            ("messages/load_interval", {"itemId": 601001}, 4),
            ("messages/load_interval", {"itemId": 1, "timeFrom": 0, "timeTo": 1, "loadCount": 1}, 7),
            ("resource/get_driver_bindings", {"resourceId": 5, "timeFrom": 0, "timeTo": 1}, 7),
        ],
    )
    def test_error_codes(self, read: Client, svc: str, params: dict, code: int):
        assert read.call(svc, params) == {"error": code}

    def test_parameters_that_are_no_json_are_error_4(self, read: Client):
        form = {"svc": "core/search_item", "params": "{'id': 1}", "sid": read.sid}
        assert read.http.post("/wialon/ajax.html", data=form).json() == {"error": 4}

    @pytest.mark.parametrize("sid", ["", "0" * 32])
    def test_without_a_session_everything_is_error_1(self, read: Client, sid: str):
        assert read.call("core/search_item", {"id": 601001, "flags": 1}, sid=sid) == {"error": 1}

    def test_errors_come_with_status_200(self, read: Client):
        response = read.http.post("/wialon/ajax.html", data={"svc": "core/logout", "params": "{}"})
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"

    def test_get_works_too(self, read: Client):
        query = {"svc": "core/search_item", "params": '{"id":601001,"flags":1}', "sid": read.sid}
        assert read.http.get("/wialon/ajax.html", params=query).json()["item"]["nm"] == "T-101"

    def test_other_paths_are_404(self, read: Client):
        assert read.http.get("/wialon/other").status_code == 404


class TestSearch:
    def test_all_units_sorted_by_name(self, read: Client):
        answer = read.search()
        names = [item["nm"] for item in answer["items"]]
        assert answer["totalItemsCount"] == 8 and (answer["indexFrom"], answer["indexTo"]) == (0, 7)
        assert names == sorted(names, key=str.casefold)

    @pytest.mark.parametrize(
        ("flags", "keys"),
        [
            (0x1, {"nm", "cls", "id", "mu", "uacl"}),
            (0x2, {"prp"}),
            (0x4, {"crt", "bact", "ct"}),
            (0x8, {"flds"}),
            (0x100, {"uid", "uid2", "hw", "ph", "ph2", "psw", "act", "dactt"}),
            (0x400, {"lmsg", "pos"}),
            (0x1000, {"sens"}),
            (0x2000, {"cfl", "cnm", "cnm_km", "cneh", "cnkb"}),
            (0x20000, {"rtd", "rfc"}),
            (0x100000, {"prms"}),
            (0x200000, {"netconn"}),
            (0x400000, {"pos"}),
            (0x800000, {"pflds"}),
        ],
    )
    def test_each_flag_brings_its_own_keys(self, read: Client, flags: int, keys: set[str]):
        assert set(read.search(flags=flags)["items"][0]) == keys

    def test_pages_end_with_the_index_to_inclusive(self, read: Client):
        everything = [item["id"] for item in read.search()["items"]]
        page = read.search(**{"from": 2, "to": 4})
        assert [item["id"] for item in page["items"]] == everything[2:5]
        assert page["totalItemsCount"] == 8

    @pytest.mark.parametrize(
        ("name", "mask", "found"),
        [
            ("sys_name", "T-101", {"T-101"}),
            ("sys_name", "T-101*", {"T-101", "T-1010"}),
            ("sys_name", "müller*", {"Müller 7 / Nord"}),
            ("sys_name", "T-104|T-106", {"T-104", "T-106"}),
            ("sys_id", ">=601007", {"Bäcker – Süd 3", "Spare 8"}),
            ("sys_unique_id", "350000000601004", {"T-104"}),
            ("rel_profilefield_name,sys_name", "vin,T-10?", {"T-101", "T-104", "T-106"}),
        ],
    )
    def test_masks(self, read: Client, name: str, mask: str, found: set[str]):
        items = read.search(propName=name, propValueMask=mask)["items"]
        assert {item["nm"] for item in items} == found

    def test_or_logic_needs_one_match(self, read: Client):
        items = read.search(propName="sys_name,sys_id", propValueMask="T-101,601002", or_logic=True)["items"]
        assert [item["nm"] for item in items] == ["T-101", "T-1010"]

    def test_units_with_news_are_found_by_the_date_of_the_last_message(self, read: Client):
        times = {i["id"]: i["lmsg"]["t"] for i in read.search(flags=0x401)["items"] if i["lmsg"]}
        limit = sorted(times.values())[3]
        news = read.search(propName="rel_last_msg_date", propValueMask=f">{limit}")["items"]
        assert {item["id"] for item in news} == {unit for unit, t in times.items() if t > limit}

    def test_an_unknown_property_is_error_4(self, read: Client):
        assert read.search(propName="colour") == {"error": 4}

    def test_a_unit_that_never_reported_has_nulls_and_empty_collections(self, read: Client):
        silent = read.call("core/search_item", {"id": unit_with(read, "never_reports"), "flags": STATIC | 0x100400})
        assert (silent["item"]["lmsg"], silent["item"]["pos"], silent["item"]["prms"]) == (None, None, {})
        assert (silent["item"]["flds"], silent["item"]["pflds"]) == ([], {})

    def test_the_last_position_may_be_older_than_the_last_message(self, simulate, connect):
        simulator = simulate()
        unit = simulator.units[0]
        before = simulator.unit(unit)["pos"]
        simulator.add_messages(unit, [{"t": NOW, "p": {"x": 1}, "pos": None}])
        item = simulator.unit(unit)
        assert item["lmsg"]["t"] == NOW and item["lmsg"]["pos"] is None
        assert item["pos"] == before

    def test_parameters_tell_when_they_changed_and_when_they_were_seen(self, read: Client):
        unit = read.simulator.units[0]
        parameters = read.simulator.unit(unit)["prms"]
        voltage = parameters["pwr_ext"]
        assert voltage["ct"] <= voltage["at"] == read.simulator.messages(unit)[-1]["t"]
        assert voltage["v"] == read.simulator.messages(unit)[-1]["p"]["pwr_ext"]

    def test_sensors_are_keyed_by_text_and_configured_by_a_json_text(self, read: Client):
        for unit in read.simulator.units:
            for key, sensor in read.simulator.unit(unit)["sens"].items():
                assert key == str(sensor["id"])
                assert sensor["c"].startswith("{")

    def test_mileage_counts_miles_in_a_unit_of_us_measure(self, read: Client):
        items = read.search(flags=0x2001)["items"]
        american = [item for item in items if item["mu"] == 1]
        assert len(american) == 1
        assert american[0]["cnm"] == pytest.approx(american[0]["cnm_km"] / 1.609344, abs=1)
        assert all(item["cnm"] == item["cnm_km"] for item in items if item["mu"] == 0)

    def test_a_mileage_counter_kept_by_hand_stands_still(self, simulate):
        simulator = simulate(trucks=4)
        unit = simulator.units_with("idles_all_day")[0]
        before = simulator.unit(unit)
        simulator.advance(86_400)
        after = simulator.unit(unit)
        assert not before["cfl"] & 0x100
        assert after["cnm"] == before["cnm"]
        assert after["cneh"] > before["cneh"] + 10

    def test_groups_list_their_units(self, read: Client):
        groups = {item["nm"]: item["u"] for item in read.search("avl_unit_group")["items"]}
        assert groups["All trucks"] == read.simulator.units
        assert groups["Sold"] == []
        assert set(groups["Local – Süd"]) < set(groups["All trucks"])


class TestDrivers:
    def test_driver_ids_repeat_in_the_two_resources(self, read: Client):
        first, second = read.search("avl_resource", 1 | 0x100 | 0x8000)["items"]
        assert set(first["drvrs"]) & set(second["drvrs"])
        assert {d["c"] for d in first["drvrs"].values()}.isdisjoint(d["c"] for d in second["drvrs"].values())
        assert first["drvrsgr"]["1"]["drs"]

    def test_bindings_alternate_between_a_unit_and_none(self, read: Client):
        params = {"resourceId": 600010, "unitId": 0, "driverId": 0, "timeFrom": 0, "timeTo": NOW}
        history = read.call("resource/get_driver_bindings", params)
        assert history
        for bindings in history.values():
            assert [b["t"] for b in bindings] == sorted(b["t"] for b in bindings)
            assert {b["u"] for b in bindings} <= {0, *read.simulator.units}

    def test_the_present_binding_is_the_last_one(self, read: Client):
        params = {"resourceId": 600010, "unitId": 0, "driverId": 1, "timeFrom": 0, "timeTo": NOW}
        last = read.call("resource/get_driver_bindings", params)["1"][-1]
        resource = read.call("core/search_item", {"id": 600010, "flags": 0x100})["item"]
        assert (resource["drvrs"]["1"]["bu"], resource["drvrs"]["1"]["bt"]) == (last["u"], last["t"])

    def test_only_bindings_of_the_interval_come(self, read: Client):
        params = {"resourceId": 600010, "unitId": 0, "driverId": 0, "timeFrom": NOW - 86_400, "timeTo": NOW - 3600}
        times = [b["t"] for bs in read.call("resource/get_driver_bindings", params).values() for b in bs]
        assert times and all(NOW - 86_400 <= t <= NOW - 3600 for t in times)

    def test_the_driver_s_code_is_in_a_message_with_its_flag(self, read: Client):
        unit = unit_with(read, "night_trips")
        logins = [m for m in read.simulator.messages(unit) if "avl_driver" in m["p"]]
        resources = read.search("avl_resource", 0x100)["items"]
        codes = {driver["c"] for item in resources for driver in item["drvrs"].values()}
        assert logins and all(m["f"] & 0x20 and m["p"]["avl_driver"] in codes for m in logins)


class TestMessages:
    def test_everything_in_the_interval_is_the_truth(self, read: Client):
        unit = read.simulator.units[0]
        answer = read.load(unit)
        assert answer["messages"] == read.simulator.messages(unit)
        assert answer["count"] == len(answer["messages"]) > 1000

    def test_both_bounds_are_inclusive(self, read: Client):
        unit = read.simulator.units[0]
        times = [m["t"] for m in read.simulator.messages(unit)[10:21]]
        answer = read.load(unit, times[0], times[-1])
        assert [m["t"] for m in answer["messages"]] == times

    def test_load_count_cuts_what_is_returned_not_what_is_counted(self, read: Client):
        unit = read.simulator.units[0]
        everything = read.simulator.messages(unit)
        answer = read.load(unit, count=3)
        assert answer == {"count": len(everything), "messages": everything[:3]}
        assert read.load(unit, count=0)["messages"] == []

    def test_an_interval_that_ends_before_it_begins_is_empty(self, read: Client):
        assert read.load(read.simulator.units[0], NOW, NOW - 1) == {"count": 0, "messages": []}

    def test_a_message_is_kept_if_its_masked_flags_are_the_flags(self, read: Client):
        unit = unit_with(read, "gps_gaps")
        everything = read.simulator.messages(unit)
        with_position = read.load(unit, flags=1, flagsMask=0xFF01)["messages"]
        assert with_position == [m for m in everything if m["f"] & 0xFF01 == 1]
        assert len(with_position) < len(everything)
        assert read.load(unit, flags=0x0600, flagsMask=0xFF00)["count"] == 0

    def test_the_loader_is_paged_up_to_but_not_including_the_end(self, read: Client):
        unit = read.simulator.units[0]
        everything = read.simulator.messages(unit)
        read.load(unit, count=0)
        assert read.call("messages/get_messages", {"indexFrom": 8, "indexTo": 9}) == everything[8:9]
        assert read.call("messages/get_messages", {"indexFrom": 10**6, "indexTo": 10**6 + 5}) == []

    def test_a_session_has_one_loader(self, read: Client):
        first, second = read.simulator.units[:2]
        read.load(first, count=0)
        read.load(second, count=0)
        page = read.call("messages/get_messages", {"indexFrom": 0, "indexTo": 5})
        assert page == read.simulator.messages(second)[:5]

    def test_unload_empties_the_loader(self, read: Client):
        read.load(read.simulator.units[0], count=0)
        assert read.call("messages/unload") == {"error": 0}
        assert read.call("messages/get_messages", {"indexFrom": 0, "indexTo": 5}) == []

    def test_load_last_takes_the_newest(self, read: Client):
        unit = read.simulator.units[0]
        params = {"itemId": unit, "lastTime": NOW, "lastCount": 5, "flags": 0, "flagsMask": 0xFF00, "loadCount": 5}
        assert read.call("messages/load_last", params)["messages"] == read.simulator.messages(unit)[-5:]

    @pytest.mark.parametrize("change", [{"lastTime": 5}, {"lastCount": 10_001}, {"lastCount": 0}])
    def test_load_last_of_nothing_or_too_much_is_error_4(self, read: Client, change: dict):
        params = {"itemId": read.simulator.units[0], "lastTime": NOW, "lastCount": 5, "loadCount": 5}
        assert read.call("messages/load_last", params | change) == {"error": 4}

    def test_the_trip_detector_is_told(self, read: Client):
        assert read.call("unit/get_trip_detector", {"itemId": read.simulator.units[0]})["minSat"] == 2


class TestBatch:
    def search_item(self, unit: int) -> dict:
        return {"svc": "core/search_item", "params": {"id": unit, "flags": 1}}

    def test_answers_come_in_order_with_errors_among_them(self, read: Client):
        calls = [self.search_item(601001), self.search_item(5), self.search_item(601002)]
        answers = read.call("core/batch", {"params": calls, "flags": 0})
        assert [a.get("error", a.get("item", {}).get("nm")) for a in answers] == ["T-101", 7, "T-1010"]

    def test_a_bare_list_of_calls_works(self, read: Client):
        assert read.call("core/batch", [self.search_item(601001)])[0]["item"]["id"] == 601001

    def test_flag_1_stops_at_the_first_error_and_the_rest_is_error_10(self, read: Client):
        calls = [self.search_item(601001), self.search_item(5), self.search_item(601001), self.search_item(601002)]
        answers = read.call("core/batch", {"params": calls, "flags": 1})
        assert answers[1:] == [{"error": 7}, {"error": 10}, {"error": 10}]

    @pytest.mark.parametrize("svc", ["core/batch", "token/login", "core/logout"])
    def test_some_services_are_refused_inside(self, read: Client, svc: str):
        assert read.call("core/batch", [{"svc": svc, "params": {}}]) == [{"error": 4}]

    def test_messages_can_be_loaded_inside(self, read: Client):
        unit = read.simulator.units[0]
        params = {"itemId": unit, "timeFrom": 0, "timeTo": NOW, "flags": 0, "flagsMask": 0, "loadCount": 2}
        answers = read.call("core/batch", [{"svc": "messages/load_interval", "params": params}] * 2)
        assert [answer["messages"] for answer in answers] == [read.simulator.messages(unit)[:2]] * 2
