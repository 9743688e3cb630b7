"""Tables and charts of measurements, in the part of docs/performance.md that belongs to one kind of them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import vl_convert

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def bars(values: Sequence[dict[str, Any]], file: Path) -> None:
    """An SVG of groups of bars: each value has a `way`, a `group` and a `value`."""
    ways = list(dict.fromkeys(value["way"] for value in values))
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "width": {"step": 26},
        "height": 220,
        "data": {"values": list(values)},
        "mark": "bar",
        "encoding": {
            "column": {"field": "group", "title": None, "sort": None},
            "x": {"field": "way", "axis": None, "sort": ways},
            "y": {"field": "value", "type": "quantitative", "title": "answers a second"},
            "color": {"field": "way", "title": None, "sort": ways},
        },
    }
    file.write_text(vl_convert.vegalite_to_svg(orjson.dumps(chart).decode()))


def write(part: str, text: str, page: Path = PAGE) -> None:
    """Replaces what stands between the part's marks; nothing else of the page changes. Raises without marks."""
    begin, end = f"<!-- bench:{part} -->", f"<!-- /bench:{part} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    written, number = pattern.subn(lambda _: f"{begin}\n{text.strip()}\n{end}", page.read_text())
    if number != 1:
        raise ValueError(f"{page} has no place for {part}: {begin} … {end}")
    page.write_text(written)
