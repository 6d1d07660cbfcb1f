"""The SQL of due sessions: which they are, how many, how old and how large.

Rows without a time of creation, or an infinite one, have no place in a session and are left out.
"""

from __future__ import annotations

from typing import Final

_DUE: Final = """-- Sessions of some tenants that are due, as DueRule.is_due says.
--   $1 tenant_ids       array of the column's type
--   $2 as_of            timestamptz
--   $3 enabled          boolean      what holds for tenants without an override
--   $4 idle             interval     a session with a later event is still going on
--   $5 min_events       integer
--   $6 event_threshold  integer      NULL on an hourly run
--   $7 backfill         interval     sessions that ended longer than this before adoption are left alone
--   $8 backend          text         who would write for tenants that may use something
--   $9 project          text         NULL: every project
--   $10 daily_tokens, $11 daily_cost numeric   what a tenant without an override may use: of nothing, none is asked
--   $12 since           timestamptz  only sessions with a new event since then; NULL: as far back as $7 lets
--   $13 derivation_excluded, $14 model_excluded  text[]   classes that are no events; that no model is sent
--   $15 gate            interval     a session with a later event waits, however long it is; without an override
-- Read are sessions with an event of that time that is in no summary, and those whose summary can be better.
-- What a row of a session is says maintenance.session_rows; RAE's summaries cover what came before them, if they are
-- older than adoption. Ours count whenever they were stored.
WITH adoption AS (
    SELECT at, greatest(at - $7::interval, $12::timestamptz) AS earliest
    FROM maintenance.adoption($2) AS known (at)
),
asked AS (  -- coalesce gives the parameter the column's type
    SELECT tenant_id FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
),
-- OFFSET 0 in what follows: by the index for each, and no more of the table; else Postgres may scan all of it.
unwritten AS (
    SELECT k.tenant_id, n.id
    FROM asked k
         CROSS JOIN LATERAL (
             SELECT m.id FROM memories m
             WHERE m.tenant_id = k.tenant_id AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
                   AND m.created_at BETWEEN (SELECT earliest FROM adoption) AND $2
                   AND NOT EXISTS (
                       SELECT FROM maintenance.lineage c
                       WHERE c.tenant_id = k.tenant_id::text AND c.source_id = m.id AND c.task = 'summarization'
                   )
             OFFSET 0
         ) n
),
stale AS MATERIALIZED (  -- summaries that were not edited, of which a source is gone, expired or edited; daily
    SELECT DISTINCT k.tenant_id, maintenance.project_of(d.project) AS project,
           maintenance.session_of(d.session_id, d.metadata) AS session_id
    FROM asked k
         CROSS JOIN LATERAL (
             SELECT DISTINCT s.derived_id FROM maintenance.stale_sources(k.tenant_id, 'summarization', $2) s OFFSET 0
         ) s
         JOIN memories d ON d.tenant_id = k.tenant_id AND d.id = s.derived_id
    WHERE $6::integer IS NOT NULL AND maintenance.written_by(d.content, d.metadata) IS NOT NULL
          AND ($9::text IS NULL OR maintenance.project_of(d.project) = $9)
),
touched AS (
    SELECT m.tenant_id, maintenance.session_of(m.session_id, m.metadata) AS session_id
    FROM unwritten n
         CROSS JOIN LATERAL (SELECT * FROM memories m WHERE m.tenant_id = n.tenant_id AND m.id = n.id OFFSET 0) m
    WHERE maintenance.session_of(m.session_id, m.metadata) <> ''
    UNION
    SELECT m.tenant_id, maintenance.session_of(m.session_id, m.metadata)
    FROM asked k
         CROSS JOIN LATERAL (
             SELECT * FROM memories m
             WHERE m.tenant_id = k.tenant_id AND m.layer IN ('episodic', 'em') AND 'session_summary' = ANY (m.tags)
                   AND CASE
                           WHEN m.metadata->>'fallback' = 'true' THEN 'fallback'
                           WHEN m.metadata->>'backend' = 'extractive' THEN 'extractive'
                       END IN ('fallback', CASE WHEN $8::text = 'openai' THEN 'extractive' END)
             OFFSET 0
         ) m
    WHERE $6::integer IS NOT NULL
    UNION
    SELECT tenant_id, session_id FROM stale
),
entries AS MATERIALIZED (
    SELECT s.tenant_id, s.session_id, r.id, r.project, r.created_at, r.part,
           CASE
               WHEN r.kind <> 'event'
                    OR (r.created_at <= $2 AND maintenance.is_live(r.expires_at, $2)
                        AND NOT maintenance.is_excluded(r.info_class, x.never_derived)) THEN r.kind
           END AS kind,
           CASE WHEN r.kind = 'ours' THEN r.written END AS written,
           maintenance.is_excluded(r.info_class, x.never_sent) AS never_sent
    FROM touched s
         CROSS JOIN LATERAL maintenance.session_rows(s.tenant_id, s.session_id) r
         LEFT JOIN maintenance.tenants t ON t.tenant_id = s.tenant_id::text
         CROSS JOIN LATERAL (
             SELECT maintenance.setting(t.overrides, 'derivation_excluded_classes', to_jsonb($13::text[]))
                        AS never_derived,
                    maintenance.setting(t.overrides, 'model_excluded_classes', to_jsonb($14::text[])) AS never_sent
         ) x
    WHERE s.session_id <> ''
          AND maintenance.setting(t.overrides, 'summarization_enabled', to_jsonb($3::boolean)) = 'true'
          AND ($9::text IS NULL OR r.project = $9)
),
-- What is new is found by a window and not by a join of sessions with their events: of either Postgres expects one row
-- where there are thousands, and may compare each with each.
adopted AS (
    SELECT e.*, max(e.created_at) FILTER (WHERE e.kind = 'theirs' AND e.created_at <= (SELECT at FROM adoption))
                    OVER (PARTITION BY e.tenant_id, e.project, e.session_id) AS adopted_until
    FROM entries e
),
marked AS MATERIALIZED (  -- one look-up for each event: EXISTS might read all of lineage at once
    SELECT e.*,
           e.kind = 'event' AND (e.adopted_until IS NULL OR e.created_at > e.adopted_until)
               AND (
                   SELECT true FROM maintenance.lineage c
                   WHERE c.tenant_id = e.tenant_id::text AND c.source_id = e.id AND c.task = 'summarization' LIMIT 1
               ) IS NULL
               AND (
                   SELECT true FROM maintenance.set_aside_memories x
                   WHERE x.memory_id = e.id AND x.kind = 'memory' AND x.tenant_id = e.tenant_id::text LIMIT 1
               ) IS NULL AS is_new
    FROM adopted e
),
sessions AS (
    SELECT tenant_id, project, session_id,
           max(created_at) FILTER (WHERE kind = 'event') AS last_event_at,
           CASE
               WHEN max(created_at) FILTER (WHERE is_new) >= (SELECT earliest FROM adoption)
                   THEN count(*) FILTER (WHERE is_new AND part = 0)
           END AS new_events,
           coalesce(bool_or(written = 'fallback'), false) AS fallback,
           coalesce(bool_or(written = 'extractive'), false) AS extractive,
           coalesce(bool_or(written <> 'fallback'), false) AS good,
           coalesce(bool_or(never_sent) FILTER (WHERE kind IN ('event', 'ours')), false) AS never_sent
    FROM marked
    GROUP BY tenant_id, project, session_id
    HAVING max(created_at) FILTER (WHERE kind = 'event') >= (SELECT at FROM adoption) - $7
),
regular AS (
    SELECT s.tenant_id::text AS tenant_id, s.project, s.session_id, s.last_event_at, writer.name AS writer
    FROM sessions s
         LEFT JOIN maintenance.tenants t ON t.tenant_id = s.tenant_id::text
         LEFT JOIN maintenance.set_aside a
             ON a.kind = 'session' AND a.tenant_id = s.tenant_id::text AND a.project = s.project
                AND a.session_id = s.session_id AND a.set_aside_at IS NOT NULL
         CROSS JOIN LATERAL (
             SELECT CASE
                 WHEN $8::text <> 'openai' THEN $8
                 WHEN s.never_sent
                      OR maintenance.setting(t.overrides, 'daily_tokens', to_jsonb($10::numeric)) = '0'
                      OR maintenance.setting(t.overrides, 'daily_cost', to_jsonb($11::numeric)) = '0'
                     THEN 'extractive'
                 WHEN a.name IS NOT NULL THEN 'none'
                 ELSE 'openai'
             END AS name
         ) writer
    WHERE NOT (writer.name = 'none' AND s.good)
          AND s.last_event_at <= $2 - maintenance.idle_gate(t.overrides, $15::interval)
          AND (
              (s.last_event_at <= $2 - $4::interval AND s.new_events >= $5::integer)
              OR s.new_events >= $6::integer
              OR ($6 IS NOT NULL AND writer.name <> 'none' AND s.fallback)
              OR ($6 IS NOT NULL AND writer.name = 'openai' AND s.extractive AND s.last_event_at >= $2 - $7)
          )
),
due AS (
    SELECT * FROM regular
    UNION ALL
    SELECT s.tenant_id::text, s.project, s.session_id, $2, $8
    FROM stale s
    WHERE s.session_id <> ''
          AND (s.tenant_id::text, s.project, s.session_id) NOT IN (SELECT tenant_id, project, session_id FROM regular)
)
"""

