"""Metrics that name a tenant, and the bound on how many tenants they name.

Their names are those of RAE's workers.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

OTHER: Final = "other"
"""The label that every tenant shares once the bound is reached."""

DECAY_UPDATED: Final = Counter(
    "rae_reflective_decay_updated", "Memories whose importance or base decay has written", ["tenant_id"]
)
DECAY_SECONDS: Final = Histogram(
    "rae_reflective_decay_duration_seconds",
    "Seconds of one batch of one tenant's memories",
    ["tenant_id"],
    buckets=(0.05, 0.2, 1, 5, 20, 60, 300),
)

_named: Final[set[str]] = set()


def tenant_label(tenant_id: str, most: int) -> str:
    """Return the tenant's id for the first *most* tenants of this process, else ``other``."""
    if tenant_id not in _named and len(_named) >= most:
        return OTHER
    _named.add(tenant_id)
    return tenant_id
