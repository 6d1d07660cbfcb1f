-- How far a tenant's memories have been compared with older ones, by the time of their creation.
CREATE TABLE maintenance.supersession_passes (
    tenant_id      text PRIMARY KEY,
    examined_until timestamptz NOT NULL
);
