"""Ninja's asynchronous operations, called without the steps that none of ours has.

Ninja looks for the operation of a method, inspects at each request whether its authentication is asynchronous, looks
for throttles, makes a response for the view to fill, and parses the path anew. What is done here is the rest of it, in
the same order: key, parameters, view; an error becomes what the API says of it. Between key and parameters stands what
has been answered before.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.errors import AuthenticationError
from ninja.operation import AsyncOperation, Operation
from ninja.params.models import PathModel, QueryModel

from apps.accounts.authentication import ApiKey, AuthenticatedRequest, Principal
from apps.trucks import freshness
from apps.trucks.remembered import Recent


def is_direct(operation: Operation) -> bool:
    """Whether nothing is left out when the operation is called directly."""
    return (
        type(operation) is AsyncOperation
        and [type(callback) for callback in operation.auth_callbacks] == [ApiKey]
        and not operation.throttle_objects
        and not operation.stream_format
        and not operation.signature.response_arg
        and not getattr(operation, "_run_decorators", None)
    )


class DirectView:
    """The view of one path: what it says of the operation's parameters is parsed once, as it is always the same."""

    def __init__(self, operations: Mapping[str, Operation], otherwise: Callable[..., Any]) -> None:
        """`operations` by method, all direct; `otherwise` is Ninja's own view, for methods that none of them has."""
        self._operations, self._otherwise = operations, otherwise
        self._parsed: dict[Operation, dict[str, Any]] = {}

    async def __call__(self, request: HttpRequest, **path: Any) -> HttpResponseBase:
        operation = self._operations.get(request.method or "")
        if operation is None:
            response: HttpResponseBase = await self._otherwise(request, **path)
            return response
        try:
            key = cast(ApiKey, operation.auth_callbacks[0])
            request.auth = key.at_once(request) or await _checked(key, request)  # type: ignore[attr-defined]
            answered = await freshness.again(cast(AuthenticatedRequest, request))
            if answered is not None:
                return answered
            result = await operation.view_func(request, **self._values(operation, request, path))
            if isinstance(result, HttpResponseBase):
                return result
            return operation._result_to_response(request, result, operation.api.create_temporal_response(request))
        except Exception as error:
            return operation.api.on_exception(request, error)

    def _values(self, operation: Operation, request: HttpRequest, path: dict[str, Any]) -> dict[str, Any]:
        """The view's arguments, which are not to be changed. Raises Ninja's ValidationError."""
        values = self._parsed.get(operation)
        if values is not None:
            return values
        words = operation, request.get_full_path()
        if (values := _lately.get(words)) is not None:
            return values
        values = operation._get_values(request, path, None)  # type: ignore[arg-type]
        if _come_from(operation, PathModel):
            self._parsed[operation] = values
        elif request.method == "GET" and _come_from(operation, PathModel, QueryModel) and len(words[1]) <= _LONGEST:
            _lately.keep(words, values, 1, _MOST)
        return values


def _checked(key: ApiKey, request: HttpRequest) -> Awaitable[Principal]:
    """Who asks, from the database and Redis. Raises AuthenticationError for a request that names no key."""
    checking: Awaitable[Principal] | None = key(request)
    if checking is None:
        raise AuthenticationError
    return checking


# By operation, and path with query: arguments that follow from these words alone, those that were asked for last.
_lately: Recent[dict[str, Any]] = Recent()
_MOST, _LONGEST = 2_000, 500  # of them; characters


def _come_from(operation: Operation, *parts: type) -> bool:
    """Whether the view's arguments come from these parts of a request and from nothing else."""
    return all(issubclass(model, parts) for model in operation.models)
