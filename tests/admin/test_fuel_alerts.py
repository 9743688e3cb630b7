"""Staff look at the weeks that deviate, and say what they think of them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.accounts.models import FleetMembership
from apps.fleet.models import FuelAlert
from apps.trucks.models import FactsRevision
from tests import rows

pytestmark = pytest.mark.django_db
LIST = reverse("admin:fleet_fuelalert_changelist")


@pytest.fixture
def alert() -> FuelAlert:
    return rows.fuel_alert(rows.truck(rows.fleet(units="us"), "T-1"))


def act(client: Client, action: str, *alerts: FuelAlert) -> None:
    client.post(LIST, {"action": action, "_selected_action": [alert.pk for alert in alerts]})


def test_a_week_is_shown_in_the_fleet_s_units(admin_client: Client, alert: FuelAlert) -> None:
    page = admin_client.get(LIST).content.decode()
    for text in ("20.0% more", "6.5 mpg", "7.8 mpg", "16 gal", "63.00 USD", "Mon 2026-03-02", "open"):
        assert text in page, text
    own = admin_client.get(reverse("admin:fleet_fuelalert_change", args=[alert.pk])).content.decode()
    assert "621 mi; in the four weeks before 2,485 mi" in own


def test_the_list_has_those_that_hold_unless_asked_for_others(admin_client: Client, alert: FuelAlert) -> None:
    for number, changes in enumerate(({"review": "dismissed"}, {"withdrawn_at": rows.NOON}), start=2):
        rows.fuel_alert(rows.truck(alert.fleet, f"T-{number}"), **changes)

    def shown(query: str) -> list[str]:
        found = admin_client.get(f"{LIST}?{query}").context["cl"].result_list
        return sorted(each.truck.code for each in found)

    assert [shown(query) for query in ("", "state=open", "state=dismissed", "state=withdrawn")] == [
        ["T-1", "T-2"], ["T-1"], ["T-2"], ["T-3"],
    ]  # fmt: skip


def test_alerts_are_acknowledged_dismissed_and_opened_again(admin_client: Client, alert: FuelAlert) -> None:
    states = []
    for action in ("acknowledge", "dismiss", "reopen"):
        act(admin_client, action, alert)
        alert.refresh_from_db()
        states.append((alert.state, alert.reviewed_by))
    assert states == [("acknowledged", "admin"), ("dismissed", "admin"), ("open", "admin")]
    assert FactsRevision.objects.get(fleet_id=alert.fleet_id).revision >= 3


def test_a_note_says_why_and_no_figure_is_touched(admin_client: Client, alert: FuelAlert) -> None:
    form = {"review": "dismissed", "note": "towed a broken truck", "deviation_pct": "1"}
    answer = admin_client.post(reverse("admin:fleet_fuelalert_change", args=[alert.pk]), form)
    assert answer.status_code == 302
    alert.refresh_from_db()
    assert (alert.state, alert.note, alert.deviation_pct) == ("dismissed", "towed a broken truck", 20.0)


def test_whoever_may_only_look_says_nothing_and_nobody_sees_another_fleet(client: Client, alert: FuelAlert) -> None:
    reader = User.objects.create_user("reader", is_staff=True)
    FleetMembership.objects.create(fleet=alert.fleet, user=reader)
    other = rows.fuel_alert(rows.truck(rows.fleet("Other"), "X"))
    client.force_login(reader)
    assert [each.pk for each in client.get(LIST).context["cl"].result_list] == [alert.pk]
    act(client, "dismiss", alert)
    reader.user_permissions.add(Permission.objects.get(codename="change_fuelalert"))
    act(client, "dismiss", other)
    assert set(FuelAlert.objects.values_list("review", flat=True)) == {""}
    act(client, "dismiss", alert)
    assert FuelAlert.objects.get(pk=alert.pk).review == "dismissed"
