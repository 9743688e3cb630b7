"""Files as the writer makes them, without a process of its own for each: what is in them is the same."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import orjson

from apps.files import processes, writer
from apps.files.job import Job


class WrittenFile:
    """A file that is there already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def parts(self) -> AsyncIterator[bytes]:
        yield self._content

    def end(self) -> None:
        """Nothing goes on."""


async def start(_: processes.Writers, job: Job, fleet_id: int) -> WrittenFile:
    """In place of `Writers.start`."""
    line, content = await asyncio.to_thread(_written, job)
    said: dict[str, Any] = orjson.loads(line)
    if refused := said.get("refused"):
        raise processes._refusal(refused, said, job)
    return WrittenFile(content)


def _written(job: Job) -> tuple[bytes, bytes]:
    out = BytesIO()
    with tempfile.TemporaryDirectory() as directory:
        writer.answer(replace(job, directory=directory), _Kept(out))
    line, _, content = out.getvalue().partition(b"\n")
    return line, content


class _Kept(BytesIO):
    """Passes on what is written, also once whoever writes has closed it."""

    def __init__(self, out: BytesIO) -> None:
        super().__init__()
        self._out = out

    def write(self, part: Any) -> int:
        return self._out.write(part)
