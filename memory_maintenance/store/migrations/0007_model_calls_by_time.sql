-- The newest calls of the model, for every scrape; and whether a text was accepted since an instant, for every fallback.
CREATE INDEX model_calls_claimed_idx ON maintenance.model_calls (claimed_at) WHERE purpose <> 'embedding';
CREATE INDEX model_calls_accepted_idx ON maintenance.model_calls (answered_at)
    WHERE state = 'accepted' AND purpose <> 'embedding';
