"""What comes from the environment: all of it documented, and what is wrong said in one line each."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from fleet_project.environment import VARIABLES, load

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE, COMPOSE_ONLY = (ROOT / ".env.example").read_text().split("# --- for docker compose only ---")
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
RIGHT = {
    "DATABASE_URL": "mysql://fleet:word@127.0.0.1:3306/fleet",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SECRET_KEY": "s" * 32,
    "FIELD_ENCRYPTION_KEY": KEY,
}
Load = Callable[..., dict[str, Any]]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Loads from RIGHT with these changes, where None takes a variable away; from nothing else."""

    def load_from(**changes: str | None) -> dict[str, Any]:
        environment = {name: text for name, text in {**RIGHT, **changes}.items() if text is not None}
        with patch.dict(os.environ, environment, clear=True):
            return load(tmp_path)

    return load_from


def problems(load: Load, **changes: str | None) -> list[str]:
    with pytest.raises(ImproperlyConfigured) as raised:
        load(**changes)
    headline, *lines = str(raised.value).splitlines()
    assert headline == "the environment is not right (see .env.example):"
    return lines


def names_in(text: str) -> list[str]:
    return re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)


# --- documented ---


def test_every_variable_stands_once_in_the_example_and_nothing_that_nobody_reads() -> None:
    assert sorted(names_in(EXAMPLE)) == sorted(VARIABLES)


@pytest.mark.parametrize("name", names_in(EXAMPLE + COMPOSE_ONLY))
def test_every_variable_of_the_example_is_explained_by_the_comment_above(name: str) -> None:
    block = next(block for part in (EXAMPLE, COMPOSE_ONLY) for block in part.split("\n\n") if name in names_in(block))
    above = block[: block.index(f"{name}=")].splitlines()
    while above and "=" in above[-1] and not above[-1].startswith("#"):
        above.pop()  # a comment may be about the variables right below it
    assert above and re.fullmatch(r"# .{10,}", above[-1])


def test_what_is_for_compose_only_is_read_by_compose() -> None:
    read = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert set(names_in(COMPOSE_ONLY)) == read - set(VARIABLES)


def test_every_variable_stands_in_the_table_of_the_operations_page() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(VARIABLES)


def test_the_defaults_of_the_example_are_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE.replace("FIELD_ENCRYPTION_KEY=", f"FIELD_ENCRYPTION_KEY={KEY}"))
    with patch.dict(os.environ, {}, clear=True):
        values = load(tmp_path)
    defaults = {name: declared[1] for name, declared in VARIABLES.items() if len(declared) == 2}
    assert {name: values[name] for name in defaults} == defaults


# --- right ---


def test_without_more_than_what_must_be_set_the_defaults_hold(loaded: Load) -> None:
    values = loaded()
    assert values["FIELD_ENCRYPTION_KEY"] == [KEY]
    assert {name: values[name] for name, declared in VARIABLES.items() if len(declared) == 2} == {
        name: declared[1] for name, declared in VARIABLES.items() if len(declared) == 2
    }


def test_a_file_may_hold_the_value(loaded: Load, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{'f' * 40}\n")
    assert loaded(SECRET_KEY=None, SECRET_KEY_FILE=str(file))["SECRET_KEY"] == "f" * 40
    assert loaded(SECRET_KEY_FILE=str(file))["SECRET_KEY"] == "f" * 40, "the file comes before the value"


def test_the_environment_comes_before_the_file_beside_the_project(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POOL_WAIT_MS=77\nQUERY_TIMEOUT_MS=78\n")
    values = loaded(POOL_WAIT_MS="5")
    assert (values["POOL_WAIT_MS"], values["QUERY_TIMEOUT_MS"]) == (5, 78)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DEBUG", "Yes", True),
        ("DEBUG", "", False),
        ("ALLOWED_HOSTS", " a.example, b.example ,", ["a.example", "b.example"]),
        ("PROXIES", "2", 2),
        ("DATABASE_REPLICA_URL", "mysql://fleet@replica:3306/fleet", "mysql://fleet@replica:3306/fleet"),
        ("EMAIL_URL", "smtp+tls://me:word@mail.example:587", "smtp+tls://me:word@mail.example:587"),
        ("FIELD_ENCRYPTION_KEY", f"{KEY}, {KEY}", [KEY, KEY]),
    ],
)
def test_texts_become_values(name: str, text: str, value: Any, loaded: Load) -> None:
    assert loaded(**{name: text})[name] == value


