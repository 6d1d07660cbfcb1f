"""What the ledger does not keep: the text of old answers and of stale ones, and abandoned claims."""

from __future__ import annotations

from datetime import timedelta

from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model import events
from memory_maintenance.writers.model.ledger import lose_abandoned, purge_answers, purge_stale_answers


async def tidy_ledger(pool: Pool, text_retention: timedelta) -> None:
    """Take away old and stale answers' text, and count abandoned claims as lost. Twice is once.

    Args:
        pool: of the store.
        text_retention: how long the text of an answer stays while its memories do.
    """
    await purge_answers(pool, text_retention)
    await purge_stale_answers(pool)
    for abandoned in await lose_abandoned(pool):
        events.lost(abandoned, abandoned.claim)
