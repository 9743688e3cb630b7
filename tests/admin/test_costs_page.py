"""The page about costs: who sees it, what it reads, and its markup."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.fleet.pages.costs import reading as cost_reading
from apps.trucks.models import TruckGroup
from tests import rows
from tests.admin.priced import NOW, PERIOD, day_of, make, page
from tests.markup import assert_whole

pytestmark = pytest.mark.usefixtures("noon", "as_root")


def test_only_the_fleets_own_staff_see_it(client: Client) -> None:
    fleet, other = make(), rows.fleet("Other")
    foreign_truck = rows.truck(other, "X-1")
    foreign_group = rows.group(other, "South", foreign_truck)
    assert page(client, fleet=fleet.pk).status_code == 200
    foreign = User.objects.create_user("foreign", is_staff=True)
    FleetMembership.objects.create(fleet=other, user=foreign)
    client.force_login(foreign)
    assert page(client, **PERIOD).context["fleet"] == other
    page(client, 404, fleet=fleet.pk, **PERIOD)
    page(client, 400, truck="T-1", **PERIOD)
    page(client, 400, group=TruckGroup.objects.exclude(pk=foreign_group.pk).get().pk, **PERIOD)
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert "You see no fleet yet" in page(client).content.decode()
    client.logout()
    assert client.get(reverse("costs")).status_code == 302


def test_it_takes_as_many_statements_for_many_trucks_and_days_as_for_few(client: Client) -> None:
    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, **query)
        return len(captured)

    make(trucks=1)
    statements(**PERIOD)
    few = statements(**PERIOD)
    assert few <= 23
    for number in range(2, 6):
        day_of(rows.truck(Fleet.objects.get(), f"T-{number}"), NOW[0], number)
    assert statements(**{"from": "2025-03-01", "to": "2026-03-08"}) == few


@pytest.mark.parametrize("query", [{}, {"truck": "T-1"}])
def test_its_markup_is_whole_and_names_are_text(client: Client, query: dict[str, str]) -> None:
    make()
    text = page(client, **PERIOD, **query).content.decode()
    assert_whole(text, charts=3)
    assert "<b>" not in text


def test_what_changes_between_two_statements_is_read_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = make(trucks=1)
    reads: list[int] = []
    revisions = count(100)

    def reading(changes: int) -> Callable[[Any], Any]:
        def read(chosen: Any) -> Any:
            reads.append(1)
            if len(reads) <= changes:
                rows.revision(fleet, next(revisions))
            return cost_reading.read(chosen)

        return read

    for changes, expected in ((0, 1), (1, 2), (9, 3)):
        reads.clear()
        monkeypatch.setattr("apps.fleet.pages.costs.page.read", reading(changes))
        page(client, **PERIOD)
        assert len(reads) == expected
