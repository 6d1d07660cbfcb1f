"""Every place besides memories where a memory leaves a trace; a table with ids or text of memories adds an entry.

Each statement gets $1, the tenant's id as text, and $2, the ids of what is forgotten and of what was made from it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A table, and the statement that takes the traces of some memories out of it. Twice is once."""

    name: str
    statement: str


LINEAGE: Final = """
-- erasure.LINEAGE
DELETE FROM maintenance.lineage
WHERE tenant_id = $1
      AND (source_id = ANY ($2::uuid[])
           OR (derived_id = ANY ($2::uuid[])
               AND NOT EXISTS (SELECT FROM memories m WHERE m.id = derived_id AND m.tenant_id::text = $1)))
"""

LINEAGE_READ: Final = """
-- erasure.LINEAGE_READ
DELETE FROM maintenance.lineage_read
WHERE tenant_id = $1
      AND (read_id = ANY ($2::uuid[])
           OR (derived_id = ANY ($2::uuid[])
               AND NOT EXISTS (SELECT FROM memories m WHERE m.id = derived_id AND m.tenant_id::text = $1)))
"""

SET_ASIDE: Final = """
-- erasure.SET_ASIDE: what a model failed at, with the memories that were in it; it is counted from the start.
DELETE FROM maintenance.set_aside a
USING maintenance.set_aside_memories x
WHERE a.tenant_id = $1 AND x.memory_id = ANY ($2::uuid[])
      AND (x.kind, x.tenant_id, x.project, x.name) = (a.kind, a.tenant_id, a.project, a.name)
"""

MODEL_CALLS: Final = """
-- erasure.MODEL_CALLS: the text of the tenant's answers: an answer may repeat, in other words, what it was asked
-- about, and names no memory. What they cost stays.
UPDATE maintenance.model_calls SET response = NULL, memory_ids = NULL, memory_hashes = NULL
WHERE tenant_id = $1 AND response IS NOT NULL AND cardinality($2::uuid[]) > 0
"""

DREAMS: Final = """
-- erasure.DREAMS: the sample of a project's last dream.
UPDATE maintenance.dreams
SET sample = ARRAY (SELECT one FROM unnest(sample) AS one WHERE one <> ALL ($2::uuid[]))
WHERE tenant_id = $1 AND sample && $2::uuid[]
"""

ARCHIVE: Final = """
-- erasure.ARCHIVE: what expiry took out of memories.
DELETE FROM maintenance.archive WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[])
"""

UNARCHIVED: Final = """
-- erasure.UNARCHIVED
DELETE FROM maintenance.unarchived WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[])
"""

CHANGES: Final = """
-- erasure.CHANGES: what replaced, or was replaced by, a memory that is forgotten, and what was written again. One that
-- stays without what replaced it is no longer demoted, nor in the archive; the next night computes its importance from
-- its base.
WITH gone AS (
    DELETE FROM maintenance.changes
    WHERE tenant_id = $1 AND (memory_id = ANY ($2::uuid[]) OR evidence && $2::uuid[])
    RETURNING memory_id, kind, status, notes
),
raised AS (
    UPDATE memories m
    SET demotion = NULL, metadata = m.metadata - ARRAY (SELECT jsonb_object_keys(gone.notes))
    FROM gone
    WHERE m.tenant_id::text = $1 AND m.id = gone.memory_id AND gone.status = 'applied' AND gone.kind <> 'rewritten'
),
archived AS (
    UPDATE maintenance.archive a
    SET memory = a.memory || jsonb_build_object('demotion', NULL, 'metadata', (
        (a.memory->>'metadata')::jsonb - ARRAY (SELECT jsonb_object_keys(gone.notes))
    )::text)
    FROM gone
    WHERE a.tenant_id = $1 AND a.memory_id = gone.memory_id AND gone.status = 'applied' AND gone.kind <> 'rewritten'
)
SELECT FROM gone
"""

PLACES: Final = (
    Place("lineage", LINEAGE),
    Place("lineage_read", LINEAGE_READ),
    Place("set_aside", SET_ASIDE),
    Place("model_calls", MODEL_CALLS),
    Place("dreams", DREAMS),
    Place("archive", ARCHIVE),
    Place("unarchived", UNARCHIVED),
    Place("changes", CHANGES),
)
