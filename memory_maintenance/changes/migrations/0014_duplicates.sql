-- How far a tenant's memories have been compared with each other, by the time of their creation.
CREATE TABLE maintenance.duplicates_passes (
    tenant_id      text PRIMARY KEY,
    examined_until timestamptz NOT NULL
);
