"""The demo's fleet: its database, its account, its prices, its first sync and its first mail."""

import datetime as dt
import io
import time
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.fleet.models import CostBasis, CostLine, CostRate, FuelPrice, ReportSchedule
from demo.processes import Processes, ProcessFailed

_LONG_AGO = dt.date(2018, 1, 1)
RECIPIENT = "fleet.manager@example.com"
# Invented but of the order of the field's published averages; the demo's currency is the US dollar.
_RATES = [
    (CostLine.PAYMENTS, CostBasis.PER_MONTH, "2900"),
    (CostLine.INSURANCE, CostBasis.PER_MONTH, "830"),
    (CostLine.PERMITS, CostBasis.PER_DAY, "1.90"),
    (CostLine.REPAIR_MAINTENANCE, CostBasis.PER_KM, "0.1250"),
    (CostLine.TIRES, CostBasis.PER_KM, "0.0290"),
    (CostLine.TOLLS, CostBasis.PER_KM, "0.0210"),
    (CostLine.DRIVER_WAGES, CostBasis.PER_ENGINE_HOUR, "32"),
    (CostLine.DRIVER_BENEFITS, CostBasis.PER_ENGINE_HOUR, "7.50"),
]


def fresh_database() -> None:
    """Drops the demo's database and makes it anew: the simulated past depends on when it is looked at."""
    name = connection.ops.quote_name(settings.DATABASES["default"]["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    connection.close()
    call_command("migrate", verbosity=0)


def set_up(name: str, zone: str, url: str, token: str, password: str) -> str:
    """Fleet, prices, rates, an admin user; returns an API key."""
    call_command(
        "create_fleet", name, timezone=zone, currency="USD", wialon_url=url, wialon_token=token, units="us",
        stdout=io.StringIO(),
    )  # fmt: skip
    fleet = Fleet.objects.get(name=name)
    long_ago = dt.datetime.combine(_LONG_AGO, dt.time(), tzinfo=fleet.zone)
    FuelPrice.objects.create(fleet=fleet, effective_at=long_ago, price_per_l="0.9950")
    for line, basis, amount in _RATES:
        CostRate.objects.create(fleet=fleet, line=line, basis=basis, amount=amount, effective_from=_LONG_AGO)
    users: Any = get_user_model()
    users.objects.create_superuser("demo", "demo@example.com", password)
    out = io.StringIO()
    call_command("create_api_key", fleet=name, scopes="read,write:costs,run:backfill", stdout=out)
    return out.getvalue().strip()


def synchronise(name: str) -> None:
    call_command("sync", fleet=name)


def summarise(name: str) -> None:
    call_command("summarise", fleet=name)


def wait_until_ready(site: str, processes: Processes, patience_s: float = 60) -> None:
    """Returns once web, database, Redis, worker and beat are there."""
    deadline = time.monotonic() + patience_s
    problem = ""
    while time.monotonic() < deadline:
        processes.check()
        try:
            answer = httpx.get(f"{site}/readyz", timeout=5)
        except httpx.HTTPError as error:
            problem = str(error)
        else:
            if answer.status_code == 200:
                return
            problem = answer.text
        time.sleep(0.2)
    raise ProcessFailed(f"not ready after {patience_s:.0f} s: {problem}")


def schedule_report(name: str) -> None:
    """A daily mail at a wall time that is a moment away, so that the first one can be seen."""
    fleet = Fleet.objects.get(name=name)
    soon = timezone.now().astimezone(fleet.zone) + dt.timedelta(seconds=3)
    ReportSchedule.objects.create(
        fleet=fleet,
        name="Daily report",
        send_at=soon.time().replace(microsecond=0),
        timezone=fleet.timezone,
        recipients=[RECIPIENT],
    )


def first_mail(directory: Path, processes: Processes, patience_s: float = 90) -> Path:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        processes.check()
        if mails := sorted(directory.glob("*.eml")):
            return mails[0]
        time.sleep(0.2)
    raise ProcessFailed(f"no mail arrived within {patience_s:.0f} s; see {processes.log('worker')}")
