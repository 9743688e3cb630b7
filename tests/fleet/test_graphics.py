"""Charts of pages: where things are drawn, and what is said of them."""

import re
from xml.etree import ElementTree

import pytest

from apps.fleet.pages.graphics import (
    BOTTOM,
    HEIGHT,
    LEFT,
    NARROW,
    TOP,
    Chart,
    Column,
    Series,
    Step,
    columns,
    hatching,
    heat_map,
    legend,
    nice_ticks,
    waterfall,
)

SERIES = [Series("Fuel", "fuel"), Series("Tires", "tires", is_hatched=True)]


def drawn(*shown: Column, **changes: int) -> ElementTree.Element:
    return ElementTree.fromstring(columns("chart", SERIES, shown, "Cost", "Most: 3.", **changes).svg)


def rects(image: ElementTree.Element, style: str) -> list[dict[str, float]]:
    """Place and size of what has this class, in its order."""
    found = (each for each in image.iter("rect") if each.get("class") == style)
    return [{name: float(each.get(name) or 0) for name in ("x", "y", "width", "height")} for each in found]


def test_values_are_stacked_from_the_axis_up_and_negative_ones_hang_below_it() -> None:
    image = drawn(Column("1", "a", [30, 20]), Column("2", "b", [40, -10]))
    (first, second), (tires, credit) = rects(image, "fill fuel"), rects(image, "fill tires")
    axis = first["y"] + first["height"]
    assert axis == pytest.approx(second["y"] + second["height"])
    assert tires["y"] + tires["height"] == pytest.approx(first["y"], abs=0.11)
    assert credit["y"] == pytest.approx(axis, abs=0.11)
    assert first["height"] / 30 == pytest.approx(tires["height"] / 20, abs=0.02)
    assert credit["height"] / 10 == pytest.approx(first["height"] / 30, abs=0.02)


def test_what_is_hatched_is_drawn_twice_and_zero_is_not_drawn() -> None:
    image = drawn(Column("1", "a", [30, 20]), Column("2", "b", [0, 0]))
    assert len(rects(image, "fill fuel")) == len(rects(image, "fill tires")) == len(rects(image, "stripes")) == 1
    assert 'fill="url(#hatch)"' in columns("chart", SERIES, [Column("1", "a", [1, 1])], "", "").svg
    assert 'id="hatch"' in hatching()


def test_columns_without_data_and_provisional_ones_have_a_ground() -> None:
    image = drawn(
        Column("1", "a", [1, 1]),
        Column("2", "b", [1, 1], is_provisional=True),
        Column("3", "c", [0, 0], is_provisional=True, is_missing=True),
    )
    (provisional,), (missing,) = rects(image, "provisional ground"), rects(image, "missing ground")
    assert LEFT < provisional["x"] < missing["x"]
    assert provisional["y"] < TOP and provisional["y"] + provisional["height"] > HEIGHT - BOTTOM


def test_every_column_says_what_it_is_and_few_have_a_label() -> None:
    image = drawn(*(Column(f"label {number}", f"title {number}", [1, 1]) for number in range(60)))
    texts = [each.text or "" for each in image.iter("text")]
    assert sum(text.startswith("label") for text in texts) == 12  # every fifth
    assert sum((each.text or "").startswith("title") for each in image.iter("title")) == 60


def test_the_words_belong_to_the_image() -> None:
    image = drawn(Column("1", "a", [1, 1]))
    names = (image.get("aria-labelledby") or "").split()
    words = [each.text for each in image.iter() if each.get("id") in names]
    assert image.get("role") == "img"
    assert words == ["Cost", "Most: 3."]


