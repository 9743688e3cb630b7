"""A body larger than any that is taken is read no further, whoever sends it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleet_project.bodies import MOST_BYTES, bounded
from tests import rows
from tests.conftest import AsgiClient

PART = b"x" * 1_000_000


class Sent:
    """A request that comes in parts, and how many of them were read."""

    def __init__(self, parts: int, **headers: str) -> None:
        self.left, self.read = parts, 0
        self.answer: list[dict[str, Any]] = []
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": "POST", "path": "/admin/login/", "headers": fields}

    async def receive(self) -> dict[str, Any]:
        if not self.left:
            return {"type": "http.disconnect"}
        self.left -= 1
        self.read += 1
        return {"type": "http.request", "body": PART, "more_body": self.left > 0}

    async def send(self, message: dict[str, Any]) -> None:
        self.answer.append(message)


async def reading(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """As Django: reads the whole body, says nothing to who has left, and answers then."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})


def asked(sent: Sent) -> int:
    asyncio.run(bounded(reading)(sent.scope, sent.receive, sent.send))
    starts = [message["status"] for message in sent.answer if message["type"] == "http.response.start"]
    assert len(starts) == 1
    return starts[0]


def test_a_body_of_the_highest_size_is_taken_whole() -> None:
    sent = Sent(MOST_BYTES // len(PART), content_length=str(MOST_BYTES))
    assert (asked(sent), sent.left) == (200, 0)


def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    sent = Sent(1_000, content_length=str(MOST_BYTES + 1))
    assert (asked(sent), sent.read) == (413, 0)


@pytest.mark.parametrize("headers", [{}, {"content_length": "5"}, {"content_length": "many"}])
def test_a_body_that_does_not_say_so_is_read_up_to_there(headers: dict[str, str]) -> None:
    sent = Sent(1_000, **headers)
    assert (asked(sent), sent.read) == (413, MOST_BYTES // len(PART) + 1)


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v2/costs/imports", "/api/v2/backfills"])
def test_nothing_of_the_application_takes_more(asgi: AsgiClient, path: str) -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield PART

    answer = asgi.send("POST", path, rows.api_key(rows.fleet()), content=parts())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert read <= MOST_BYTES // len(PART) + 2
