-- The schema of maintenance. The table memories, its columns and indexes are in schema.py.

CREATE TABLE maintenance.store (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    adopted_at timestamptz
);
INSERT INTO maintenance.store DEFAULT VALUES;

CREATE TABLE maintenance.tenants (
    tenant_id             text PRIMARY KEY,
    paused                boolean NOT NULL DEFAULT false,
    paused_by             text,
    paused_reason         text,
    paused_since          timestamptz,
    paused_until          timestamptz,
    overrides             jsonb NOT NULL DEFAULT '{}',
    decay_started_as_of   timestamptz,
    decay_completed_as_of timestamptz,
    decay_run             uuid,
    decay_cursor          uuid,
    decay_counts          jsonb,
    decay_off_since       timestamptz,
    decay_resumed_at      timestamptz
);

CREATE TABLE maintenance.orders (
    order_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text NOT NULL,
    action     text NOT NULL CHECK (action IN ('pause', 'resume', 'cancel', 'set', 'unset', 'restore')),
    ordered_by text,
    reason     text,
    ordered_at timestamptz NOT NULL DEFAULT now(),
    details    jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX orders_tenant_idx ON maintenance.orders (tenant_id, order_id);

CREATE TABLE maintenance.dreams (
    tenant_id    text NOT NULL,
    project      text NOT NULL,
    dreamt_until timestamptz NOT NULL,
    sample       uuid[] NOT NULL,
    PRIMARY KEY (tenant_id, project)
);

CREATE TABLE maintenance.cycles (
    cycle_id     uuid PRIMARY KEY,
    kind         text NOT NULL,
    as_of        timestamptz NOT NULL,
    config       jsonb NOT NULL,
    status       text NOT NULL DEFAULT 'running',
    totals       jsonb,
    started_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);

CREATE TABLE maintenance.tenant_runs (
    cycle_id   uuid NOT NULL REFERENCES maintenance.cycles ON DELETE CASCADE,
    tenant_id  text NOT NULL,
    page       integer NOT NULL,
    status     text NOT NULL,
    counts     jsonb NOT NULL DEFAULT '{}',
    error_type text,
    seconds    double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (cycle_id, tenant_id, page)
);

CREATE TABLE maintenance.covered_events (
    event_id   uuid PRIMARY KEY,
    summary_id uuid NOT NULL
);
CREATE INDEX covered_events_summary_idx ON maintenance.covered_events (summary_id);

CREATE TABLE maintenance.model_calls (
    question         text NOT NULL,
    attempt          integer NOT NULL,
    round            text NOT NULL,
    purpose          text NOT NULL,
    tenant_id        text NOT NULL,
    model            text NOT NULL,
    prompt_version   text NOT NULL,
    state            text NOT NULL
        CHECK (state IN ('claimed', 'waiting', 'answered', 'accepted', 'refused', 'failed', 'lost')),
    reason           text,
    caller           uuid NOT NULL,
    claimed_at       timestamptz NOT NULL,
    lease_until      timestamptz NOT NULL,
    waits            integer NOT NULL DEFAULT 0,
    waiting_since    timestamptz,
    reserved_on      date NOT NULL,
    reserved_tokens  bigint NOT NULL DEFAULT 0,
    reserved_cost    numeric NOT NULL DEFAULT 0,
    forfeited_tokens bigint NOT NULL DEFAULT 0,
    forfeited_cost   numeric NOT NULL DEFAULT 0,
    answered_at      timestamptz,
    response         text,
    latency_seconds  double precision,
    input_tokens     bigint,
    output_tokens    bigint,
    cost             numeric,
    PRIMARY KEY (question, attempt)
);
CREATE INDEX model_calls_tenant_idx ON maintenance.model_calls (tenant_id, claimed_at);
CREATE INDEX model_calls_text_idx ON maintenance.model_calls (answered_at) WHERE response IS NOT NULL;
CREATE INDEX model_calls_lease_idx ON maintenance.model_calls (lease_until) WHERE state = 'claimed';

CREATE TABLE maintenance.model_budgets (
    day    date NOT NULL,
    scope  text NOT NULL,
    tokens bigint NOT NULL DEFAULT 0,
    cost   numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (day, scope)
);

CREATE TABLE maintenance.model_breaker (
    endpoint     text PRIMARY KEY,
    opened_at    timestamptz NOT NULL,
    opened_until timestamptz NOT NULL,
    reason       text NOT NULL
);

CREATE TABLE maintenance.set_aside (
    kind            text NOT NULL CHECK (kind IN ('session', 'dream', 'memory')),
    tenant_id       text NOT NULL,
    project         text NOT NULL,
    name            text NOT NULL,
    session_id      text,
    failures        integer NOT NULL,
    last_round      text NOT NULL,
    reason          text NOT NULL,
    first_failed_at timestamptz NOT NULL DEFAULT now(),
    last_failed_at  timestamptz NOT NULL DEFAULT now(),
    set_aside_at    timestamptz,
    PRIMARY KEY (kind, tenant_id, project, name)
);

CREATE TABLE maintenance.set_aside_memories (
    memory_id uuid NOT NULL,
    kind      text NOT NULL,
    tenant_id text NOT NULL,
    project   text NOT NULL,
    name      text NOT NULL,
    PRIMARY KEY (memory_id, kind),
    FOREIGN KEY (kind, tenant_id, project, name) REFERENCES maintenance.set_aside ON DELETE CASCADE
);
