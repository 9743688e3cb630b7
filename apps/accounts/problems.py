"""What can be wrong with a request, and how an answer says so: RFC 9457 problem details."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import orjson
from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one part of a request; the pointer names it, e.g. `/query/limit`."""

    pointer: str
    detail: str


class Problem(Exception):
    """A request that gets an error for an answer. `code` is stable, `detail` is for people."""

    status = 500
    code = "internal-error"
    title = "Something went wrong here"
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str = "", errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)

    def response(self, request_id: str | None) -> HttpResponse:
        body = {
            "type": f"urn:problem-type:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": [asdict(error) for error in self.errors],
            "request_id": request_id,
        }
        headers = {"Cache-Control": "no-store", **self.headers}
        return HttpResponse(orjson.dumps(body), status=self.status, content_type=CONTENT_TYPE, headers=headers)


class BadRequest(Problem):
    status, code, title = 400, "bad-request", "The request cannot be read"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "An API key is needed"
    headers = {"WWW-Authenticate": 'Bearer realm="fleet"'}


class InvalidKey(Unauthenticated):
    """Unknown, expired, revoked or of a fleet that is switched off: an answer that told which would help to guess."""

    code, title = "invalid-key", "The API key is not valid"
    headers = {"WWW-Authenticate": 'Bearer realm="fleet", error="invalid_token"'}


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "The API key may not do this"


class NotFound(Problem):
    """Also for what belongs to another fleet: nobody learns that it exists."""

    status, code, title = 404, "not-found", "There is no such thing here"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method-not-allowed", "This cannot be done with this method"


class NotAcceptable(Problem):
    status, code, title = 406, "not-acceptable", "This is not available in the form that was asked for"


class Conflict(Problem):
    status, code, title = 409, "conflict", "This cannot be done as things are"


class TooLarge(Problem):
    status, code, title = 413, "too-large", "The request is too large"


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported-media-type", "The body is of a type that is not taken here"


class InvalidParameters(Problem):
    status, code, title = 422, "invalid-parameters", "Some parameters are not valid"


class TooManyRequests(Problem):
    status, code, title = 429, "too-many-requests", "The key has used up its quota"

    def __init__(self, seconds: int, fields: Mapping[str, str]) -> None:
        """`seconds` until there is a new quota; `fields`: headers that say how large it is."""
        super().__init__(f"Ask again in {seconds} s.")
        self.headers = {"Retry-After": str(seconds), **fields}


class ClientLeft(Problem):
    """Nobody reads this answer; its status is what logs and counters call a request that was given up."""

    status, code, title = 499, "client-left", "The client has left"


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "There is no answer right now; try again"
    headers = {"Retry-After": "1"}


_BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        TooLarge,
        UnsupportedMediaType,
        InvalidParameters,
    )
}


def of_status(status: int, detail: str = "") -> Problem:
    """The problem that an HTTP status stands for."""
    return _BY_STATUS.get(status, BadRequest if status < 500 else Problem)(detail)
