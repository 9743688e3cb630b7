"""The admin says of each invoice how far it is spread, as the API does."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet
from apps.fleet.ledger import spreading
from apps.fleet.models import CostEntry, DirtyEntry
from apps.fleet.summaries import notes, shares
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_root")]


@pytest.fixture
def entries() -> dict[str, CostEntry]:
    """Of a fleet with one day: one is spread, one is of later, one waits, one lacks an exchange rate."""
    fleet = rows.fleet()
    rows.truck_day(rows.truck(fleet, "T-1"))
    rows.fleet_day(fleet)
    rows.revision(fleet, 1)
    later = rows.DAY + dt.timedelta(days=40)
    made = {
        name: CostEntry.objects.create(
            fleet=fleet, line="tolls", amount=Decimal("20.00"), currency="USD", covers_from=day, covers_to=day,
            document=f"INV-{name}",
        )
        for name, day in (("spread", rows.DAY), ("later", later), ("waiting", rows.DAY), ("lacking", rows.DAY))
    }  # fmt: skip
    notes.mark(fleet.pk, [entry.pk for entry in made.values()])
    CostEntry.objects.filter(pk=made["lacking"].pk).update(currency="CHF")
    shares.reallocate(fleet)
    notes.mark(fleet.pk, [made["waiting"].pk])
    return made


def spread_of(client: Client, entry: CostEntry) -> str:
    return str(client.get(reverse("admin:fleet_costentry_change", args=[entry.pk])).content.decode())


def test_its_page_says_how_far_an_invoice_is_spread(client: Client, entries: dict[str, CostEntry]) -> None:
    for name, told in (
        ("spread", "20.00 USD"),
        ("later", "Nothing: none of its days has come."),
        ("waiting", "its shares follow within a minute. So far 20.00 USD."),
        ("lacking", f"costs nothing yet: there is no exchange rate for CHF on {rows.DAY}."),
    ):
        assert told in spread_of(client, entries[name]), name
    assert DirtyEntry.objects.count() == 2


def test_the_list_says_it_too_and_can_be_narrowed_by_it(client: Client, entries: dict[str, CostEntry]) -> None:
    fleet = Fleet.objects.get()
    for state, names in (
        ("spread", {"spread", "later"}), ("waiting", {"waiting"}), ("no_exchange_rate", {"lacking"}),
        ("nonsense", set(entries)),
    ):  # fmt: skip
        answer = client.get(reverse("admin:fleet_costentry_changelist"), {"fleet": fleet.pk, "spread": state})
        listed = answer.context["cl"].result_list
        assert {entry.document for entry in listed} == {f"INV-{name}" for name in names}, state
        for entry in listed:
            told = spreading.of_entry(fleet.pk, entry.pk)["state"]
            assert answer.context["cl"].model_admin.state(entry) == str(told).replace("_", " ")
