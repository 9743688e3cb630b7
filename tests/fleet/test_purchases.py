"""Which purchases have no day of their truck."""

import datetime as dt
from zoneinfo import ZoneInfo

from apps.fleet.costs.purchases import without_day

BERLIN = ZoneInfo("Europe/Berlin")


def t(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).astimezone(BERLIN).timestamp())


def bought(at: str, litres: float, known: tuple[str, str] | None = ("2026-10-25 08:00", "2026-10-27 09:00")) -> dict:
    first_t, known_until = (None, None) if known is None else (t(f"{each}+01:00") for each in known)
    return {"t": t(at), "litres": litres, "first_t": first_t, "known_until": known_until}


def test_the_days_of_the_first_message_and_of_the_watermark_are_the_truck_s_as_a_whole() -> None:
    rows = [
        bought("2026-10-24 23:59+02:00", 1), bought("2026-10-25 00:00+02:00", 2), bought("2026-10-27 23:59+01:00", 4),
        bought("2026-10-28 00:00+01:00", 8),
    ]  # fmt: skip
    assert without_day(rows, BERLIN) == {"purchases": 2, "litres": 9.0}


def test_a_truck_that_never_reported_has_no_day() -> None:
    assert without_day([bought("2026-10-26 12:00+01:00", 100.5, known=None)], BERLIN) == {
        "purchases": 1, "litres": 100.5,
    }  # fmt: skip


def test_without_any_there_are_none() -> None:
    assert without_day([], BERLIN) == {"purchases": 0, "litres": 0}