# --- wrong ---


@pytest.mark.parametrize("name", RIGHT)
def test_what_must_be_set_and_is_not_is_named(name: str, loaded: Load) -> None:
    assert problems(loaded, **{name: None}) == [f"  {name}: must be set"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("DATABASE_URL", "postgres://127.0.0.1/fleet", "starts with mysql://"),
        ("DATABASE_URL", "", "starts with mysql://"),
        ("DATABASE_URL", "fleet", "is not a URL"),
        ("DATABASE_URL", "mysql://fleet:word@127.0.0.1:3306", "names a database"),
        ("DATABASE_URL", "mysql://fleet:word@127.0.0.1:33o6/fleet", "has a port that is no number"),
        ("DATABASE_REPLICA_URL", "sqlite:///fleet", "starts with mysql://"),
        ("REDIS_URL", "http://127.0.0.1", "starts with redis://"),
        ("REDIS_URL", "", "starts with redis://"),
        ("SECRET_KEY", "short", "has at least 32 characters"),
        ("FIELD_ENCRYPTION_KEY", "abc", "is not a Fernet key"),
        ("FIELD_ENCRYPTION_KEY", f"{KEY},ä", "is not a Fernet key"),
        ("FIELD_ENCRYPTION_KEY", " , ", "must be set"),
        ("EMAIL_URL", "mail.example", "is not a URL"),
        ("EMAIL_URL", "imap://mail.example:25", "starts with smtp://"),
        ("EMAIL_URL", "smtp://mail.example", "names a port"),
        ("SITE_URL", "fleet.example", "is not a URL"),
        ("DEBUG", "maybe", "'maybe' is neither true nor false"),
        ("POOL_MIN", "four", "'four' is not a whole number"),
        ("POOL_MAX", "-1", "'-1' is not a whole number"),
        ("POOL_MAX", "3", "1 ≤ POOL_MIN ≤ POOL_MAX"),
        ("POOL_MIN", "0", "1 ≤ POOL_MIN ≤ POOL_MAX"),
        ("POOL_WAIT_MS", "0.2", "'0.2' is not a whole number"),
        ("SYNC_INTERVAL_S", "9", "at least 10"),
        ("INITIAL_HISTORY_DAYS", "0", "at least 1"),
        ("MIN_FREE_DISK_PCT", "91", "at most 90"),
        ("SYNC_LANES", "3", "0, 1 or 2"),
        ("LOG_LEVEL", "LOUD", "is one of DEBUG, INFO, WARNING, ERROR"),
        ("LOG_FORMAT", "xml", "is json or console"),
        ("SECRET_KEY_FILE", "/nowhere/secret", "No such file"),
    ],
)
def test_a_wrong_value_gives_one_clear_line(name: str, text: str, words: str, loaded: Load) -> None:
    [line] = problems(loaded, **{name: text})
    assert line.startswith(f"  {name.removesuffix('_FILE')}") or "POOL_MIN, POOL_MAX" in line
    assert words in line


def test_a_wrong_secret_is_not_shown(loaded: Load) -> None:
    lines = problems(loaded, SECRET_KEY="hidden", FIELD_ENCRYPTION_KEY="hidden", DATABASE_URL="pg://me:hidden@h/d")
    assert len(lines) == 3
    assert "hidden" not in "".join(lines)


def test_all_that_is_wrong_is_said_at_once(loaded: Load) -> None:
    lines = problems(loaded, SECRET_KEY=None, POOL_MAX="many", DEBUG="maybe", SYNC_INTERVAL_S="1")
    assert [line.split(":")[0].strip() for line in lines] == ["SECRET_KEY", "DEBUG", "POOL_MAX", "SYNC_INTERVAL_S"]


def test_the_command_line_says_what_is_wrong_and_no_more() -> None:
    environment = {**RIGHT, "SECRET_KEY": "short", "POOL_MIN": "four", "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "ImproperlyConfigured: the environment is not right (see .env.example):",
        "  SECRET_KEY: has at least 32 characters",
        "  POOL_MIN: 'four' is not a whole number from 0 on",
    ]
