"""How far the indexes are that a migration builds, as Postgres says: on a large table each takes minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

BUILDING: Final = """
-- store.BUILDING: the index that is being built on the memories table, by what the phase it is in counts.
SELECT coalesce(index_relid::regclass::text, 'an index') AS index, phase,
       CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
       CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END AS total
FROM pg_stat_progress_create_index
WHERE relid = to_regclass('memories')
      OR relid IN (SELECT t.relid FROM pg_partition_tree(to_regclass('memories')) AS t)
"""


@dataclass(frozen=True, slots=True)
class Build:
    """One index on its way; ``done`` and ``total`` are blocks or rows of the phase, 0 of 0 where it counts none."""

    index: str
    phase: str
    done: int
    total: int


async def watch_builds(dsn: str, report: Callable[[Build], object], *, every_seconds: float = 0.5) -> None:
    """Call *report* with each index that is being built at *dsn*, until cancelled.

    Raises:
        OSError, asyncpg.PostgresError: Postgres does not answer; nothing but the watching ends by it.
    """
    connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)  # it may be behind a pooler
    try:
        while True:
            for row in await connection.fetch(BUILDING):
                report(Build(**dict(row)))
            await asyncio.sleep(every_seconds)
    finally:
        await connection.close()
