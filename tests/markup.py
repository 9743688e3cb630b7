"""Whether a page's markup is whole, and what is in its tables."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from apps.fleet.pages.cells import Numbers


class _Tags(HTMLParser):
    """Follows a page's tags: each that is opened is closed, in order."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "path", "rect", "line", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None: ...

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, (tag, self.getpos())


def assert_whole(text: str, charts: int) -> None:
    """Tags are closed in order, ids are unique, and so many charts are XML with a title and a description."""
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    images = re.findall(r'<svg class="plot\b.*?</svg>', text, re.DOTALL)
    assert sum('class="plot narrow"' not in image for image in images) == charts  # for a phone there may be another
    for image in images:
        root = ElementTree.fromstring(image)
        assert root.get("role") == "img"
        assert all(root.findtext(word) for word in ("title", "desc"))


def cells_of(table: Numbers) -> dict[str, list[str]]:
    """A table's cells by what its row is called, without markup."""
    lines = [*table.rows, *([table.total] if table.total else [])]
    return {plain(line[0]): [plain(cell) for cell in line[1:]] for line in lines}


def rows_of(table: Numbers) -> dict[str, list[str]]:
    """The same without the total."""
    return cells_of(replace(table, total=()))


def plain(cell: object) -> str:
    return unescape(re.sub(r"<[^>]*>", "", str(cell))).strip()
