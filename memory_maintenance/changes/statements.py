"""The SQL of changes. A row's columns travel as Postgres writes them, so that every value keeps its last bit."""

from __future__ import annotations

from typing import Final

_STATE: Final = """jsonb_build_object(
           'importance', m.importance::text, 'base_importance', m.base_importance::text,
           'base_importance_at', m.base_importance_at, 'decayed_importance', m.decayed_importance::text,
           'demotion', m.demotion::text, 'last_accessed_at', m.last_accessed_at
       )"""

ROWS: Final = f"""
-- changes.ROWS: what a change reads and writes of some memories, locked in the order of their ids.
-- first_base_at: since when a base would hold that decay has not seen yet, as decay reckons it.
--   $1 tenant_id, compared in the type of its column
--   $2 ids    uuid[]
--   $3 as_of  timestamptz
--   $4 keys   text[]        of the metadata
SELECT m.id, {_STATE}::text AS state, maintenance.fingerprint(m.content) AS fingerprint,
       -- Metadata as a whole does not leave Postgres: its numbers have more digits than others keep.
       (SELECT coalesce(jsonb_object_agg(key, m.metadata->key) FILTER (WHERE m.metadata ? key), '{{}}')
        FROM unnest($4::text[]) AS key)::text AS notes,
       m.metadata IS NULL AS bare, coalesce(jsonb_typeof(m.metadata) = 'object', true) AS notable,
       to_jsonb(greatest(
           coalesce(maintenance.known_time(m.created_at), $3), maintenance.adoption($3) - interval '24 hours',
           (SELECT t.decay_resumed_at FROM maintenance.tenants t WHERE t.tenant_id = m.tenant_id::text)
       ))::text AS first_base_at
FROM memories m
WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
ORDER BY m.id
FOR NO KEY UPDATE OF m
"""  # noqa: S608  constants of this module

WRITE: Final = f"""
-- changes.WRITE: a memory's columns, and what the store made of them.
--   $1 tenant_id, compared in the type of its column
--   $2 id     uuid
--   $3 state  text  JSON, all of the columns of a state
UPDATE memories AS m
SET importance = r.importance, base_importance = r.base_importance, base_importance_at = r.base_importance_at,
    decayed_importance = r.decayed_importance, demotion = r.demotion, last_accessed_at = r.last_accessed_at
FROM jsonb_populate_record(NULL::memories, $3::text::jsonb) AS r
WHERE m.tenant_id = $1 AND m.id = $2
RETURNING {_STATE}::text AS state
"""  # noqa: S608  constants of this module

NOTE: Final = """
-- changes.NOTE: what a memory's metadata says of a change, or no longer says.
--   $1 tenant_id, compared in the type of its column
--   $2 id       uuid
--   $3 removed  text[]   keys
--   $4 notes    text     JSON object
--   $5 bare     boolean  whether it had no metadata
UPDATE memories
SET metadata = CASE WHEN NOT ($5 AND coalesce(metadata, '{}') - $3::text[] || $4::text::jsonb = '{}')
                    THEN coalesce(metadata, '{}') - $3::text[] || $4::text::jsonb END
WHERE tenant_id = $1 AND id = $2
"""

COUNTS_USE: Final = """
-- changes.COUNTS_USE: whether this store counts how often a memory was used.
SELECT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'memories'::regclass AND attname = 'usage_count' AND NOT attisdropped
)
"""

USE: Final = """
-- changes.USE: how often some memories were used; they are locked.
--   $1 tenant_id, compared in the type of its column
--   $2 ids  uuid[]
SELECT id, usage_count FROM memories WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""

ADD_USE: Final = """
-- changes.ADD_USE: uses of one memory that another one takes over, or gives back.
--   $1 tenant_id, compared in the type of its column
--   $2 id     uuid
--   $3 more   integer
--   $4 unset  boolean   whether none counts as unknown, as before
UPDATE memories
SET usage_count = CASE WHEN $4 AND coalesce(usage_count, 0) + $3 = 0 THEN NULL
                       ELSE greatest(coalesce(usage_count, 0) + $3::integer, 0) END
WHERE tenant_id = $1 AND id = $2
"""

GIVE_BACK_ARCHIVED: Final = """
-- changes.GIVE_BACK_ARCHIVED: what an archived memory has taken over, away from its copy: the use of another one, and
-- its latest access unless it was used since.
--   $1 tenant_id text, $2 id uuid
--   $3 taken   integer   uses
--   $4 unset   boolean   whether none counts as unknown, as before
--   $5 before, $6 after  text   JSON: the latest access
UPDATE maintenance.archive AS a
SET memory = a.memory
    || CASE WHEN a.memory ? 'usage_count' AND $3::integer <> 0 THEN jsonb_build_object('usage_count', CASE
               WHEN NOT $4 OR uses.uses <> $3 THEN greatest(uses.uses - $3, 0)::text END) ELSE '{}' END
    || CASE WHEN (a.memory->>'last_accessed_at')::timestamptz IS NOT DISTINCT FROM ($6::text::jsonb->>0)::timestamptz
            THEN jsonb_build_object('last_accessed_at', $5::text::jsonb->>0) ELSE '{}' END
