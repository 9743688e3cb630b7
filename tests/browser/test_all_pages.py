"""Every page of the admin as a person meets it: nothing fails, nothing sticks out, everybody can read and use it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from selenium.webdriver.common.keys import Keys

from apps.accounts.admin_base import FleetScopedAdmin
from apps.accounts.models import Fleet
from apps.fleet.admin.period import PeriodFilter
from apps.fleet.models import CostEntry
from apps.trucks.models import Driver, Truck
from apps.trucks.models.views import OpenFaultRow, TripRow, TruckDayRow
from tests import rows
from tests.browser.browser import Browser
from tests.browser.fleets import Fleets

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OF_A_FLEET = [model for model in REGISTERED if isinstance(admin.site._registry[model], FleetScopedAdmin)]
# One in five in every run, all of them by `scripts/test -m ""`: a page of each takes a minute.
SAMPLED = [
    pytest.param(model, marks=[pytest.mark.soak] if number % 5 else [], id=model._meta.model_name)
    for number, model in enumerate(REGISTERED)
]
OWN = ("admin:index", "costs", "utilization", "drivers")
PHONE = 390


def assert_sound(page: Browser, address: str) -> None:
    """The page opens without an error, loads nothing from elsewhere, is as wide as the screen and has a title."""
    page.open(address)
    assert page.console_errors() == []
    assert page.foreign() == []
    assert page.overflow() == []
    title, _, site = page.driver.title.rpartition(" | ")
    assert title.strip() and site == "Fleet"


def assert_good(page: Browser, address: str) -> None:
    """It is sound, and has no serious barrier by axe-core."""
    assert_sound(page, address)
    assert page.barriers() == []


def address_of(name: str, model: type[Model], *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", SAMPLED)
def test_a_list_and_the_page_of_a_row(page: Browser, fleets: Fleets, model: type[Model]) -> None:
    assert_sound(page, _listed(fleets.furnished, model))
    assert page.all("#result_list tbody"), "it is not empty"
    assert_sound(page, address_of("change", model, fleets.made[model].pk))
    if page.all("#content form :is(input, select, textarea):not([type=hidden])"):
        assert page.barriers(colours=False) == []


@pytest.mark.soak
@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.model_name)
def test_a_list_a_row_and_a_form_are_good(page: Browser, fleets: Fleets, model: type[Model]) -> None:
    assert_good(page, _listed(fleets.furnished, model))
    assert_good(page, address_of("change", model, fleets.made[model].pk))
    page.open(_listed(fleets.empty, model))
    if page.all('a[href^="add/"], a[href*="/add/"]'):
        assert_good(page, address_of("add", model))


def test_lists_are_good(page: Browser, fleets: Fleets) -> None:
    for model in (Truck, TripRow):
        assert_good(page, _listed(fleets.furnished, model))


def _listed(fleet: Fleet, model: type[Model]) -> str:
    """The address that lists the rows of a fleet, whichever filters the list has."""
    period = [f"from={rows.DAY}&to={rows.DAY}"] if PeriodFilter in admin.site._registry[model].list_filter else []
    conditions = [*([f"fleet={fleet.pk}"] if model in OF_A_FLEET else []), *period]
    return f"{address_of('changelist', model)}?{'&'.join(conditions)}"


@pytest.mark.parametrize("model", [Truck, TripRow, OpenFaultRow, CostEntry], ids=lambda model: model._meta.model_name)
def test_an_empty_list_says_so(page: Browser, fleets: Fleets, model: type[Model]) -> None:
    page.open(_listed(fleets.empty, model))
    assert page.one(".notice h2").text.startswith("No ")
    assert page.console_errors() == [] and page.overflow() == []


@pytest.mark.parametrize("name", OWN)
def test_our_own_pages(page: Browser, fleets: Fleets, name: str) -> None:
    for fleet in (fleets.driven, fleets.furnished, fleets.empty):
        assert_good(page, f"{reverse(name)}?fleet={fleet.pk}")


def test_the_pages_of_a_truck_a_driver_and_a_day(page: Browser, fleets: Fleets) -> None:
    for address in _details(fleets):
        assert_good(page, address)


def _details(fleets: Fleets) -> Iterator[str]:
    fleet = fleets.driven.pk
    truck, driver = Truck.objects.filter(fleet=fleet).first(), Driver.objects.filter(fleet=fleet).first()
    assert truck is not None and driver is not None
    yield f"{reverse('costs')}?fleet={fleet}&truck={truck.code}"
    yield f"{reverse('utilization')}?fleet={fleet}&truck={truck.code}"
    yield f"{reverse('drivers')}?fleet={fleet}&driver={driver.code}"
    day = TruckDayRow.objects.filter(truck=truck).order_by("day")[3]
    yield address_of("change", TruckDayRow, day.pk)
    yield reverse("admin:trucks_truckdayrow_lineage", args=[day.pk])


def test_nothing_sticks_out_on_a_phone(page: Browser, fleets: Fleets) -> None:
    with page.width_of(PHONE):
        for address in [f"{reverse(name)}?fleet={fleets.driven.pk}" for name in OWN] + list(_details(fleets)):
            page.open(address)
            wide = page.driver.execute_script("return document.documentElement.scrollWidth")
            assert wide <= PHONE, address


def test_the_bars_of_a_waterfall_are_on_a_phone_s_screen(page: Browser, fleets: Fleets) -> None:
    last = dt.datetime.now(fleets.driven.zone).date() - dt.timedelta(days=1)
    address = f"{reverse('costs')}?fleet={fleets.driven.pk}&from={last - dt.timedelta(days=2)}&to={last}"
    bars = """return [...document.querySelectorAll("svg .fill.level")].map(each => each.getBoundingClientRect())
        .filter(each => each.width > 0).map(each => [each.left, each.right])"""
    with page.width_of(PHONE):
        page.open(address)
        on_phone = page.driver.execute_script(bars)
    page.open(address)
    on_screen = page.driver.execute_script(bars)
    assert len(on_phone) == len(on_screen) == 2  # one image or the other
    assert all(left >= 0 and right <= PHONE for left, right in on_phone)


def test_whoever_has_no_mouse_sees_where_they_are(page: Browser, fleets: Fleets) -> None:
    page.open(f"{reverse('costs')}?fleet={fleets.driven.pk}")
    page.driver.execute_script("document.querySelector('#content a, #content select').focus()")
    seen: dict[str, bool] = {}
    while (where := page.focused()) and len(seen) < 100:
        seen[where[0]] = where[1] or seen.get(where[0], False)  # a date has parts, each with a focus of its own
        page.press(Keys.TAB)
    assert {"Last 7 days", "from", "to", "group", "truck", "Show", "The figures as a table"} <= set(seen)
    assert [name for name, is_marked in seen.items() if not is_marked] == []
