"""Rows in columns are the rows that they were made of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.calendar import ONE_DAY
from apps.trucks import invalidation
from apps.trucks.messages.normal import MessageRow, MessageRows, _integers, _numbers, has_any, values_of
from apps.trucks.models import DirtyDay
from tests import rows as make
from tests.rows import DAY

EMPTY: dict[str, Any] = {**dict.fromkeys(MessageRow._fields), "flags": 0, "dropped": 0, "sensor_version": "v"}
ROWS = [MessageRow(**{**EMPTY, "t": t, "digest": 9 - t, "rpm": rpm}) for t, rpm in ((1, None), (2, 800.0), (3, None))]

EDGES = [edge + step for bits in (31, 63) for edge in (-(2**bits), 2**bits) for step in (-1, 0, 1)]
NUMBERS = st.sampled_from([*EDGES, None, True, False, "7", 0, 7, -7, 1e300, 1e299, -1e300]) | st.floats()


def test_they_are_the_same_rows_one_by_one_in_parts_and_in_columns() -> None:
    found = MessageRows.of(ROWS)
    assert (list(found), len(found), found[1], list(reversed(found))) == (ROWS, 3, ROWS[1], ROWS[::-1])
    assert list(found[1:]) == ROWS[1:]
    assert list(found.chosen([True, False, True])) == [ROWS[0], ROWS[2]]
    assert MessageRows.of(found) is found
    assert list(found.column("rpm")) == list(values_of(ROWS, "rpm")) == [None, 800.0, None]
    assert list(found.columns()) == list(MessageRow._fields)


@pytest.mark.parametrize(("values", "expected"), [([], False), ([None], False), ([None, 0.0], True), ([0, None], True)])
def test_a_column_has_any_value_where_not_all_are_null(values: list[Any], expected: bool) -> None:
    assert has_any(values) is expected


@given(st.lists(NUMBERS, min_size=1, max_size=4))
def test_columns_of_numbers_are_read_as_each_number_alone(values: list[Any]) -> None:
    """Usually by a short way; whatever is no finite number is none."""
    assert repr(_numbers(values)) == repr([None if _is_none(value) else float(value) for value in values])
    for bits in (31, 63):
        fits = [not _is_none(value) and isinstance(value, int) and abs(value) < 2**bits for value in values]
        assert _integers(values, bits) == [value if fit else None for value, fit in zip(values, fits, strict=True)]


def _is_none(value: Any) -> bool:
    return isinstance(value, bool | str | None) or not abs(value) < 1e300


@pytest.mark.django_db
def test_many_days_are_marked_by_few_statements_and_each_once(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(invalidation, "_MARKS_AT_ONCE", 2)
    truck = make.truck(make.fleet(), "T-1")
    days = [(truck.pk, DAY + n * ONE_DAY) for n in (3, 0, 2, 1, 4, 0)]
    for version in (1, 2):
        with django_assert_num_queries(3):
            assert invalidation.mark(truck.fleet_id, days, "staff") == 5
        stored = DirtyDay.objects.filter(truck_id=truck.pk).values_list("day", "version", "cause").order_by("day")
        assert list(stored) == [(day, version, "staff") for _, day in sorted(set(days))]
