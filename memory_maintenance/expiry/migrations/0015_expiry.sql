-- What left memories by expiry: an audit row for each batch, and the rows themselves where they can come back.

-- Ids, numbers and words from closed sets, never text of a memory. Kept for good.
CREATE TABLE maintenance.expiry_batches (
    batch_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id      text NOT NULL,
    action         text NOT NULL CHECK (action IN ('archived', 'deleted', 'purged', 'restored')),
    reasons        jsonb NOT NULL DEFAULT '{}',    -- memories by why they fell out: expired, retention, budget
    memories       uuid[] NOT NULL,
    only_source_of uuid[] NOT NULL DEFAULT '{}',   -- derived memories that stay, and lost their last source
    cycle_id       uuid,                           -- NULL: an operator's order
    as_of          timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    ordered_by     text,
    order_reason   text
);
CREATE INDEX expiry_batches_tenant_idx ON maintenance.expiry_batches (tenant_id, batch_id);
CREATE INDEX expiry_batches_cycle_idx ON maintenance.expiry_batches (cycle_id, tenant_id) WHERE cycle_id IS NOT NULL;

CREATE TABLE maintenance.archive (
    tenant_id   text NOT NULL,
    memory_id   uuid NOT NULL,
    batch_id    bigint NOT NULL REFERENCES maintenance.expiry_batches,
    archived_at timestamptz NOT NULL DEFAULT now(),
    purge_after timestamptz,       -- NULL: kept until it is restored
    memory      jsonb NOT NULL,    -- each column as Postgres writes its value, so that every type comes back exactly
    attached    jsonb NOT NULL,    -- the same of rows that go with it, by table: memory_embeddings
    PRIMARY KEY (tenant_id, memory_id, batch_id)
);
CREATE INDEX archive_batch_idx ON maintenance.archive (batch_id);
CREATE INDEX archive_purge_idx ON maintenance.archive (tenant_id, purge_after) WHERE purge_after IS NOT NULL;

-- Memories that somebody brought back: no rule takes them again.
CREATE TABLE maintenance.unarchived (
    tenant_id   text NOT NULL,
    memory_id   uuid NOT NULL,
    restored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, memory_id)
);

-- What retention or a budget took away: what was made from it stays, while that of a deleted source is written again.
ALTER TABLE maintenance.lineage ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE maintenance.lineage_read ADD COLUMN retired boolean NOT NULL DEFAULT false;
