"""The SQL of duplicates: which memories are new, and which may say the same."""

from __future__ import annotations

from typing import Final

PLAN: Final = """
-- duplicates.PLAN: tenants with memories newer than their last pass, or folded into one that is gone since, and
-- how many, up to a bound each.
--   $1 tenant_ids (their own type)
--   $2 as_of  timestamptz
--   $3 most   bigint
-- The comparison gives the parameter its type, that of the column; unnest takes one of any.
WITH page AS MATERIALIZED (
    SELECT CASE WHEN (SELECT m.tenant_id FROM memories m LIMIT 1) = ANY ($1) THEN $1 ELSE $1 END AS ids
)
SELECT t.id::text AS tenant_id, found.memories + orphans.memories AS memories
FROM page CROSS JOIN LATERAL unnest(page.ids) AS t (id)
     LEFT JOIN maintenance.duplicates_passes p ON p.tenant_id = t.id::text
     CROSS JOIN LATERAL (
         SELECT count(*) AS memories FROM (
             SELECT FROM memories m
             WHERE m.tenant_id = t.id AND m.created_at > coalesce(p.examined_until, '-infinity') AND m.created_at <= $2
             LIMIT $3
         ) AS first
     ) AS found
     CROSS JOIN LATERAL (
         SELECT count(*) AS memories FROM (
             SELECT FROM maintenance.changes c
             WHERE c.tenant_id = t.id::text AND c.task = 'duplicates' AND c.status = 'applied'
                   AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = t.id AND m.id = c.evidence[1])
                   AND EXISTS (SELECT FROM memories m WHERE m.tenant_id = t.id AND m.id = c.memory_id)
             LIMIT $3
         ) AS first
     ) AS orphans
WHERE found.memories + orphans.memories > 0
"""

ORPHANS: Final = """
-- duplicates.ORPHANS: folds in favour of a memory that is gone since: forgotten, archived, deleted by an agent.
--   $1 tenant_id (its own type)
--   $2 tenant    text    the same
--   $3 how_many  bigint
SELECT c.change_id FROM maintenance.changes c
WHERE c.tenant_id = $2 AND c.task = 'duplicates' AND c.status = 'applied'
      AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = c.evidence[1])
      AND EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = c.memory_id)
ORDER BY c.change_id DESC
LIMIT $3
"""

BEGIN_AT: Final = """
-- duplicates.BEGIN_AT: where a pass begins: a little before the end of the last one, for what was committed late.
--   $1 tenant_id  text
SELECT coalesce((
    SELECT examined_until - interval '1 hour' FROM maintenance.duplicates_passes WHERE tenant_id = $1
), '-infinity') AS "at"
"""

_COLUMNS: Final = """m.id, m.content, m.created_at, maintenance.text_key(m.content) AS key,
           maintenance.project_of(m.project) AS project, maintenance.fingerprint(m.content) AS fingerprint,
           maintenance.undecayed(m.importance, m.decayed_importance, m.base_importance) AS importance,
           coalesce(m.tags && $2::text[], false) AS protected, maintenance.class_of(info_class, m.metadata) AS class"""

NEW: Final = f"""
-- duplicates.NEW: a tenant's next memories, in the order of their creation.
--   $1 tenant_id (its own type)
--   $2 protected_tags  text[]
--   $3 after_at        timestamptz
--   $4 after           uuid
--   $5 as_of           timestamptz
--   $6 how_many        bigint
SELECT found.* FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT {_COLUMNS},
           maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
           AND maintenance.is_live(m.expires_at, $5) AS foldable
    FROM memories m
    WHERE m.tenant_id = $1 AND (m.created_at, m.id) > ($3::timestamptz, $4::uuid) AND m.created_at <= $5
    ORDER BY m.created_at, m.id
    LIMIT $6
) AS found
ORDER BY found.created_at, found.id
"""  # noqa: S608  constants of this module

SAME: Final = f"""
-- duplicates.SAME: a tenant's memories with one of these texts, by the index of texts.
--   $1 tenant_id (its own type)
--   $2 protected_tags  text[]
--   $3 keys            bigint[]
--   $4 as_of           timestamptz
SELECT found.* FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT {_COLUMNS}
    FROM memories m
    WHERE m.tenant_id = $1 AND maintenance.text_key(m.content) = ANY ($3::bigint[])
          AND maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
          AND maintenance.is_live(m.expires_at, $4)
) AS found
"""  # noqa: S608  constants of this module

RECENT: Final = f"""
-- duplicates.RECENT: the memories that were created last, up to an instant.
--   $1 tenant_id (its own type)
--   $2 protected_tags  text[]
--   $3 until           timestamptz
--   $4 as_of           timestamptz
--   $5 how_many        bigint
SELECT found.* FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT {_COLUMNS}
    FROM memories m
    WHERE m.tenant_id = $1 AND m.created_at <= $3
          AND maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
          AND maintenance.is_live(m.expires_at, $4)
    ORDER BY m.created_at DESC, m.id DESC
    LIMIT $5
) AS found
"""  # noqa: S608  constants of this module

EXAMINED: Final = """
-- duplicates.EXAMINED: how far a pass is; it never goes back.
--   $1 tenant_id  text
--   $2 until      timestamptz
INSERT INTO maintenance.duplicates_passes AS p (tenant_id, examined_until) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET examined_until = greatest(p.examined_until, excluded.examined_until)
"""
