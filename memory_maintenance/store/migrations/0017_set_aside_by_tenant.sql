-- Two tenants of a partitioned table may have memories of the same id: each is set aside on its own.
ALTER TABLE maintenance.set_aside_memories
    DROP CONSTRAINT set_aside_memories_pkey, ADD PRIMARY KEY (tenant_id, memory_id, kind);
