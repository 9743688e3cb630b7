"""`python -m wialon_simulator`: runs the simulator until SIGTERM or Ctrl-C."""

import argparse
import signal
import threading
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wialon_simulator.simulator import Simulator


def time_zone(name: str) -> str:
    """Returns `name` if it is an IANA time zone."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        raise argparse.ArgumentTypeError(f"{name!r} is no IANA time zone") from None


def recording(name: str) -> Path:
    """Returns the path if there is a file."""
    if not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name!r}")
    return Path(name)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wialon_simulator", description="A Wialon server for demos and tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8780, help="0 takes a free one (default %(default)s)")
    parser.add_argument("--trucks", type=int, default=25, help="size of the fleet (default %(default)s)")
    parser.add_argument("--days", type=int, default=14, help="local days of history before today (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another fleet and token")
    parser.add_argument("--now", type=float, help="epoch second the clock starts at (default: the present)")
    parser.add_argument(
        "--timezone",
        type=time_zone,
        default="America/Chicago",
        help="where the trucks' days begin (default %(default)s)",
    )
    parser.add_argument(
        "--replay", type=recording, metavar="FILE.csv", help="serve a recording instead of a made-up fleet"
    )
    parser.add_argument("--frozen", action="store_true", help="keep the clock standing still")
    return parser


def main() -> None:
    simulator = Simulator(**vars(arguments().parse_args()))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with simulator:
        print(f"Wialon simulator on {simulator.url}  token {simulator.token}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
