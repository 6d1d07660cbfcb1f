"""The SQL of expiry. What names the columns of this store's tables is put together in ``rows.py``."""

from __future__ import annotations

from typing import Final

PLAN: Final = """
-- expiry.PLAN: how many memories of each tenant of a page fall out, and how many of the archive are to be purged.
--   $1 tenant_ids (their own type)
--   $2 tenants  text[]      the same
--   $3 rules    text[]      JSON: what maintenance.falls_out reads
--   $4 budgets  integer[]   memories that a project keeps; NULL: all
--   $5 as_of    timestamptz
--   $6 retains  boolean     whether a rule ends memories that have no end of their own; else those are not read
WITH rules AS MATERIALIZED (
    SELECT tenant_id, rule::jsonb AS rule, keep
    FROM unnest($2::text[], $3::text[], $4::integer[]) AS r (tenant_id, rule, keep)
),
fallen AS (
    SELECT r.tenant_id, count(*) AS memories
    FROM memories m JOIN rules r ON r.tenant_id = m.tenant_id::text
    WHERE m.tenant_id = ANY ($1)
          AND (m.expires_at IS NOT NULL OR ($6::boolean AND r.rule->>'created_before' IS NOT NULL))
          AND maintenance.falls_out(m.expires_at, m.created_at, m.layer, m.tags, m.source, $5, r.rule) IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM maintenance.unarchived u WHERE u.tenant_id = r.tenant_id AND u.memory_id = m.id
          )
    GROUP BY r.tenant_id
),
budgets AS (
    SELECT r.tenant_id, count(DISTINCT maintenance.text_of(m.id, m.metadata)) - r.keep AS memories
    FROM memories m JOIN rules r ON r.tenant_id = m.tenant_id::text
    WHERE array_remove($4::integer[], NULL) <> '{}'  -- else Postgres may read all memories before it looks at the rules
          AND r.keep IS NOT NULL AND m.tenant_id = ANY ($1) AND NOT coalesce(maintenance.is_ours(m.source), false)
          AND NOT coalesce(r.rule->'protected' ?| m.tags, false)
          AND NOT coalesce(m.tags && ARRAY['operational', 'non_retrievable'], false)
          AND maintenance.falls_out(m.expires_at, m.created_at, m.layer, m.tags, m.source, $5, r.rule) IS NULL
          AND NOT EXISTS (
              SELECT FROM maintenance.unarchived u WHERE u.tenant_id = r.tenant_id AND u.memory_id = m.id
          )
    GROUP BY r.tenant_id, maintenance.project_of(m.project), r.keep
),
due AS (
    SELECT tenant_id, memories FROM fallen
    UNION ALL
    SELECT tenant_id, memories FROM budgets WHERE memories > 0
    UNION ALL
    SELECT tenant_id, count(*) FROM maintenance.archive
    WHERE tenant_id = ANY ($2) AND purge_after <= $5 GROUP BY tenant_id
)
SELECT tenant_id, sum(memories)::bigint AS memories FROM due GROUP BY tenant_id
"""

DUE: Final = """
-- expiry.DUE: a tenant's next memories that fall out, in the order of their ids, why, and the version that was read.
--   $1 tenant_id (its own type)
--   $2 as_of      timestamptz
--   $3 rule       text      JSON: what maintenance.falls_out reads
--   $4 after      uuid      the last id seen; NULL: from the first on
--   $5 keep       integer   memories that a project keeps; NULL: all
--   $6 how_many   bigint
-- The budget counts texts, of which RAE's engine stores long ones in parts. It does not count what is protected, what
-- maintenance wrote and what RAE notes for itself.
WITH fallen AS (
    SELECT m.id, m.xmin::text AS version, why.reason
    FROM memories m CROSS JOIN LATERAL (
        SELECT maintenance.falls_out(
            m.expires_at, m.created_at, m.layer, m.tags, m.source, $2, $3::text::jsonb) AS reason
    ) AS why
    WHERE m.tenant_id = $1 AND ($4::uuid IS NULL OR m.id > $4)
          AND (m.expires_at IS NOT NULL OR $3::text::jsonb->>'created_before' IS NOT NULL)
          AND why.reason IS NOT NULL AND NOT EXISTS (
              SELECT FROM maintenance.unarchived u WHERE u.tenant_id = m.tenant_id::text AND u.memory_id = m.id
          )
    ORDER BY m.id LIMIT $6
),
texts AS (
    SELECT m.id, m.xmin::text AS version, maintenance.project_of(m.project) AS project,
           maintenance.text_of(m.id, m.metadata) AS text, maintenance.known_importance(m.importance) AS importance,
           coalesce(m.created_at, '-infinity') AS created_at
    FROM memories m
    WHERE $5::integer IS NOT NULL AND m.tenant_id = $1 AND NOT coalesce(maintenance.is_ours(m.source), false)
          AND NOT coalesce($3::text::jsonb->'protected' ?| m.tags, false)
          AND NOT coalesce(m.tags && ARRAY['operational', 'non_retrievable'], false)
          AND maintenance.falls_out(
              m.expires_at, m.created_at, m.layer, m.tags, m.source, $2, $3::text::jsonb) IS NULL
          AND NOT EXISTS (
              SELECT FROM maintenance.unarchived u WHERE u.tenant_id = m.tenant_id::text AND u.memory_id = m.id
          )
),
parts AS (
    SELECT id, version, project, text, max(importance) OVER whole AS importance,
           max(created_at) OVER whole AS created_at
    FROM texts WINDOW whole AS (PARTITION BY project, text)
),
ranked AS (
    SELECT id, version,
           dense_rank() OVER (PARTITION BY project ORDER BY importance DESC, created_at DESC, text) AS place
    FROM parts
)
SELECT id, reason, version FROM (
    SELECT id, reason, version FROM fallen
    UNION ALL
    SELECT id, 'budget', version FROM ranked WHERE place > $5
) AS due
WHERE $4::uuid IS NULL OR id > $4
ORDER BY id
LIMIT $6
"""

