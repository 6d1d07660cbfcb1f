"""What the ledger does not keep: the text of old answers, and abandoned claims."""

from __future__ import annotations

from datetime import timedelta

from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model import events
from memory_maintenance.writers.model.ledger import lose_abandoned, purge_answers


async def tidy_ledger(pool: Pool, text_retention: timedelta) -> None:
    """Take away answers' text older than *text_retention*, and count abandoned claims as lost. Twice is once."""
    await purge_answers(pool, text_retention)
    for abandoned in await lose_abandoned(pool):
        events.lost(abandoned, abandoned.claim)
