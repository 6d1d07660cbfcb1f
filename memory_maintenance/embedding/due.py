"""Which derived memories vector search cannot find yet, as planning and the runs ask."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from memory_maintenance.embedding.policy import BATCH
from memory_maintenance.embedding.statements import COUNTS, DUE
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.store.vectors import place_of


async def missing_counts(db: Executor, tenant_ids: Sequence[str], *, settings: Settings) -> dict[str, int]:
    """Return how many memories of each tenant are to be embedded; none where the store keeps no vectors."""
    place = await place_of(db)
    if place is None:
        return {}
    excluded = list(settings.model_excluded_classes)
    rows = await fetch(db, COUNTS[place.table], list(tenant_ids), settings.stored_embedding_name, excluded)
    return {row["tenant_id"]: row["memories"] for row in rows}


async def due_embeddings(
    db: Executor, tenant_id: str, *, settings: Settings, after: UUID | None = None, limit: int = BATCH
) -> list[UUID]:
    """Return a tenant's next memories after *after* to be embedded; fewer than *limit* are the last ones."""
    place = await place_of(db)
    if place is None or not settings.embeds:
        return []
    excluded = list(settings.model_excluded_classes)
    rows = await fetch(db, DUE[place.table], tenant_id, settings.stored_embedding_name, after, limit, excluded)
    return [row["id"] for row in rows]
