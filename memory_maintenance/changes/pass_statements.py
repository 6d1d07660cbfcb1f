"""The SQL of passes: which memories are new, which came last, and which demotions have lost their reason."""

from __future__ import annotations

from typing import Final

PLAN: Final = """
-- changes.PLAN: tenants with memories newer than a task's last pass, or demoted in favour of one that is gone since,
-- and how many, up to a bound each.
--   $1 tenant_ids (their own type)
--   $2 task   text
--   $3 as_of  timestamptz
--   $4 most   bigint
-- The comparison gives the parameter its type, that of the column; unnest takes one of any.
WITH page AS MATERIALIZED (
    SELECT CASE WHEN (SELECT m.tenant_id FROM memories m LIMIT 1) = ANY ($1) THEN $1 ELSE $1 END AS ids
)
SELECT t.id::text AS tenant_id, found.memories + orphans.memories AS memories
FROM page CROSS JOIN LATERAL unnest(page.ids) AS t (id)
     LEFT JOIN maintenance.passes p ON p.tenant_id = t.id::text AND p.task = $2
     CROSS JOIN LATERAL (
         SELECT count(*) AS memories FROM (
             SELECT FROM memories m
             WHERE m.tenant_id = t.id AND m.created_at > coalesce(p.examined_until, '-infinity') AND m.created_at <= $3
             LIMIT $4
         ) AS first
     ) AS found
     CROSS JOIN LATERAL (
         SELECT count(*) AS memories FROM (
             SELECT FROM maintenance.changes c
             WHERE c.tenant_id = t.id::text AND c.task = $2 AND c.status = 'applied'
                   AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = t.id AND m.id = c.evidence[1])
                   AND EXISTS (SELECT FROM memories m WHERE m.tenant_id = t.id AND m.id = c.memory_id)
             LIMIT $4
         ) AS first
     ) AS orphans
WHERE found.memories + orphans.memories > 0
"""

ORPHANS: Final = """
-- changes.ORPHANS: a task's demotions in favour of a memory that is gone since: forgotten, archived, deleted by an
-- agent.
--   $1 tenant_id (its own type)
--   $2 tenant    text    the same
--   $3 task      text
--   $4 how_many  bigint
SELECT c.change_id FROM maintenance.changes c
WHERE c.tenant_id = $2 AND c.task = $3 AND c.status = 'applied'
      AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = c.evidence[1])
      AND EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = c.memory_id)
ORDER BY c.change_id DESC
LIMIT $4
"""

BEGIN_AT: Final = """
-- changes.BEGIN_AT: where a task's pass begins: a little before the end of the last one, for what was committed late.
--   $1 tenant_id, $2 task  text
SELECT coalesce((
    SELECT examined_until - interval '1 hour' FROM maintenance.passes WHERE tenant_id = $1 AND task = $2
), '-infinity') AS "at"
"""

NEW: Final = """
-- changes.NEW: a tenant's next memories, in the order of their creation.
--   $1 tenant_id (its own type)
--   $2 after_at  timestamptz
--   $3 after     uuid
--   $4 as_of     timestamptz
--   $5 how_many  bigint
SELECT m.id, m.created_at FROM memories m
WHERE m.tenant_id = $1 AND (m.created_at, m.id) > ($2::timestamptz, $3::uuid) AND m.created_at <= $4
ORDER BY m.created_at, m.id
LIMIT $5
"""

COMPARED: Final = """m.id, m.content, m.created_at, maintenance.project_of(m.project) AS project,
           maintenance.class_of(info_class, m.metadata) AS class, maintenance.fingerprint(m.content) AS fingerprint,
           maintenance.undecayed(m.importance, m.decayed_importance, m.base_importance) AS importance,
           coalesce(m.tags && $2::text[], false) AS protected,
           maintenance.session_of(m.session_id, m.metadata) AS session, coalesce(m.metadata->>'role', '') AS role"""
"""Columns of a memory that a comparison reads; $2 are the protected tags."""

_FOLDABLE: Final = """maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
          AND maintenance.is_live(m.expires_at, $4)"""

RECENT_TEXTS: Final = f"""
-- changes.RECENT_TEXTS: what the memories say that were created last, up to an instant, that an agent wrote and nothing
-- demoted, the newest first; NULL: more than is compared. No other column is read: of most of them none is needed.
--   $1 tenant_id (its own type)
--   $2 longest         integer   characters
--   $3 until           timestamptz
--   $4 as_of           timestamptz
--   $5 how_many        bigint
SELECT m.id, CASE WHEN char_length(m.content) <= $2 THEN m.content END AS content
FROM memories m
WHERE m.tenant_id = $1 AND m.created_at <= $3
          AND {_FOLDABLE}
ORDER BY m.created_at DESC, m.id DESC
LIMIT $5
"""  # noqa: S608  constants of this module

MEMORIES: Final = f"""
-- changes.MEMORIES: some memories as they are compared, of those that an agent wrote and nothing demoted, the newest
-- first.
--   $1 tenant_id (its own type)
--   $2 protected_tags  text[]
--   $3 ids             uuid[]
--   $4 as_of           timestamptz
SELECT found.* FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT {COMPARED}
    FROM memories m
    WHERE m.tenant_id = $1 AND m.id = ANY ($3::uuid[])
          AND {_FOLDABLE}
    ORDER BY m.created_at DESC, m.id DESC
) AS found
"""  # noqa: S608  constants of this module

EXAMINED: Final = """
-- changes.EXAMINED: how far a task's pass is; it never goes back.
--   $1 tenant_id, $2 task  text
--   $3 until  timestamptz
INSERT INTO maintenance.passes AS p (tenant_id, task, examined_until) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, task) DO UPDATE SET examined_until = greatest(p.examined_until, excluded.examined_until)
"""
