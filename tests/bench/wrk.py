"""Load by wrk, from Debian's package: one thread of C, so that the servers are the bottleneck and not the client."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_RANDOM_TRUCK = """
request = function()
    return wrk.format("GET", string.format("/api/v2/trucks/T-%05d/sensors", math.random(0, {last})))
end
"""
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Result:
    """Of one run: answers a second, latency in milliseconds, and answers that were errors."""

    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


def is_there() -> bool:
    return shutil.which("wrk") is not None


def run(url: str, connections: int, seconds: int, headers: Mapping[str, str], trucks: int = 0) -> Result:
    """Asks the URL again and again on so many connections; with `trucks` about one of so many, by chance."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    with tempfile.TemporaryDirectory() as directory:
        if trucks:
            script = Path(directory) / "script.lua"
            script.write_text(_RANDOM_TRUCK.format(last=trucks - 1))
            command += ["-s", str(script)]
        output = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    return parse(output)


def parse(output: str) -> Result:
    """What wrk printed."""
    return Result(
        requests=int(_found(r"(\d+) requests in", output)),
        per_s=float(_found(r"Requests/sec:\s+([\d.]+)", output)),
        p50_ms=_milliseconds(_found(r"^\s+50%\s+(\S+)", output)),
        p99_ms=_milliseconds(_found(r"^\s+99%\s+(\S+)", output)),
        errors=int(_found(r"Non-2xx or 3xx responses: (\d+)", output, "0")) + _socket_errors(output),
    )


def _found(pattern: str, output: str, default: str | None = None) -> str:
    found = re.search(pattern, output, re.MULTILINE)
    if found is None and default is not None:
        return default
    if found is None:
        raise ValueError(f"wrk said nothing of {pattern}:\n{output}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def _socket_errors(output: str) -> int:
    found = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return sum(map(int, found.groups())) if found else 0
