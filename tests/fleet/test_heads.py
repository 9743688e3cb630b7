"""The worst places from the worst of each part of a period: those of plain sums, whatever is left out."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.fleet.idling.blocks import of_all_trucks, pack_places, worst
from apps.fleet.idling.heads import Cells, Contenders, Head, Part

CELLS = ["@7.3", "@7.4", "@41234.80000", "@0.0", "@58000.12", "@58000.13", "@9.1", "@79999.5"]
SPOT = st.sampled_from([*CELLS, "?", "=Yard"])
IDLED = st.tuples(st.sampled_from((0, 5, 63)), SPOT, st.sampled_from((0, 1, 2, 3, 10, 100)))
ROWS = st.lists(IDLED, max_size=12, unique_by=lambda row: row[:2])


def block(rows: list[tuple[int, str, int]]) -> bytes:
    """A third of it productive at every other place."""
    return pack_places(
        [
            (
                truck,
                spot,
                1,
                idle_s,
                0.5,
                50,
                idle_s // 3 * (len(spot) % 2),
                0.25 * (len(spot) % 2),
                25 * (len(spot) % 2),
            )
            for truck, spot, idle_s in rows
        ]
    )


def parts_of(blocks: list[bytes], are_whole: list[bool], most: int) -> tuple[list[Part], dict[Any, bytes]]:
    parts, places = [], {}
    for number, (packed, is_whole) in enumerate(zip(blocks, are_whole, strict=True)):
        if not packed:
            continue
        if is_whole:
            parts.append(Part.whole(packed))
        else:
            places[number,] = of_all_trucks([packed])
            parts.append(Part.of((number,), Head.of(places[number,], most)))
    return parts, places


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(ROWS, st.booleans()), max_size=6), st.integers(1, 6), st.integers(0, 4))
def test_the_worst_are_those_of_all_entries_or_all_are_asked_for(
    given_parts: list[tuple[list[Any], bool]], limit: int, most: int
) -> None:
    blocks = [block(rows) for rows, _ in given_parts]
    parts, places = parts_of(blocks, [is_whole for _, is_whole in given_parts], most)
    found = Contenders.of(parts, limit)
    if found is None:
        assert any(part.left_s >= 0 for part in parts)
        return
    assert found.worst({key: places[key] for key in found.wanted}) == worst(blocks, limit)


def a_part(key: int, idled: dict[str, int], most: int = 2) -> Part:
    return Part.of((key,), Head.of(block([(0, spot, idle_s) for spot, idle_s in idled.items()]), most))


def test_where_the_worst_are_in_every_head_nothing_else_is_read() -> None:
    part = {"@1.1": 900, "@1.2": 800, "@1.3": 10, "@1.4": 9}
    found = Contenders.of([a_part(1, part), a_part(2, {**part, "@1.5": 5})], 2)
    assert found is not None
    assert (found.wanted, found.number) == (set(), 5)
    assert [(row["spot"], row["idle_s"], row["number"]) for row in found.worst({})] == [
        ("@1.1", 1_800, 5), ("@1.2", 1_600, 5),
    ]  # fmt: skip


def test_what_a_contender_has_where_it_is_in_no_head_is_read_of_that_part_alone() -> None:
    second = {"@1.1": 10, "@1.2": 800, "@1.3": 700}
    found = Contenders.of([a_part(1, {"@1.1": 900, "@1.2": 5}), a_part(2, second), a_part(3, {"@1.2": 50})], 2)
    assert found is not None
    assert found.wanted == {(2,)}
    rows = found.worst({(2,): block([(0, spot, idle_s) for spot, idle_s in second.items()])})
    assert [(row["spot"], row["idle_s"]) for row in rows] == [("@1.1", 910), ("@1.2", 855)]


def test_a_place_that_is_behind_by_what_is_known_of_it_can_be_the_worst() -> None:
    second = {"@1.3": 70, "@1.2": 60}
    found = Contenders.of([a_part(1, {"@1.1": 100, "@1.2": 50}), a_part(2, second, most=1)], 1)
    assert found is not None
    assert found.wanted == {(2,)}
    [row] = found.worst({(2,): block([(0, spot, idle_s) for spot, idle_s in second.items()])})
    assert (row["spot"], row["idle_s"]) == ("@1.2", 110)


def test_where_a_place_in_no_head_could_be_among_the_worst_all_are_asked_for() -> None:
    parts = [a_part(number, {f"@1.{number}": 100, "@9.9": 60}, most=1) for number in range(3)]
    assert Contenders.of(parts, 1) is None
    assert Contenders.of(parts[:1], 1) is not None


@given(st.sets(st.sampled_from([0, 1, 5, 2**18, 2**32 - 1, 2**32, 2**34])))
def test_cells_are_the_same_however_few_bytes_they_take(numbers: set[int]) -> None:
    cells = Cells.unpacked(Cells.of(np.array(sorted(numbers), np.int64)).packed())
    asked = [0, 1, 2, 5, 2**18, 2**32 - 1, 2**32, 2**34, 2**34 + 1]
    assert cells.have(np.array(asked)).tolist() == [number in numbers for number in asked]
