"""The page about costs: what it says beside its figures, and where there is nothing."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet
from apps.fleet.models import Benchmark
from apps.trucks.invalidation import mark
from apps.trucks.models import TruckSync
from apps.trucks.sync.watermarks import recount
from tests import rows
from tests.admin.priced import DAYS, NOW, PERIOD, make, page
from tests.markup import cells_of

pytestmark = pytest.mark.usefixtures("noon", "as_root")


def test_it_says_how_far_the_figures_are_known_and_which_may_change(client: Client) -> None:
    fleet = make()
    mark(fleet.pk, [(fleet.trucks.first().pk, NOW[0]), (fleet.trucks.first().pk, DAYS[0])], "messages")
    rows.truck(fleet, "T-9")
    shown = page(client, **PERIOD).context
    words = " ".join(shown["freshness"])
    assert "All trucks are known up to 2026-03-10 12:00 CDT." in words
    assert "1 of 4 trucks lag behind." in words
    assert "of the time is covered by data." in words
    assert "Days from 7 March 2026 on are provisional" in words  # 72 hours before noon of the 10th is in the 7th
    assert "1 truck-day of the period wait" in words
    assert "Data begin" not in words, "both periods are whole"
    provisional = [line[0] for line in shown["over_time"].table.rows if "provisional" in line[0]]
    assert [line.split(",")[0] for line in provisional] == ["Saturday", "Sunday"]
    assert shown["over_time"].chart.svg.count("provisional ground") == 2


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("2026-02-28", "which leaves 7 of the 9 days of the period before to compare with."),
        ("2026-02-18", "which leaves 16 of the 19 days of the period."),
    ],
)
def test_it_says_where_data_begin_within_what_is_shown_or_compared(client: Client, first: str, words: str) -> None:
    """Neither the coverage of the days there are nor a change against so few of them says it."""
    fleet = make()
    for whose in ({}, {"truck": fleet.trucks.first().code}):
        shown = " ".join(page(client, **{**PERIOD, **whose, "from": first}).context["freshness"])
        assert f"Data begin on 21 February 2026, {words}" in shown
        assert shown.count("Data begin") == 1


def test_final_days_are_not_called_provisional(client: Client) -> None:
    make()
    with time_machine.travel(rows.NOON + dt.timedelta(days=9), tick=False):
        for sync in Fleet.objects.get().trucks.all():
            TruckSync.objects.filter(truck_id=sync.pk).update(known_until=int(rows.NOON.timestamp()) + 9 * 86_400)
        recount(Fleet.objects.get().pk)
        shown = page(client, **PERIOD).context
    assert "provisional" not in " ".join(shown["freshness"])
    assert shown["over_time"].note == "" and "provisional" not in shown["over_time"].chart.svg


def test_the_benchmark_is_compared_over_common_lines_and_names_the_others(client: Client) -> None:
    make("us")
    Benchmark.objects.all().delete()
    for line, amount in (("fuel", "0.48"), ("insurance", "0.10")):
        Benchmark.objects.create(
            year=2026, line=line, amount=amount, unit="mile", currency="USD", source="A", edition="1"
        )
    answer = page(client, **PERIOD)
    shown = answer.context
    found = shown["benchmark"]
    own = cells_of(shown["lines"])["Fuel"][2]
    assert cells_of(found["table"])["Fuel"][1:3] == [own, "0.480"]
    assert found["missing_lines"] == "Insurance"
    assert found["lines_without_benchmark"] == "Truck payments, Repair and maintenance, Tolls"
    assert (
        "Not compared, since nothing is booked or estimated here: Insurance." in page(client, **PERIOD).content.decode()
    )


def test_without_days_without_costs_and_without_a_fleet_it_says_what_to_do(client: Client) -> None:
    assert "There is none." in page(client).content.decode()
    fleet = rows.fleet()
    assert "No truck has a day in this period" in page(client).content.decode()
    truck = rows.truck(fleet)
    rows.truck_day(truck, NOW[0])
    rows.fleet_day(fleet, NOW[0])
    text = page(client, **PERIOD).content.decode()
    assert "Nothing is priced in this period" in text and reverse("admin:fleet_costrate_changelist") in text
    assert '<svg class="plot' not in text
    rows.cost(truck, "tolls", "1.00", NOW[0])
    assert page(client, truck="T-1", **PERIOD).context["change"]["figure"] is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "2026-02-30", "to": "2026-03-01"}, "The first day is not in the calendar."),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "The first day is after to."),
        ({"from": "2020-03-02", "to": "2026-03-01"}, "at most 400 days"),
        ({"period": "fortnight"}, "The period is none of last7"),
        ({"truck": "T-77"}, "This fleet has no truck &#x27;T-77&#x27;."),
        ({"group": "x"}, "This fleet has no such group."),
        ({"group": "99999"}, "This fleet has no such group."),
    ],
)
def test_what_cannot_be_shown_is_told_and_can_be_corrected(client: Client, query: dict[str, str], told: str) -> None:
    rows.fleet()
    text = page(client, 400, **query).content.decode()
    assert told in text
    assert 'name="from"' in text and "Last 30 days" in text
