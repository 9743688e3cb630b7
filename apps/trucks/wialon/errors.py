"""What Wialon says instead of an answer, as exceptions that tell what to do about it."""

from typing import Any

# WialonError
# ├── LoginRefused       the token is wrong, expired or revoked: ask the owner, do not try again
# ├── RequestRefused     wrong parameters or no right: the same call would fail again
# ├── SessionLost        log in again, once
# ├── TooMuch            ask for a shorter interval
# └── TryAgain
#     ├── Busy           a limit of requests or logins: after a pause
#     └── Unavailable    time-out, HTTP error, HTML instead of JSON, Wialon's own failure


class WialonError(Exception):
    """Wialon did not answer as asked. The text names the service and what was wrong, never a token or session."""


class LoginRefused(WialonError):
    pass


class RequestRefused(WialonError):
    pass


class SessionLost(WialonError):
    pass


class TooMuch(WialonError):
    pass


class TryAgain(WialonError):
    pass


class Busy(TryAgain):
    pass


class Unavailable(TryAgain):
    pass


_ERRORS: dict[int, tuple[type[WialonError], str]] = {
    1: (SessionLost, "the session is invalid"),
    2: (RequestRefused, "unknown service"),
    3: (Unavailable, "invalid result"),
    4: (RequestRefused, "invalid input"),
    5: (Unavailable, "error performing the request"),
    6: (Unavailable, "unknown error"),
    7: (RequestRefused, "access denied"),
    8: (RequestRefused, "wrong user name, password or token"),
    9: (Unavailable, "the authorization server is unavailable"),
    10: (Busy, "too many requests at once"),
    1003: (Busy, "only one such request at a time"),
    1004: (TooMuch, "the limit of loaded messages is exceeded"),
    1005: (TooMuch, "the execution time is exceeded"),
    1011: (SessionLost, "the address has changed or the session is over"),
    -100: (Unavailable, "network time-out"),
    -101: (Unavailable, "wrong network response"),
}
_NO_MESSAGES = 1001
_NO_SESSION = ("NO_SESSION", 4, "4")  # what 1003 gives as its reason when the session is gone
_LONGEST_REASON = 40  # Wialon's are a word or two; what is longer may repeat what we sent, the token included
IN_ONE = "core/batch"


def checked(service: str, answer: Any, secrets: tuple[str, ...] = ()) -> Any:
    """The answer, unless it is an error object; no messages in an interval is an empty answer, not an error."""
    code = answer.get("error", 0) if isinstance(answer, dict) else 0
    if not isinstance(code, int) or code == 0:
        return answer
    if code == _NO_MESSAGES and service.startswith("messages/"):
        return {"count": 0, "messages": []}
    reason = answer.get("reason")
    if code == 1003 and reason in _NO_SESSION:
        raise SessionLost(f"{service}: error 1003 (no session)")
    kind, meaning = _ERRORS.get(code, (RequestRefused, "undocumented"))
    if (service, code) == (IN_ONE, 6):
        kind, meaning = TooMuch, "the answer is too large"
    raise kind(f"{service}: error {code} ({meaning}{f': {_told(reason, secrets)}' if reason else ''})")


def _told(reason: Any, secrets: tuple[str, ...]) -> str:
    """What the server gives as its reason, fit for a log: short, and without the secrets it may repeat."""
    text = str(reason)
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text[:_LONGEST_REASON]
