-- Each covered event gets its tenant, so that a tenant's are found in one index; those that are no more are forgotten.

ALTER TABLE maintenance.covered_events RENAME TO covered_events_by_id;
ALTER INDEX maintenance.covered_events_pkey RENAME TO covered_events_by_id_pkey;
ALTER INDEX maintenance.covered_events_summary_idx RENAME TO covered_events_by_id_summary_idx;

CREATE TABLE maintenance.covered_events (
    tenant_id  text NOT NULL,
    event_id   uuid NOT NULL,
    summary_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);

INSERT INTO maintenance.covered_events (tenant_id, event_id, summary_id)
SELECT m.tenant_id::text, c.event_id, c.summary_id
FROM maintenance.covered_events_by_id c JOIN memories m ON m.id = c.event_id
ORDER BY 1, 2;
CREATE INDEX covered_events_summary_idx ON maintenance.covered_events (summary_id);
DROP TABLE maintenance.covered_events_by_id;
