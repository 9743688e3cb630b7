"""Starts the processes that write files, a few at a time, and passes on what they write.

They have connections of their own to the database, so however slowly a client reads, the pool of the requests is not
touched. Each ends with its client, at the latest after a deadline.
"""

import asyncio
import logging
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
from django.conf import settings

from apps.accounts.problems import FieldError, InvalidParameters, Unavailable
from apps.files.directories import Directory, remove_stale
from apps.files.job import Job, State

logger = logging.getLogger(__name__)

WAIT_S = 10.0  # for others to end
_AT_ONCE = 1 << 16


class FileCutOff(Exception):
    """The file could not be written to its end: the client gets less than it was promised, and can tell."""


class Busy(Unavailable):
    """As many files are being written as may be at a time."""

    headers = {"Retry-After": "10"}


class File:
    """A file that is being written: the state that it is of, and its parts."""

    def __init__(self, process: Process, directory: Directory, ended: "asyncio.Future[None]") -> None:
        self._process, self._directory, self._ended = process, directory, ended
        self.state: State = {}

    async def begin(self, job: Job) -> None:
        """Hands over the job, and waits for the first word. Raises Unavailable, InvalidParameters."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(pickle.dumps(job))
        stdin.close()
        line = await stdout.readline()
        if not line:
            raise Unavailable("The file could not be written.")
        said = orjson.loads(line)
        if refused := said.get("refused"):
            raise _refusal(refused, said, job)
        self.state = said["state"]

    async def parts(self) -> AsyncIterator[bytes]:
        """The file, part by part, as fast as they are taken. Raises FileCutOff."""
        assert self._process.stdout is not None
        try:
            while part := await self._process.stdout.read(_AT_ONCE):
                yield part
            if status := await self._process.wait():
                raise FileCutOff(f"the writer ended with {status}")
        finally:
            self.end()

    def end(self) -> None:
        """Ends the process if it still writes. May be called again."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def tidy_up(self) -> None:
        """Waits for the end, and leaves nothing behind."""
        await asyncio.wait([self._ended], timeout=settings.EXPORT_TIMEOUT_S)
        if self._process.returncode is None:
            self._process.kill()
        await self._drain()
        await self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):  # it was ended before it had read its job
            await self._process.stdin.wait_closed()
        await asyncio.to_thread(self._directory.remove)

    async def _drain(self) -> None:
        """Reads what a killed process has left in the pipe: without it asyncio would not see its end."""
        assert self._process.stdout is not None
        with suppress(RuntimeError):  # somebody reads already
            while await self._process.stdout.read(_AT_ONCE):
                pass


def _refusal(refused: str, said: dict[str, Any], job: Job) -> Exception:
    if refused == "too-many-rows":
        detail = f"{said['rows']:,} rows, but {job.format} takes {job.most_rows:,}: ask for less, or for csv"
        return InvalidParameters(f"format: {detail}.", [FieldError("/query/format", detail)])
    logger.warning("a file could not be begun", extra={"error": said.get("detail", refused)})
    return Unavailable()


class Writers:
    """At most so many files at a time; a fleet has all but one of them, so that no fleet locks out the others.

    Who finds no place waits for one; who has waited longest goes first.
    """

    def __init__(self, most: int, wait_s: float = WAIT_S) -> None:
        self._most, self._wait_s = most, wait_s
        self._writing: Counter[int] = Counter()
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._files: set[File] = set()
        self._has_cleaned = False

    @property
    def writing(self) -> int:
        return self._writing.total()

    async def start(self, job: Job, fleet_id: int) -> File:
        """A file that has begun. Raises Unavailable, InvalidParameters."""
        await self._enter(fleet_id)
        try:
            directory, process = await self._process()
        except BaseException:
            self._leave(fleet_id)
            raise
        file = File(process, directory, asyncio.get_running_loop().create_future())
        task = asyncio.create_task(self._end(file, fleet_id))
        self._tasks.add(task)
        self._files.add(file)
        task.add_done_callback(self._tasks.discard)
        try:
            await file.begin(replace(job, directory=directory.path))
        except BaseException:
            file.end()
            raise
        return file

    async def _process(self) -> tuple[Directory, Process]:
        """A writer that waits for its job, and the directory that is to be removed after it."""
        if not self._has_cleaned:
            self._has_cleaned = True
            await asyncio.to_thread(remove_stale)
        directory = Directory()
        try:
            return directory, await asyncio.create_subprocess_exec(
                sys.executable, "-m", "apps.files.writer", stdin=PIPE, stdout=PIPE, cwd=settings.BASE_DIR
            )
        except BaseException:
            directory.remove()
            raise

    async def close(self) -> None:
        """Ends all that are being written."""
        for file in list(self._files):
            file.end()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _end(self, file: File, fleet_id: int) -> None:
        try:
            await file.tidy_up()
        finally:
            self._files.discard(file)
            self._leave(fleet_id)

    async def _enter(self, fleet_id: int) -> None:
        if self._has_place(fleet_id):
            self._writing[fleet_id] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((fleet_id, turn))
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came in the moment of giving up
                self._leave(fleet_id)
            if isinstance(error, TimeoutError):
                raise Busy("Too many files are being written; ask again in a moment.") from None
            raise
        finally:
            self._queue.remove((fleet_id, turn))

    def _has_place(self, fleet_id: int) -> bool:
        return self.writing < self._most and self._writing[fleet_id] < max(1, self._most - 1)

    def _leave(self, fleet_id: int) -> None:
        self._writing[fleet_id] -= 1
        for waiting, turn in self._queue:
            if not turn.done() and self._has_place(waiting):
                self._writing[waiting] += 1  # it is taken before anybody else comes
                turn.set_result(None)


# --- the application's writers --------------------------------------------------------------------------------------

_writers: tuple[asyncio.AbstractEventLoop, Writers] | None = None


def writers() -> Writers:
    """Those of the running event loop."""
    global _writers
    loop = asyncio.get_running_loop()
    if _writers is None or _writers[0] is not loop:
        _writers = loop, Writers(settings.EXPORTS_MAX)
    return _writers[1]


async def close_writers() -> None:
    """To be called from the ASGI lifespan."""
    global _writers
    if _writers is not None and _writers[0] is asyncio.get_running_loop():
        await _writers[1].close()
    _writers = None
