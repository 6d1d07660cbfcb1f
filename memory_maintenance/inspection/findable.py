"""Which of the memories that maintenance wrote vector search cannot find."""

from __future__ import annotations

from dataclasses import dataclass

from memory_maintenance.embedding.statements import DERIVED_ONLY, TOTALS
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch_row
from memory_maintenance.store.vectors import Table, place_of


@dataclass(frozen=True, slots=True)
class Findable:
    """Summaries, reflections and strategies of a store or tenant, and how many have no vector."""

    derived: int
    not_found: int
    table: Table | None
    """Where the store keeps vectors; None: it keeps none, and nothing is found by them."""
    model: str | None
    """The name whose vectors count; None: those of any model, as none is configured."""
    embeds: bool
    """Whether the next daily run embeds them."""


async def count_findable(db: Executor, settings: Settings, tenant_id: str | None = None) -> Findable:
    """Count the derived memories of a tenant, or of the whole store, with and without a vector."""
    place, name = await place_of(db), settings.stored_embedding_name
    if place is None:
        row = await fetch_row(db, DERIVED_ONLY, tenant_id)
    else:
        row = await fetch_row(db, TOTALS[place.table], tenant_id, name)
    assert row is not None  # noqa: S101  an aggregate returns its row
    table = place.table if place else None
    return Findable(row["derived"], row["missing"], table, name, embeds=settings.embeds and table is not None)
