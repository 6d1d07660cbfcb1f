-- What staged decay leaves for good in this store, where no setting says so. A store that has decayed keeps its numbers:
-- there, nothing stays until somebody asks for it. So does one whose schema maintenance was dropped since.
ALTER TABLE maintenance.store ADD COLUMN decay_retained double precision NOT NULL DEFAULT 0.7;

UPDATE maintenance.store SET decay_retained = 0
WHERE adopted_at IS NOT NULL OR EXISTS (SELECT FROM memories WHERE base_importance IS NOT NULL);

-- The counts of the run before: what looks wrong once may be an agent's doing, what does in two nights is not.
ALTER TABLE maintenance.tenants ADD COLUMN decay_counts_before jsonb;
