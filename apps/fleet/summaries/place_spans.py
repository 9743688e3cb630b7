"""The places of many trucks, added up from those of their blocks: a copy, from which the fleet's are read sooner.

Blocks change many times an hour, so what they are part of is taken away with each change, and added up once for many.
"""

import math
import time
from dataclasses import asdict
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.accounts.models import Fleet
from apps.fleet.idling import heads
from apps.fleet.idling.blocks import of_all_trucks
from apps.fleet.models import IdlePlaceSpan
from apps.fleet.spans import DAY, PENTAD, SPAN_OF
from apps.fleet.summaries import writing
from apps.fleet.sums import queries as sum_queries

_KINDS = tuple(SPAN_OF)


def due(fleet_id: int | None = None, *, early: bool = False) -> QuerySet[IdlePlaceSpan]:
    """Those that are to be added up, of a fleet or all; `early` also those whose time has not come."""
    rows = (
        IdlePlaceSpan.objects.filter(due_at__isnull=False) if early else IdlePlaceSpan.objects.filter(due_at__lte=Now())
    )
    return rows if fleet_id is None else rows.filter(fleet_id=fleet_id)


def add_up(fleet: Fleet, *, early: bool = False, seconds: float = math.inf) -> int:
    """Adds up what is due, `early` all that is missing, each in a transaction of its own, until the time is over.

    One at least, the last days first. Returns how many.
    """
    deadline = time.monotonic() + seconds
    done = 0
    for span in sorted(due(fleet.pk, early=early).defer("places", "worst", "cells"), key=_turn):
        _add_up(span)
        done += 1
        if time.monotonic() >= deadline:
            break
    return done


def _turn(span: IdlePlaceSpan) -> tuple[int, int, int]:
    """Pieces before what is added up from them, which would have all trucks of them to read."""
    return -span.first_day.toordinal(), _KINDS.index(span.span), span.part


@transaction.atomic
def _add_up(span: IdlePlaceSpan) -> None:
    """Whoever changes blocks has the revision, so none of them is another before its sums are there."""
    writing.lock_revision(span.fleet_id)
    places = of_all_trucks(_entries(span))
    stored = IdlePlaceSpan.objects.filter(pk=span.pk)
    if places:
        stored.update(places=places, due_at=None, **asdict(heads.Head.of(places, heads.MOST)))
    else:
        stored.delete()


def _entries(span: IdlePlaceSpan) -> list[bytes]:
    """A day's of its blocks. A longer span's of its pieces, in which no trucks are told apart: a quarter as many."""
    where: dict[str, Any] = {"fleet": span.fleet_id, "kind": span.span, "first_day": span.first_day, "part": span.part}
    statement = sum_queries.PLACES_OF_PART
    if span.span != DAY:
        statement = sum_queries.PLACES_OF_PIECES
        pieces = SPAN_OF[span.span](span.first_day).pieces()
        where |= {"piece": DAY if span.span == PENTAD else PENTAD, "pieces": tuple(pieces)}
    with connection.cursor() as cursor:
        cursor.execute(statement, where)
        return [packed for (packed,) in cursor.fetchall()]
