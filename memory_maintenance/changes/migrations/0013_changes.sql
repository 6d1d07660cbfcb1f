-- What tasks changed of memories that agents wrote, and what they propose to change: one row for each memory that another
-- one replaces. A row stays, whatever became of it: so nothing is proposed twice.
CREATE TABLE maintenance.changes (
    change_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id      text NOT NULL,
    task           text NOT NULL,
    kind           text NOT NULL,        -- exact, near: a duplicate; superseded: an older version
    memory_id      uuid NOT NULL,        -- the memory that is demoted
    evidence       uuid[] NOT NULL,      -- the memory that replaces it
    status         text NOT NULL CHECK (status IN ('proposed', 'rejected', 'applied', 'undone')),
    reason         text NOT NULL,        -- a word from a closed set
    demotion       double precision NOT NULL CHECK (demotion > 0 AND demotion <= 1),
    notes          jsonb NOT NULL,       -- what is written into the memory's metadata
    takes_use      boolean NOT NULL,     -- whether the other takes over its use count and latest access
    fingerprints   bytea[] NOT NULL,     -- of the two texts as they were judged
    before         jsonb,                -- by memory id: its columns before the change, and
    after          jsonb,                -- after it; NULL: not applied
    cycle_id       uuid,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    decided_by     text,                 -- who accepted, rejected or undid it
    decided_reason text,
    decided_at     timestamptz
);
CREATE UNIQUE INDEX changes_pair_idx ON maintenance.changes (tenant_id, memory_id, evidence);
CREATE INDEX changes_cycle_idx ON maintenance.changes (cycle_id);
CREATE INDEX changes_open_idx ON maintenance.changes (tenant_id, change_id) WHERE status = 'proposed';
