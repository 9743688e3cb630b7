"""After any history of changes, whatever was killed or done meanwhile: summary = f(raw) once the log is empty.

The many sequences run only when asked for: `scripts/test -m soak`.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.fleet.summaries import batches
from apps.trucks.messages import settled
from apps.trucks.models import DirtyDay
from tests.pipeline.sequences import Points, World, broken_by

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Points]:
    monkeypatch.setattr(batches, "BATCH", 3)  # several transactions a rebuild
    monkeypatch.setattr(settled, "SETTLED_AFTER_S", 0)  # packs of whatever is over
    yield Points(monkeypatch)


def test_some_sequences(points: Points) -> None:
    """A dozen of six to fourteen steps each; the soak has thousands."""
    assert [line for seed in range(12) for line in broken_by(seed, points)] == []


class PriceMeanwhile(World):
    """Prices that change in the middle of rebuilds."""

    STEPS = ("news", "rebuild", "rebuild")
    MEANWHILE = ("prices",)
    UNDISTURBED, KILLED = 0.1, 0.0


def delete_whatever_the_version(claimed: list[DirtyDay], _errors: Any) -> None:
    for row in claimed:
        DirtyDay.objects.filter(pk=row.pk).delete()


def test_without_the_check_of_the_version_the_search_finds_what_is_lost(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(1_000, 1_040)
    assert [line for seed in seeds[:4] for line in broken_by(seed - 1_000, points, PriceMeanwhile)] == []
    monkeypatch.setattr(batches, "_update_log", points.watched("_update_log", delete_whatever_the_version))
    assert any(broken_by(seed, points, PriceMeanwhile) for seed in seeds)


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(20))
def test_a_hundred_sequences(hundred: int, points: Points) -> None:
    seeds = range(1_000 + 100 * hundred, 1_100 + 100 * hundred)
    broken = [line for seed in seeds for line in broken_by(seed, points)]
    print(f"seeds {seeds[0]} to {seeds[-1]}: {broken or 'all is well'}")
    assert broken == []
