"""Reads a call's parameters; what is missing or of the wrong type is error 4."""

from typing import Any

from wialon_simulator.errors import INVALID_INPUT, ApiError

Json = dict[str, Any]


def integer(params: Json, name: str, default: int | None = None) -> int:
    value = params.get(name, default)
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ApiError(INVALID_INPUT)
    return value


def text(params: Json, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise ApiError(INVALID_INPUT)
    return value


def mapping(params: Json, name: str) -> Json:
    value = params.get(name)
    if not isinstance(value, dict):
        raise ApiError(INVALID_INPUT)
    return value
