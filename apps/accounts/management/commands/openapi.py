"""Writes the API's OpenAPI document to docs/openapi.json, or checks the copy there."""

import difflib
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string


class Command(BaseCommand):
    help = "Writes docs/openapi.json from the code; with --check only says whether it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if it is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.OPENAPI_FILE)
        document = json.dumps(import_string(settings.OPENAPI_API).get_openapi_schema(), indent=1, ensure_ascii=False)
        checked_in = path.read_text() if path.exists() else ""
        if checked_in == f"{document}\n":
            self.stdout.write(f"{path.name} is up to date")
        elif options["check"]:
            raise CommandError(f"{path} is out of date; run manage.py openapi\n{_difference(checked_in, document)}")
        else:
            path.write_text(f"{document}\n")
            self.stdout.write(f"{path.name} written")


def _difference(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "checked in", "from the code", lineterm="", n=1)
    return "\n".join(list(lines)[:60])