LOCK: Final = """
-- expiry.LOCK: of these memories those that are not locked and not written since they were read.
--   $1 tenant_id (its own type)
--   $2 ids        uuid[]
--   $3 versions   text[]   as DUE read them
SELECT m.id FROM memories m JOIN unnest($2::uuid[], $3::text[]) AS seen (id, version) ON seen.id = m.id
WHERE m.tenant_id = $1 AND m.xmin::text = seen.version
ORDER BY m.id
FOR UPDATE OF m SKIP LOCKED
"""

ONLY_SOURCE_OF: Final = """
-- expiry.ONLY_SOURCE_OF: derived memories that stay and have no other source left than these memories.
--   $1 tenant_id (its own type)
--   $2 tenant     text     the same
--   $3 ids        uuid[]
WITH derived AS (
    SELECT derived_id FROM maintenance.lineage
    WHERE tenant_id = $2 AND source_id = ANY ($3) AND task = 'summarization'
    UNION
    SELECT derived_id FROM maintenance.lineage
    WHERE tenant_id = $2 AND source_id = ANY ($3) AND task <> 'summarization'
)
SELECT d.derived_id FROM derived d
WHERE d.derived_id <> ALL ($3) AND EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = d.derived_id)
      AND NOT EXISTS (
          SELECT FROM maintenance.lineage o JOIN memories s ON s.tenant_id = $1 AND s.id = o.source_id
          WHERE o.tenant_id = $2 AND o.derived_id = d.derived_id AND s.id <> d.derived_id AND s.id <> ALL ($3)
      )
ORDER BY 1
"""

RECORD: Final = """
-- expiry.RECORD: the audit row of one batch. Reasons, ids and who ordered it; never text of a memory.
--   $1 tenant_id  text
--   $2 action     text
--   $3 reasons    text     JSON
--   $4 memories   uuid[]
--   $5 only_source_of  uuid[]
--   $6 cycle_id   uuid     NULL: an operator's order
--   $7 as_of      timestamptz
--   $8 by         text
--   $9 reason     text
INSERT INTO maintenance.expiry_batches
    (tenant_id, action, reasons, memories, only_source_of, cycle_id, as_of, ordered_by, order_reason)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7, $8, $9)
RETURNING batch_id
"""

RETIRE: Final = """
-- expiry.RETIRE: whether these memories have left by a rule, for what was made from them. One that was edited since
-- then is gone like any other: what it said before must not live on.
--   $1 tenant_id  text
--   $2 ids        uuid[]
--   $3 retired    boolean
WITH named AS (
    UPDATE maintenance.lineage l SET retired = $3
    WHERE tenant_id = $1 AND source_id = ANY ($2) AND NOT ($3 AND EXISTS (
        SELECT FROM memories m
        WHERE m.id = l.source_id AND m.tenant_id::text = l.tenant_id
              AND maintenance.fingerprint(m.content) <> l.source_hash
    ))
)
UPDATE maintenance.lineage_read SET retired = $3 WHERE tenant_id = $1 AND read_id = ANY ($2)
"""

DELETE: Final = """
-- expiry.DELETE: takes memories that this transaction holds out of the table.
--   $1 tenant_id (its own type), $2 ids  uuid[]
DELETE FROM memories m WHERE m.tenant_id = $1 AND m.id = ANY ($2)
"""

