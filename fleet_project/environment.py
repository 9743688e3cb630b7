"""What may be set from the environment: names, kinds, defaults and what is wrong when it is wrong."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# name → (kind, default); without a default it must be set. Each stands in .env.example with a sentence (a test keeps
# it).
VARIABLES: dict[str, tuple[Any, ...]] = {
    "DATABASE_URL": (str,),
    "DATABASE_REPLICA_URL": (str, ""),
    "REDIS_URL": (str,),
    "SECRET_KEY": (str,),
    "FIELD_ENCRYPTION_KEY": (list,),
    "EMAIL_URL": (str, "smtp://127.0.0.1:25"),
    "DEFAULT_FROM_EMAIL": (str, "Fleet reports <reports@localhost>"),
    "SITE_URL": (str, "http://127.0.0.1:8000"),
    "ALLOWED_HOSTS": (list, ["127.0.0.1", "localhost"]),
    "DEBUG": (bool, False),
    "POOL_MIN": (int, 4),
    "POOL_MAX": (int, 4),
    "POOL_WAIT_MS": (int, 1000),
    "QUERY_TIMEOUT_MS": (int, 2000),
    "EXPORTS_MAX": (int, 3),
    "EXPORT_TIMEOUT_S": (int, 600),
    "RATE_LIMIT_PER_MINUTE": (int, 600_000),
    "REMEMBERED_MB": (int, 32),
    "SYNC_INTERVAL_S": (int, 60),
    "INITIAL_HISTORY_DAYS": (int, 35),
    "MIN_FREE_DISK_PCT": (int, 10),
    "SYNC_LANES": (int, 0),
    "LOG_LEVEL": (str, "INFO"),
    "LOG_FORMAT": (str, "json"),
    "PROXIES": (int, 0),
}
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


def load(base: Path) -> dict[str, Any]:
    """The checked values of all VARIABLES, from the environment, `NAME_FILE` files, or `.env` in the base directory.

    Raises ImproperlyConfigured with one line for every value that is missing or wrong.
    """
    if (base / ".env").is_file():
        environ.Env.read_env(base / ".env")
    values: dict[str, Any] = {}
    problems = []
    for name, declared in VARIABLES.items():
        try:
            values[name] = _value(name, *declared)
        except (ValueError, OSError) as error:
            problems.append(f"  {name}: {error}")
    problems += [f"  {problem}" for problem in _out_of_bounds(values)]
    if problems:
        raise ImproperlyConfigured("\n".join(["the environment is not right (see .env.example):", *problems]))
    return values


def _value(name: str, kind: type, *default: Any) -> Any:
    text = _text(name)
    if text is None:
        if not default:
            raise ValueError("must be set")
        return default[0]
    return _checked(name, _converted(kind, text))


def _text(name: str) -> str | None:
    """The variable's text; `NAME_FILE` names a file that holds it, as container secrets do."""
    file = os.environ.get(f"{name}_FILE")
    return Path(file).read_text().strip() if file else os.environ.get(name)


def _converted(kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]
    if kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is int:
        if not text.isdecimal():
            raise ValueError(f"{text!r} is not a whole number from 0 on")
        return int(text)
    return text


def _checked(name: str, value: Any) -> Any:
    if name.endswith("_URL") and value and not urlsplit(value).scheme:
        raise ValueError("is not a URL")
    if name == "DATABASE_URL" or (name == "DATABASE_REPLICA_URL" and value):
        _check_database(value)
    if name == "REDIS_URL" and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("starts with redis://, rediss:// or unix://")
    if name == "EMAIL_URL":
        _check_email(value)
    if name == "SECRET_KEY" and len(value) < 32:
        raise ValueError("has at least 32 characters")
    if name == "FIELD_ENCRYPTION_KEY":
        _check_fernet_keys(value)
    if name == "LOG_LEVEL" and value not in _LOG_LEVELS:
        raise ValueError(f"is one of {', '.join(_LOG_LEVELS)}")
    if name == "LOG_FORMAT" and value not in ("json", "console"):
        raise ValueError("is json or console")
    return value


def _check_database(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "mysql":
        raise ValueError("starts with mysql:// (MariaDB or MySQL)")
    if not parts.path.strip("/"):
        raise ValueError("names a database, such as mysql://user:password@127.0.0.1:3306/fleet")
    _port(url)


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:  # its text would show the URL's end, password included, where a # or / was not escaped
        raise ValueError("has a port that is no number") from None


def _check_email(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtp+tls", "smtp+ssl", "consolemail"):
        raise ValueError("starts with smtp://, smtp+tls:// or smtp+ssl://")
    if parts.scheme != "consolemail" and not _port(url):
        raise ValueError("names a port, such as smtp://127.0.0.1:25")


def _check_fernet_keys(keys: list[str]) -> None:
    if not keys:
        raise ValueError("must be set")
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ValueError("is not a Fernet key (32 bytes in URL-safe base64)") from None


def _out_of_bounds(values: dict[str, Any]) -> list[str]:
    """What is wrong with numbers, of those that could be read at all."""
    problems = []
    if {"POOL_MIN", "POOL_MAX"} <= values.keys() and not 1 <= values["POOL_MIN"] <= values["POOL_MAX"]:
        problems.append("POOL_MIN, POOL_MAX: 1 ≤ POOL_MIN ≤ POOL_MAX")
    if values.get("SYNC_INTERVAL_S", 10) < 10:
        problems.append("SYNC_INTERVAL_S: at least 10")
    problems += [f"{name}: at least 1" for name in ("EXPORTS_MAX", "EXPORT_TIMEOUT_S") if values.get(name, 1) < 1]
    if values.get("INITIAL_HISTORY_DAYS", 1) < 1:
        problems.append("INITIAL_HISTORY_DAYS: at least 1")
    if values.get("MIN_FREE_DISK_PCT", 0) > 90:
        problems.append("MIN_FREE_DISK_PCT: at most 90")
    if values.get("SYNC_LANES", 0) not in (0, 1, 2):
        problems.append("SYNC_LANES: 0, 1 or 2")
    return problems
