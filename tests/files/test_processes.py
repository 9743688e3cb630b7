"""How many files are written at a time, and what is left of one that nobody wants any more: nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from apps.accounts.problems import InvalidParameters, Unavailable
from apps.files import processes
from apps.files.cells import Column, Kind
from apps.files.job import Job, Pages
from apps.files.processes import Busy, File, FileCutOff, Writers

PAGE = b'[["' + b"x" * 1_000 + b'"]' + b',["y"]' * 20_000 + b"]"


def job(pages: int = 1) -> Job:
    source = Pages((PAGE,) * pages, {"revision": 1, "known_until": None})
    return Job("csv", "Days", (Column("a", "a", Kind.NUMBER, ""),), "UTC", (), source, 1_000_000)


@asynccontextmanager
async def writers(most: int, wait_s: float = 0.3) -> AsyncIterator[Writers]:
    made = Writers(most, wait_s)
    try:
        yield made
    finally:
        await made.close()


async def content(file: File) -> bytes:
    return b"".join([part async for part in file.parts()])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_file_comes_in_parts_and_leaves_nothing_behind() -> None:
    async with writers(2) as several:
        file = await several.start(job(), 1)
        directory = Path(file._directory.path)
        assert (several.writing, directory.is_dir(), file.state["revision"]) == (1, True, 1)
        assert (await content(file)).endswith(b"\r\ny\r\n")
        await until(lambda: several.writing == 0)
        assert not directory.exists()


async def test_one_that_is_not_wanted_any_more_is_ended_and_gives_its_place_back() -> None:
    async with writers(2) as several:
        file = await several.start(job(pages=50), 1)
        parts = file.parts()
        await anext(parts)
        assert file._process.returncode is None
        await parts.aclose()
        await until(lambda: several.writing == 0)
        assert file._process.returncode is not None
        assert not Path(file._directory.path).exists()
        file.end()


async def test_one_that_nobody_ever_reads_is_ended_after_the_deadline(settings) -> None:
    settings.EXPORT_TIMEOUT_S = 2  # longer than a process takes to start
    async with writers(2) as several:
        file = await several.start(job(pages=50), 1)
        await until(lambda: several.writing == 0)
        with pytest.raises(FileCutOff):
            await content(file)


async def test_who_comes_when_all_places_are_taken_waits_and_is_told_when_to_come_again() -> None:
    async with writers(2) as several:
        first, second = await several.start(job(), 1), await several.start(job(), 2)
        with pytest.raises(Busy) as refusal:
            await several.start(job(), 3)
        assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "10"})
        waiting = asyncio.create_task(several.start(job(), 3))
        await asyncio.sleep(0.05)
        first.end()
        third = await waiting
        assert (await content(third)) == (await content(second))


async def test_who_waited_longest_goes_first() -> None:
    async with writers(1, wait_s=5) as several:
        first, order = await several.start(job(), 1), []

        async def ask(number: int) -> None:
            file = await several.start(job(), number)
            order.append(number)
            file.end()

        asking = [asyncio.create_task(ask(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)  # they stand in the queue
        first.end()
        await asyncio.gather(*asking)
        assert order == [2, 3, 4]


async def test_whoever_gives_up_in_the_moment_of_its_turn_leaves_the_place_to_the_next() -> None:
    async with writers(1, wait_s=5) as several:
        await several._enter(1)
        given_up, next_one = (asyncio.create_task(several._enter(fleet)) for fleet in (2, 3))
        await asyncio.sleep(0)
        several._leave(1)  # it is the turn of 2
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await asyncio.wait_for(next_one, 1)
        assert (several.writing, len(several._queue)) == (1, 0)


async def test_one_fleet_leaves_a_place_for_the_others() -> None:
    async with writers(3) as several:
        for _ in range(2):
            await several.start(job(), 1)
        with pytest.raises(Busy):
            await several.start(job(), 1)
        await several.start(job(), 2)


async def test_a_single_place_is_for_everybody() -> None:
    async with writers(1) as several:
        assert await content(await several.start(job(), 1))


async def test_a_client_that_leaves_before_the_file_begins_gives_its_place_back() -> None:
    async with writers(1) as several:
        starting = asyncio.create_task(several.start(job(pages=200), 1))
        await until(lambda: several.writing == 1)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await until(lambda: several.writing == 0)


async def test_when_the_server_stops_all_files_end() -> None:
    async with writers(2) as several:
        file = await several.start(job(pages=50), 1)
    assert file._process.returncode is not None
    assert not Path(file._directory.path).exists()


@pytest.mark.parametrize(
    ("writer", "problem", "detail"),
    [
        (
            """print('{"refused": "too-many-rows", "rows": 2000000}')""",
            InvalidParameters,
            "2,000,000 rows, but csv takes",
        ),
        ("""print('{"refused": "unavailable", "detail": "gone"}')""", Unavailable, "try again"),
        ("raise SystemExit(3)", Unavailable, "could not be written"),
    ],
)
async def test_a_refusal_is_told_as_a_problem(
    tmp_path: Path, settings, writer: str, problem: type[Exception], detail: str
) -> None:
    write(tmp_path, settings, writer)
    async with writers(1) as several:
        with pytest.raises(problem, match=detail):
            await several.start(job(), 1)
        await until(lambda: several.writing == 0)


async def test_a_file_that_breaks_off_is_no_file(tmp_path: Path, settings) -> None:
    write(tmp_path, settings, """print('{"state": {}}\\nhalf', flush=True); raise SystemExit(1)""")
    async with writers(1) as several:
        file = await several.start(job(), 1)
        with pytest.raises(FileCutOff):
            await content(file)


def write(directory: Path, settings, writer: str) -> None:
    """Another writer in place of ours."""
    package = directory / "apps" / "files"
    package.mkdir(parents=True)
    for each in (package, package.parent):
        (each / "__init__.py").touch()
    (package / "writer.py").write_text(f"import sys; sys.stdin.buffer.read()\n{writer}\n")
    settings.BASE_DIR = directory


def test_a_writer_of_another_loop_is_not_taken() -> None:
    async def own() -> Writers:
        return processes.writers()

    assert asyncio.run(own()) is not asyncio.run(own())
