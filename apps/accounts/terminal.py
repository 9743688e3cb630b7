"""Long work on a terminal: progress on stderr, nothing where nobody watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.accounts.models import Fleet


class Report(Protocol):
    def __call__(self, done: int, total: int) -> None: ...


@contextmanager
def progress_bar(what: str) -> Iterator[Report]:
    """A function that is told (done, total) and draws it with an estimate of what is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield report


def fleet_named(name: str) -> Fleet:
    """The fleet of this name. Raises CommandError, naming those there are."""
    try:
        return Fleet.objects.get(name=name)
    except Fleet.DoesNotExist:
        names = ", ".join(Fleet.objects.values_list("name", flat=True)) or "none yet; see manage.py create_fleet"
        raise CommandError(f"there is no fleet {name!r}; there are: {names}") from None
