-- The outbox of webhooks: a row for each event and receiver, written with the end of the cycle that it is about.
CREATE TABLE maintenance.webhook_events (
    event_id     uuid NOT NULL,
    endpoint     text NOT NULL,           -- a digest of the receiver's address, which may hold a secret
    type         text NOT NULL,
    subject      text NOT NULL,           -- the cycle; of what is reported once a day, the UTC day
    occurred_at  timestamptz NOT NULL DEFAULT now(),
    data         jsonb NOT NULL,          -- ids of cycles, words from closed sets, numbers and times
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'rejected')),
    attempts     integer NOT NULL DEFAULT 0,
    reason       text,                    -- why the newest attempt failed: a word from a closed set
    attempted_at timestamptz,
    PRIMARY KEY (event_id, endpoint)
);
CREATE UNIQUE INDEX webhook_events_subject_idx ON maintenance.webhook_events (endpoint, type, subject);
CREATE INDEX webhook_events_waiting_idx ON maintenance.webhook_events (endpoint, occurred_at) WHERE status = 'waiting';
