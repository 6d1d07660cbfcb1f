"""Lineage: what each derived memory was made from, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from memory_maintenance.store.memory import Source
from memory_maintenance.store.pool import Executor, execute, fetch_value

if TYPE_CHECKING:
    from memory_maintenance.store.derived import DerivedMemory

LINK: Final = """
-- store.LINK: what a derived memory is made from. A source that was read again counts as it says now, and derived_at is
-- when the text was last written.
-- Itself, where it was made from nothing that is a memory: lineage names every derived memory.
--   $1 tenant_id (its own type), $2 derived_id uuid
--   $3 source_ids  uuid[]
--   $4 hashes      bytea[]
--   $5 task, $6 subject  text
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, source_hash)
SELECT m.tenant_id::text, m.id, s.id, $5, $6, s.hash
FROM memories m CROSS JOIN unnest($3::uuid[], $4::bytea[]) AS s (id, hash)
WHERE m.tenant_id = $1 AND m.id = $2
ON CONFLICT (tenant_id, derived_id, source_id) DO UPDATE
SET source_hash = excluded.source_hash, derived_at = excluded.derived_at
"""

LINK_READ: Final = """
-- store.LINK_READ: what the writer of a derived memory read besides its sources.
--   $1 tenant_id (its own type), $2 derived_id uuid, $3 read_ids uuid[]
INSERT INTO maintenance.lineage_read (tenant_id, derived_id, read_id)
SELECT m.tenant_id::text, m.id, r.id
FROM memories m CROSS JOIN unnest($3::uuid[]) AS r (id)
WHERE m.tenant_id = $1 AND m.id = $2
      AND NOT EXISTS (
          SELECT FROM maintenance.lineage l
          WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id AND l.source_id = r.id
      )
ON CONFLICT DO NOTHING
"""

UNLINK: Final = """
-- store.UNLINK: deletes what these derived memories were made from: their sources are in no summary any more. Their
-- earlier texts go, too: nothing leads to these any more.
--   $1 tenant_id    text
--   $2 derived_ids  uuid[]
WITH read AS (DELETE FROM maintenance.lineage_read WHERE tenant_id = $1 AND derived_id = ANY ($2::uuid[])),
texts AS (
    UPDATE maintenance.changes SET before = NULL, after = NULL
    WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[]) AND kind = 'rewritten' AND before IS NOT NULL
)
DELETE FROM maintenance.lineage WHERE tenant_id = $1 AND derived_id = ANY ($2::uuid[])
"""

_DELETED: Final = """
    SELECT l.tenant_id, l.derived_id
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         CROSS JOIN LATERAL (
             SELECT DISTINCT l.tenant_id, l.derived_id FROM maintenance.lineage l WHERE l.tenant_id = k.tenant_id::text
         ) l
    WHERE (SELECT true FROM memories m WHERE m.tenant_id = k.tenant_id AND m.id = l.derived_id LIMIT 1) IS NULL
"""

_EDITED: Final = """
    SELECT c.tenant_id, c.memory_id
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         JOIN maintenance.changes c ON c.tenant_id = k.tenant_id::text
         JOIN memories m ON m.tenant_id = k.tenant_id AND m.id = c.memory_id
    WHERE c.kind = 'rewritten' AND c.before IS NOT NULL
          AND encode(sha256(convert_to(m.content, 'UTF8')), 'hex') IS DISTINCT FROM m.metadata->>'text_sha256'
"""

ANY_DELETED: Final = f"""
-- store.ANY_DELETED: whether a derived memory of these tenants was deleted by others, or one with earlier texts edited.
--   $1 tenant_ids  array of the column's type
SELECT EXISTS ({_DELETED}) OR EXISTS ({_EDITED})
"""

FREE_SOURCES: Final = f"""
-- store.FREE_SOURCES: deletes the lineage of derived memories that were deleted: what they covered is new again.
-- Their earlier texts go, and those of edited ones, which nothing would restore or write again.
--   $1 tenant_ids  array of the column's type
WITH deleted AS ({_DELETED}),
read AS (
    DELETE FROM maintenance.lineage_read r USING deleted d
    WHERE r.tenant_id = d.tenant_id AND r.derived_id = d.derived_id
),
texts AS (
    UPDATE maintenance.changes c SET before = NULL, after = NULL
    FROM (SELECT * FROM deleted UNION {_EDITED}) AS d (tenant_id, memory_id)
    WHERE c.tenant_id = d.tenant_id AND c.memory_id = d.memory_id AND c.kind = 'rewritten' AND c.before IS NOT NULL
)
DELETE FROM maintenance.lineage l USING deleted d WHERE l.tenant_id = d.tenant_id AND l.derived_id = d.derived_id
"""  # noqa: S608  constants of this module


async def link(db: Executor, memory: DerivedMemory) -> None:
    """Record what a stored memory was made from; from itself where that is no memory, so that lineage names it."""
    sources = memory.sources or (Source(memory.id),)
    ids, hashes = [source.id for source in sources], [source.hash for source in sources]
    await execute(db, LINK, memory.tenant_id, memory.id, ids, hashes, memory.task, memory.subject)
    if memory.read:
        await execute(db, LINK_READ, memory.tenant_id, memory.id, list(memory.read))


async def unlink(db: Executor, tenant_id: str, derived_ids: Sequence[UUID]) -> None:
    """Forget what some derived memories were made from: a text that is written from what is left names that alone."""
    await execute(db, UNLINK, tenant_id, list(derived_ids))


async def free_sources(db: Executor, tenant_ids: Sequence[str]) -> None:
    """Free what deleted derived memories covered, so that it is summarized again."""
    # Asked first: planning writes only where there is something to write.
    if tenant_ids and await fetch_value(db, ANY_DELETED, list(tenant_ids)):
        await execute(db, FREE_SOURCES, list(tenant_ids))
