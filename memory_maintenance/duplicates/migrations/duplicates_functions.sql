-- A text without its case and its kind of white space, in eight bytes; the index of texts repeats this.
CREATE OR REPLACE FUNCTION maintenance.text_key(content text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(lower(btrim(regexp_replace(content, '\s+', ' ', 'g'))), 0);

-- Whether a memory may be folded: an agent wrote it, whole, and nothing has demoted it yet.
CREATE OR REPLACE FUNCTION maintenance.is_foldable(source text, tags text[], metadata jsonb, demotion double precision)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(split_part(source, ' ', 1) NOT IN ('summarization_worker', 'reflection_engine_v2'), true)
   AND NOT coalesce(tags && ARRAY['session_summary', 'operational', 'non_retrievable'], false)
   AND coalesce(metadata->>'is_operational', '') <> 'true'
   AND coalesce(metadata->>'is_chunk', '') <> 'true'
   AND demotion IS NULL;
