-- Orders about the Schedules, too: they have no tenant, and actions of their own.

ALTER TABLE maintenance.orders
    ALTER COLUMN tenant_id DROP NOT NULL,
    DROP CONSTRAINT orders_action_check,
    ADD CONSTRAINT orders_action_check CHECK (action IN (
        'pause', 'resume', 'cancel', 'set', 'unset', 'restore', 'trigger', 'backfill', 'delete'));
