-- When a run of each kind was last completed for a tenant, and which later ones were not. It follows from tenant_runs, of
-- which a fleet has hundreds of thousands a month: asking all of them takes as long as a page may take in all. A trigger
-- keeps it, so that it also follows what an older version records.
CREATE TABLE maintenance.tenant_successes (
    tenant_id    text NOT NULL,
    kind         text NOT NULL,
    succeeded_at timestamptz,            -- when the newest completed run started; NULL: none was completed
    missed       timestamptz[] NOT NULL, -- when later runs started that had work for the tenant and were not completed
    PRIMARY KEY (tenant_id, kind)
) WITH (fillfactor = 80);

-- Each once, the newest thousand.
CREATE FUNCTION maintenance.missed_since(runs timestamptz[], succeeded_at timestamptz) RETURNS timestamptz[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT DISTINCT run FROM unnest(runs) AS run WHERE run > succeeded_at OR succeeded_at IS NULL
    ORDER BY run DESC LIMIT 1000
);

-- A daily run counts where it did every task, but for those that do nothing until a setting says what. What begins in the
-- future was recorded by a wrong clock: when it was is unknown.
CREATE FUNCTION maintenance.is_usual_run(kind text, config jsonb, started_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN started_at <= now()
   AND (kind <> 'daily' OR config->'tasks' IS NULL OR config->'tasks' @> '["decay", "summarization", "dreaming"]');

-- Sets only: what is recorded twice, late or out of order comes to the same.
-- It has the rights of its owner: who may record runs need have none on a table that an upgrade has just made.
CREATE FUNCTION maintenance.count_successes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO maintenance.tenant_successes AS s (tenant_id, kind, succeeded_at, missed)
    SELECT tenant_id, kind, at, maintenance.missed_since(others, at)
    FROM (
        SELECT a.tenant_id, c.kind, max(c.started_at) FILTER (WHERE a.status = 'completed') AS at,
               array_agg(c.started_at) FILTER (WHERE a.status <> 'completed') AS others
        FROM added a JOIN maintenance.cycles c USING (cycle_id)
        WHERE maintenance.is_usual_run(c.kind, c.config, c.started_at)
        GROUP BY a.tenant_id, c.kind
    ) AS recorded
    ORDER BY tenant_id, kind  -- two cycles that record the same tenants never wait for each other in a circle
    ON CONFLICT (tenant_id, kind) DO UPDATE
    SET succeeded_at = greatest(s.succeeded_at, excluded.succeeded_at),
        missed = maintenance.missed_since(
            s.missed || excluded.missed, greatest(s.succeeded_at, excluded.succeeded_at)
        );
    RETURN NULL;
END
$$;

CREATE TRIGGER tenant_runs_successes AFTER INSERT ON maintenance.tenant_runs
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION maintenance.count_successes();

INSERT INTO maintenance.tenant_successes (tenant_id, kind, succeeded_at, missed)
SELECT tenant_id, kind, at, maintenance.missed_since(others, at)
FROM (
    SELECT r.tenant_id, c.kind, max(c.started_at) FILTER (WHERE r.status = 'completed') AS at,
           array_agg(c.started_at) FILTER (WHERE r.status <> 'completed') AS others
    FROM maintenance.tenant_runs r JOIN maintenance.cycles c USING (cycle_id)
    WHERE maintenance.is_usual_run(c.kind, c.config, c.started_at)
    GROUP BY r.tenant_id, c.kind
) AS recorded;
