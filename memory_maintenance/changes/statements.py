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
-- changes.WRITE: columns of some memories, and what the store made of them.
--   $1 tenant_id, compared in the type of its column
--   $2 ids     uuid[]
--   $3 states  text[]  JSON, all of the columns of a state
UPDATE memories AS m
SET importance = r.importance, base_importance = r.base_importance, base_importance_at = r.base_importance_at,
    decayed_importance = r.decayed_importance, demotion = r.demotion, last_accessed_at = r.last_accessed_at
FROM unnest($2::uuid[], $3::text[]) AS written (id, state)
     CROSS JOIN LATERAL jsonb_populate_record(NULL::memories, written.state::jsonb) AS r
WHERE m.tenant_id = $1 AND m.id = written.id
RETURNING m.id, {_STATE}::text AS state
"""  # noqa: S608  constants of this module

NOTE: Final = """
-- changes.NOTE: what the metadata of some memories say of a change, or no longer say.
--   $1 tenant_id, compared in the type of its column
--   $2 ids      uuid[]
--   $3 removed  text[]     keys, of each
--   $4 notes    text[]     a JSON object for each
--   $5 bare     boolean[]  whether it had no metadata
UPDATE memories AS m
SET metadata = CASE WHEN NOT (noted.bare AND coalesce(m.metadata, '{}') - $3::text[] || noted.notes::jsonb = '{}')
                    THEN coalesce(m.metadata, '{}') - $3::text[] || noted.notes::jsonb END
FROM unnest($2::uuid[], $4::text[], $5::boolean[]) AS noted (id, notes, bare)
WHERE m.tenant_id = $1 AND m.id = noted.id
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
-- changes.ADD_USE: uses that some memories take over of others, or give back.
--   $1 tenant_id, compared in the type of its column
--   $2 ids    uuid[]
--   $3 more   integer[]
--   $4 unset  boolean   whether none counts as unknown, as before
UPDATE memories AS m
SET usage_count = CASE WHEN $4 AND coalesce(m.usage_count, 0) + added.more = 0 THEN NULL
                       ELSE greatest(coalesce(m.usage_count, 0) + added.more, 0) END
FROM unnest($2::uuid[], $3::integer[]) AS added (id, more)
WHERE m.tenant_id = $1 AND m.id = added.id
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

_COLUMNS: Final = """change_id, tenant_id, task, kind, memory_id, evidence, status, reason, demotion,
       notes::text AS notes, takes_use, fingerprints, before::text AS before, after::text AS after, cycle_id,
       changed_at, decided_by, decided_reason, decided_at, revision"""

PROPOSE: Final = f"""
-- changes.PROPOSE: those of some pairs that are not known yet, in their order; whatever became of a known one, it
-- stays so.
--   $1 tenant_ids text[], $2 tasks, $3 kinds, $4 memory_ids uuid[], $5 other_ids uuid[], $6 reasons
--   $7 demotions float8[], $8 notes text[] JSON, $9 takes_use boolean[], $10, $11 fingerprints bytea[] of both
--   $12 cycle_ids uuid[]
INSERT INTO maintenance.changes (
    tenant_id, task, kind, memory_id, evidence, status, reason, demotion, notes, takes_use, fingerprints, cycle_id
)
SELECT p.tenant_id, p.task, p.kind, p.memory_id, ARRAY[p.other_id], 'proposed', p.reason, p.demotion, p.notes::jsonb,
       p.takes_use, ARRAY[p.own, p.others], p.cycle_id
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::float8[], $8::text[],
            $9::boolean[], $10::bytea[], $11::bytea[], $12::uuid[])
     WITH ORDINALITY AS p (tenant_id, task, kind, memory_id, other_id, reason, demotion, notes, takes_use, own, others,
                           cycle_id, place)
WHERE NOT EXISTS (  -- in either direction
    SELECT FROM maintenance.changes c
    WHERE c.tenant_id = p.tenant_id AND c.memory_id = p.other_id AND c.evidence = ARRAY[p.memory_id]
)
ORDER BY p.place
ON CONFLICT DO NOTHING
RETURNING {_COLUMNS}
"""  # noqa: S608  constants of this module

WITHDRAW: Final = """
-- changes.WITHDRAW: proposals of this transaction that could not be applied: the next night may make them.
--   $1 change_ids  bigint[]
DELETE FROM maintenance.changes WHERE change_id = ANY ($1::bigint[]) AND status = 'proposed'
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
-- changes.APPLIED: that some changes were made, and what they were.
--   $1 change_ids  bigint[]
--   $2 before, $3 after  text[]  JSON
UPDATE maintenance.changes AS c
SET status = 'applied', before = made.before::jsonb, after = made.after::jsonb, changed_at = now()
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS made (change_id, before, after)
WHERE c.change_id = made.change_id
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
