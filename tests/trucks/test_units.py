"""Units, groups and drivers as Wialon has them become ours, whatever shape they come in."""

from typing import Any

import pytest

from apps.accounts.models import Fleet
from apps.trucks.models import Driver, Truck, TruckGroup, TruckSync, UnitCounters
from apps.trucks.sync import units
from tests import rows as make

pytestmark = pytest.mark.django_db


class Account:
    """Answers as a client of Wialon does."""

    def __init__(self, *units: dict[str, Any], groups: Any = (), resources: Any = ()) -> None:
        self._units, self._groups, self._resources = list(units), list(groups), list(resources)

    def units(self, flags: int) -> list[dict[str, Any]]:
        return self._units

    def groups(self) -> list[dict[str, Any]]:
        return self._groups

    def resources(self) -> list[dict[str, Any]]:
        return self._resources


@pytest.fixture
def fleet() -> Fleet:
    return make.fleet()


def refresh(fleet: Fleet, *units_: dict[str, Any], **others: Any) -> list[Truck]:
    account: Any = Account(*units_, **others)
    return units.refresh(fleet, account)


def unit(number: int, name: Any = "T-1", **values: Any) -> dict[str, Any]:
    return {"id": number, "nm": name, "uid": f"IMEI{number}", **values}


def codes(fleet: Fleet) -> dict[int, str]:
    return dict(Truck.objects.filter(fleet=fleet).values_list("wialon_id", "code"))


def test_a_new_unit_is_a_truck_with_a_watermark_of_its_own(fleet: Fleet) -> None:
    (truck,) = refresh(fleet, unit(7, "T-7"))
    assert (truck.code, truck.name, truck.device_id, truck.is_active) == ("T-7", "T-7", "IMEI7", True)
    assert TruckSync.objects.get(truck_id=truck.id).fleet_id == fleet.id


def test_a_code_is_the_name_where_that_is_plain_and_free(fleet: Fleet) -> None:
    refresh(fleet, unit(1, "T-1"), unit(2, "t-1"), unit(3, "Käthe 3"), unit(4, None), unit(5, "w3"), unit(6, "x" * 33))
    assert codes(fleet) == {1: "T-1", 2: "w2", 3: "w3", 4: "w4", 5: "w5", 6: "w6"}


def test_a_renamed_unit_keeps_its_code_and_its_history(fleet: Fleet) -> None:
    (before,) = refresh(fleet, unit(7, "Old"))
    (after,) = refresh(fleet, unit(7, "New"))
    assert (after.id, after.name, after.code) == (before.id, "New", "Old")


def test_a_unit_that_is_gone_is_kept_inactive_and_comes_back_as_itself(fleet: Fleet) -> None:
    (before, _) = refresh(fleet, unit(7, "A"), unit(8, "B"))
    assert [truck.name for truck in refresh(fleet, unit(8, "B"))] == ["B"]
    assert not Truck.objects.get(id=before.id).is_active
    assert before.id in {truck.id for truck in refresh(fleet, unit(7, "A"), unit(8, "B"))}


def test_a_replaced_tracker_is_the_same_truck(fleet: Fleet) -> None:
    (before,) = refresh(fleet, unit(7, "A", uid="OLD"))
    (after,) = refresh(fleet, unit(7, "A", uid="NEW"))
    assert (after.id, after.device_id) == (before.id, "NEW")


def test_a_unit_that_moves_to_another_account_begins_there_anew(fleet: Fleet) -> None:
    other = make.fleet("Another account")
    (before,) = refresh(fleet, unit(7, "A"))
    refresh(fleet)
    (after,) = refresh(other, unit(7, "A"))
    assert (after.code, after.fleet_id) == ("A", other.id)
    assert after.id != before.id
    assert not Truck.objects.get(id=before.id).is_active


def test_what_staff_corrected_stays(fleet: Fleet) -> None:
    (truck,) = refresh(fleet, unit(7, "A"))
    Truck.objects.filter(id=truck.id).update(code="OWN", tank_l=500.0)
    refresh(fleet, unit(7, "B"))
    found = Truck.objects.get(id=truck.id)
    assert (found.code, found.tank_l, found.name) == ("OWN", 500.0, "B")


@pytest.mark.parametrize("odd", [None, [], -5, "text", {"1": None}, {"1": {"n": None, "v": 5}}, {"1": 1}])
def test_odd_parts_of_a_unit_are_taken_for_none(fleet: Fleet, odd: Any) -> None:
    parts = dict.fromkeys(("pflds", "sens", "flds", "ct", "uid"), odd)
    groups = [{"id": 1, "nm": odd, "u": odd}]
    resources = [
        {"id": 1, "drvrs": odd},
        {"id": 2, "drvrs": {"1": {"id": 1, "n": odd, "c": odd, "bu": odd, "bt": odd}}},
    ]
    (truck,) = refresh(fleet, unit(7, odd, **parts), groups=groups, resources=resources)
    assert (truck.vin, truck.created_in_wialon_at) == ("", None)
    assert list(Driver.objects.values_list("resource_id", "key_card", "truck", "bound_at")) == [
        (2, odd if isinstance(odd, str) else "", None, None)
    ]


