"""Secrets that the demo makes once and keeps in its directory, readable by its owner alone."""

import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def environment(directory: Path) -> dict[str, str]:
    """SECRET_KEY and FIELD_ENCRYPTION_KEY, the same each time."""
    return {
        "SECRET_KEY": _kept(directory / "secret_key", secrets.token_urlsafe(48)),
        "FIELD_ENCRYPTION_KEY": _kept(directory / "field_encryption_key", Fernet.generate_key().decode()),
    }


def _kept(file: Path, new: str) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(new)
    return file.read_text()
