"""The SQL of summaries: what a session holds, what is stored; ``due_statements.py`` has which are due.

Rows without a time of creation, or an infinite one, have no place in a session and are left out.
"""

from __future__ import annotations

from typing import Final

EVENTS: Final = """
-- summarization.EVENTS: the events that a summary is about, in order of time: those in no summary, and its own.
--   $1 tenant_id   its own type
--   $2 project     text
--   $3 session_id  text
--   $4 as_of       timestamptz
--   $5 summary_id  uuid      NULL: not written yet
--   $6 most_characters  integer   of a longer content both ends are read
--   $7 excluded         text[]    classes from which nothing is derived
WITH entries AS MATERIALIZED (
    SELECT * FROM maintenance.session_rows($1, $3) WHERE project = $2
),
adopted AS (
    SELECT max(created_at) AS until
    FROM entries
    WHERE kind = 'theirs' AND created_at <= (SELECT maintenance.adoption($4))
)
SELECT m.id, m.tenant_id::text AS tenant_id, m.project, $3::text AS session_id, m.layer, m.source, m.tags, m.created_at,
       maintenance.ends_of(m.content, $6) AS content, maintenance.fingerprint(m.content) AS hash,
       maintenance.undecayed(
           m.importance, m.decayed_importance, m.base_importance * coalesce(m.demotion, 1)
       ) AS importance,
       left(m.metadata->>'role', 20) AS role, maintenance.text_of(m.id, m.metadata) AS text, e.part, e.info_class,
       c.source_id IS NULL AS is_new,
       EXISTS (
           SELECT FROM maintenance.set_aside_memories x
           WHERE x.memory_id = m.id AND x.kind = 'memory' AND x.tenant_id = m.tenant_id::text
       ) AS is_set_aside
FROM entries e
     JOIN memories m ON m.tenant_id = $1 AND m.id = e.id
     CROSS JOIN adopted
     LEFT JOIN maintenance.lineage c
         ON c.tenant_id = m.tenant_id::text AND c.source_id = m.id AND c.task = 'summarization'
WHERE e.kind = 'event' AND maintenance.is_live(m.expires_at, $4)
      AND NOT maintenance.is_excluded(e.info_class, to_jsonb($7::text[]))
      AND (m.created_at <= $4 OR c.derived_id = $5)  -- a later cycle may have covered more than this one looks at
      AND (c.derived_id = $5 OR (c.source_id IS NULL AND (adopted.until IS NULL OR m.created_at > adopted.until)))
ORDER BY m.created_at, m.id
"""

_SUMMARIES: Final = """
-- The summaries of a session as lineage names them, the newest first: those of its events, whatever project they are in
-- by now, and those of its name. An id says nothing.
--   $1 tenant_id   its own type
--   $2 project     text
--   $3 session_id  text
--   $4 as_of       timestamptz   is_stale: whether a source is gone, expired or edited by then
WITH of_session AS (
    SELECT m.id, m.tenant_id::text AS tenant_id FROM memories m
    WHERE m.tenant_id = $1 AND m.layer IN ('episodic', 'em')
          AND maintenance.session_of(m.session_id, m.metadata) = $3 AND maintenance.project_of(m.project) = $2
),
named AS (
    SELECT l.derived_id
    FROM of_session s JOIN maintenance.lineage l ON l.tenant_id = s.tenant_id AND l.source_id = s.id
    WHERE l.task = 'summarization'
    UNION
    SELECT l.derived_id
    FROM of_session s JOIN maintenance.lineage l ON l.tenant_id = s.tenant_id AND l.derived_id = s.id
    WHERE l.task = 'summarization'
)
SELECT m.id, m.content, m.metadata::text AS metadata, maintenance.info_class_of(m.tenant_id, m.id) AS info_class,
       EXISTS (
           SELECT FROM maintenance.stale_sources(m.tenant_id, 'summarization', $4) s WHERE s.derived_id = m.id
       ) AS is_stale
FROM named n JOIN memories m ON m.id = n.derived_id
WHERE m.tenant_id = $1
ORDER BY m.created_at DESC, m.id DESC
"""

SUMMARIES: Final = "-- summarization.SUMMARIES" + _SUMMARIES
SUMMARIES_FOR_UPDATE: Final = "-- summarization.SUMMARIES_FOR_UPDATE" + _SUMMARIES + "FOR UPDATE OF m"

STALE_SESSIONS: Final = """
-- summarization.STALE_SESSIONS: a tenant's sessions with a stale summary that was not edited.
--   $1 tenant_id  its own type
--   $2 as_of      timestamptz
SELECT DISTINCT maintenance.project_of(d.project) AS project,
       maintenance.session_of(d.session_id, d.metadata) AS session_id
FROM maintenance.stale_sources($1, 'summarization', $2) s JOIN memories d ON d.tenant_id = $1 AND d.id = s.derived_id
WHERE maintenance.written_by(d.content, d.metadata) IS NOT NULL
ORDER BY project, session_id
"""

COVERED_ELSEWHERE: Final = """
-- summarization.COVERED_ELSEWHERE: whether one of these events is in another summary by now.
--   $1 tenant_id   text
--   $2 event_ids   uuid[]
--   $3 summary_id  uuid     NULL: in any
SELECT EXISTS (
    SELECT FROM maintenance.lineage
    WHERE tenant_id = $1 AND source_id = ANY ($2) AND task = 'summarization' AND derived_id IS DISTINCT FROM $3
)
"""

UNCOVER: Final = """
-- summarization.UNCOVER: these events are in no summary any more: the new text does without them. Earlier texts that
-- may repeat them go.
--   $1 tenant_id  text
--   $2 event_ids  uuid[]
WITH uncovered AS (
    DELETE FROM maintenance.lineage WHERE tenant_id = $1 AND source_id = ANY ($2) AND task = 'summarization'
    RETURNING derived_id
),
texts AS (
    UPDATE maintenance.changes SET before = NULL, after = NULL
    WHERE tenant_id = $1 AND memory_id IN (SELECT derived_id FROM uncovered) AND kind = 'rewritten'
)
SELECT EXISTS (SELECT FROM uncovered)
"""

RECORD: Final = """
-- summarization.RECORD: a summary as callers get it.
--   $1 id         uuid
--   $2 tenant_id  its own type
SELECT id::text AS id, tenant_id::text AS tenant_id, project, session_id, content, layer, source, tags,
       importance::float8, metadata::text AS metadata, created_at
FROM memories WHERE id = $1 AND tenant_id = $2
"""
