"""RAE's documented rule, as its own worker applies it: one UPDATE per tenant, one tenant after the other.

``benchmarks/rae.py`` says the same rule in Python; a test holds the two together. It writes one
column, keeps no base (a second run the same night decays again) and knows nothing of pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from benchmarks.speed.bare_sql import rows_of
from benchmarks.speed.servers import connected

RATE: Final = 0.01
"""RAE's default per run."""

_DAYS: Final = "(extract(epoch FROM $2::timestamptz - coalesce(last_accessed_at, created_at))::float8 / 86400)"

RULE: Final = f"""
-- speed.RULE: RAE's rule on one tenant's memories.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
--   $3 rate       double        share lost in a run
UPDATE memories
SET importance = greatest(0.01, importance * (1 - $3::float8 * CASE
        WHEN {_DAYS} < 7 THEN 0.5
        WHEN {_DAYS} > 30 THEN 1 + {_DAYS} / 30
        ELSE 1
    END))
WHERE tenant_id = $1 AND importance > 0.01
"""  # noqa: S608  (a constant of this module)


async def one_after_the_other(url: str, as_of: datetime, tenants: Sequence[str]) -> int:
    """Decay every tenant and return how many rows were written."""
    rows = 0
    async with connected(url) as connection:
        for tenant in tenants:
            rows += rows_of(await connection.execute(RULE, UUID(tenant), as_of, RATE))
    return rows
