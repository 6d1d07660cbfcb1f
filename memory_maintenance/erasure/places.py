"""Every place besides memories where a memory leaves a trace; a table with ids or text of memories adds an entry.

Each statement gets $1, the tenant's id as text, and $2, the ids of what is forgotten and of what was made from it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A table, and the statement that takes the traces of some memories out of it. Twice is once."""

    name: str
    statement: str


PLACES: Final = (
    Place(
        "lineage",
        """
-- erasure.PLACES lineage
DELETE FROM maintenance.lineage
WHERE tenant_id = $1
      AND (source_id = ANY ($2::uuid[])
           OR (derived_id = ANY ($2::uuid[])
               AND NOT EXISTS (SELECT FROM memories m WHERE m.id = derived_id AND m.tenant_id::text = $1)))
""",
    ),
    Place(
        "lineage_read",
        """
-- erasure.PLACES lineage_read
DELETE FROM maintenance.lineage_read
WHERE tenant_id = $1
      AND (read_id = ANY ($2::uuid[])
           OR (derived_id = ANY ($2::uuid[])
               AND NOT EXISTS (SELECT FROM memories m WHERE m.id = derived_id AND m.tenant_id::text = $1)))
""",
    ),
    Place(
        "changes",
        """
-- erasure.PLACES changes: of what stays, a fold in favour of what is forgotten is kept until it is taken back.
DELETE FROM maintenance.changes
WHERE tenant_id = $1
      AND (memory_id = ANY ($2::uuid[]) OR (evidence && $2::uuid[] AND status <> 'applied'))
""",
    ),
    Place(
        "set_aside",
        """
-- erasure.PLACES set_aside: what a model failed at, with the memories that were in it; it is counted from the start.
DELETE FROM maintenance.set_aside a
USING maintenance.set_aside_memories x
WHERE a.tenant_id = $1 AND x.memory_id = ANY ($2::uuid[])
      AND (x.kind, x.tenant_id, x.project, x.name) = (a.kind, a.tenant_id, a.project, a.name)
""",
    ),
    Place(
        "model_calls",
        """
-- erasure.PLACES model_calls: the text of the tenant's answers: an answer may repeat, in other words, what it was asked
-- about, and names no memory. What they cost stays.
UPDATE maintenance.model_calls SET response = NULL
WHERE tenant_id = $1 AND response IS NOT NULL AND cardinality($2::uuid[]) > 0
""",
    ),
    Place(
        "dreams",
        """
-- erasure.PLACES dreams: the sample of a project's last dream.
UPDATE maintenance.dreams
SET sample = ARRAY (SELECT one FROM unnest(sample) AS one WHERE one <> ALL ($2::uuid[]))
WHERE tenant_id = $1 AND sample && $2::uuid[]
""",
    ),
    Place(
        "archive",
        """
-- erasure.PLACES archive: what expiry took out of memories.
DELETE FROM maintenance.archive WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[])
""",
    ),
    Place(
        "unarchived",
        """
-- erasure.PLACES unarchived
DELETE FROM maintenance.unarchived WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[])
""",
    ),
    Place(
        "changes",
        """
-- erasure.PLACES changes: what replaced, or was replaced by, a memory that is forgotten. One that stays and has lost what
-- replaced it is no longer demoted; the next night computes its importance from its base.
WITH gone AS (
    DELETE FROM maintenance.changes
    WHERE tenant_id = $1 AND (memory_id = ANY ($2::uuid[]) OR evidence && $2::uuid[])
    RETURNING memory_id, status, notes
),
raised AS (
    UPDATE memories m
    SET demotion = NULL, metadata = m.metadata - ARRAY (SELECT jsonb_object_keys(gone.notes))
    FROM gone
    WHERE m.tenant_id::text = $1 AND m.id = gone.memory_id AND gone.status = 'applied'
)
SELECT FROM gone
""",
    ),
)
