"""A tenant's id where Temporal or its database takes only so many bytes."""

from hashlib import sha256
from typing import Final

_WORDS: Final = 80
"""Characters: a summary takes 400 bytes, and a character at most four."""


def short_tenant_id(tenant_id: str, most_bytes: int) -> str:
    """Return the id as it is, or its SHA-256 in hex (64 bytes) where it is longer than *most_bytes*."""
    encoded = tenant_id.encode()
    return tenant_id if len(encoded) <= most_bytes else sha256(encoded).hexdigest()


def tenant_in_words(tenant_id: str) -> str:
    """Return the id for a person to read: its beginning where it is long."""
    return tenant_id if len(tenant_id) <= _WORDS else f"{tenant_id[: _WORDS - 1]}…"
