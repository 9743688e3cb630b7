"""What people come to do, done in a browser: sign in, read figures, import a file, review a drain, read the manual."""

import json
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from selenium.webdriver.support.ui import WebDriverWait

from apps.accounts.models import Units
from apps.accounts.units import UnitSystem, unit_system
from apps.fleet.models import CostEntry, LedgerImport
from apps.trucks.models import DrainReview
from tests import rows
from tests.browser.browser import PATIENCE_S, Browser
from tests.browser.fleets import Fleets

pytestmark = pytest.mark.django_db

ENTRIES = "line,amount,currency,truck,covers_from\n{}\ntires,80.00,EUR,,2026-03-06\ntolls,9.90,EUR,Bravo-2,2026-03-07\n"


def ask(page: Browser, fleets: Fleets, path: str) -> dict[str, Any]:
    """The API's answer for the days that the page's form names."""
    first, last = (page.one(f'.range [name="{name}"]').get_attribute("value") for name in ("from", "to"))
    request = urllib.request.Request(
        f"{page.site}/api/v2{path}?from={first}&to={last}", headers={"Authorization": f"Bearer {fleets.key}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def tiles(page: Browser) -> dict[str, str]:
    return dict(zip(page.texts(".short .label"), page.texts(".short .value"), strict=True))


def measure_in(page: Browser, fleets: Fleets, units: str) -> UnitSystem:
    """Switches the fleet's units on its own page."""
    page.open(reverse("admin:accounts_fleet_change", args=[fleets.driven.pk]))
    page.choose("units", Units(units).label)
    page.submit(page.one('[name="_save"]'))
    return unit_system(units)


def test_nobody_gets_in_without_a_password(page: Browser, fleets: Fleets) -> None:
    wanted = f"{reverse('costs')}?fleet={fleets.driven.pk}"
    page.driver.delete_all_cookies()
    page.open(wanted)
    assert page.path.startswith("/admin/login/")
    page.sign_in(password="not that one")
    assert "Please enter the correct username and password" in page.one("main, body").text
    assert page.barriers() == []
    page.sign_in()
    assert page.path == wanted
    assert page.console_errors() == []


@pytest.mark.parametrize("units", ["metric", "us"])
def test_the_cost_page_shows_what_the_api_says(page: Browser, fleets: Fleets, units: str) -> None:
    of = measure_in(page, fleets, units)
    page.open(f"{reverse('costs')}?fleet={fleets.driven.pk}")
    shown = []
    for period in ("Last 30 days", "Last 7 days"):
        page.link(period).click()
        said = ask(page, fleets, "/fleet/cost-analysis")["summary"]
        amount = Decimal(said["amount"]["amount"])
        distance = Decimal(said["distance_m"]) / Decimal(str(of.metres_per_distance))
        word = {"metric": "km", "us": "mile"}[units]
        assert tiles(page)[f"Cost per {word}"] == f"{amount / distance:,.3f} USD"
        assert tiles(page)["Cost"] == f"{amount:,.0f} USD"
        assert tiles(page)["Distance"] == f"{distance:,.0f} {of.distance_label}"
        shown.append(tiles(page))
    assert shown[0] != shown[1]
    assert page.console_errors() == []


@pytest.mark.parametrize("units", ["metric", "us"])
def test_the_utilization_page_shows_what_the_api_says(page: Browser, fleets: Fleets, units: str) -> None:
    of = measure_in(page, fleets, units)
    page.open(f"{reverse('utilization')}?fleet={fleets.driven.pk}&period=last7")
    said = ask(page, fleets, "/fleet/utilization")["summary"]
    names = {"Asset utilization": "asset_utilization_pct", "Engine utilization": "engine_utilization_pct"}
    names |= {"Days used": "day_utilization_pct", "Idling": "idle_pct"}
    assert {title: tiles(page)[title] for title in names} == {
        title: f"{said[name]:,.1f}%" for title, name in names.items()
    }
    assert f"Fuel ({of.volume_label})" in page.texts("th")
    page.one(".behind summary").click()
    assert "Moving (h)" in page.texts(".behind[open] th")


def test_an_invoice_file_is_refused_corrected_and_written_once(page: Browser, fleets: Fleets, tmp_path: Path) -> None:
    before = CostEntry.objects.count()
    bring(page, fleets, tmp_path / "wrong.csv", "tolls,12.50,EUR,Bravo-9,2026-03-05")
    assert "1 of 3 rows are wrong" in page.one(".notice h2").text
    assert page.texts("td")[:4] == ["2", "truck", "Bravo-9", "is no truck of the fleet"]
    assert page.overflow() == [] and page.barriers() == []
    assert CostEntry.objects.count() == before
    page.submit(page.button("Discard the file"))

    bring(page, fleets, tmp_path / "right.csv", "tolls,12.50,EUR,Bravo-1,2026-03-05")
    assert page.one(".notice h2").text == "3 rows are ready to be written"
    assert page.overflow() == [] and page.barriers() == []
    assert CostEntry.objects.count() == before
    page.submit(page.button("Write 3 rows"))
    assert page.one(".notice h2").text == "3 rows are in the ledger"
    assert CostEntry.objects.count() == before + 3

    bring(page, fleets, tmp_path / "once-more.csv", "tolls,12.50,EUR,Bravo-1,2026-03-05")
    refused = page.one("#content").text
    assert "This file is in the ledger already" in refused and "(right.csv) by root" in refused
    assert page.overflow() == [] and page.barriers() == []
    assert (CostEntry.objects.count(), LedgerImport.objects.filter(file_name="once-more.csv").count()) == (
        before + 3, 0,
    )  # fmt: skip
    assert page.console_errors() == []


def bring(page: Browser, fleets: Fleets, file: Path, row: str) -> None:
    file.write_text(ENTRIES.format(row))
    page.open(reverse("admin:fleet_ledgerimport_add"))
    page.choose("fleet", fleets.furnished.name)
    page.choose("kind", str(LedgerImport.Kind.ENTRIES.label))
    page.fill({"file": str(file)})
    page.submit(page.button("Upload and preview"))


def test_a_drain_is_dismissed(page: Browser, fleets: Fleets) -> None:
    fleet = fleets.furnished.pk
    page.open(f"{reverse('admin:trucks_fueleventrow_changelist')}?fleet={fleet}&from={rows.DAY}&to={rows.DAY}")
    (drain,) = [row for row in page.all("#result_list tbody tr") if "suspected drain" in row.text.lower()]
    page.within(drain, '[name="_selected_action"]').click()
    page.choose("action", "Dismiss drain: it was none")
    page.submit(page.button("Run"))
    assert "1 truck-day is being computed anew." in page.one("body").text
    review = DrainReview.objects.latest("pk")
    assert (review.fleet_id, review.verdict, review.reviewed_by) == (fleet, "dismissed", "root")
    assert page.console_errors() == []


def test_the_manual_shows_every_endpoint_by_its_own_means(page: Browser) -> None:
    with urllib.request.urlopen(f"{page.site}/api/v2/openapi.json", timeout=20) as answer:
        paths: dict[str, dict[str, Any]] = json.load(answer)["paths"]
    operations = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    page.open("/api/v2/docs")
    WebDriverWait(page.driver, PATIENCE_S).until(lambda _: len(page.all(".opblock")) == len(operations))
    methods, addresses = page.texts(".opblock-summary-method"), page.texts(".opblock-summary-path")
    assert set(zip(methods, (each.replace("\u200b", "") for each in addresses), strict=True)) == operations
    assert page.foreign() == [] and page.console_errors() == []
