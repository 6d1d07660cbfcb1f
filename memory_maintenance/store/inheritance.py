"""What a derived memory takes over from its sources: their agent, the most restricted class, and governance.

Statements run in the transaction that stores the memory, after its lineage is written, and only where the store has the
columns. Each is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from memory_maintenance.store.pool import Executor, execute, fetch_row

OPTIONAL_COLUMNS: Final = """
-- store.OPTIONAL_COLUMNS: which of the columns that not every store has are there.
SELECT bool_or(attname = 'agent_id') AS agents, bool_or(attname = 'info_class') AS classes,
       bool_or(attname = 'governance') AS governance
FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attnum > 0 AND NOT attisdropped
"""

SET_AGENT: Final = """
-- store.SET_AGENT: the agent of all its sources. Where they have several: 'default', which RAE's search asks for by
-- default.
--   $1 id         uuid
--   $2 tenant_id  its own type
UPDATE memories m
SET agent_id = one.agent_id
FROM (
    SELECT CASE WHEN min(s.agent_id) = max(s.agent_id) THEN min(s.agent_id) ELSE 'default' END AS agent_id
    FROM maintenance.lineage l JOIN memories s ON s.tenant_id = $2 AND s.id = l.source_id
    WHERE l.tenant_id = s.tenant_id::text AND l.derived_id = $1 AND l.source_id <> $1
    HAVING count(*) > 0
) one
WHERE m.tenant_id = $2 AND m.id = $1 AND m.agent_id IS DISTINCT FROM one.agent_id
"""

_SOURCES: Final = """
--   $1 id         uuid
--   $2 tenant_id  its own type
--   $3 read       uuid[]    what its writer read besides its sources
--   $4 rewritten  boolean   whether what it says already counts, too: earlier sources may be gone
WITH made_from AS (
    SELECT l.source_id AS id
    FROM memories d JOIN maintenance.lineage l ON l.tenant_id = d.tenant_id::text AND l.derived_id = d.id
    WHERE d.tenant_id = $2 AND d.id = $1 AND l.source_id <> $1
    UNION SELECT unnest($3::uuid[])
    UNION SELECT $1::uuid WHERE $4
),
"""

_CLASS_OF_COLUMN: Final = "maintenance.class_of(s.info_class, s.metadata)"
_CLASS_OF_METADATA: Final = "maintenance.class_of(NULL, s.metadata)"


def _highest(class_of: str) -> str:
    """Return the steps that find the most restricted class, given the expression of a source's."""
    return f"""
classes AS (
    SELECT {class_of} AS class
    FROM made_from f JOIN memories s ON s.tenant_id = $2 AND s.id = f.id
),
highest AS (
    SELECT CASE WHEN count(DISTINCT class) > 1 THEN 'restricted' ELSE min(class) END AS class
    FROM classes
    GROUP BY maintenance.class_rank(class)
    ORDER BY maintenance.class_rank(class) DESC
    LIMIT 1
)
"""  # noqa: S608  constants of this module


SET_CLASS: Final = (
    """
-- store.SET_CLASS: the most restricted class of its sources. It is never lowered; several that count as restricted make
-- it restricted.
"""
    + _SOURCES
    + _highest(_CLASS_OF_COLUMN)
    + """
UPDATE memories m SET info_class = h.class FROM highest h
WHERE m.tenant_id = $2 AND m.id = $1 AND m.info_class IS DISTINCT FROM h.class
"""
)

KEEP_CLASS: Final = (
    """
-- store.KEEP_CLASS: the same in the metadata of a store without the column, where an import keeps it.
"""
    + _SOURCES
    + _highest(_CLASS_OF_METADATA)
    + """
UPDATE memories m SET metadata = coalesce(m.metadata, '{}') || jsonb_build_object('info_class', h.class) FROM highest h
WHERE m.tenant_id = $2 AND m.id = $1 AND maintenance.class_of(NULL, m.metadata) <> h.class
"""
)

_MERGED: Final = """
ranked AS (
    SELECT s.id, s.created_at, maintenance.class_rank(maintenance.info_class_of(s.tenant_id, s.id)) AS rank,
           CASE jsonb_typeof(s.governance) WHEN 'object' THEN s.governance END AS governance
    FROM made_from f JOIN memories s ON s.tenant_id = $2 AND s.id = f.id
    WHERE s.id <> $1
),
merged AS (
    SELECT jsonb_object_agg(said.key, said.value ORDER BY r.rank, r.created_at, r.id) AS governance
    FROM ranked r CROSS JOIN LATERAL jsonb_each(r.governance) said
)
"""

SET_GOVERNANCE: Final = (
    """
-- store.SET_GOVERNANCE: all that its sources' governance says. Of two that say something else under one key, the more
-- restricted one holds, then the later.
"""
    + _SOURCES
    + _MERGED
    + """
UPDATE memories m SET governance = coalesce(m.governance, '{}') || g.governance FROM merged g
WHERE m.tenant_id = $2 AND m.id = $1 AND NOT coalesce(m.governance, '{}') @> g.governance
"""
)


async def inherit(db: Executor, memory_id: UUID, tenant_id: str, read: Sequence[UUID], *, rewritten: bool) -> None:
    """Give a derived memory what its sources, and what its writer *read* besides them, have in these columns."""
    there = await fetch_row(db, OPTIONAL_COLUMNS)
    assert there is not None  # noqa: S101  an aggregate returns its row
    if there["agents"]:
        await execute(db, SET_AGENT, memory_id, tenant_id)
    sources = (memory_id, tenant_id, list(read), rewritten)
    await execute(db, SET_CLASS if there["classes"] else KEEP_CLASS, *sources)
    if there["governance"]:
        await execute(db, SET_GOVERNANCE, *sources)
