-- RAE's memories table as its own migrations leave it (newest revision, 2026-05).
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS vector;
EXCEPTION WHEN OTHERS THEN
    CREATE DOMAIN vector AS real[];  -- a server without pgvector: the column only has to be there
END $$;
CREATE TABLE memories (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id        uuid NOT NULL,
    content          text NOT NULL,
    source           varchar(255),
    importance       double precision DEFAULT 0.5,
    layer            varchar(50),
    tags             text[],
    "timestamp"      timestamptz DEFAULT now(),
    created_at       timestamptz DEFAULT now(),
    last_accessed_at timestamptz DEFAULT now(),
    usage_count      integer DEFAULT 0,
    project          varchar(255),
    metadata         jsonb DEFAULT '{}',
    agent_id         varchar(255) NOT NULL DEFAULT 'default',
    expires_at       timestamptz,
    memory_type      varchar(50),
    strength         double precision DEFAULT 1.0,
    session_id       varchar(255),
    embedding        vector,
    info_class       varchar(50) NOT NULL DEFAULT 'internal',
    governance       jsonb NOT NULL DEFAULT '{}',
    content_hash     varchar(64),
    human_label      text
);
CREATE INDEX idx_memories_tenant ON memories (tenant_id);
CREATE INDEX idx_memories_project ON memories (project);
CREATE INDEX idx_memories_agent ON memories (agent_id);
CREATE INDEX idx_memories_session ON memories (session_id);
CREATE INDEX idx_memories_source ON memories (source);
CREATE INDEX idx_memories_project_created ON memories (project, created_at);
CREATE INDEX idx_memories_info_class ON memories (info_class);
CREATE INDEX idx_memories_governance ON memories USING gin (governance);
CREATE UNIQUE INDEX idx_memories_content_hash ON memories (tenant_id, content_hash);
CREATE INDEX idx_memories_content_fts ON memories USING gin (to_tsvector('english', coalesce(content, '')));
CREATE TABLE memory_embeddings (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    memory_id  uuid NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    model_name varchar(255) NOT NULL,
    embedding  vector NOT NULL,
    created_at timestamptz DEFAULT now(),
    metadata   jsonb DEFAULT '{}',
    CONSTRAINT uq_memory_embeddings_memory_model UNIQUE (memory_id, model_name)
);
CREATE INDEX ix_memory_embeddings_memory_id ON memory_embeddings (memory_id);
CREATE TABLE tenants (
    id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name   varchar(255) NOT NULL,
    tier   varchar(50) DEFAULT 'free',
    config jsonb DEFAULT '{}',
    status varchar(50) DEFAULT 'active'
);
