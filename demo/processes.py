"""The processes of the demo: started, watched and ended together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE_S = 35  # a web worker may finish its requests for 30 s


class ProcessFailed(Exception):
    """A process of the demo has ended by itself."""


class Processes:
    """Started processes by name; each writes a log of its own. Leaving the context ends them all."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = {**os.environ, **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Processes":
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running.values()):
            process.terminate()  # it alone: it ends what it started in its own order
        for process in reversed(self._running.values()):
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
            _kill_group(process)  # what it started and left behind

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, name: str, command: Sequence[str], **environment: str) -> None:
        """Starts a process in a group of its own: a Ctrl-C reaches the demo alone, which ends them in order."""
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises ProcessFailed, with the end of its log, if one has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                end = "\n  ".join(self.log(name).read_text(errors="replace").splitlines()[-15:])
                raise ProcessFailed(f"{name} ended with exit code {process.returncode}:\n  {end}")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def free_port(preferred: int = 0) -> int:
    """The preferred port of this machine if nobody listens there, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
