-- Days that a memory with such tags is kept: the longest of theirs. Called only where one of the tags has days.
CREATE OR REPLACE FUNCTION maintenance.days_of_tags(tags text[], days jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT max(t.value::integer) FROM jsonb_each_text(days) AS t WHERE t.key = ANY (tags));

-- Why a memory falls out by a tenant's rule; NULL: it stays. expiry/policy.py says the same in Python, and a test holds the
-- two together. The file's name is behind those of the functions that this one calls.
--   rule  {"expired_before": time, "created_before": time, "protected": [tag], "tags": {tag: days},
--          "layers": {spelling: days}, "days": days}; a time that is null takes nothing away
-- created_before is that of the shortest retention: most rows are decided by a comparison. It is one expression without a
-- subquery, which Postgres writes out inside the statement: called as a function it took 40 times as long.
-- A time that is the zero of a clock is unknown, and takes nothing away. What maintenance derived follows its sources:
-- only its own expires_at ends it.
CREATE OR REPLACE FUNCTION maintenance.falls_out(
    expires_at timestamptz, created_at timestamptz, layer text, tags text[], source text, as_of timestamptz, rule jsonb
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN maintenance.known_time(expires_at) <= (rule->>'expired_before')::timestamptz
         AND NOT coalesce(rule->'protected' ?| tags, false)
    THEN 'expired'
    WHEN maintenance.known_time(created_at) < (rule->>'created_before')::timestamptz
         AND NOT coalesce(maintenance.is_ours(source), false)
         AND NOT coalesce(rule->'protected' ?| tags, false)
         AND created_at < as_of - make_interval(hours => 24 * CASE
             WHEN rule->'tags' ?| tags THEN maintenance.days_of_tags(tags, rule->'tags')
             ELSE coalesce(rule->'layers'->>layer, rule->>'days')::integer
         END)
    THEN 'retention'
END;
