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
--   $5 summary_id  uuid
--   $6 most_characters  integer   of a longer content both ends are read
WITH told AS (
    SELECT max(m.created_at) AS until
    FROM memories m
    WHERE m.tenant_id = $1 AND m.layer IN ('episodic', 'em') AND maintenance.project_of(m.project) = $2
          AND maintenance.session_of(m.session_id, m.metadata) = $3
          AND 'session_summary' = ANY (m.tags) AND m.metadata->>'text_sha256' IS NULL
          AND m.created_at <= (SELECT coalesce(adopted_at, $4::timestamptz) FROM maintenance.store)
)
SELECT m.id, m.tenant_id::text AS tenant_id, m.project, $3::text AS session_id, m.layer, m.source, m.tags, m.created_at,
       maintenance.ends_of(m.content, $6) AS content,
       maintenance.undecayed(m.importance, m.decayed_importance, m.base_importance) AS importance,
       c.event_id IS NULL AS is_new
FROM memories m
     CROSS JOIN told
     LEFT JOIN maintenance.covered_events c ON c.tenant_id = m.tenant_id::text AND c.event_id = m.id
WHERE m.tenant_id = $1 AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata) AND isfinite(m.created_at)
      AND (m.created_at <= $4 OR c.summary_id = $5)  -- a later cycle may have covered more than this one looks at
      AND maintenance.project_of(m.project) = $2
      AND maintenance.session_of(m.session_id, m.metadata) = $3
      AND (c.summary_id = $5 OR (c.summary_id IS NULL AND (told.until IS NULL OR m.created_at > told.until)))
      AND NOT EXISTS (SELECT 1 FROM maintenance.set_aside_memories x WHERE x.memory_id = m.id AND x.kind = 'memory')
ORDER BY m.created_at, m.id
"""

STORED: Final = """
-- summarization.STORED: a summary as it stands, for its session's next one.
--   $1 id  uuid
SELECT content, metadata::text AS metadata FROM memories WHERE id = $1
"""

STORED_FOR_UPDATE: Final = STORED + "FOR UPDATE"

ANY_COVERED: Final = """
-- summarization.ANY_COVERED: whether somebody has summarized one of these events meanwhile.
--   $1 tenant_id  text
--   $2 event_ids  uuid[]
SELECT EXISTS (SELECT 1 FROM maintenance.covered_events WHERE tenant_id = $1 AND event_id = ANY ($2))
"""

COVER: Final = """
-- summarization.COVER: these events are in this summary.
--   $1 tenant_id   text
--   $2 event_ids   uuid[]
--   $3 summary_id  uuid
INSERT INTO maintenance.covered_events (tenant_id, event_id, summary_id)
SELECT $1, event_id, $3 FROM unnest($2::uuid[]) AS event_id
ON CONFLICT (tenant_id, event_id) DO NOTHING
"""

UNCOVER: Final = """
-- summarization.UNCOVER: these events are in no summary any more: the new text does without them.
--   $1 tenant_id  text
--   $2 event_ids  uuid[]
DELETE FROM maintenance.covered_events WHERE tenant_id = $1 AND event_id = ANY ($2::uuid[])
"""

RECORD: Final = """
-- summarization.RECORD: a summary as callers get it.
--   $1 id  uuid
SELECT id::text AS id, tenant_id::text AS tenant_id, project, session_id, content, layer, source, tags,
       importance, metadata::text AS metadata, created_at
FROM memories WHERE id = $1
"""

SESSION_EXISTS: Final = """
-- summarization.SESSION_EXISTS: whether an event of this session was ever written.
--   $1 tenant_id (its own type), $2 project, $3 session_id
SELECT EXISTS (
    SELECT 1 FROM memories m
    WHERE m.tenant_id = $1 AND m.layer IN ('episodic', 'em') AND maintenance.project_of(m.project) = $2
          AND maintenance.session_of(m.session_id, m.metadata) = $3
)
"""
