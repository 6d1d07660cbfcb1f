-- What the preflight of each cycle found, and the shape of memories that later cycles compare with.

ALTER TABLE maintenance.cycles ADD COLUMN findings jsonb;
ALTER TABLE maintenance.store ADD COLUMN memories_shape jsonb;
