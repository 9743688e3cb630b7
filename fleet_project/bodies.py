"""How large a request's body may be: Django puts it on disk, whole, before anybody has said who they are."""

from collections.abc import Mapping
from typing import Any

from apps.accounts.problems import CONTENT_TYPE, TooLarge
from fleet_project.lean import Application, Receive, Scope, Send

MOST_BYTES = 32_000_000  # files for the ledger may have 10 MB; of one that is a bit larger their form says so itself
_TOO_LARGE = TooLarge(f"A request may have {MOST_BYTES:,} bytes.").response(None).content


def bounded(application: Application) -> Application:
    """The application, but a larger body is read no further, and answered with 413 as all errors of the API are."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive)
        if _declared(scope) <= MOST_BYTES:
            await application(scope, body.receive, send)
        else:
            body.is_too_large = True
        if body.is_too_large:
            await _refuse(send)

    return wrapped


class _Body:
    """A body as it comes in. Who reads more of it than may be is told that the client has left."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size = receive, 0
        self.is_too_large = False

    async def receive(self) -> Mapping[str, Any]:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= MOST_BYTES:
            return message
        self.is_too_large = True
        return {"type": "http.disconnect"}


def _declared(scope: Scope) -> int:
    """What the request says of itself; 0 where it does not."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", b"%d" % len(_TOO_LARGE)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_LARGE})
