-- Whether memories with the same text are folded in this store, where no setting says so. A store that any version of
-- maintenance has worked on before (0005 set decay_retained to 0 by what it found in memories) stays as it is.
ALTER TABLE maintenance.store ADD COLUMN duplicates text NOT NULL DEFAULT 'apply'
    CHECK (duplicates IN ('off', 'propose', 'apply'));

UPDATE maintenance.store SET duplicates = 'off'
WHERE adopted_at IS NOT NULL OR decay_retained = 0
      OR EXISTS (SELECT FROM maintenance.cycles) OR EXISTS (SELECT FROM maintenance.tenants)
      OR EXISTS (SELECT FROM maintenance.lineage);
