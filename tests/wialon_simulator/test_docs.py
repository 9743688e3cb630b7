"""The page on Wialon names everything that the simulator has."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from wialon_simulator.__main__ import arguments
from wialon_simulator.faults import Fault, FaultKind
from wialon_simulator.protocol import SERVICES
from wialon_simulator.trucks import Peculiarity

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "wialon.md").read_text()


@pytest.mark.parametrize(
    "names",
    [
        [
            option
            for action in arguments()._actions
            for option in action.option_strings
            if option not in ("-h", "--help")
        ],
        list(FaultKind),
        [name for name in Fault.__dataclass_fields__ if name != "id"],
        list(Peculiarity),
    ],
    ids=["options", "faults", "fault settings", "peculiarities"],
)
def test_everything_that_can_be_switched_is_described(names: Iterable[str]):
    assert [name for name in names if f"`{name}" not in PAGE and f'"{name}"' not in PAGE] == []


def test_every_service_is_described():
    assert [name for name in SERVICES if name not in PAGE] == []
