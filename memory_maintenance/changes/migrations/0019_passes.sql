-- How far a task has compared a tenant's memories with older ones, by the time of their creation: one table for all
-- tasks that compare.
CREATE TABLE maintenance.passes (
    tenant_id      text,
    task           text,
    examined_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, task)
);
INSERT INTO maintenance.passes (tenant_id, task, examined_until)
SELECT tenant_id, 'duplicates', examined_until FROM maintenance.duplicates_passes
UNION ALL
SELECT tenant_id, 'supersession', examined_until FROM maintenance.supersession_passes;
DROP TABLE maintenance.duplicates_passes, maintenance.supersession_passes;
