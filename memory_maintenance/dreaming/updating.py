"""Storing a reflection: as a new memory, or in place of the one on its theme."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from memory_maintenance.dreaming.known import KnownReflection
from memory_maintenance.dreaming.policy import strategy_id
from memory_maintenance.dreaming.reflecting import Reflection
from memory_maintenance.dreaming.sample import Dream
from memory_maintenance.dreaming.statements import TEXT_FOR_UPDATE
from memory_maintenance.dreaming.storing import free_ids
from memory_maintenance.store.derived import DerivedMemory, free_id, insert_derived, rewrite_derived, text_hash
from memory_maintenance.store.pool import Executor, fetch_row
from memory_maintenance.work import Run


async def store_reflection(
    db: Executor, dream: Dream, reflection: Reflection, known: KnownReflection | None, run: Run
) -> list[DerivedMemory]:
    """Store *reflection*, in place of the *known* one on its theme if there is one; return what was written.

    An edited strategy is left as it is.
    """
    if known is None:
        memories = dream.memories(reflection, run, await free_ids(db, reflection, dream.wanted_id(reflection)))
        for memory in memories:
            await insert_derived(db, memory)
        return memories
    strategy = known.metadata.get("strategy_id")
    row = strategy and await fetch_row(db, TEXT_FOR_UPDATE, dream.tenant_id, UUID(strategy))
    if row and row["text_sha256"] != text_hash(row["content"]):
        reflection = replace(reflection, strategy=None)
    ids = [known.id, UUID(strategy) if row else await free_id(db, strategy_id(known.id))]
    memories = dream.memories(reflection, run, ids, known)
    for memory in memories:
        await (insert_derived if memory.id == ids[1] and not row else rewrite_derived)(db, memory)
    return memories
