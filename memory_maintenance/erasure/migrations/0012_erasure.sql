-- Orders to forget. What was asked for, and the strings that are searched for at the end, are kept until the order is done.

CREATE TABLE maintenance.erasure_orders (
    order_id      uuid PRIMARY KEY,
    selected_by   text NOT NULL,            -- ids, tenant, session, subject, pattern, repair
    selector      jsonb,                    -- NULL once it is done
    strings       jsonb,                    -- NULL once it is done
    salt          bytea NOT NULL,
    subject_hash  text,                     -- SHA-256 of the salt and the subject, in hex
    ordered_by    text,
    reason        text,
    ordered_at    timestamptz NOT NULL DEFAULT now(),
    steps_done    integer NOT NULL DEFAULT 0,
    counts        jsonb NOT NULL DEFAULT '{}',
    completed_at  timestamptz,
    certificate   jsonb
);
CREATE INDEX erasure_orders_open_idx ON maintenance.erasure_orders (ordered_at) WHERE completed_at IS NULL;

CREATE TABLE maintenance.erasure_targets (
    order_id   uuid NOT NULL REFERENCES maintenance.erasure_orders,
    tenant_id  text NOT NULL,
    memory_id  uuid NOT NULL,
    role       text NOT NULL CHECK (role IN ('memory', 'derived')),   -- to be deleted; made from what is deleted
    PRIMARY KEY (order_id, tenant_id, memory_id)
);
