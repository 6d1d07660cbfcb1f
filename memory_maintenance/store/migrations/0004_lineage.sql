-- What every derived memory was made from: one table in place of covered_events and of the ids in reflections' metadata.
-- Of memories nothing is rewritten, and nothing locked: old metadata stays as it is.

LOCK TABLE maintenance.covered_events IN EXCLUSIVE MODE;

CREATE TABLE maintenance.lineage (
    tenant_id   text NOT NULL,
    derived_id  uuid NOT NULL,
    source_id   uuid NOT NULL,      -- may be gone by now; derived_id itself: what it was made from is not known
    task        text NOT NULL,
    subject     text,               -- what it is about: a session's id, a project's name
    source_hash bytea,              -- of the source's text as it was read; NULL: before this table
    derived_at  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, derived_at)
SELECT c.tenant_id, c.summary_id, c.event_id, 'summarization', coalesce(nullif(s.session_id, ''), s.metadata->>'session_id'),
       coalesce(s.created_at, now())
FROM maintenance.covered_events c LEFT JOIN memories s ON s.id = c.summary_id AND s.tenant_id::text = c.tenant_id;

-- Dreams name memories. Others that used the library may have named anything: what of it is a memory counts.
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, derived_at)
SELECT DISTINCT r.tenant_id::text, r.id, named.source_id, 'dreaming', coalesce(r.project, 'default'),
       coalesce(r.created_at, now())
FROM memories r
     CROSS JOIN LATERAL jsonb_array_elements_text(
         CASE WHEN jsonb_typeof(r.metadata->'source_ids') = 'array' THEN r.metadata->'source_ids' ELSE '[]' END
     ) AS source (said)
     CROSS JOIN LATERAL (
         SELECT CASE WHEN said ~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' THEN said::uuid END AS source_id
     ) AS named
WHERE r.source = 'reflection_engine_v2' AND named.source_id IS NOT NULL
      AND (r.metadata ? 'cycle_id'
           OR EXISTS (SELECT FROM memories m WHERE m.id = named.source_id AND m.tenant_id = r.tenant_id));

-- Summaries and reflections of ours whose sources nobody knows any more, as after the loss of this schema.
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, derived_at)
SELECT m.tenant_id::text, m.id, m.id,
       CASE m.source WHEN 'summarization_worker' THEN 'summarization' ELSE 'dreaming' END,
       CASE m.source WHEN 'summarization_worker'
           THEN coalesce(nullif(m.session_id, ''), m.metadata->>'session_id') ELSE coalesce(m.project, 'default')
       END,
       coalesce(m.created_at, now())
FROM memories m
WHERE m.source IN ('summarization_worker', 'reflection_engine_v2') AND m.metadata ? 'text_sha256'
      AND NOT EXISTS (
          SELECT FROM maintenance.lineage l WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id
      );

ALTER TABLE maintenance.lineage ADD PRIMARY KEY (tenant_id, derived_id, source_id);
-- Which events are in a summary: each in one. Planning asks nothing but this index.
CREATE UNIQUE INDEX lineage_summarized_idx ON maintenance.lineage (tenant_id, source_id) WHERE task = 'summarization';
CREATE INDEX lineage_source_idx ON maintenance.lineage (tenant_id, source_id) WHERE task <> 'summarization';

DROP TABLE maintenance.covered_events;
