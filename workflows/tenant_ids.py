"""A tenant's id where Temporal or its database takes only so many bytes."""

from hashlib import sha256


def short_tenant_id(tenant_id: str, most_bytes: int) -> str:
    """Return the id as it is, or its SHA-256 in hex (64 bytes) where it is longer than *most_bytes*."""
    encoded = tenant_id.encode()
    return tenant_id if len(encoded) <= most_bytes else sha256(encoded).hexdigest()
