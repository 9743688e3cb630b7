"""Checked files into the ledger, in one transaction, once; and out again."""

import datetime as dt
import hashlib
import logging
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Fleet
from apps.fleet.imports.checking import Checked, Conventions, check
from apps.fleet.imports.kinds import KINDS
from apps.fleet.ledger import changes as ledger
from apps.fleet.models import LedgerImport

logger = logging.getLogger(__name__)

KEPT_WAITING = dt.timedelta(days=7)  # how long a file that nobody confirms is kept


class Refused(ValueError):
    """A file that is not written, and why."""


class Duplicate(Refused):
    """The file was written before."""

    def __init__(self, first: LedgerImport) -> None:
        when = timezone.localtime(first.stored_at, first.fleet.zone)
        super().__init__(
            f"This file is in the ledger already: import {first.pk} ({first.file_name}) by {first.created_by} "
            f"on {when:%Y-%m-%d %H:%M %Z}, {first.row_count:,} rows."
        )
        self.first = first


class Taken(Refused):
    """Rows that the database takes for others: stored meanwhile, or the same but for capitals and accents."""

    def __init__(self) -> None:
        super().__init__("Some rows are in the ledger already, or twice in the file: nothing was written.")


class BadRows(Refused):
    """Some rows of the file are wrong, so none is written."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(f"{checked.bad_rows:,} of {checked.row_count:,} rows are wrong: nothing was written.")
        self.checked = checked


def received(
    fleet: Fleet, kind: str, name: str, content: bytes, by: str, conventions: Conventions | None = None
) -> LedgerImport:
    """The file as a row that waits to be confirmed. Raises Duplicate. Files that waited for a week are dropped."""
    chosen = conventions or Conventions()
    made = LedgerImport(
        fleet=fleet,
        kind=kind,
        file_name=name[-200:],
        sha256=hash_of(content),
        content=content,
        decimal=chosen.decimal or "",
        dates=chosen.dates or "",
        created_by=by,
    )
    require_new(fleet, kind, made.sha256)
    waiting = LedgerImport.objects.filter(stored_at=None, created_at__lt=timezone.now() - KEPT_WAITING)
    waiting.delete()
    made.save()
    return made


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def require_new(fleet: Fleet, kind: str, sha256: str) -> None:
    """Raises Duplicate for a file that the fleet's ledger has, as this kind."""
    same = LedgerImport.objects.filter(fleet=fleet, kind=kind, stored_sha256=sha256).select_related("fleet")
    if (first := same.first()) is not None:
        raise Duplicate(first)


def checked(imported: LedgerImport) -> Checked:
    """What a waiting file would write by now. Raises Unreadable."""
    conventions = Conventions(imported.decimal or None, imported.dates or None)
    return check(imported.fleet, KINDS[imported.kind], bytes(imported.content), conventions)


def store(imported: LedgerImport) -> Checked:
    """Writes a waiting file whole: its rows, which point to it, and the days that they touch.

    Raises Unreadable, BadRows, Duplicate or Taken, and has written nothing then. Of two who store the same file at the
    same time one waits for the other and is refused.
    """
    found = checked(imported)
    if found.errors:
        raise BadRows(found)
    try:
        with transaction.atomic():
            _take(imported, len(found.rows))
            for row in found.rows:
                row.imported = imported
            imported.touched_days = ledger.save_all(found.rows)
            imported.save()
    except IntegrityError as error:
        require_new(imported.fleet, imported.kind, imported.sha256)
        raise Taken from error
    logger.info("file imported", extra={"import": imported.pk, "kind": imported.kind, "rows": len(found.rows)})
    return found


def _take(imported: LedgerImport, rows: int) -> None:
    """Takes the key that the same file can take only once. Raises Duplicate if this very import has been stored."""
    if LedgerImport.objects.select_for_update().get(pk=imported.pk).stored_at is not None:
        require_new(imported.fleet, imported.kind, imported.sha256)
    imported.stored_sha256, imported.stored_at = imported.sha256, timezone.now()
    imported.row_count, imported.content = rows, b""
    imported.save()


@transaction.atomic
def undo(imported: LedgerImport) -> int:
    """Removes an import with all its rows, changed since or not. Returns how many truck-days are marked."""
    manager: Any = KINDS[imported.kind].model._default_manager
    rows = list(manager.filter(imported=imported))
    marked = ledger.delete_all(rows)
    imported.delete()
    return marked