def test_profile_fields_are_found_by_their_name(fleet: Fleet) -> None:
    fields = {"9": {"id": 9, "n": "vin", "v": " 1XKYD49X "}, "2": {"id": 2, "n": "year", "v": "2022"}}
    fields["5"] = {"id": 5, "n": "vehicle_class", "v": "heavy_truck"}
    (truck,) = refresh(fleet, unit(7, "A", pflds=fields))
    assert (truck.vin, truck.model_year, truck.plate) == ("1XKYD49X", "2022", "")
    assert (truck.vehicle_class, truck.own_class) == ("heavy_truck", "")


def test_a_unit_s_counters_are_kept_as_they_are_now(fleet: Fleet) -> None:
    counted = {"cfl": 0x311, "cnm_km": 412_330, "cneh": 9_120.25, "lmsg": {"t": 1_773_000_000}}
    refresh(fleet, unit(7, "A", **counted), unit(8, "B"))
    (row,) = UnitCounters.objects.filter(fleet=fleet)
    assert (row.truck.code, row.flags, row.mileage_km, row.engine_hours) == ("A", 0x311, 412_330.0, 9_120.25)
    assert row.at is not None and row.at.timestamp() == 1_773_000_000
    refresh(fleet, unit(7, "A", **counted, cnkb=3) | {"cnm_km": 5}, unit(8, "B"))
    assert UnitCounters.objects.get().mileage_km == 5.0  # set by hand
    refresh(fleet, unit(8, "B"))
    assert UnitCounters.objects.get().mileage_km == 5.0  # gone, with its history
    refresh(fleet, unit(7, "A"), unit(8, "B"))
    assert not UnitCounters.objects.exists()


def test_groups_follow_their_members_and_go_when_they_are_gone(fleet: Fleet) -> None:
    both = [unit(7, "A"), unit(8, "B")]
    refresh(fleet, *both, groups=[{"id": 1, "nm": "North", "u": [7, 8, 99]}, {"id": 2, "nm": "South", "u": []}])
    refresh(fleet, *both, groups=[{"id": 1, "nm": "Far north", "u": [8]}])
    (group,) = TruckGroup.objects.filter(fleet=fleet)
    assert (group.name, [truck.name for truck in group.trucks.all()]) == ("Far north", ["B"])


def test_drivers_of_two_resources_may_have_the_same_id(fleet: Fleet) -> None:
    resources = [
        {"id": 1, "drvrs": {"1": {"id": 1, "n": "Driver 1", "bu": 7, "bt": 1_773_000_000}}},
        {"id": 2, "drvrs": {"1": {"id": 1, "n": "Driver 2", "bu": 0, "bt": 0}}},
    ]
    refresh(fleet, unit(7, "A"), resources=resources)
    found = Driver.objects.order_by("resource_id").values_list("name", "truck__name")
    assert list(found) == [("Driver 1", "A"), ("Driver 2", None)]


def test_a_driver_who_is_gone_is_kept_inactive_and_comes_back_as_themselves(fleet: Fleet) -> None:
    resources = [{"id": 1, "drvrs": {"1": {"id": 1, "n": "Driver-1", "bu": 7, "bt": 1_773_000_000}}}]
    refresh(fleet, unit(7, "A"), resources=resources)
    before = Driver.objects.get()
    refresh(fleet, unit(7, "A"), resources=[{"id": 1, "drvrs": {}}])
    gone = Driver.objects.get()
    assert (gone.pk, gone.name, gone.is_active, gone.truck) == (before.pk, "Driver-1", False, None)
    refresh(fleet, unit(7, "A"), resources=resources)
    back = Driver.objects.get()
    assert (back.pk, back.is_active, back.truck) == (before.pk, True, Truck.objects.get())


def test_a_driver_s_code_is_the_name_where_that_is_plain_and_free_and_stays_with_them(fleet: Fleet) -> None:
    names = {"1": "Ana", "2": "ana", "3": "Käthe M.", "4": ""}
    entries = {key: {"id": int(key), "n": name} for key, name in names.items()}
    refresh(fleet, resources=[{"id": 9, "drvrs": entries}])
    codes = dict(Driver.objects.values_list("wialon_id", "code"))
    assert codes == {1: "Ana", 2: "d9-2", 3: "d9-3", 4: "d9-4"}
    Driver.objects.filter(wialon_id=3).update(code="K3")
    refresh(fleet, resources=[{"id": 9, "drvrs": {"1": {"id": 1, "n": "Anna"}, "3": entries["3"]}}])
    assert set(Driver.objects.filter(is_active=True).values_list("name", "code")) == {
        ("Anna", "Ana"),
        ("Käthe M.", "K3"),
    }


def test_taking_the_same_over_again_writes_nothing(fleet: Fleet, django_assert_num_queries: Any) -> None:
    account = [unit(7, "A"), unit(8, "B")]
    resources = [{"id": 1, "drvrs": {"1": {"id": 1, "n": "Driver 1", "bu": 7, "bt": 1_773_000_000}}}]
    others = {"groups": [{"id": 1, "nm": "North", "u": [7, 8]}], "resources": resources}
    refresh(fleet, *account, **others)
    before = {truck.id: truck.updated_at for truck in Truck.objects.all()}
    refresh(fleet, *account, **others)
    assert {truck.id: truck.updated_at for truck in Truck.objects.all()} == before
