"""The SQL of dreams: what a project can dream about, and what was dreamt. What is due: ``due_statements.py``."""

from __future__ import annotations

from typing import Final

from memory_maintenance.store.statement import composed

_CANDIDATES_OF_PROJECT: Final = """
--   $1 tenant_id        its own type
--   $2 project          text
--   $3 as_of            timestamptz
--   $4 since            timestamptz
--   $5 min_importance   float8
--   $6 most_memories    integer
--   $7 most_characters  integer      of a longer content both ends are read
--   $8 excluded         text[]       classes that are not dreamt about
candidates AS MATERIALIZED (
    -- absent: a store without the column info_class has the name from here, as in maintenance.info_class_of.
    SELECT c.*
    FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
        SELECT m.id, m.created_at, maintenance.text_of(m.id, m.metadata) AS text,
               maintenance.part_of(m.metadata) AS part,
               maintenance.undecayed(
                   m.importance, m.decayed_importance, m.base_importance * coalesce(m.demotion, 1)
               ) AS importance,
               maintenance.class_of(info_class, m.metadata) AS class
        FROM memories m
        WHERE m.tenant_id = $1 AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
              AND maintenance.project_of(m.project) = $2
              AND m.created_at > $4::timestamptz AND m.created_at <= $3::timestamptz
              AND maintenance.is_live(m.expires_at, $3)
    ) c
    WHERE NOT maintenance.is_excluded(c.class, to_jsonb($8::text[]))
)"""

_FIRST_PARTS: Final = """
first_parts AS (  -- that may be chosen: a text by its first part
    SELECT c.* FROM candidates c
    WHERE c.part = 0 AND c.importance >= $5::float8
          AND NOT EXISTS (
              SELECT FROM maintenance.set_aside_memories x WHERE x.memory_id = c.id AND x.tenant_id = $1::text
          )
)"""

_ROWS_OF_CHOSEN: Final = """
SELECT m.id, m.tenant_id::text AS tenant_id, m.project, maintenance.session_of(m.session_id, m.metadata) AS session_id,
       m.layer, m.source, m.tags, m.created_at, maintenance.ends_of(m.content, $7) AS content,
       maintenance.fingerprint(m.content) AS hash, left(m.metadata->>'role', 20) AS role,
       c.importance, c.text, c.part, c.class AS info_class
FROM chosen s JOIN candidates c USING (text) JOIN memories m ON m.id = c.id AND m.tenant_id = $1
"""

SAMPLE: Final = composed(
    "dreaming.SAMPLE: the memories of one dream, the most important and then the latest first; all parts of a text.",
    _CANDIDATES_OF_PROJECT,
    _FIRST_PARTS,
    """
chosen AS (
    SELECT text, row_number() OVER (ORDER BY importance DESC, created_at DESC, id) AS place
    FROM first_parts
    ORDER BY place
    LIMIT $6
)""",
    result=_ROWS_OF_CHOSEN + "ORDER BY s.place, c.part",
)

EVIDENCE: Final = composed(
    "dreaming.EVIDENCE: what a project's themes may stand on: of every day of the window the most important first.",
    _CANDIDATES_OF_PROJECT,
    _FIRST_PARTS,
    """
placed AS (
    SELECT text, row_number() OVER (
               PARTITION BY (created_at AT TIME ZONE 'UTC')::date ORDER BY importance DESC, created_at DESC, id
           ) AS place, created_at
    FROM first_parts
)""",
    """
chosen AS (SELECT text FROM placed ORDER BY place, created_at DESC LIMIT $6)""",
    result=_ROWS_OF_CHOSEN + "ORDER BY m.created_at, m.id",
)

