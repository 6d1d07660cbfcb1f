-- Whether another memory may replace this one: an agent wrote it, whole, and nothing has demoted it yet.
CREATE OR REPLACE FUNCTION maintenance.is_foldable(source text, tags text[], metadata jsonb, demotion double precision)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(split_part(source, ' ', 1) NOT IN ('summarization_worker', 'reflection_engine_v2'), true)
   AND NOT coalesce(tags && ARRAY['session_summary', 'operational', 'non_retrievable'], false)
   AND coalesce(metadata->>'is_operational', '') <> 'true'
   AND coalesce(metadata->>'is_chunk', '') <> 'true'
   AND demotion IS NULL;
