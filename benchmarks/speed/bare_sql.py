"""The floor: the same four columns written by UPDATE alone, without a rule, a history or a way back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from benchmarks.speed.servers import connected

WHOLE_TABLE: Final = """
-- speed.WHOLE_TABLE: every memory loses a thousandth; the first time, what it was is kept.
--   $1 as_of  timestamptz
UPDATE memories
SET importance = importance * 0.999, decayed_importance = importance * 0.999,
    base_importance = coalesce(base_importance, importance), base_importance_at = coalesce(base_importance_at, $1)
"""

ONE_TENANT: Final = WHOLE_TABLE + "WHERE tenant_id = $2"


async def whole_table(url: str, as_of: datetime) -> int:
    """Write everything with one statement; return how many rows."""
    async with connected(url) as connection:
        return rows_of(await connection.execute(WHOLE_TABLE, as_of))


async def per_tenant(url: str, as_of: datetime, tenants: Sequence[str], connections: int = 1) -> int:
    """Write tenant by tenant, each in a transaction of its own, over so many connections; return how many rows."""
    waiting = list(reversed(tenants))

    async def work() -> int:
        rows = 0
        async with connected(url) as connection:
            while waiting:
                rows += rows_of(await connection.execute(ONE_TENANT, as_of, UUID(waiting.pop())))
        return rows

    return sum(await asyncio.gather(*(work() for _ in range(connections))))


def rows_of(tag: str) -> int:
    """Return the number of rows in what Postgres answers to an UPDATE."""
    return int(tag.rpartition(" ")[2])
