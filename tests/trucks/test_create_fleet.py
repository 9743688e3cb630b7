from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Fleet
from apps.trucks.models import FleetSync

pytestmark = pytest.mark.django_db
GIVEN = {
    "timezone": "America/Chicago",
    "currency": "USD",
    "wialon-url": "https://hst-api.wialon.com",
    "wialon-token": "0123456789abcdef",
}


def create(name: str = "Prairie", **changes: str) -> str:
    out = StringIO()
    options = {**GIVEN, **{option.replace("_", "-"): value for option, value in changes.items()}}
    call_command("create_fleet", name, *(f"--{option}={value}" for option, value in options.items()), stdout=out)
    return out.getvalue()


def test_a_fleet_is_made_with_its_turn_to_synchronise() -> None:
    assert create() == "Fleet Prairie is there: days in America/Chicago, money in USD.\n"
    fleet = Fleet.objects.get()
    assert (fleet.units, fleet.wialon_token, fleet.is_active) == ("metric", "0123456789abcdef", True)
    assert FleetSync.objects.get().fleet == fleet


def test_units_may_be_american() -> None:
    create(units="us")
    assert Fleet.objects.get().units == "us"


def test_a_name_is_given_once() -> None:
    create()
    with pytest.raises(CommandError, match="there is a fleet 'Prairie' already"):
        create()
    assert Fleet.objects.count() == 1


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("timezone", "Chicago", "--timezone: Chicago is not an IANA time zone"),
        ("currency", "Dollar", "--currency: three capital letters$"),
        ("currency", "usd", "--currency: three capital letters"),
        ("wialon_url", "wialon", "--wialon-url: wialon is not of the form https://host"),
        ("wialon_token", "", "--wialon-token: This field cannot be blank"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(option: str, value: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        create(**{option: value})
    assert not Fleet.objects.exists()


def test_an_unknown_unit_system_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'nautical'"):
        create(units="nautical")
