import datetime as dt
import struct

import pytest

from apps.fleet.reports.charts import distance_chart

FIRST = dt.date(2026, 11, 10)


def days(*distances: float | None) -> list[tuple[dt.date, float | None]]:
    return [(FIRST + dt.timedelta(days=number), distance) for number, distance in enumerate(distances)]


def test_the_chart_is_a_png_in_twice_the_pixels() -> None:
    chart = distance_chart(days(*range(1000, 8000, 500)), "km")
    assert chart is not None
    assert chart.png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", chart.png[16:24])
    assert 900 <= width <= 1000
    assert 350 <= height <= 450
    assert 5_000 < len(chart.png) < 200_000


def test_the_description_says_what_is_read_off_the_chart() -> None:
    chart = distance_chart(days(5000, None, 7250.4, 6100), "mi")
    assert chart is not None
    assert chart.alt == (
        "Bar chart of the distance per day from Tuesday, 10 November to Friday, 13 November. "
        "Friday, 13 November: 6,100 mi. Most: 7,250 mi on Thursday, 12 November. "
        "Least: 5,000 mi on Tuesday, 10 November. Days without data: 1."
    )


def test_the_last_day_stands_out_and_a_day_without_data_is_not_zero() -> None:
    charts = [distance_chart(days(*distances), "km") for distances in ([900, 0, 800], [900, None, 800], [900, 0, None])]
    assert len({chart.png for chart in charts if chart}) == 3
    assert charts[2] is not None
    assert "Thursday, 12 November: no data." in charts[2].alt


@pytest.mark.parametrize("distances", [[], [None], [None] * 14])
def test_without_any_figure_there_is_no_chart(distances: list[None]) -> None:
    assert distance_chart(days(*distances), "km") is None


@pytest.mark.parametrize("largest", [0, 9_999, 99_999, 999_999, 12_345_678])
def test_any_size_of_fleet_can_be_drawn(largest: float) -> None:
    assert distance_chart(days(0, largest / 3, largest), "km") is not None
