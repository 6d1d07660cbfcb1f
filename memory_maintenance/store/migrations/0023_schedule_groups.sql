-- Daily times that are not the deployment's and have a Schedule of their own: the daily Schedule leaves their tenants out.
CREATE TABLE maintenance.schedule_groups (
    schedule   text        PRIMARY KEY,  -- cron expression and time zone, as '0 3 * * * Europe/Warsaw'
    applied_at timestamptz NOT NULL DEFAULT now()
);
