"""Errors as the API reports them: HTTP 200 and a number, sometimes with a reason."""

from typing import Any

INVALID_SESSION = 1
INVALID_SERVICE = 2
INVALID_INPUT = 4
ACCESS_DENIED = 7
INVALID_CREDENTIALS = 8
TOO_MANY_REQUESTS = 10
NOT_EXECUTED = 10  # the same number, inside the answer to a batch
NO_MESSAGES = 1001
ONE_AT_A_TIME = 1003
TOO_MANY_MESSAGES = 1004


class ApiError(Exception):
    """Carries what the answer says."""

    def __init__(self, code: int, reason: str | int | None = None) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def answer(self) -> dict[str, Any]:
        return {"error": self.code} if self.reason is None else {"error": self.code, "reason": self.reason}


class Hangup(Exception):
    """The connection closes without an answer."""
