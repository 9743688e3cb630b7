"""Wialon tokens at rest."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from apps.accounts.encryption import DecryptionError, decrypt, encrypt
from apps.accounts.models import Fleet
from tests import rows

TOKEN = "c0ffee" * 12


def stored_token(fleet: Fleet) -> str:
    """As the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT wialon_token FROM {Fleet._meta.db_table} WHERE id = %s", [fleet.id])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("text", [TOKEN, "", "ünï¢ödé", "x" * 10_000])
def test_what_was_encrypted_is_decrypted(text: str) -> None:
    assert decrypt(encrypt(text)) == text


def test_the_same_text_is_never_encrypted_alike() -> None:
    assert encrypt(TOKEN) != encrypt(TOKEN)


@pytest.mark.django_db
def test_the_database_has_only_the_ciphertext() -> None:
    fleet = rows.fleet(wialon_token=TOKEN)
    stored = stored_token(fleet)
    assert TOKEN not in stored and stored != ""
    assert decrypt(stored) == Fleet.objects.get(id=fleet.id).wialon_token == TOKEN


@pytest.mark.django_db
def test_saving_with_a_new_first_key_moves_a_token_to_it(settings: Any) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    fleet = rows.fleet(wialon_token=TOKEN)
    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    fleet = Fleet.objects.get(id=fleet.id)
    assert fleet.wialon_token == TOKEN, "an old key still decrypts"
    fleet.save()
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert Fleet.objects.get(id=fleet.id).wialon_token == TOKEN


@pytest.mark.django_db
def test_a_wrong_key_is_an_error_that_shows_neither_token_nor_ciphertext_nor_key(settings: Any) -> None:
    fleet = rows.fleet(wialon_token=TOKEN)
    stored = stored_token(fleet)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(DecryptionError, match="is FIELD_ENCRYPTION_KEY the one it was written with") as raised:
        assert Fleet.objects.get(id=fleet.id).wialon_token
    shown = f"{raised.value!r} {raised.value.__cause__!r}"
    assert all(secret not in shown for secret in (TOKEN, stored, settings.FIELD_ENCRYPTION_KEYS[0]))
    assert raised.value.__suppress_context__


@pytest.mark.django_db
def test_with_a_wrong_key_a_fleet_can_still_be_changed_and_its_token_stays(settings: Any) -> None:
    fleet = rows.fleet(wialon_token=TOKEN)
    keys = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    fleet = Fleet.objects.get(id=fleet.id)
    fleet.name = "Another name"
    fleet.save()
    settings.FIELD_ENCRYPTION_KEYS = keys
    fleet = Fleet.objects.get(id=fleet.id)
    assert (fleet.name, fleet.wialon_token) == ("Another name", TOKEN)


@pytest.mark.parametrize("damaged", ["plain text", "gAAAAA", "é"])
def test_what_is_no_ciphertext_is_the_same_error(damaged: str) -> None:
    with pytest.raises(DecryptionError):
        decrypt(damaged)
