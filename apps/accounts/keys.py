"""Making and checking API keys of the form ``flt_<prefix>_<secret>``."""

import hashlib
import hmac
import secrets

from django.db import transaction

from apps.accounts.models import ApiKey, Fleet

SCOPES = ("read", "write:costs", "write:reports", "run:backfill", "admin")
_PREFIX_BYTES = 6
_SECRET_BYTES = 24


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. The secret is 192 random bits, so a slow password hash would only slow every request."""
    return hashlib.sha256(secret.encode()).hexdigest()


def split_key(key: str) -> tuple[str, str] | None:
    """(prefix, secret) of a key, or None if it is not of our form."""
    scheme, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    if scheme != "flt" or len(prefix) != 2 * _PREFIX_BYTES or not secret:
        return None
    return prefix, secret


def secret_matches(secret: str, secret_hash: str) -> bool:
    return hmac.compare_digest(hash_secret(secret), secret_hash)


@transaction.atomic
def create_key(fleet: Fleet, *, name: str = "", scopes: tuple[str, ...] = ("read",)) -> str:
    """A new key's text, which is stored nowhere. Raises ValueError for an unknown scope."""
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise ValueError(f"unknown scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    ApiKey.objects.create(fleet=fleet, name=name, prefix=prefix, secret_hash=hash_secret(secret), scopes=list(scopes))
    return f"flt_{prefix}_{secret}"
