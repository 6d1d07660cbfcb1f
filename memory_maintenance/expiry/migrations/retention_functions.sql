-- Why a memory falls out by a tenant's rule; NULL: it stays. expiry/policy.py says the same in Python, and a test holds the
-- two together. The file's name is behind those of the functions that this one calls.
--   rule  {"expired_before": time, "protected": [tag], "tags": {tag: days}, "layers": {spelling: days}, "days": days}
-- A time that is the zero of a clock is unknown, and takes nothing away. What maintenance derived follows its sources:
-- only its own expires_at ends it.
CREATE OR REPLACE FUNCTION maintenance.falls_out(
    expires_at timestamptz, created_at timestamptz, layer text, tags text[], source text, as_of timestamptz, rule jsonb
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(rule->'protected' ?| tags, false) THEN NULL
    WHEN maintenance.known_time(expires_at) <= (rule->>'expired_before')::timestamptz THEN 'expired'
    WHEN NOT coalesce(maintenance.is_ours(source), false)
         AND maintenance.known_time(created_at) < as_of - make_interval(hours => 24 * coalesce(
             (SELECT max(t.value::integer) FROM jsonb_each_text(rule->'tags') AS t WHERE t.key = ANY (tags)),
             (rule->'layers'->>layer)::integer,
             (rule->>'days')::integer
         ))
    THEN 'retention'
END;
