"""A fixture for tests of files."""

import pytest

from apps.files import processes
from tests.files import in_process


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written in this process: a process for each of many would take most of the time."""
    monkeypatch.setattr(processes.Writers, "start", in_process.start)
