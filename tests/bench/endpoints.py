"""How fast every hot endpoint answers alone, and whether more history, trucks or messages make it slower.

    python -m tests.bench.endpoints [--trucks N] [--days N] [--many N] [--messages N] [--turns N] [--rounds N]
        [--seconds N] [--write]

Five fleets in one database: trucks with 30 days, the same once more, which shows how far two measurements of the same
differ, the same with many days, more trucks with 30 days, and the first with ten times its messages. Two servers: one
as it is, which remembers answers by their tags, and one that remembers nothing, so that each answer is read and made
anew. Each fleet is asked for a tenth of a second on each of them, again and again, client, server and database on one
core (`turns`); what counts is the median over turns of how much longer one took than another in the same turn. The same
by CPU; and how many rows the database reads for an answer, which it counts itself and which is the same each time.

Then 304s of a fleet and of a truck, and an answer that is remembered, beside what a look-up by primary key costs: of
bare ASGI, through the same pool and through aiomysql's own, and of the product with all that it does at each request,
which is the latest values of one truck. By default it takes eight minutes of a quiet machine; all of what was aimed at
is `--days 365 --many 10000 --messages 4000000`. `--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import django

from tests.bench import pages, servers, wrk
from tests.bench.reads import QUIET, SENSORS, Figures, measure
from tests.bench.turns import Turns, asking, on_cores, question

if TYPE_CHECKING:
    from tests.bench.dataset import Dataset

SHORT = 30  # days: what the endpoints ask for
TIMES_THE_MESSAGES = 10
TOTALS = {
    "summary": "/fleet/summary?period=last30",
    "summary, 90 days": "/fleet/summary?period=last90",
    "utilization, totals": "/fleet/utilization?period=last30&limit=1",
    "cost analysis, totals": "/fleet/cost-analysis?period=last30&limit=1",
    "driver behavior, totals": "/fleet/driver-behavior?period=last30&limit=1",
}
LISTS = {
    "utilization, 1,000 trucks, 7 days": "/fleet/utilization?period=last7&limit=1000",
    "utilization, 1,000 trucks": "/fleet/utilization?period=last30&limit=1000",
    "utilization, 1,000 trucks, 90 days": "/fleet/utilization?period=last90&limit=1000",
    "cost analysis, 1,000 trucks": "/fleet/cost-analysis?period=last30&limit=1000",
    "driver behavior, 1,000 trucks, 7 days": "/fleet/driver-behavior?period=last7&limit=1000",
    "driver behavior, 1,000 trucks": "/fleet/driver-behavior?period=last30&limit=1000",
    "driver behavior, 1,000 drivers": "/fleet/driver-behavior?period=last30&limit=1000&by=driver",
    "drivers, 1,000, 7 days": "/drivers?period=last7&limit=1000",
    "drivers, 1,000": "/drivers?period=last30&limit=1000",
    "idling": "/fleet/idling?period=last30",
}
TRUCKS = {"trucks, 100": "/trucks"}
OF_A_TRUCK = {
    "sensors": "/trucks/T-00005/sensors",
    "trips": "/trucks/T-00005/trips?period=last30",
    "speeding events": "/trucks/T-00005/speeding-events?period=last30",
    "days": "/trucks/T-00005/days?period=last30",
}
ENDPOINTS = {**TOTALS, **LISTS, **TRUCKS, **OF_A_TRUCK}
KNOWN = "summary, known: 304"
WARM, COLD = "remembering", "remembering nothing"
BESIDE_A_LOOK_UP = (1, 16)  # connections
# What is asked of the product, and whether it is known.
ASKED_AGAIN = {
    KNOWN: (TOTALS["summary"], True),
    "summary, remembered": (TOTALS["summary"], False),
    "a truck's trips, known: 304": (OF_A_TRUCK["trips"], True),
    "the product's own look-up: sensors": (OF_A_TRUCK["sensors"], False),
}
SETTLING = "settling"  # asked first and not counted: the database clears away what its filling has left
SHARE_S = 0.1  # of a turn, for each question
Found = dict[tuple[str, str, str], Turns]  # endpoint, fleet, server
Take = Callable[[Turns], str]
Times = Callable[[Turns, Turns], float]


def measured(fleets: dict[str, Dataset], turns: int) -> Found:
    found: Found = {}
    with (
        servers.running([servers.PRODUCT], SENSORS, **QUIET) as [warm],
        servers.running([servers.PRODUCT], SENSORS, **QUIET, REMEMBERED_MB="0") as [cold],
        asking(warm, cold) as places,
    ):
        ways = list(zip((WARM, COLD), places, strict=True))
        for name, path in {SETTLING: ENDPOINTS["summary"], **ENDPOINTS, KNOWN: ENDPOINTS["summary"]}.items():
            asked = [
                (found.setdefault((name, fleet, way), Turns()), place, _question(name, path, dataset))
                for way, place in ways
                for fleet, dataset in fleets.items()
            ]
            for each, place, question in asked:
                each.rows = place.rows(question)
            for number in range(turns):
                for each, place, question in asked[number % len(asked) :] + asked[: number % len(asked)]:
                    place.turn(question, SHARE_S, each)
            print(name, file=sys.stderr, flush=True)
    return {key: turns for key, turns in found.items() if key[0] != SETTLING}


def _question(name: str, path: str, dataset: Dataset) -> bytes:
    known = {"If-None-Match": "*"} if name == KNOWN else {}
    return question(f"/api/v2{path}", {"Authorization": f"Bearer {dataset.key}", **known})


def beside_a_look_up(dataset: Dataset, rounds: int, seconds: int) -> dict[tuple[str, int], Figures]:
    """(what, connections) → figures of what is asked again and of a look-up by key, in turns."""
    found: dict[tuple[str, int], Figures] = {}
    with servers.running([servers.PRODUCT, *servers.LOOK_UPS], SENSORS, **QUIET) as [product, *bare]:
        asked = {name: (product, *about) for name, about in ASKED_AGAIN.items()}
        asked |= {server.name: (server, ENDPOINTS["summary"], True) for server in bare}
        pids = [servers.database_pid(), *(pid for server in (product, *bare) for pid in server.pids())]
        for _ in range(rounds):
            for connections in BESIDE_A_LOOK_UP:
                cores = {max(os.sched_getaffinity(0))} if connections == 1 else os.sched_getaffinity(0)
                with on_cores(pids, cores):
                    for name, (server, path, is_known) in asked.items():
                        known = {"If-None-Match": "*"} if is_known else {}
                        headers = {"Authorization": f"Bearer {dataset.key}", **known}
                        figures = found.setdefault((name, connections), Figures())
                        measure(figures, server, f"/api/v2{path}", connections, seconds, headers)
    return found


def look_up_table(found: dict[tuple[str, int], Figures]) -> str:
    heads = ["way", *(f"c = {n}: {name}" for n in BESIDE_A_LOOK_UP for name in ("p50 ms", "CPU µs", "database µs"))]
    lines: list[list[object]] = []
    for name in dict.fromkeys(name for name, _ in found):
        line: list[object] = [name]
        for connections in BESIDE_A_LOOK_UP:
            figures = found[name, connections]
            line += [f"{figures.median('p50_ms'):.2f}", f"{figures.median('cpu_us'):,.0f}"]
            line.append(f"{figures.median('database_us'):,.0f}")
        lines.append(line)
    return pages.table(heads, lines)


def times_table(found: Found, fleets: list[str], head: str, take: Take, times: Times) -> str:
    """What each endpoint takes of the first fleet, and how many times as much of each other one."""
    few, *others = fleets
    heads = [f"endpoint, c = 1: {head}"]
    heads += [text for way in (WARM, COLD) for text in (f"{few}: {way}", *(f"{other}: times" for other in others))]
    lines = []
    for name in _names(found):
        line: list[object] = [name]
        for way in (WARM, COLD):
            first = found[name, few, way]
            line += [take(first), *(f"{times(found[name, other, way], first):.2f}" for other in others)]
        lines.append(line)
    return pages.table(heads, lines)


def rows_table(found: Found, fleets: list[str]) -> str:
    lines: list[list[object]] = []
    for name in _names(found):
        line: list[object] = [name]
        for way in (WARM, COLD):
            line += [f"{found[name, fleet, way].rows:,}" for fleet in fleets]
        lines.append(line)
    heads = ["endpoint: rows the database reads", *(f"{fleet}: {way}" for way in (WARM, COLD) for fleet in fleets)]
    return pages.table(heads, lines)


def _names(found: Found) -> list[str]:
    return list(dict.fromkeys(name for name, _, _ in found))


def flatness(found: Found, fleets: list[str]) -> list[str]:
    """What more history, trucks and messages change, and how a quarter compares with a week."""
    few, same, long, many, talkative = fleets
    everything = (*ENDPOINTS, KNOWN)
    compared = {
        "the same fleet once more": (same, everything),
        f"{long} instead of {SHORT}": (long, _FLAT_OVER_HISTORY),
        f"{many}, all but lists of trucks": (many, (*TOTALS, *OF_A_TRUCK, KNOWN)),
        f"{TIMES_THE_MESSAGES} times the messages": (talkative, everything),
    }
    lines = []
    for way in (WARM, COLD):
        for text, (fleet, names) in compared.items():
            pairs = {name: (found[name, fleet, way], found[name, few, way]) for name in names}
            p50 = _range({name: a.times(b) for name, (a, b) in pairs.items()})
            cpu = _range({name: a.times_the_work(b) for name, (a, b) in pairs.items()})
            rows = _range({name: a.rows / b.rows for name, (a, b) in pairs.items() if b.rows})
            lines.append(f"{text}, {way}: p50 {p50}, CPU {cpu}, rows {rows} (aim: at most 1.2).")
        week, quarter = (found[f"utilization, 1,000 trucks, {days} days", long, way] for days in (7, 90))
        lines.append(f"A quarter of 1,000 trucks takes {quarter.times(week):.1f} times a week, {way} (aim: at most 2).")
    return lines


# Of 90 days a fleet with 30 has a third.
_FLAT_OVER_HISTORY = tuple(name for name in (*ENDPOINTS, KNOWN) if "90 days" not in name)


def _range(ratios: dict[str, float]) -> str:
    worst = max(ratios, key=lambda name: ratios[name])
    return f"{min(ratios.values()):.2f} to {ratios[worst]:.2f} times ({worst})"


def run(trucks: int, days: int, many: int, messages: int, turns: int, rounds: int, seconds: int) -> str:
    from tests.bench import dataset

    fleets = {
        f"{trucks:,} trucks, {SHORT} days": dataset.make(trucks, SHORT),
        "the same once more": dataset.make(trucks, SHORT),
        f"{days} days": dataset.make(trucks, days),
        f"{many:,} trucks": dataset.make(many, SHORT),
        f"{TIMES_THE_MESSAGES * messages:,} messages": dataset.make(trucks, SHORT),
    }
    few, same, *_, talkative = fleets.values()
    dataset.add_messages(few, messages)
    dataset.add_messages(same, messages)
    dataset.add_messages(talkative, TIMES_THE_MESSAGES * messages)
    servers.settle()
    found = measured(fleets, turns)
    known = beside_a_look_up(few, rounds, seconds)
    foreign = [value for figures in known.values() for value in figures.foreign_pct]
    head = (
        f"One server process, which shares one core with the database and the client; {turns} turns of {SHARE_S} s for "
        f"each fleet, medians. Of trucks, 1,000 are on a page; the first fleet has {messages:,} messages."
    )
    names = list(fleets)
    lines = "\n".join(f"- {line}" for line in flatness(found, names))
    milliseconds = times_table(found, names, "p50 ms", lambda one: f"{one.ms():.2f}", Turns.times)
    work = times_table(found, names, "CPU ms", lambda one: f"{one.both_us() / 1000:.2f}", Turns.times_the_work)
    below = (
        f"Beside a look-up: 2 cores shared with the database and the client (wrk), one where c = 1; {rounds} "
        f"interleaved rounds of {seconds} s, medians. Other work on the machine: {statistics.median(foreign):.0f} % of "
        f"its CPU, at most {max(foreign):.0f} %."
    )
    return "\n\n".join([head, milliseconds, lines, work, rows_table(found, names), below, look_up_table(known)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=180, help="of the second fleet")
    parser.add_argument("--many", type=int, default=3_000, help="trucks of the third fleet")
    parser.add_argument("--messages", type=int, default=400_000, help="of the first fleet; the fourth has ten times")
    parser.add_argument("--turns", type=int, default=10, help="of each endpoint")
    parser.add_argument("--rounds", type=int, default=4, help="beside a look-up")
    parser.add_argument("--seconds", type=int, default=1, help="of each in a round")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    if not wrk.is_there():
        parser.error("wrk is missing: apt-get install wrk")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    sizes = arguments.trucks, arguments.days, arguments.many, arguments.messages
    text = run(*sizes, arguments.turns, arguments.rounds, arguments.seconds)
    print(text)
    if arguments.write:
        pages.write("endpoints", text)


if __name__ == "__main__":
    main()
