"""Makes an API key; its text is shown this once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.keys import SCOPES, create_key
from apps.accounts.terminal import fleet_named


class Command(BaseCommand):
    help = "Makes an API key of a fleet and prints it, alone, on stdout. It is stored as a hash and never shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="NAME")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument(
            "--scopes", default="read", metavar="SCOPE[,SCOPE…]", help=f"of {', '.join(SCOPES)} (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = fleet_named(options["fleet"])
        scopes = tuple(scope.strip() for scope in options["scopes"].split(",") if scope.strip())
        if not scopes:
            raise CommandError("a key needs at least one scope")
        try:
            self.stdout.write(create_key(fleet, name=options["name"], scopes=scopes))
        except ValueError as error:
            raise CommandError(str(error)) from error
