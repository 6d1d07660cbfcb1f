"""The SQL of what is due to be dreamt about: which projects, and whether their tenant is idle."""

from __future__ import annotations

from typing import Final

_CANDIDATES: Final = """
-- absent: a store without the column info_class has the name from here, as in maintenance.info_class_of.
WITH candidates AS (
    SELECT c.*
    FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
        SELECT m.tenant_id, maintenance.project_of(m.project) AS project, m.id, m.created_at,
               maintenance.undecayed(
                   m.importance, m.decayed_importance, m.base_importance * coalesce(m.demotion, 1)
               ) AS importance,
               d.sample AS last_sample
        FROM memories m
             LEFT JOIN maintenance.tenants t ON t.tenant_id = m.tenant_id::text
             LEFT JOIN maintenance.dreams d
                 ON d.tenant_id = m.tenant_id::text AND d.project = maintenance.project_of(m.project)
        WHERE m.tenant_id = ANY ($1) AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
              AND maintenance.part_of(m.metadata) = 0
              AND m.created_at > $2::timestamptz - interval '7 days' AND m.created_at <= $2
              AND m.created_at > least($2 - $3::interval, d.dreamt_until)
              AND maintenance.is_live(m.expires_at, $2)
              AND maintenance.setting(t.overrides, 'dreaming_enabled', to_jsonb($4::boolean)) = 'true'
              AND NOT maintenance.is_excluded(
                  maintenance.class_of(info_class, m.metadata),
                  maintenance.setting(t.overrides, 'derivation_excluded_classes', to_jsonb($7::text[])))
              AND NOT EXISTS (
                  SELECT FROM maintenance.set_aside_memories x
                  WHERE x.memory_id = m.id AND x.tenant_id = m.tenant_id::text
              )
    ) c
),
sampled AS (
    SELECT c.*, row_number() OVER (
               PARTITION BY tenant_id, project ORDER BY importance DESC, created_at DESC, id
           ) AS place
    FROM candidates c
    WHERE importance >= $5::float8
),
talking AS MATERIALIZED (  -- tenants in the middle of a conversation: they dream later
    SELECT k.tenant_id
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         LEFT JOIN maintenance.tenants t ON t.tenant_id = k.tenant_id::text
         CROSS JOIN LATERAL (SELECT maintenance.idle_gate(t.overrides, $8::interval) AS gate) g
    WHERE g.gate > interval '0'
          AND EXISTS (
              SELECT FROM memories m
              WHERE m.tenant_id = k.tenant_id AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
                    AND m.created_at > $2::timestamptz - g.gate AND m.created_at <= $2
          )
),
due AS (
    SELECT tenant_id::text AS tenant_id, project
    FROM sampled
    WHERE place <= $6::bigint AND tenant_id NOT IN (SELECT tenant_id FROM talking)
    GROUP BY tenant_id, project
    HAVING count(*) >= 3 AND bool_or(last_sample IS NULL OR NOT id = ANY (last_sample))
    UNION
    SELECT k.tenant_id::text, maintenance.project_of(d.project)
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         CROSS JOIN LATERAL (
             SELECT DISTINCT s.derived_id FROM maintenance.stale_sources(k.tenant_id, 'dreaming', $2) s OFFSET 0
         ) s
         JOIN memories d ON d.tenant_id = k.tenant_id AND d.id = s.derived_id
    WHERE d.metadata ? 'cycle_id' AND maintenance.text_hash(d.content) = d.metadata->>'text_sha256'
)
"""

DUE_PROJECTS: Final = (
    """
-- dreaming.DUE_PROJECTS: projects whose sample has at least 3 memories, one of them not in the last dream, and
-- those with a stale reflection.
--   $1 tenant_ids      array of the column's type
--   $2 as_of           timestamptz
--   $3 lookback        interval
--   $4 enabled         boolean       what holds for tenants without an override
--   $5 min_importance  float8
--   $6 max_samples     bigint
--   $7 excluded        text[]        classes that are not dreamt about, without an override
--   $8 gate            interval      a tenant with a later event does not dream, without an override
--   $9 after           text          the last project seen
--   $10 limit
"""
    + _CANDIDATES
    + """
SELECT project FROM due WHERE $9::text IS NULL OR project > $9 ORDER BY project LIMIT $10
"""
)

DREAM_COUNTS: Final = (
    """
-- dreaming.DREAM_COUNTS: how many such projects some tenants have, and where they are few, which; $1 to $8 as above.
--   $9 few  bigint
"""
    + _CANDIDATES
    + """
SELECT tenant_id, count(*) AS projects,
       CASE WHEN count(*) <= $9::bigint THEN array_agg(project ORDER BY project) END AS names
FROM due GROUP BY tenant_id
"""
)

LAST_EVENT: Final = """
-- dreaming.LAST_EVENT: when a tenant's last event of a time before an instant was written.
--   $1 tenant_id  its own type
--   $2 as_of      timestamptz
--   $3 gate       interval
SELECT max(created_at) FROM memories
WHERE tenant_id = $1 AND maintenance.is_event(layer, source, tags, metadata)
      AND created_at > $2::timestamptz - $3::interval AND created_at <= $2
"""
