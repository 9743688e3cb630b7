"""Starts everything in the order in which a person would, says what it does, and stays until Ctrl-C."""

import argparse
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from demo.keys import environment
from demo.processes import ROOT, Processes, ProcessFailed, free_port, python

HOME = ROOT / "var" / "demo"
MAILS = HOME / "mails"
FLEET = "Prairie Haulage"
TIMEZONE = "America/Chicago"
_READY = re.compile(r"(http://\S+)\s+token (\S+)")


class Stopped(Exception):
    """Somebody asked the demo to end."""


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    started = time.monotonic()
    ports = {"web": free_port(8000), "mail": free_port()}
    settings = {
        **environment(HOME),
        "EMAIL_URL": f"smtp://127.0.0.1:{ports['mail']}",
        "SITE_URL": f"http://127.0.0.1:{ports['web']}",
        "SYNC_INTERVAL_S": "15",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "fleet_project.settings",
    }
    os.environ.update(settings)
    try:
        with Processes(HOME / "logs", {"LOG_LEVEL": "INFO"}) as processes:
            return _run(options, processes, ports, started)
    except Stopped:
        print("\nstopping …", file=sys.stderr)
        return 0
    except ProcessFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--trucks", type=_count, default=25, metavar="N")
    parser.add_argument("--days", type=_count, default=14, metavar="N", help="of history")
    parser.add_argument("--replay", metavar="FILE.csv", help="a recording instead of a made-up fleet")
    parser.add_argument("--check", action="store_true", help="exercise the main job once and exit")
    parser.add_argument("--called-from", default=".", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.replay:
        file = Path(options.called_from, options.replay)
        if not file.is_file():
            parser.error(f"--replay: there is no file {file}")
        options.replay = str(file.resolve())
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 10,000")
    return int(text)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # once is enough: what follows is orderly
    raise Stopped


def _run(options: argparse.Namespace, processes: Processes, ports: dict[str, int], started: float) -> int:
    # Django is set up only now: its settings come from the environment that main has just completed.
    import django

    django.setup()
    from demo import check, fleet

    say("a fresh database")
    fleet.fresh_database()
    say(f"a simulated Wialon: {options.replay or f'{options.trucks} trucks, {options.days} days'}")
    url, token = _start_simulator(options, processes)
    password = secrets.token_urlsafe(9)
    key = fleet.set_up(FLEET, TIMEZONE if not options.replay else "UTC", url, token, password)
    say("synchronising")
    fleet.synchronise(FLEET)
    say("daily summaries")
    fleet.summarise(FLEET)
    say("web, worker, beat and a mail server")
    _start_servers(processes, ports)
    site = os.environ["SITE_URL"]
    fleet.wait_until_ready(site, processes)
    fleet.schedule_report(FLEET)
    say("the first report")
    mail = fleet.first_mail(MAILS, processes)
    say(f"up after {time.monotonic() - started:.0f} s")
    if options.check:
        return check.run(site, key, FLEET, mail, replay=bool(options.replay))
    print(_welcome(site, key, password, mail), flush=True)
    while True:
        time.sleep(1)
        processes.check()


def say(what: str) -> None:
    print(f"demo: {what}", file=sys.stderr, flush=True)


def _start_simulator(options: argparse.Namespace, processes: Processes) -> tuple[str, str]:
    """The address and the token of a running simulator."""
    source = (
        ["--replay", options.replay]
        if options.replay
        else ["--trucks", str(options.trucks), "--days", str(options.days), "--timezone", TIMEZONE]
    )
    processes.start("wialon", python("-m", "wialon_simulator", "--port", "0", *source))
    while not (ready := _READY.search(processes.log("wialon").read_text())):
        processes.check()
        time.sleep(0.05)
    return ready[1], ready[2]


def _start_servers(processes: Processes, ports: dict[str, int]) -> None:
    for old in MAILS.glob("*.eml") if MAILS.is_dir() else ():
        old.unlink()
    processes.start("mail", python("-m", "demo.mailbox", str(ports["mail"]), str(MAILS)))
    processes.start("web", [str(ROOT / "scripts" / "web"), "--port", str(ports["web"]), "--workers", "1"])
    queues = "sync,summaries,reports"
    processes.start(
        "worker", python("-m", "celery", "-A", "fleet_project", "worker", "-Q", queues, "-c", "2", "-l", "INFO")
    )
    schedule = str(HOME / "beat-schedule")
    processes.start("beat", python("-m", "celery", "-A", "fleet_project", "beat", "-s", schedule, "-l", "INFO"))


def _welcome(site: str, key: str, password: str, mail: Path) -> str:
    return f"""
  Admin      {site}/admin/     user demo, password {password}
  API docs   {site}/api/v2/docs
  Mail       {mail.relative_to(ROOT)}
  Logs       {(HOME / "logs").relative_to(ROOT)}/

  curl -H 'Authorization: Bearer {key}' '{site}/api/v2/fleet/summary?period=last7'

  New messages keep arriving. Ctrl-C ends everything."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
