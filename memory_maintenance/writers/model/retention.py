"""What the ledger does not keep: the text of old answers and of stale ones, and abandoned claims."""

from __future__ import annotations

from datetime import timedelta

from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model import events
from memory_maintenance.writers.model.ledger import lose_abandoned, purge_answers, purge_stale_answers


async def tidy_ledger(pool: Pool, text_retention: timedelta, *, daily: bool = False) -> None:
    """Take away old answers' text, in a daily run stale ones', too; count abandoned claims as lost. Twice is once.

    Args:
        pool: of the store.
        text_retention: how long the text of an answer stays while its memories do.
        daily: whether this is the end of a daily run.
    """
    await purge_answers(pool, text_retention)
    if daily:
        await purge_stale_answers(pool)
    for abandoned in await lose_abandoned(pool):
        events.lost(abandoned, abandoned.claim)
