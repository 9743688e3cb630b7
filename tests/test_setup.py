"""What scripts/setup does in a small copy of the project, which pins nothing."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "setup"
Copy = Callable[[str], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    def made(name: str) -> Path:
        (tmp_path / name / "scripts").mkdir(parents=True)
        shutil.copy(SCRIPT, tmp_path / name / "scripts")
        for requirements in ("requirements.txt", "requirements-dev.txt"):
            (tmp_path / name / requirements).write_text("# nothing\n")
        return tmp_path / name

    return made


def setup(project: Path) -> str:
    """What it says on standard error, after it ended well."""
    done = subprocess.run([project / "scripts" / "setup"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def files(venv: Path) -> dict[Path, int]:
    """All there is in it, with its times of change."""
    return {path: path.lstat().st_mtime_ns for path in venv.rglob("*")}


def test_a_link_to_the_venv_of_another_copy_is_replaced_and_that_venv_stays_whole(copy: Copy) -> None:
    other, own = copy("other"), copy("own")
    setup(other)
    before = files(other / ".venv")
    (own / ".venv").symlink_to(other / ".venv")
    assert f".venv is a link to {other / '.venv'}" in setup(own)
    assert (own / ".venv").is_dir() and not (own / ".venv").is_symlink()
    assert str(own / ".venv") in (own / ".venv/bin/activate").read_text()
    assert files(other / ".venv") == before
    assert setup(own) == setup(other) == ""