_REFLECTIONS: Final = """
-- A project's reflections, as lineage names them, on some of these memories or themes, with all that they stand on.
-- What a caller of the library stored has no cycle_id, and stays as it is.
--   $1 tenant_id   its own type
--   $2 tenant_id   text
--   $3 project     text
--   $4 source_ids  uuid[]
--   $5 subjects    text[]
WITH named AS (
    SELECT derived_id FROM maintenance.lineage
    WHERE tenant_id = $2 AND source_id = ANY ($4::uuid[]) AND task = 'dreaming' AND task <> 'summarization'
    UNION
    SELECT derived_id FROM maintenance.lineage
    WHERE tenant_id = $2 AND subject = ANY ($5::text[]) AND task = 'dreaming'
)
SELECT m.id, m.content, m.tags, m.metadata::text AS metadata, l.subject, l.sources
FROM named n JOIN memories m ON m.id = n.derived_id AND m.tenant_id = $1
     CROSS JOIN LATERAL (
         SELECT min(l.subject) AS subject,
                coalesce(array_agg(l.source_id) FILTER (WHERE l.source_id <> m.id), '{}') AS sources
         FROM maintenance.lineage l WHERE l.tenant_id = $2 AND l.derived_id = m.id
     ) l
WHERE maintenance.project_of(m.project) = $3 AND m.metadata ? 'cycle_id'
      AND NOT coalesce('strategy' = ANY (m.tags), false)
ORDER BY m.created_at, m.id
"""

REFLECTIONS: Final = "-- dreaming.REFLECTIONS" + _REFLECTIONS
REFLECTIONS_FOR_UPDATE: Final = "-- dreaming.REFLECTIONS_FOR_UPDATE" + _REFLECTIONS + "FOR UPDATE OF m"

STALE_PROJECTS: Final = """
-- dreaming.STALE_PROJECTS: a tenant's projects with a stale reflection that maintenance wrote and no one edited.
--   $1 tenant_id  its own type
--   $2 as_of      timestamptz
SELECT DISTINCT maintenance.project_of(d.project) AS project
FROM maintenance.stale_sources($1, 'dreaming', $2) s JOIN memories d ON d.tenant_id = $1 AND d.id = s.derived_id
WHERE d.metadata ? 'cycle_id' AND maintenance.text_hash(d.content) = d.metadata->>'text_sha256'
ORDER BY project
"""

STALE_REFLECTIONS: Final = """
-- dreaming.STALE_REFLECTIONS: which those of a project are, and strategies.
--   $1 tenant_id  its own type
--   $2 project    text
--   $3 as_of      timestamptz
SELECT d.id, d.metadata::text AS metadata, coalesce('strategy' = ANY (d.tags), false) AS is_strategy
FROM memories d
WHERE d.tenant_id = $1 AND maintenance.project_of(d.project) = $2 AND d.metadata ? 'cycle_id'
      AND d.id IN (SELECT s.derived_id FROM maintenance.stale_sources($1, 'dreaming', $3) s)
      AND maintenance.text_hash(d.content) = d.metadata->>'text_sha256'
ORDER BY d.id
"""

LEFT_SOURCES: Final = """
-- dreaming.LEFT_SOURCES: what is left of what the writer of a reflection read, oldest first.
--   $1 tenant_id        its own type
--   $2 derived_id       uuid
--   $3 as_of            timestamptz
--   $4 most_characters  integer      of a longer content both ends are read
--   $5 excluded         text[]       classes that are not dreamt about
SELECT m.id, m.tenant_id::text AS tenant_id, m.project, maintenance.session_of(m.session_id, m.metadata) AS session_id,
       m.layer, m.source, m.tags, m.created_at, maintenance.ends_of(m.content, $4) AS content,
       maintenance.fingerprint(m.content) AS hash,
       maintenance.undecayed(m.importance, m.decayed_importance, m.base_importance) AS importance,
       left(m.metadata->>'role', 20) AS role, maintenance.text_of(m.id, m.metadata) AS text,
       maintenance.part_of(m.metadata) AS part, maintenance.info_class_of(m.tenant_id, m.id) AS info_class
FROM memories m
WHERE m.tenant_id = $1
      AND m.id IN (
          SELECT l.source_id FROM maintenance.lineage l
          WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = $2 AND l.source_id <> l.derived_id
          UNION
          SELECT r.read_id FROM maintenance.lineage_read r
          WHERE r.tenant_id = m.tenant_id::text AND r.derived_id = $2
      )
      AND maintenance.is_live(m.expires_at, $3)
      AND NOT maintenance.is_excluded(maintenance.info_class_of(m.tenant_id, m.id), to_jsonb($5::text[]))
ORDER BY m.created_at, m.id
"""

