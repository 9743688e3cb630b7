"""How fast every hot endpoint answers alone, and whether more history, trucks or messages make it slower.

    python -m tests.bench.endpoints [--trucks N] [--days N] [--many N] [--messages N] [--rounds N] [--seconds N]
        [--write]

Four fleets in one database: trucks with 30 days, the same with many days, more trucks with 30 days, and the first once
more with ten times its messages. Two servers: one as it is, which remembers answers by their tags, and one that
remembers nothing, so that each answer is read and made anew. In every round each fleet has its turn on each of them;
medians count. Beside it 304s of a fleet and of a truck, and an answer that is remembered, stand with what a look-up by
primary key costs: of bare ASGI, through the same pool and through aiomysql's own, and of the product with all that it
does at each request, which is the latest values of one truck. By default it takes nine minutes of a quiet machine; all
of what was aimed at is `--days 365 --many 10000 --messages 4000000`, and takes a quarter of an hour with one round.
`--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from typing import TYPE_CHECKING

import django

from tests.bench import pages, servers, wrk
from tests.bench.reads import QUIET, SENSORS, Figures, measure

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
    "driver behavior, 1,000 trucks": "/fleet/driver-behavior?period=last30&limit=1000",
    "driver behavior, 1,000 drivers": "/fleet/driver-behavior?period=last30&limit=1000&by=driver",
    "drivers, 1,000": "/drivers?period=last30&limit=1000",
    "idling": "/fleet/idling?period=last30",
}
OTHERS = {
    "trucks, 100": "/trucks",
    "sensors": "/trucks/T-00005/sensors",
    "trips": "/trucks/T-00005/trips?period=last30",
    "speeding events": "/trucks/T-00005/speeding-events?period=last30",
    "days": "/trucks/T-00005/days?period=last30",
}
ENDPOINTS = {**TOTALS, **LISTS, **OTHERS}
KNOWN = "summary, known: 304"
WARM, COLD = "remembering", "remembering nothing"
BESIDE_A_LOOK_UP = (1, 16)  # connections
# What is asked of the product, and whether it is known.
ASKED_AGAIN = {
    KNOWN: (TOTALS["summary"], True),
    "summary, remembered": (TOTALS["summary"], False),
    "a truck's trips, known: 304": (OTHERS["trips"], True),
    "the product's own look-up: sensors": (OTHERS["sensors"], False),
}
Found = dict[tuple[str, str, str], Figures]  # endpoint, fleet, server


def measured(fleets: dict[str, Dataset], rounds: int, seconds: int) -> Found:
    found: Found = {}
    with (
        servers.running([servers.PRODUCT], SENSORS, **QUIET) as [warm],
        servers.running([servers.PRODUCT], SENSORS, **QUIET, REMEMBERED_MB="0") as [cold],
    ):
        for number in range(rounds):
            for name, path in {**ENDPOINTS, KNOWN: ENDPOINTS["summary"]}.items():
                for fleet, dataset in fleets.items():
                    headers = {"Authorization": f"Bearer {dataset.key}"}
                    if name == KNOWN:
                        headers["If-None-Match"] = "*"
                    for way, server in ((WARM, warm), (COLD, cold)):
                        figures = found.setdefault((name, fleet, way), Figures())
                        measure(figures, server, f"/api/v2{path}", 1, seconds, headers)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return found


def beside_a_look_up(dataset: Dataset, rounds: int, seconds: int) -> dict[tuple[str, int], Figures]:
    """(what, connections) → figures of what is asked again and of a look-up by key, in turns."""
    found: dict[tuple[str, int], Figures] = {}
    with servers.running([servers.PRODUCT, *servers.LOOK_UPS], SENSORS, **QUIET) as [product, *bare]:
        asked = {name: (product, *about) for name, about in ASKED_AGAIN.items()}
        asked |= {server.name: (server, ENDPOINTS["summary"], True) for server in bare}
        for _ in range(rounds):
            for connections in BESIDE_A_LOOK_UP:
                for name, (server, path, is_known) in asked.items():
                    headers = {"Authorization": f"Bearer {dataset.key}", **({"If-None-Match": "*"} if is_known else {})}
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


def table(found: Found, fleets: list[str]) -> str:
    heads = ["endpoint, c = 1: p50 ms", *(f"{fleet}: {way}" for fleet in fleets for way in (WARM, COLD))]
    names = list(dict.fromkeys(name for name, _, _ in found))
    lines: list[list[object]] = [
        [name, *(f"{found[name, fleet, way].median('p50_ms'):.2f}" for fleet in fleets for way in (WARM, COLD))]
        for name in names
    ]
    return pages.table(heads, lines)


def flatness(found: Found, fleets: list[str]) -> list[str]:
    """What more history, trucks and messages change, and how a quarter compares with a week."""

    def ratio(name: str, way: str, fleet: str, other: str) -> float:
        return found[name, fleet, way].median("p50_ms") / found[name, other, way].median("p50_ms")

    few, long, many, talkative = fleets
    lines = []
    for way in (WARM, COLD):
        history = {name: ratio(name, way, long, few) for name in _FLAT_OVER_HISTORY}
        trucks = {name: ratio(name, way, many, few) for name in (*TOTALS, KNOWN)}
        messages = {name: ratio(name, way, talkative, few) for name in (*ENDPOINTS, KNOWN)}
        lines.append(f"{long} instead of {SHORT}, {way}: {_range(history)} (aim: at most 1.2).")
        lines.append(f"{many}, totals, {way}: {_range(trucks)} (aim: at most 1.2).")
        lines.append(f"{TIMES_THE_MESSAGES} times the messages, {way}: {_range(messages)} (aim: at most 1.2).")
        week, quarter = (found[f"utilization, 1,000 trucks, {days} days", long, way] for days in (7, 90))
        lines.append(f"A quarter of 1,000 trucks takes {quarter.median('p50_ms') / week.median('p50_ms'):.1f} times")
        lines[-1] += f" a week, {way} (aim: at most 2)."
    return lines


# Of 90 days a fleet with 30 has a third.
_FLAT_OVER_HISTORY = tuple(name for name in (*ENDPOINTS, KNOWN) if "90 days" not in name)


def _range(ratios: dict[str, float]) -> str:
    worst = max(ratios, key=lambda name: ratios[name])
    return f"{min(ratios.values()):.2f} to {ratios[worst]:.2f} times ({worst})"


def run(trucks: int, days: int, many: int, messages: int, rounds: int, seconds: int) -> str:
    from tests.bench import dataset

    fleets = {
        f"{trucks:,} trucks, {SHORT} days": dataset.make(trucks, SHORT),
        f"{trucks:,} trucks, {days} days": dataset.make(trucks, days),
        f"{many:,} trucks, {SHORT} days": dataset.make(many, SHORT),
        f"the first with {TIMES_THE_MESSAGES * messages:,} messages": dataset.make(trucks, SHORT),
    }
    few, *_, talkative = fleets.values()
    dataset.add_messages(few, messages)
    dataset.add_messages(talkative, TIMES_THE_MESSAGES * messages)
    found = measured(fleets, rounds, seconds)
    known = beside_a_look_up(next(iter(fleets.values())), rounds, seconds)
    foreign = [value for figures in [*found.values(), *known.values()] for value in figures.foreign_pct]
    head = (
        f"One server process, {os.cpu_count()} cores shared with the database and the client (wrk); {rounds} "
        f"interleaved rounds of {seconds} s, medians. Other work on the machine: {statistics.median(foreign):.0f} % of "
        f"its CPU, at most {max(foreign):.0f} %. Of trucks, 1,000 are on a page; the first fleet has {messages:,} "
        "messages."
    )
    names = list(fleets)
    lines = "\n".join(f"- {line}" for line in flatness(found, names))
    return "\n\n".join([head, table(found, names), lines, look_up_table(known)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=180, help="of the second fleet")
    parser.add_argument("--many", type=int, default=3_000, help="trucks of the third fleet")
    parser.add_argument("--messages", type=int, default=400_000, help="of the first fleet; the fourth has ten times")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    if not wrk.is_there():
        parser.error("wrk is missing: apt-get install wrk")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    sizes = arguments.trucks, arguments.days, arguments.many, arguments.messages
    text = run(*sizes, arguments.rounds, arguments.seconds)
    print(text)
    if arguments.write:
        pages.write("endpoints", text)


if __name__ == "__main__":
    main()
