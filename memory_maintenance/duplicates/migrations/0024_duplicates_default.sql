-- Whether memories with the same text are folded in this store, where no setting says so: only in one that begins empty.
-- Where agents have written already, an upgrade or a first migration changes no memory without being asked.
ALTER TABLE maintenance.store ADD COLUMN duplicates text NOT NULL DEFAULT 'apply'
    CHECK (duplicates IN ('off', 'propose', 'apply'));

UPDATE maintenance.store SET duplicates = 'off'
WHERE EXISTS (SELECT FROM memories) OR EXISTS (SELECT FROM maintenance.tenants);
