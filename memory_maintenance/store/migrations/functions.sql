-- What statements say again and again, once. Each but the last is one expression of plain values: the planner writes it
-- out in place, so that indexes on memories serve as if it stood there, and no column of memories depends on it.

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

-- Importance in [0, 1] as the agent set it: the base where the stored value is the one that decay wrote. Nothing, and
-- what is no number, counts as 0.5.
CREATE OR REPLACE FUNCTION maintenance.undecayed(
    importance double precision, decayed_importance double precision, base_importance double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(greatest(coalesce(nullif(
    CASE WHEN importance IS NOT DISTINCT FROM decayed_importance THEN base_importance ELSE importance END,
    'NaN'), 0.5), 0), 1);

-- The SHA-256 of a text in hex, as Python computes it of UTF-8.
CREATE OR REPLACE FUNCTION maintenance.text_hash(content text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN encode(sha256(convert_to(content, 'UTF8')), 'hex');

-- Who wrote a summary that nobody has edited: a backend, or 'fallback' where a better text is wanted.
CREATE OR REPLACE FUNCTION maintenance.written_by(content text, metadata jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN encode(sha256(convert_to(content, 'UTF8')), 'hex') = metadata->>'text_sha256'
    THEN CASE WHEN metadata->>'fallback' = 'true' THEN 'fallback' ELSE metadata->>'backend' END
END;

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

-- Whether a tenant with such a row is paused; a pause whose end has come is over.
CREATE OR REPLACE FUNCTION maintenance.is_paused(paused boolean, paused_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(paused AND coalesce(paused_until > now(), true), false);

-- The tenants that have memories, in order, from the one behind "after" on: a loose index scan, one look-up a tenant
-- whatever it holds. Its text is read at each call, so that memories may change its columns.
CREATE OR REPLACE FUNCTION maintenance.tenant_ids(
    after memories.tenant_id%TYPE DEFAULT NULL, how_many bigint DEFAULT NULL
) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
WITH RECURSIVE found AS (
    SELECT first.tenant_id, 1 AS n
    FROM (
        (SELECT tenant_id FROM memories WHERE after IS NULL ORDER BY tenant_id LIMIT 1)
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
