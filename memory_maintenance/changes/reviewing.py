"""Proposals that wait for a decision, and what a person decides of one."""

from __future__ import annotations

from typing import Literal

from memory_maintenance.changes.applying import apply_change, reject_change
from memory_maintenance.changes.change import Change, change_of
from memory_maintenance.changes.statements import PROPOSALS, WAITING
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, Pool, fetch

Verdict = Literal["accept", "reject"]


async def waiting(db: Executor) -> dict[str, int]:
    """Return how many proposals wait for a decision, by task; a task without any is left out."""
    return {row["task"]: row["proposals"] for row in await fetch(db, WAITING)}


async def proposals(
    db: Executor, *, tenant_id: str | None = None, task: str | None = None, before: int | None = None, most: int
) -> list[Change]:
    """Return proposals that wait, the newest first; only those numbered below *before*, where it is given."""
    return [change_of(row) for row in await fetch(db, PROPOSALS, tenant_id, task, before, most)]


async def decide(pool: Pool, change_id: int, verdict: Verdict, *, by: str | None, reason: str | None) -> Change:
    """Apply or reject a proposal, as of now. Twice is once.

    Raises:
        ChangeNotFoundError: no change has this number.
        ChangeRefusedError: it was decided otherwise, or one of the two memories has changed since.
    """
    if verdict == "reject":
        return await reject_change(pool, change_id, by=by, reason=reason)
    return await apply_change(pool, change_id, as_of=await checked_as_of(pool, None), by=by, reason=reason)
