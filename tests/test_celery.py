"""What a worker process does before its first task."""

import gc
import os
from collections.abc import Iterator

import pytest
from celery.signals import worker_process_init

import fleet_project.celery  # noqa: F401  (connects the signal)


@pytest.fixture
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_a_worker_looks_for_garbage_less_often_and_lets_requests_go_first(
    as_before: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    niceness: list[int] = []
    monkeypatch.setattr(os, "nice", niceness.append)
    worker_process_init.send(sender=None)
    assert niceness == [5]
    assert gc.get_threshold()[0] == 100_000
    assert gc.get_freeze_count() > 10_000
