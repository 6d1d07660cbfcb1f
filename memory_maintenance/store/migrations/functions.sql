-- What statements say again and again, once. Most are an expression of plain values: the planner writes it out in place,
-- so that indexes on memories serve as if it stood there, and no column of memories depends on it.

-- Which session a memory is of. Older rows have it in the metadata alone; the index of sessions repeats this.
CREATE OR REPLACE FUNCTION maintenance.session_of(session_id text, metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(session_id, ''), metadata->>'session_id');

CREATE OR REPLACE FUNCTION maintenance.project_of(project text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(project, 'default');

-- Whether an agent wrote it as what happened: not a summary or a reflection, whoever wrote it (RAE's engine puts the
-- part of the text behind the source, as in "summarization_worker [p1/1]"), and not RAE's own bookkeeping.
-- The index of events repeats this. Whether it has expired by now is another question: is_live.
CREATE OR REPLACE FUNCTION maintenance.is_event(layer text, source text, tags text[], metadata jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN layer IN ('episodic', 'em')
   AND coalesce(split_part(source, ' ', 1) NOT IN ('summarization_worker', 'reflection_engine_v2'), true)
   AND NOT coalesce(tags && ARRAY['session_summary', 'operational', 'non_retrievable'], false)
   AND coalesce(metadata->>'is_operational', '') <> 'true';

CREATE OR REPLACE FUNCTION maintenance.is_live(expires_at timestamptz, as_of timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(expires_at > as_of, true);

-- RAE's engine stores a long text in parts, each a memory: which text it is of, and which part of it. A memory that is no
-- such part is the first part of itself. As an event counts the first part.
CREATE OR REPLACE FUNCTION maintenance.text_of(id uuid, metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(CASE WHEN metadata->>'is_chunk' = 'true' THEN nullif(metadata->>'parent_id', '') END, id::text);

CREATE OR REPLACE FUNCTION maintenance.part_of(metadata jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN metadata->>'is_chunk' = 'true' AND metadata->>'parent_id' <> '' AND metadata->>'chunk_index' ~ '^[0-9]{1,6}$'
    THEN (metadata->>'chunk_index')::integer ELSE 0
END;

-- Whether maintenance wrote it.
CREATE OR REPLACE FUNCTION maintenance.is_ours(source text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN source IN ('summarization_worker', 'reflection_engine_v2');

-- Whether maintenance wrote it, and it says something that a search by vector should find.
CREATE OR REPLACE FUNCTION maintenance.is_searchable(source text, content text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN source IN ('summarization_worker', 'reflection_engine_v2') AND content ~ '\S';

-- A stored importance as a number in [0, 1]. Nothing, and what is no number, counts as 0.5.
CREATE OR REPLACE FUNCTION maintenance.known_importance(importance double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(greatest(coalesce(nullif(importance, 'NaN'), 0.5), 0), 1);

-- Importance as the agent set it: the base where the stored value is the one that decay wrote.
CREATE OR REPLACE FUNCTION maintenance.undecayed(
    importance double precision, decayed_importance double precision, base_importance double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN maintenance.known_importance(
    CASE WHEN importance IS NOT DISTINCT FROM decayed_importance THEN base_importance ELSE importance END
);

-- A memory's information class in lower case. A store without the column may have it in the metadata, where an import
-- puts it; a memory without any is internal, as RAE says.
CREATE OR REPLACE FUNCTION maintenance.class_of(info_class text, metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(coalesce(info_class, metadata->>'info_class', 'internal'));

-- RAE's order of classes. A class that RAE does not know counts as restricted.
CREATE OR REPLACE FUNCTION maintenance.class_rank(class text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE class WHEN 'public' THEN 1 WHEN 'internal' THEN 2 WHEN 'confidential' THEN 3 ELSE 4 END;

-- Whether a list of classes, a JSON array, excludes a class: by its name, or as one that counts as restricted.
CREATE OR REPLACE FUNCTION maintenance.is_excluded(class text, excluded jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(excluded ? class OR (excluded ? 'restricted' AND maintenance.class_rank(class) = 4), false);

-- The SHA-256 of a text in hex, as Python computes it of UTF-8.
CREATE OR REPLACE FUNCTION maintenance.text_hash(content text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN encode(sha256(convert_to(content, 'UTF8')), 'hex');

-- As what a summary stands that nobody has edited: 'fallback' where a better text is wanted, else who wrote it. A fallback
-- in place of a refused text of the extractive writer is 'extractive': the same events would give it the same text again,
-- while a model may better it.
CREATE OR REPLACE FUNCTION maintenance.written_by(content text, metadata jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN encode(sha256(convert_to(content, 'UTF8')), 'hex') = metadata->>'text_sha256'
    THEN CASE
        WHEN metadata->>'refused' IS NOT NULL THEN 'extractive'
        WHEN metadata->>'fallback' = 'true' THEN 'fallback'
        ELSE metadata->>'backend'
    END
END;

-- A text in eight bytes, to tell whether it was edited.
CREATE OR REPLACE FUNCTION maintenance.fingerprint(content text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN substring(sha256(convert_to(content, 'UTF8')) FROM 1 FOR 8);

-- The two ends of a text that is longer than so many characters.
CREATE OR REPLACE FUNCTION maintenance.ends_of(content text, most integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(content) <= most THEN content
    ELSE left(content, most / 2) || E'\n' || right(content, most / 2)
END;

-- What a setting is for a tenant: its override, which may let in as well as leave out, else the deployment's. As JSON:
-- what somebody wrote into one tenant's overrides by hand must not fail the page. Equal numbers are equal.
CREATE OR REPLACE FUNCTION maintenance.setting(overrides jsonb, name text, deployment jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(overrides->name, 'null'), deployment);

-- How old the last event of a session, or of a tenant that is to dream, must be: the tenant's override, else the
-- deployment's. What is no number does not count, and nothing is longer than a day.
CREATE OR REPLACE FUNCTION maintenance.idle_gate(overrides jsonb, deployment interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(overrides->'idle_gate_minutes') = 'number'
        THEN make_interval(mins => greatest(least((overrides->>'idle_gate_minutes')::numeric, 1440), 0)::integer)
    ELSE deployment
END;

-- Whether a tenant with such a row is paused; a pause whose end has come is over.
CREATE OR REPLACE FUNCTION maintenance.is_paused(paused boolean, paused_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(paused AND coalesce(paused_until > now(), true), false);

-- The functions that follow read memories. Their text is read at each call, so that its columns may change.

-- RAE's table has had info_class since January 2026. Where the name is no column of the inner query, Postgres finds it in
-- the outer one ("absent"), so one text serves every store, also one that gets the column later.
CREATE OR REPLACE FUNCTION maintenance.info_class_of(tenant memories.tenant_id%TYPE, memory uuid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT found.class
FROM (SELECT NULL::text AS info_class) AS absent
     CROSS JOIN LATERAL (
         SELECT maintenance.class_of(info_class, m.metadata) AS class FROM memories m
         WHERE m.tenant_id = tenant AND m.id = memory
     ) AS found
$$;

-- An older session_rows returns no info_class, and CREATE OR REPLACE cannot add a column.
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_proc WHERE pronamespace = 'maintenance'::regnamespace AND proname = 'session_rows'
                                  AND NOT 'info_class' = ANY (proargnames)
    ) THEN
        DROP FUNCTION maintenance.session_rows;
    END IF;
END $$;

-- The rows of a session, in every project that has one of this name. Of kind 'event', a summary of 'ours', which lineage
-- names, or of 'theirs': RAE's, which covers what came before it. NULL: something else, which counts for nothing.
CREATE OR REPLACE FUNCTION maintenance.session_rows(tenant memories.tenant_id%TYPE, session text)
RETURNS TABLE (
    id uuid, project text, created_at timestamptz, expires_at timestamptz, part integer, kind text, written text,
    info_class text
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT found.*
FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT m.id, maintenance.project_of(m.project), m.created_at, m.expires_at, maintenance.part_of(m.metadata),
           CASE
               WHEN maintenance.is_event(m.layer, m.source, m.tags, m.metadata) THEN
                   CASE WHEN isfinite(m.created_at) THEN 'event' END
               WHEN 'session_summary' = ANY (m.tags) THEN
                   CASE
                       -- One look-up for each summary: EXISTS might read all of the table at once.
                       WHEN (
                           SELECT true FROM maintenance.lineage l
                           WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id AND l.task = 'summarization' LIMIT 1
                       ) THEN 'ours'
                       WHEN m.metadata->>'text_sha256' IS NULL THEN 'theirs'
                   END
           END,
           CASE WHEN 'session_summary' = ANY (m.tags) THEN maintenance.written_by(m.content, m.metadata) END,
           maintenance.class_of(info_class, m.metadata)
    FROM memories m
    WHERE m.tenant_id = tenant AND m.layer IN ('episodic', 'em')
          AND maintenance.session_of(m.session_id, m.metadata) = session
    OFFSET 0  -- by the index of sessions, and no more of the table: else Postgres may scan all of it
) AS found
$$;

-- When the store was adopted; before its first run, when a run as of this instant would adopt it.
CREATE OR REPLACE FUNCTION maintenance.adoption(as_of timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT coalesce(adopted_at, greatest(as_of, coalesce(earliest_adoption, now() - interval '1 day')))
FROM maintenance.store
$$;

-- The tenants that have memories, in order, from the one behind "after" on: a loose index scan, one look-up a tenant
-- whatever it holds.
CREATE OR REPLACE FUNCTION maintenance.tenant_ids(
    after memories.tenant_id%TYPE DEFAULT NULL, how_many bigint DEFAULT NULL
) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
WITH RECURSIVE found AS (
    SELECT first.tenant_id, 1 AS n
    FROM (
        (SELECT tenant_id FROM memories WHERE after IS NULL AND tenant_id IS NOT NULL ORDER BY tenant_id LIMIT 1)
        UNION ALL
        (SELECT tenant_id FROM memories WHERE tenant_id > after ORDER BY tenant_id LIMIT 1)
    ) first
    UNION ALL
    SELECT next.tenant_id, f.n + 1
    FROM found f
         CROSS JOIN LATERAL (
             SELECT m.tenant_id FROM memories m WHERE m.tenant_id > f.tenant_id ORDER BY m.tenant_id LIMIT 1
         ) next
    WHERE how_many IS NULL OR f.n < how_many
)
SELECT tenant_id::text FROM found
$$;

-- The derived memories of a tenant's task that no longer agree with their sources, once for each such source: it is gone,
-- it has expired, or it says something else than when it was read. This is the one place that says what "gone" means:
-- what retention or a budget took away is retired, not gone, and the text that was made from it stays.
CREATE OR REPLACE FUNCTION maintenance.stale_sources(tenant memories.tenant_id%TYPE, of_task text, as_of timestamptz)
RETURNS TABLE (derived_id uuid, source_id uuid, reason text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT l.derived_id, l.source_id,
       CASE WHEN s.id IS NULL THEN 'gone' WHEN NOT maintenance.is_live(s.expires_at, as_of) THEN 'expired' ELSE 'edited' END
FROM maintenance.lineage l
     LEFT JOIN memories s ON s.tenant_id = tenant AND s.id = l.source_id
WHERE l.tenant_id = tenant::text AND l.task = of_task AND l.source_id <> l.derived_id
      AND (s.id IS NULL AND NOT l.retired OR NOT maintenance.is_live(s.expires_at, as_of)
           OR maintenance.fingerprint(s.content) <> l.source_hash)
UNION ALL
SELECT r.derived_id, r.read_id, CASE WHEN s.id IS NULL THEN 'gone' ELSE 'expired' END
FROM maintenance.lineage_read r
     LEFT JOIN memories s ON s.tenant_id = tenant AND s.id = r.read_id
WHERE r.tenant_id = tenant::text AND of_task = 'dreaming'
      AND (s.id IS NULL AND NOT r.retired OR NOT maintenance.is_live(s.expires_at, as_of))
$$;
