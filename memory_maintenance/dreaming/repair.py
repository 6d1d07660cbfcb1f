"""Stale reflections, of which a source is gone, expired or edited: written again from what is left, or removed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.dreaming.policy import FEWEST_MEMORIES, reflection_id, strategy_id
from memory_maintenance.dreaming.reflecting import Reflection, backend_for, most_telling_theme, reflect
from memory_maintenance.dreaming.sample import ABOUT, Dream
from memory_maintenance.dreaming.statements import LEFT_SOURCES, STALE_PROJECTS, STALE_REFLECTIONS, TEXT_FOR_UPDATE
from memory_maintenance.errors import LanguageModelError
from memory_maintenance.store.derived import free_id, insert_derived, lock, remove_derived, rewrite_derived, text_hash
from memory_maintenance.store.lineage import unlink
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Executor, fetch, fetch_row, json_object, transaction
from memory_maintenance.store.rows import LONGEST_CONTENT, memories_of
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Run

logger = structlog.get_logger(__name__)

_EVER: Final = timedelta(days=365_000)
"""A theme that was found once stands on its sources, however far apart they are."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Reflections that were written again from what is left, and those that were removed."""

    updated: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class _Stale:
    """A stale reflection with its strategy, or a strategy whose reflection is not stale or no more."""

    id: UUID
    text_hash: str
    strategy: UUID | None
    is_strategy: bool


async def stale_projects(db: Executor, tenant: Tenant, run: Run) -> list[str]:
    """Return the projects of a tenant with stale reflections."""
    return [row["project"] for row in await fetch(db, STALE_PROJECTS, tenant.tenant_id, run.as_of)]


async def repair_reflections(
    tools: Tools, tenant: Tenant, project: str, run: Run, *, ask_model: bool = True
) -> Repaired:
    """Write a project's stale reflections again, or remove them. Twice is once; a dry run counts."""
    rows = await fetch(tools.pool, STALE_REFLECTIONS, tenant.tenant_id, project, run.as_of)
    stale = [_stale(row["id"], row["is_strategy"], json_object(row["metadata"])) for row in rows]
    belonging = {one.strategy for one in stale if not one.is_strategy}
    repaired = Repaired()
    for one in stale:
        if one.id in belonging:
            continue
        left = [] if one.is_strategy else await _left(tools, tenant, one.id, run)
        if run.dry_run:
            written = len(left) >= FEWEST_MEMORIES
        else:
            reflection = await _reflected(tools, tenant, left, run, ask_model=ask_model)
            written = await _store(
                tools, Dream(tenant.tenant_id, project, run.as_of, left, (), left), one, reflection, run
            )
        repaired = Repaired(repaired.updated + written, repaired.removed + (not written))
    return repaired


def _stale(memory_id: UUID, is_strategy: bool, metadata: dict[str, object]) -> _Stale:
    strategy = metadata.get("strategy_id")
    own = UUID(str(strategy)) if strategy and not is_strategy else None
    return _Stale(memory_id, str(metadata.get("text_sha256")), own, is_strategy)


async def _left(tools: Tools, tenant: Tenant, reflection: UUID, run: Run) -> list[Memory]:
    excluded = list(tenant.settings.derivation_excluded_classes)
    rows = await fetch(tools.pool, LEFT_SOURCES, tenant.tenant_id, reflection, run.as_of, LONGEST_CONTENT, excluded)
    return memories_of(rows)


async def _reflected(
    tools: Tools, tenant: Tenant, left: Sequence[Memory], run: Run, *, ask_model: bool
) -> Reflection | None:
    """Return what *left* supports: by the model that may write it, else, and where that fails, without one."""
    if len(left) < FEWEST_MEMORIES:
        return None
    if ask_model and backend_for(tenant.settings, left) == "openai":
        try:
            return await reflect(tools, tenant.settings, left, about=ABOUT, attempt_group=str(run.cycle_id))
        except LanguageModelError:
            pass  # what was erased must not wait for a model
    return await asyncio.to_thread(most_telling_theme, left, _EVER)


async def _store(tools: Tools, dream: Dream, stale: _Stale, reflection: Reflection | None, run: Run) -> bool:
    """Put *reflection* in place of the stale one, or remove that; return whether it was written."""
    async with transaction(tools.pool) as db:
        await lock(db, reflection_id(dream.tenant_id, dream.project, ()))
        row = await fetch_row(db, TEXT_FOR_UPDATE, dream.tenant_id, stale.id)
        if row is None or text_hash(row["content"]) != stale.text_hash:
            return False
        strategy = await _own_strategy(db, dream, stale)
        old = [stale.id, *([strategy] if strategy else [])]
        if reflection is None:
            await remove_derived(db, dream.tenant_id, old)
            removed = {"reflection_id": str(stale.id), "sources": len(dream.evidence)}
            logger.info("stale_reflection_removed", tenant_id=dream.tenant_id, project=dream.project, **removed)
            return False
        await unlink(db, dream.tenant_id, old)
        if strategy and not reflection.strategy:
            await remove_derived(db, dream.tenant_id, [strategy])
        ids = [stale.id, strategy or await free_id(db, strategy_id(stale.id))]
        earlier: dict[str, Any] = {"themes": [], "strategy_id": None, "question": None}
        reflection = replace(reflection, metadata={**earlier, **reflection.metadata})
        for memory in dream.memories(reflection, run, ids):
            is_new = memory.id == ids[1] and not strategy
            await (insert_derived if is_new else rewrite_derived)(db, memory)
        return True


async def _own_strategy(db: Executor, dream: Dream, stale: _Stale) -> UUID | None:
    """Return the strategy that is written or removed with its reflection; not one that was edited."""
    row = stale.strategy and await fetch_row(db, TEXT_FOR_UPDATE, dream.tenant_id, stale.strategy)
    return stale.strategy if row and row["text_sha256"] == text_hash(row["content"]) else None
