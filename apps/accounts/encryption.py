"""Secrets at rest: a text column that is encrypted with a key kept outside the database."""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class DecryptionError(Exception):
    """The stored secret was written with a key that FIELD_ENCRYPTION_KEY no longer names."""


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionError(
            "a stored secret cannot be read: is FIELD_ENCRYPTION_KEY the one it was written with?"
        ) from None


class Encrypted(str):
    """A text as the database has it: not read yet, and written back as it is."""


class _DecryptedOnAccess(DeferredAttribute):
    """Decrypts when the value is asked for: with a wrong key a row can still be loaded, shown and saved."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Encrypted):
            value = decrypt(value)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value  # with a setter, reading does not bypass us


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that the database only ever sees encrypted; the first key encrypts, all keys decrypt.

    Reading it raises DecryptionError where no key fits.
    """

    descriptor_class = _DecryptedOnAccess

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return Encrypted(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Encrypted):
            return str(value)
        return encrypt(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value as it is kept in the instance: what was not read is not decrypted to be saved either."""
        return model_instance.__dict__.get(self.attname)
