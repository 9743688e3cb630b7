"""Makes a fleet."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.models import Fleet, Units
from apps.trucks.models import FleetSync


class Command(BaseCommand):
    help = "Makes a fleet; the next synchronisation loads its trucks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--timezone", required=True, metavar="TZ", help="IANA name, e.g. America/Chicago")
        parser.add_argument("--currency", required=True, help="ISO 4217 code, e.g. USD")
        parser.add_argument("--wialon-url", required=True, metavar="URL", help="e.g. https://hst-api.wialon.com")
        parser.add_argument("--wialon-token", required=True, metavar="T", help="stored encrypted")
        parser.add_argument("--units", choices=Units.values, default=Units.METRIC)

    def handle(self, *args: Any, **options: Any) -> None:
        if Fleet.objects.filter(name=options["name"]).exists():
            raise CommandError(f"there is a fleet {options['name']!r} already")
        names = ("name", "timezone", "currency", "wialon_url", "wialon_token", "units")
        fleet = Fleet(**{name: options[name] for name in names})
        try:
            fleet.full_clean()
        except ValidationError as error:
            raise CommandError(_sentences(error)) from None
        with transaction.atomic():
            fleet.save()
            FleetSync.objects.create(fleet=fleet)
        self.stdout.write(f"Fleet {fleet.name} is there: days in {fleet.timezone}, money in {fleet.currency}.")


def _sentences(error: ValidationError) -> str:
    """One for each field that is wrong, named as on the command line, with the first of what is wrong with it."""
    return "; ".join(
        f"{field if field == 'name' else '--' + field.replace('_', '-')}: {messages[0]}"
        for field, messages in error.message_dict.items()
    )