DUE_SESSIONS: Final = (
    """
-- summarization.DUE_SESSIONS: which they are.
"""
    + _DUE
    + """
--   $16 after_project, $17 after_session, $18 limit: the page after this session
SELECT project, session_id FROM due
WHERE $16::text IS NULL OR (project, session_id) > ($16, $17::text)
ORDER BY project, session_id
LIMIT $18
"""
)

DUE_COUNTS: Final = (
    """
-- summarization.DUE_COUNTS: how many each tenant has, and where they are few, which.
"""
    + _DUE
    + """
--   $16 few  bigint
SELECT tenant_id, count(*) AS sessions,
       CASE WHEN count(*) <= $16::bigint THEN array_agg(project ORDER BY project, session_id) END AS projects,
       CASE WHEN count(*) <= $16 THEN array_agg(session_id ORDER BY project, session_id) END AS session_ids
FROM due GROUP BY tenant_id
"""
)

DUE_OLDEST: Final = (
    """
-- summarization.DUE_OLDEST: how many there are, and how long the first has been waiting.
"""
    + _DUE
    + """
SELECT count(*) AS sessions, min(last_event_at) AS oldest FROM due
"""
)

DUE_SIZES: Final = (
    """
-- summarization.DUE_SIZES: how much a writer has to read for each, and the tenant's own model.
"""
    + _DUE
    + """
--   $16 most_characters  integer   of a content that a model is given
--   $17 frame            integer   bytes that an event's line has besides it
SELECT d.writer, t.overrides->>'summarization_model' AS model, count(*) FILTER (WHERE e.part = 0) AS events,
       array_agg(octet_length(left(m.content, $16::integer)) + $17::integer) AS bytes
FROM due d
     JOIN entries e
         ON e.tenant_id::text = d.tenant_id AND e.project = d.project AND e.session_id = d.session_id
            AND e.kind = 'event'
     JOIN memories m ON m.tenant_id = e.tenant_id AND m.id = e.id
     LEFT JOIN maintenance.tenants t ON t.tenant_id = d.tenant_id
GROUP BY d.tenant_id, d.project, d.session_id, d.writer, t.overrides
"""
)