FROM (
    SELECT batch_id, coalesce((memory->>'usage_count')::integer, 0) AS uses
    FROM maintenance.archive WHERE tenant_id = $1 AND memory_id = $2
) AS uses
WHERE a.tenant_id = $1 AND a.memory_id = $2 AND a.batch_id = uses.batch_id
"""

PROPOSE: Final = """
-- changes.PROPOSE: a pair that is not known yet; whatever became of a known one, it stays so.
--   $1 tenant_id text, $2 task, $3 kind, $4 memory_id uuid, $5 evidence uuid[], $6 reason, $7 demotion float8
--   $8 notes text JSON, $9 takes_use boolean, $10 fingerprints bytea[], $11 cycle_id uuid
INSERT INTO maintenance.changes (
    tenant_id, task, kind, memory_id, evidence, status, reason, demotion, notes, takes_use, fingerprints, cycle_id
)
SELECT $1, $2, $3, $4, $5, 'proposed', $6, $7, $8::text::jsonb, $9, $10, $11
WHERE NOT EXISTS (  -- in either direction
    SELECT FROM maintenance.changes c
    WHERE c.tenant_id = $1 AND c.memory_id = ANY ($5::uuid[]) AND c.evidence = ARRAY[$4::uuid]
)
ON CONFLICT DO NOTHING
RETURNING change_id
"""

KNOWN: Final = """
-- changes.KNOWN: whether two memories were proposed before, in either direction.
--   $1 tenant_id text, $2 one uuid, $3 other uuid
SELECT EXISTS (
    SELECT FROM maintenance.changes
    WHERE tenant_id = $1
          AND (memory_id = $2 AND evidence = ARRAY[$3::uuid] OR memory_id = $3 AND evidence = ARRAY[$2::uuid])
)
"""

_COLUMNS: Final = """change_id, tenant_id, task, kind, memory_id, evidence, status, reason, demotion,
       notes::text AS notes, takes_use, fingerprints, before::text AS before, after::text AS after, cycle_id,
       changed_at, decided_by, decided_reason, decided_at, revision"""

ONE: Final = f"""
-- changes.ONE: one change.
--   $1 change_id  bigint
SELECT {_COLUMNS} FROM maintenance.changes WHERE change_id = $1
"""  # noqa: S608  constants of this module

HELD: Final = f"""
-- changes.HELD: one change, held to the end of the transaction.
--   $1 change_id  bigint
SELECT {_COLUMNS} FROM maintenance.changes WHERE change_id = $1 FOR UPDATE
"""  # noqa: S608  constants of this module

LATEST: Final = f"""
-- changes.LATEST: the newest first.
--   $1 tenant_id  text    NULL: of all
--   $2 task       text    NULL: of all
--   $3 status     text    NULL: every status but proposed and rejected
--   $4 memory_id  uuid    NULL: of all; else those that demote it and those in its favour
--   $5 cycle_id   uuid    NULL: of all
--   $6 most       bigint
SELECT {_COLUMNS} FROM maintenance.changes
WHERE ($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR task = $2)
      AND CASE WHEN $3::text IS NULL THEN status IN ('applied', 'undone') ELSE status = $3 END
      AND ($4::uuid IS NULL OR memory_id = $4 OR $4 = ANY (evidence)) AND ($5::uuid IS NULL OR cycle_id = $5)
ORDER BY change_id DESC
LIMIT $6
"""  # noqa: S608  constants of this module

PROPOSALS: Final = f"""
-- changes.PROPOSALS: proposals that wait for a decision, the newest first.
--   $1 tenant_id  text    NULL: of all
--   $2 task       text    NULL: of all
--   $3 before     bigint  only those with a smaller number; NULL: from the newest
--   $4 most       bigint
SELECT {_COLUMNS} FROM maintenance.changes
WHERE status = 'proposed' AND ($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR task = $2)
      AND ($3::bigint IS NULL OR change_id < $3)
ORDER BY change_id DESC
LIMIT $4
"""  # noqa: S608  constants of this module

WAITING: Final = """
-- changes.WAITING: how many proposals wait for a decision, by task.
SELECT task, count(*) AS proposals FROM maintenance.changes WHERE status = 'proposed' GROUP BY task ORDER BY task
"""

APPLIED: Final = """
-- changes.APPLIED: that a change was made, and what it was.
--   $1 change_id  bigint
--   $2 before, $3 after  text  JSON
UPDATE maintenance.changes SET status = 'applied', before = $2::text::jsonb, after = $3::text::jsonb, changed_at = now()
WHERE change_id = $1
"""

DECIDED: Final = """
-- changes.DECIDED: what a person decided of a change.
--   $1 change_id  bigint
--   $2 status, $3 by, $4 reason  text
UPDATE maintenance.changes SET status = $2, decided_by = $3, decided_reason = $4, decided_at = now()
WHERE change_id = $1
"""

TEXTS: Final = """
-- changes.TEXTS: what some memories say, the beginnings.
--   $1 tenant_id, compared in the type of its column
--   $2 ids   uuid[]
--   $3 most  integer  characters of each
SELECT id, left(content, $3) AS content, created_at, importance::float8 AS importance, demotion
FROM memories WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""
