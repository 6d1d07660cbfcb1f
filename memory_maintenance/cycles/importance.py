"""The importance of all memories before and after decay, recorded at the end of the cycle that decayed them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.store.pool import Executor, fetch, fetch_value
from memory_maintenance.work import Message

logger = structlog.get_logger(__name__)

BINS: Final = 21
"""Bars of the histogram of importance, around 0, 0.05, ... 1: with edges on the round values that agents use, a loss of
a thousandth would move all of them to the next bar."""

SAMPLE: Final = 200_000
"""Memories that are looked at where there are more, whole pages of the table drawn by chance: a store of 100,000,000 is
not read from end to end for a picture."""

SHARE: Final = """
-- cycles.SHARE: percent of the table's pages that have about so many memories, by Postgres's estimate of their number;
-- 100 if there are fewer, or if the table has not been analyzed yet.
--   $1 memories  bigint
SELECT least(100, 100.0 * $1 / nullif(sum(greatest(c.reltuples, 0)), 0))::real
FROM pg_class c
WHERE c.relkind = 'r' AND (
    c.oid = 'memories'::regclass OR c.oid IN (SELECT part.relid FROM pg_partition_tree('memories') part)
)
"""

HISTOGRAM: Final = """
-- cycles.HISTOGRAM: memories that have a base, by what the agent said of them and by what they are worth now; none
-- where the cycle is closed already or over named tenants only.
--   $1 bins      integer  the first is around 0, the last around 1
--   $2 cycle_id  uuid
--   $3 share     real     percent of the table's pages
SELECT bar.base, bar.now, count(*) AS memories,
       sum(m.base_importance) AS base_sum, sum(m.importance::float8) AS now_sum
FROM memories m TABLESAMPLE SYSTEM ($3), LATERAL (
    SELECT floor(m.base_importance * ($1 - 1) + 0.5)::integer AS base,
           floor(m.importance::float8 * ($1 - 1) + 0.5)::integer AS now
) bar
WHERE m.base_importance BETWEEN 0 AND 1 AND m.importance BETWEEN 0 AND 1
      AND EXISTS (
          SELECT FROM maintenance.cycles
          WHERE cycle_id = $2 AND completed_at IS NULL AND config->>'named_tenants' IS NULL
      )
GROUP BY bar.base, bar.now
"""

RECORDED_IMPORTANCE: Final = """
-- cycles.RECORDED_IMPORTANCE
--   $1 cycle_id  uuid
SELECT importance::text FROM maintenance.cycles WHERE cycle_id = $1
"""


class Importance(Message):
    """Memories that have a base, in ``BINS`` bars, and their mean: as the agents set it, and as decay left it."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    mean_before: float
    mean_after: float
    sampled: bool = False
    """Whether these are some of the memories, drawn by chance."""


async def importance_now(db: Executor, cycle_id: UUID) -> Importance | None:
    """Return the importance of all memories, or of a sample of a large store, to record it as an open cycle ends.

    None: the cycle is closed or over named tenants, no memory has a base, or the statement failed. That is logged: it
    must not keep a cycle from being closed.
    """
    try:
        share = await fetch_value(db, SHARE, SAMPLE)
        rows = await fetch(db, HISTOGRAM, BINS, cycle_id, share)
    except MaintenanceError as error:
        logger.warning("cycle_importance_not_recorded", cycle_id=str(cycle_id), error_type=type(error).__name__)
        return None
    before, after = [0] * BINS, [0] * BINS
    for row in rows:
        before[row["base"]] += row["memories"]
        after[row["now"]] += row["memories"]
    if not rows:
        return None
    mean_before, mean_after = (sum(row[name] for row in rows) / sum(before) for name in ("base_sum", "now_sum"))
    return Importance(
        before=tuple(before),
        after=tuple(after),
        mean_before=mean_before,
        mean_after=mean_after,
        sampled=share < 100,  # noqa: PLR2004  percent
    )


async def recorded_importance(db: Executor, cycle_id: UUID) -> Importance | None:
    """Return the importance of all memories when a cycle ended; None: it was not recorded."""
    recorded = await fetch_value(db, RECORDED_IMPORTANCE, cycle_id)
    return None if recorded is None else Importance.model_validate_json(recorded)