PURGE: Final = """
-- expiry.PURGE: deletes archived memories whose time has come; their audit row is in the same statement.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
--   $3 how_many   bigint
--   $4 cycle_id   uuid     NULL: an operator's order
--   $5 by         text
WITH due AS (
    SELECT tenant_id, memory_id, batch_id FROM maintenance.archive
    WHERE tenant_id = $1 AND purge_after <= $2 ORDER BY memory_id, batch_id LIMIT $3
    FOR UPDATE SKIP LOCKED
),
purged AS (
    DELETE FROM maintenance.archive a USING due d
    WHERE a.tenant_id = d.tenant_id AND a.memory_id = d.memory_id AND a.batch_id = d.batch_id
    RETURNING a.memory_id
)
INSERT INTO maintenance.expiry_batches (tenant_id, action, memories, cycle_id, as_of, ordered_by)
SELECT $1, 'purged', array_agg(memory_id ORDER BY memory_id), $4, $2, $5 FROM purged HAVING count(*) > 0
RETURNING cardinality(memories)
"""

PURGEABLE: Final = """
-- expiry.PURGEABLE: tenants with archived memories whose time has come, and how many.
--   $1 tenant_id  text          NULL: every tenant
--   $2 as_of      timestamptz
SELECT tenant_id, count(*) AS memories FROM maintenance.archive
WHERE (tenant_id = $1 OR $1 IS NULL) AND purge_after <= $2 GROUP BY tenant_id ORDER BY tenant_id
"""

WITHOUT_MEMORIES: Final = """
-- expiry.WITHOUT_MEMORIES: of these tenants those that no run visits, because they have no memory left.
--   $1 tenant_ids (their own type)
SELECT k.tenant_id::text AS tenant_id
FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
WHERE NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = k.tenant_id)
"""

OF_CYCLE: Final = """
-- expiry.OF_CYCLE: what the batches of one cycle did for a tenant, by action.
--   $1 cycle_id   uuid
--   $2 tenant_id  text
SELECT action, sum(cardinality(memories)) AS memories, sum(cardinality(only_source_of)) AS only_source_of
FROM maintenance.expiry_batches WHERE cycle_id = $1 AND tenant_id = $2 GROUP BY action
"""

BATCHES: Final = """
-- expiry.BATCHES: audit rows, the newest first, with how many of their memories the archive still has.
--   $1 tenant_id  text     NULL: every tenant
--   $2 most       bigint
SELECT b.batch_id, b.tenant_id, b.action, b.reasons::text AS reasons, b.memories, b.only_source_of, b.cycle_id, b.as_of,
       b.recorded_at, b.ordered_by, b.order_reason,
       (SELECT count(*) FROM maintenance.archive a WHERE a.batch_id = b.batch_id) AS in_archive,
       (SELECT min(a.purge_after) FROM maintenance.archive a WHERE a.batch_id = b.batch_id) AS purge_after
FROM maintenance.expiry_batches b WHERE b.tenant_id = $1 OR $1 IS NULL
ORDER BY b.batch_id DESC LIMIT $2
"""

ARCHIVED: Final = """
-- expiry.ARCHIVED: the next archived memories that an operator named, the latest version of each.
--   $1 tenant_id  text     NULL: of any tenant
--   $2 ids        uuid[]   NULL: all
--   $3 batch_id   bigint   NULL: of any batch
--   $4, $5  the last tenant and id seen; NULL: from the first on
--   $6 how_many   bigint
SELECT DISTINCT ON (tenant_id, memory_id) tenant_id, memory_id, batch_id FROM maintenance.archive
WHERE (tenant_id = $1 OR $1 IS NULL) AND (memory_id = ANY ($2) OR $2 IS NULL) AND (batch_id = $3 OR $3 IS NULL)
      AND ($4::text IS NULL OR (tenant_id, memory_id) > ($4, $5::uuid))
ORDER BY tenant_id, memory_id, batch_id DESC
LIMIT $6
"""

LOCK_ARCHIVED: Final = """
-- expiry.LOCK_ARCHIVED: of these archived memories of one tenant those that no other transaction restores or purges.
--   $1 tenant_id  text
--   $2 ids        uuid[]
--   $3 batch_ids  bigint[]
SELECT a.memory_id, a.batch_id
FROM maintenance.archive a
     JOIN unnest($2::uuid[], $3::bigint[]) AS named (memory_id, batch_id) USING (memory_id, batch_id)
WHERE a.tenant_id = $1 ORDER BY a.memory_id FOR UPDATE OF a SKIP LOCKED
"""

TAKE_OUT: Final = """
-- expiry.TAKE_OUT: ends the archive's copies of memories that are back, which no rule takes again.
--   $1 tenant_id  text
--   $2 ids        uuid[]
--   $3 batch_ids  bigint[]
WITH back AS (
    DELETE FROM maintenance.archive a USING unnest($2::uuid[], $3::bigint[]) AS named (memory_id, batch_id)
    WHERE a.tenant_id = $1 AND a.memory_id = named.memory_id AND a.batch_id = named.batch_id
    RETURNING a.memory_id
)
INSERT INTO maintenance.unarchived (tenant_id, memory_id) SELECT $1, memory_id FROM back ON CONFLICT DO NOTHING
"""