def test_markup_in_words_is_text() -> None:
    evil = "<script>alert(1)</script>"
    charts: list[Chart] = [
        columns("chart", SERIES, [Column(evil, evil, [1, 1])], evil, evil),
        waterfall("chart", [Step(evil, 1, evil, is_level=True)], evil, evil),
    ]
    for chart in charts:
        ElementTree.fromstring(chart.svg)
        assert "<script" not in chart.svg


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 24, [0, 5, 10, 15, 20, 25]),
        (0, 7_900, [0, 2_000, 4_000, 6_000, 8_000]),
        (-300, 900, [-500, -250, 0, 250, 500, 750, 1_000]),
        (0, 0.031, [0, 0.01, 0.02, 0.03, 0.04]),
    ],
)
def test_ticks_are_round_and_reach_around_the_values(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_ticks_are_written_with_as_many_digits_as_they_need() -> None:
    def written(value: float) -> list[str]:
        image = drawn(Column("x", "a", [value, 0]))
        return [each.text or "" for each in image.iter("text") if each.get("text-anchor") == "end"]

    assert written(7_900) == ["0", "2,000", "4,000", "6,000", "8,000"]
    assert written(9) == ["0", "2", "4", "6", "8", "10"]
    assert written(1.1) == ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"]
    assert written(-3)[0] == "-3" and "-0" not in written(-3)


def test_no_columns_at_all_are_an_empty_chart() -> None:
    assert rects(drawn(), "fill fuel") == []


# --- waterfall ------------------------------------------------------------------------------------------------------


def test_each_step_begins_where_the_one_before_ends() -> None:
    steps = [
        Step("Before", 1_000, "1,000", is_level=True), Step("Distance", 100, "+100"), Step("Price", -40, "−40"),
        Step("Now", 1_060, "1,060", is_level=True),
    ]  # fmt: skip
    image = ElementTree.fromstring(waterfall("change", steps, "From 1,000 to 1,060", "").svg)
    (before, now), (rise,), (fall,) = (rects(image, f"fill {kind}") for kind in ("level", "rise", "fall"))
    end = before["x"] + before["width"]
    assert rise["x"] == pytest.approx(end, abs=0.11)
    assert fall["x"] + fall["width"] == pytest.approx(rise["x"] + rise["width"], abs=0.11)
    assert fall["x"] == pytest.approx(now["x"] + now["width"], abs=0.11)
    assert rise["width"] / fall["width"] == pytest.approx(100 / 40, abs=0.01)
    assert before["x"] == now["x"], "both levels begin at the left"
    links = [float(each.get("x1") or 0) for each in image.iter("line")]
    assert links == pytest.approx([end, rise["x"] + rise["width"], fall["x"]], abs=0.11), "and none after the last"


def test_on_a_phone_the_words_stand_above_bars_of_all_its_width() -> None:
    steps = [Step("Before", 1_000, "1,000", is_level=True), Step("Price", -400, "−400"), Step("Now", 600, "600", True)]
    chart = waterfall("change", steps, "From 1,000 to 600", "")
    broad, narrow = map(ElementTree.fromstring, (chart.svg, chart.narrow))
    assert [text.text for text in narrow.iter("text")] == [text.text for text in broad.iter("text")]
    (before, now), (fall,) = rects(narrow, "fill level"), rects(narrow, "fill fall")
    assert (before["x"], before["width"]) == (0, NARROW) and now["y"] > fall["y"] > before["y"]
    assert fall["x"] == pytest.approx(now["width"], abs=0.11)
    for text, bar in zip(list(narrow.iter("text"))[::2], (before, fall, now), strict=True):
        assert float(text.get("x") or 1) == 0 and bar["y"] - 10 < float(text.get("y") or 0) < bar["y"]
    ids = [each.get("id") for image in (broad, narrow) for each in image.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize("values", [(0.0, 0.0), (-50.0, 20.0), (5.0, 5.0), (1e9, -1e9)])
def test_any_levels_can_be_drawn(values: tuple[float, float]) -> None:
    before, change = values
    steps = [Step("Before", before, "", is_level=True), Step("x", change, ""), Step("Now", before + change, "", True)]
    svg = waterfall("change", steps, "", "").svg
    numbers = [float(text) for text in re.findall(r' (?:x|width)="(-?[\d.]+)"', svg)]
    assert "nan" not in svg and all(0 <= number <= 960 for number in numbers)


def test_the_legend_is_in_the_order_of_the_stack() -> None:
    assert [(name, value) for _, name, value in legend(SERIES, {"Tires": "2"})] == [("Fuel", ""), ("Tires", "2")]


# --- heat map -------------------------------------------------------------------------------------------------------


def test_cells_are_darker_the_more_and_open_where_nothing_is_known() -> None:
    shares = [("Mon", [0.0, 50.0]), ("Tue", [100.0, None])]
    image = ElementTree.fromstring(heat_map("heat", shares, ["00", "01"], "Work", "Most on Tuesday.").svg)
    styles = [each.get("class") for each in image.iter("rect")]
    assert styles == ["fill heat-0", "fill heat-4", "fill heat-8", "fill none"]
    words = [each.text for each in image.iter("title")]
    assert words[1:] == ["Mon, 00: 0 %", "Mon, 01: 50 %", "Tue, 00: 100 %", "Tue, 01: no data"]