TEXT_FOR_UPDATE: Final = """
-- dreaming.TEXT_FOR_UPDATE: what a memory says, and as which text maintenance wrote it.
--   $1 tenant_id  its own type
--   $2 id         uuid
SELECT content, metadata->>'text_sha256' AS text_sha256 FROM memories WHERE tenant_id = $1 AND id = $2 FOR UPDATE
"""

LAST_DREAM: Final = """
-- dreaming.LAST_DREAM: until when a project has dreamt, and of what.
--   $1 tenant_id text, $2 project text
SELECT dreamt_until, sample FROM maintenance.dreams WHERE tenant_id = $1 AND project = $2
"""

RECORD_DREAM: Final = """
-- dreaming.RECORD_DREAM: an older cycle that comes late does not move the end back.
--   $1 tenant_id text, $2 project text, $3 dreamt_until timestamptz, $4 sample uuid[]
INSERT INTO maintenance.dreams AS d (tenant_id, project, dreamt_until, sample) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, project) DO UPDATE
SET dreamt_until = greatest(d.dreamt_until, excluded.dreamt_until), sample = excluded.sample
"""

STORED: Final = """
-- dreaming.STORED: what is kept of a reflection that lineage names; anything else with its id is not one.
--   $1 tenant_id  its own type
--   $2 ids        uuid[]   that it may have
SELECT m.id, m.metadata::text AS metadata, count(*) FILTER (WHERE l.source_id <> m.id)::integer AS sources
FROM memories m JOIN maintenance.lineage l ON l.tenant_id = m.tenant_id::text AND l.derived_id = m.id
WHERE m.tenant_id = $1 AND m.id = ANY ($2) AND l.task = 'dreaming'
GROUP BY m.id, m.metadata
"""

OWN_SOURCES: Final = """
-- dreaming.OWN_SOURCES: which of these are memories of the tenant, and what they say now.
--   $1 tenant_id  its own type
--   $2 ids        uuid[]
SELECT id, maintenance.fingerprint(content) FROM memories WHERE tenant_id = $1 AND id = ANY ($2)
"""

SPELLING: Final = """
-- dreaming.SPELLING: how a tenant spells its layers now.
--   $1 tenant_id  its own type
SELECT m.layer FROM memories m
WHERE m.tenant_id = $1 AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata) AND m.created_at IS NOT NULL
ORDER BY m.created_at DESC LIMIT 1
"""

QUERY: Final = """
-- dreaming.QUERY: reflections and strategies of a project: by rank where words are given, else the latest first.
--   $1 tenant_id       its own type
--   $2 project         text
--   $3 words           text     NULL: no search; any of the words is enough
--   $4 min_importance  float8
--   $5 tags            text[]   NULL: any; else at least one of them
--   $6 limit           integer
-- Metadata has the sources as lineage has them, in order of time, unless the caller who stored it gave them names.
SELECT m.id::text AS id, m.content, m.importance::float8, coalesce(m.tags, '{}') AS tags, m.layer, m.source, m.project,
       coalesce(
           (
               SELECT jsonb_build_object('source_ids', jsonb_agg(l.source_id ORDER BY s.created_at, l.source_id))
               FROM maintenance.lineage l
                    LEFT JOIN memories s ON s.id = l.source_id AND s.tenant_id = m.tenant_id
               WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id AND l.task = 'dreaming'
                     AND l.source_id <> m.id
               HAVING count(*) > 0
           ) || m.metadata,
           m.metadata
       )::text AS metadata,
       m.created_at
FROM memories m
     CROSS JOIN (SELECT replace(plainto_tsquery('english', $3::text)::text, '&', '|')::tsquery AS wanted) q
WHERE m.tenant_id = $1 AND m.layer IN ('reflective', 'rm') AND maintenance.project_of(m.project) = $2
      AND m.importance >= $4::float8
      AND ($5::text[] IS NULL OR m.tags && $5)
      AND ($3 IS NULL OR to_tsvector('english', coalesce(m.content, '')) @@ q.wanted)
ORDER BY ts_rank(to_tsvector('english', coalesce(m.content, '')), q.wanted) DESC NULLS LAST, m.created_at DESC, m.id
LIMIT $6
"""
