"""What a quarter of a fleet costs beside a week, of every list and total of its figures, where nothing is remembered.

    python -m tests.bench.quarters [--trucks N] [--days N] [--rounds N] [--write]

Each question is asked about the last 7 and the last 90 days in turns, of a server that remembers nothing. What counts
is the CPU of the server and of the database for an answer, which other work on the machine raises less than the time;
medians. `--write` puts the result into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections import defaultdict

import django
import httpx

from tests.bench import pages, servers
from tests.bench.reads import QUIET, SENSORS
from tests.bench.turns import cpu_ns

ALL = "&limit=1000"
GROUP = "&group=All"
QUESTIONS = {
    "summary": "/fleet/summary?",
    "trends by month": "/fleet/trends?by=month",
    "utilization": f"/fleet/utilization?{ALL}",
    "utilization, ranked": f"/fleet/utilization?sort=-idle_pct{ALL}",
    "costs by truck": f"/fleet/cost-analysis?{ALL}",
    "costs by driver": f"/fleet/cost-analysis?by=driver{ALL}",
    "costs by group": "/fleet/cost-analysis?by=group",
    "behavior by truck": f"/fleet/driver-behavior?{ALL}",
    "behavior by driver": f"/fleet/driver-behavior?by=driver{ALL}",
    "behavior by driver, ranked": "/fleet/driver-behavior?by=driver&sort=safety_score",
    "drivers": f"/drivers?{ALL}",
    "fuel": f"/fleet/fuel?{ALL}",
    "idling": "/fleet/idling?",
    "idling, 1,000 places": f"/fleet/idling?{ALL}",
    "summary of a group": f"/fleet/summary?{GROUP}",
    "trends of a group by month": f"/fleet/trends?by=month{GROUP}",
    "costs of a group by truck": f"/fleet/cost-analysis?{ALL}{GROUP}",
    "idling of a group": f"/fleet/idling?{GROUP}",
    "hours": "/fleet/utilization?by=hour",
    "weekdays of a group": f"/fleet/utilization?by=weekday{GROUP}",
    "hours of a group": f"/fleet/utilization?by=hour{GROUP}",
}
WEEK, QUARTER = "period=last7", "period=last90"
Costs = dict[tuple[str, str], list[tuple[float, float]]]  # question, period → milliseconds of server, of database


def measured(address: str, server: servers.Server, key: str, rounds: int, answers: int) -> Costs:
    found: Costs = defaultdict(list)
    both = server.pids(), [servers.database_pid()]
    with httpx.Client(base_url=f"{address}/api/v2", headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        for number in range(1 + rounds):  # the first one warms up
            for name, path in QUESTIONS.items():
                for period in (WEEK, QUARTER):
                    before = [cpu_ns(pids) for pids in both]
                    for _ in range(answers):
                        client.get(f"{path}&{period}").raise_for_status()
                    after = [cpu_ns(pids) for pids in both]
                    if number:
                        ours, theirs = (1e-6 * (b - a) / answers for a, b in zip(before, after, strict=True))
                        found[name, period].append((ours, theirs))
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return found


def table(found: Costs) -> str:
    heads = ["list", "a week: server", "database", "a quarter: server", "database", "quarter ÷ week"]
    lines: list[list[object]] = []
    for name in QUESTIONS:
        of = {
            period: [statistics.median(each) for each in zip(*found[name, period], strict=True)] for period in PERIODS
        }
        ratio = sum(of[QUARTER]) / sum(of[WEEK])
        lines.append([name, *(f"{value:.1f}" for period in PERIODS for value in of[period]), f"{ratio:.2f}"])
    return pages.table(heads, lines)


PERIODS = (WEEK, QUARTER)


def run(trucks: int, days: int, rounds: int, answers: int) -> str:
    from tests.bench import dataset

    made = dataset.make(trucks, days)
    load = os.getloadavg()[0]
    with servers.running([servers.PRODUCT], SENSORS, **QUIET, REMEMBERED_MB="0") as [server]:
        found = measured(server.address, server, made.key, rounds, answers)
    head = (
        f"{trucks:,} trucks, each with a driver, and {days} days; milliseconds of CPU for an answer, medians of "
        f"{rounds} rounds of {answers}. Nothing is remembered. Load of the machine before: {load:.1f}. Aim: at most 2."
    )
    return f"{head}\n\n{table(found)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trucks", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--answers", type=int, default=4, help="of each question in a round")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")
    django.setup()
    text = run(arguments.trucks, arguments.days, arguments.rounds, arguments.answers)
    print(text)
    if arguments.write:
        pages.write("quarters", text)


if __name__ == "__main__":
    main()
