-- Until when a cycle that runs without Temporal is alive for certain: its process renews it. NULL: a workflow's.
ALTER TABLE maintenance.cycles ADD COLUMN lease_until timestamptz;
