"""The pages for people name only what there is: files, links, commands, addresses, parameters; and every parameter."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import get_commands, load_command_class

from tests.api.endpoints import DOCUMENT

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MANUAL = (ROOT / "docs/api.md").read_text()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


@each_page
def test_a_file_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"`([\w/.-]*\w\.(?:py|yml|toml|txt|md|html))`", page.read_text()))
    assert {name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files())} == set()


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@each_page
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_a_command_that_is_named_is_there_with_its_options(page: Path) -> None:
    text = page.read_text().replace("\\\n", " ")
    for name, rest in re.findall(r"manage\.py (\w+)([^`\n]*)", text):
        assert name in get_commands(), name
        app: Any = get_commands()[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        known = command.create_parser("manage.py", name)._option_string_actions
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest.partition("#")[0])) <= set(known), name


# --- the manual of the API ------------------------------------------------------------------------------------------


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path as the manual writes it, and the operation."""
    for path, of_path in DOCUMENT["paths"].items():
        for method, operation in of_path.items():
            yield method.upper(), path.removeprefix("/api/v2"), operation


def queried(operation: dict[str, Any]) -> set[str]:
    return {each["name"] for each in operation["parameters"] if each["in"] == "query"}


def section(title: str) -> str:
    """From a heading to the next of its kind or above."""
    level = title.partition(" ")[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{2,{len(level)}}} |\Z)", MANUAL, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


FOR_ALL = section("## How to ask") + section("## Lists as files")


@pytest.mark.parametrize(
    ("method", "path", "operation"), [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in operations()]
)
def test_the_manual_tells_of_every_parameter(method: str, path: str, operation: dict[str, Any]) -> None:
    title = f"### `{method} {path}`"
    own = section(title) if title in MANUAL else section("## The cost ledger")
    missing = [name for name in queried(operation) if not re.search(rf"\b{name}[=`]", own + FOR_ALL)]
    assert missing == []


def test_the_manual_asks_only_for_what_there_is() -> None:
    addresses = re.findall(r"http://127\.0\.0\.1:8000/api/v2(/[^'\s]*)", MANUAL)
    assert len(addresses) > 30
    known = [(re.sub(r"{\w+}", "[^/]+", path), queried(operation)) for _, path, operation in operations()]
    for address in addresses:
        parts = urlsplit(address)
        fitting = [names for path, names in known if re.fullmatch(path, parts.path)]
        assert any(parse_qs(parts.query).keys() <= names for names in fitting), address
