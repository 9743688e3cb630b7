"""Completes the OpenAPI document that Ninja makes: the errors and headers that all operations share, and examples."""

import re
from collections.abc import Iterator
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from apps.accounts.parameters import place
from apps.accounts.problems import CONTENT_TYPE
from apps.accounts.schemas import ProblemBody
from apps.files.answers import TYPES

Json = dict[str, Any]

_HEADERS: Json = {
    "ETag": {
        "description": "Send it back as `If-None-Match`, or as `If-Match` to change the row.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "The key's quota `q` in `w` seconds.", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of it, `r`, for `t` seconds.", "schema": {"type": "string"}},
    "X-Request-Id": {"description": "Names the request in the logs.", "schema": {"type": "string"}},
}
_LOCATION: Json = {"description": "Where what was begun can be followed.", "schema": {"type": "string"}}
_ERRORS = {
    "401": "The key is missing or not valid.",
    "406": "The client takes no JSON.",
    "422": "A parameter is unknown, not valid, or asks for too much.",
    "429": "The key has used up its quota; `Retry-After` says when there is a new one.",
    "503": "The database did not answer in time; `Retry-After` says when to try again.",
}
_IDEMPOTENT = {
    "409": "The same request is being worked on; `Retry-After` says when to ask again.",
    "422": "The body or a parameter is not valid, or the `Idempotency-Key` belongs to another request.",
}
_CONDITIONAL = {
    "412": "The row is not the one that `If-Match` names: somebody has changed it since.",
    "428": "`If-Match` is missing.",
}
_WITH_BODY = {"413": "The body is larger than 2.5 MB."}
_NO_KEY, _NO_JSON = "The `Idempotency-Key` is missing or not valid.", "The body is not valid JSON."
_JSON_BODY = {"415": "The body is said to be something else than JSON."}
_IF_NONE_MATCH: Json = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "`ETag` of an earlier answer; 304 if it is still the same.",
}


def completed(document: OpenAPISchema) -> OpenAPISchema:
    """The document itself, with what Ninja does not know."""
    schemas: Json = document["components"]["schemas"]
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(method, operation, schemas, missing=_missing(path, operation))
            operation["parameters"].sort(key=_place)
    used = set(_references(document))
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}
    return document


def _place(parameter: Json) -> tuple[int, int]:
    """Path, query in the order of the manual, headers."""
    return ("path", "query", "header").index(parameter["in"]), place(parameter["name"])


def _missing(path: str, operation: Json) -> dict[str, str]:
    """404 where a path names one of several things, or a parameter a truck."""
    queried = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    what = [*(["truck"] if "truck_id" in queried else []), *re.findall(r"{(\w+)_id}", path)]
    text = "The fleet has no such {0}; the same answer as for another fleet's {0}."
    return {"404": text.format(what[-1])} if what else {}


def _references(part: Any) -> Iterator[str]:
    """The names of the schemas that are referred to."""
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _complete_operation(method: str, operation: Json, schemas: Json, *, missing: dict[str, str]) -> None:
    is_read = method == "get"
    for parameter in operation["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])
        parameter.pop("examples", None)  # a list is allowed in a schema, not beside it
    if is_read:
        operation["parameters"].append(_IF_NONE_MATCH)
        _add_files(operation)
    if body := operation.get("requestBody"):
        _add_example(body, schemas)
    answers = {str(status): answer for status, answer in operation["responses"].items()}
    has_tag = is_read or operation.pop("x-has-tag", False)
    for status, answer in answers.items():
        _complete_answer(status, answer, schemas, has_tag=has_tag)
    if is_read:
        answers["304"] = {"description": "The client has this answer already.", "headers": _HEADERS}
    operation["responses"] = answers | {
        status: _error(int(status), description)
        for status, description in sorted(_errors_of(operation, is_read=is_read, missing=missing).items())
    }


def _add_files(operation: Json) -> None:
    """A list that may be asked for as a file has its types beside JSON."""
    if any(parameter["name"] == "format" for parameter in operation["parameters"]):
        content = operation["responses"].get("200", operation["responses"].get(200))["content"]
        content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()}


def _complete_answer(status: str, answer: Json, schemas: Json, *, has_tag: bool) -> None:
    answer["headers"] = _HEADERS if has_tag else {k: v for k, v in _HEADERS.items() if k != "ETag"}
    if status in ("201", "202"):
        answer["headers"] = {**answer["headers"], "Location": _LOCATION}
    if answer.get("content"):
        _add_example(answer, schemas)
    else:
        answer.pop("content", None)


def _add_example(part: Json, schemas: Json) -> None:
    content = part["content"].get("application/json")
    if content is not None:  # else it is a file
        content["example"] = example_of(content["schema"], schemas)


def _errors_of(operation: Json, *, is_read: bool, missing: dict[str, str]) -> dict[str, str]:
    """Status → when, for what may go wrong with an operation."""
    scope = operation.pop("x-required-scope", "read")
    errors = _ERRORS | {"403": f"The key lacks the scope `{scope}`."} | missing
    if not is_read:
        errors.pop("406")
    unreadable = []
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"]):
        errors |= _IDEMPOTENT
        unreadable.append(_NO_KEY)
    if any(parameter["name"] == "If-Match" for parameter in operation["parameters"]):
        errors |= _CONDITIONAL
    if "requestBody" in operation:
        errors |= _WITH_BODY
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        errors |= _JSON_BODY
        unreadable.append(_NO_JSON)
    if unreadable:
        errors["400"] = " ".join(unreadable)
    errors |= operation.pop("x-errors", {})
    return errors


def _error(status: int, description: str) -> Json:
    headers = {"X-Request-Id": _HEADERS["X-Request-Id"]}
    if status in (409, 429, 503):
        headers = {**headers, "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "headers": headers, "content": content}


def _without_null(schema: Json) -> Json:
    """A parameter that may be absent, as its type alone: null cannot be written in a query."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default") or schema.get(name)}
    if len(kinds) == 1:
        rest.pop("anyOf")
        return {**kinds[0], **rest}
    return {**rest, "anyOf": kinds} if kinds else rest


def example_of(schema: Json, schemas: Json) -> Any:
    """An example of a schema, put together from those of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    return [example_of(schema["items"], schemas)] if "items" in schema else None
