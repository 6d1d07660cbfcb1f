"""The SQL of the ledger. Every time is the database's own: one clock for all processes."""

from typing import Final

STANDING: Final = """
-- model.STANDING: all attempts at a question, and the breaker of the endpoint it would go to; at least one row.
--   $1 question  text
--   $2 endpoint  text
SELECT c.attempt, c.round, c.state, c.reason, c.caller, c.input_tokens, c.output_tokens,
       c.lease_until > now() AS live,
       CASE WHEN c.state IN ('answered', 'accepted') THEN c.response END AS response,
       b.reason AS breaker_reason, b.opened_until > now() AS breaker_open
FROM (SELECT) AS always
LEFT JOIN maintenance.model_breaker b ON b.endpoint = $2
LEFT JOIN maintenance.model_calls c ON c.question = $1
ORDER BY c.attempt
"""

CLAIM: Final = """
-- model.CLAIM: inserts an attempt, or takes up one that waits; nothing where another caller was first.
--   $1 question  text      $2 attempt  integer   $3 round           text   $4 purpose  text
--   $5 tenant_id text      $6 model    text      $7 prompt_version  text
--   $8 caller    uuid      $9 lease    interval
--   $10 tokens   bigint    $11 cost    numeric   reserved in the same transaction
-- How long it has waited and how often count within a round.
INSERT INTO maintenance.model_calls AS c
    (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller, claimed_at, lease_until,
     reserved_on, reserved_tokens, reserved_cost)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'claimed', $8, now(), now() + $9, (now() AT TIME ZONE 'UTC')::date, $10, $11)
ON CONFLICT (question, attempt) DO UPDATE SET
    state = 'claimed', caller = $8, claimed_at = now(), lease_until = now() + $9, round = $3,
    waits = CASE WHEN c.round = $3 THEN c.waits ELSE 0 END,
    waiting_since = CASE WHEN c.round = $3 THEN c.waiting_since END,
    reserved_on = EXCLUDED.reserved_on, reserved_tokens = $10, reserved_cost = $11,
    reason = NULL, response = NULL, memory_ids = NULL, memory_hashes = NULL, answered_at = NULL,
    latency_seconds = NULL
WHERE c.state = 'waiting'
RETURNING true
"""

LOSE: Final = """
-- model.LOSE: a claim whose lease is over; what it reserved stays charged, for it may have been billed.
--   $1 question  text
--   $2 attempt   integer
UPDATE maintenance.model_calls
SET state = 'lost', reason = 'claim_lost',
    forfeited_tokens = forfeited_tokens + reserved_tokens, forfeited_cost = forfeited_cost + reserved_cost,
    reserved_tokens = 0, reserved_cost = 0
WHERE question = $1 AND attempt = $2 AND state = 'claimed' AND lease_until <= now()
RETURNING true
"""

LOSE_ABANDONED: Final = """
-- model.LOSE_ABANDONED: as LOSE, of the abandoned claims that no run asked about again.
--   $1 longer_than  interval   after the end of the lease
WITH abandoned AS (
    SELECT question, attempt FROM maintenance.model_calls
    WHERE state = 'claimed' AND lease_until <= now() - $1::interval
    FOR UPDATE SKIP LOCKED
)
UPDATE maintenance.model_calls c
SET state = 'lost', reason = 'claim_lost',
    forfeited_tokens = c.forfeited_tokens + c.reserved_tokens, forfeited_cost = c.forfeited_cost + c.reserved_cost,
    reserved_tokens = 0, reserved_cost = 0
FROM abandoned
WHERE c.question = abandoned.question AND c.attempt = abandoned.attempt
RETURNING c.question, c.attempt, c.caller, c.purpose, c.tenant_id
"""

RECORD: Final = """
-- model.RECORD: the response as it came, before anything reads it.
--   $1 question  text
--   $2 attempt   integer
--   $3 caller    uuid
--   $4 response  text
--   $5 memory_ids     uuid[]    what it was made from
--   $6 memory_hashes  bytea[]   and what that said
UPDATE maintenance.model_calls
SET state = 'answered', response = $4, answered_at = now(), memory_ids = $5, memory_hashes = $6,
    latency_seconds = extract(epoch FROM clock_timestamp() - claimed_at)
WHERE question = $1 AND attempt = $2 AND caller = $3 AND state = 'claimed'
RETURNING latency_seconds
"""

SETTLE: Final = """
-- model.SETTLE: how an attempt ended; its reservation becomes what it used, or is forfeited. Twice is once.
--   $1 question  text      $2 attempt  integer   $3 caller  uuid
--   $4 state     text      $5 reason   text      NULL: accepted
--   $6 input_tokens bigint $7 output_tokens bigint $8 cost numeric   NULL: nothing was used
--   $9 forfeit   boolean   it may have been billed for an answer that never came
WITH old AS (
    SELECT question, attempt, tenant_id, reserved_on, reserved_tokens, reserved_cost
    FROM maintenance.model_calls
    WHERE question = $1 AND attempt = $2 AND caller = $3 AND state IN ('claimed', 'answered')
    FOR UPDATE
),
settled AS (
    UPDATE maintenance.model_calls c
    SET state = $4, reason = $5, input_tokens = $6, output_tokens = $7, cost = $8,
        forfeited_tokens = c.forfeited_tokens + CASE WHEN $9 THEN old.reserved_tokens ELSE 0 END,
        forfeited_cost = c.forfeited_cost + CASE WHEN $9 THEN old.reserved_cost ELSE 0 END,
        reserved_tokens = 0, reserved_cost = 0,
        waits = c.waits + ($4 = 'waiting')::integer,
        waiting_since = CASE WHEN $4 = 'waiting' THEN coalesce(c.waiting_since, now()) ELSE c.waiting_since END
    FROM old
    WHERE c.question = old.question AND c.attempt = old.attempt
    RETURNING c.waits, now() - c.waiting_since AS waited
),
budgets AS (
    INSERT INTO maintenance.model_budgets AS b (day, scope, tokens, cost)
    SELECT old.reserved_on, s.scope,
           coalesce($6::bigint + $7::bigint, 0) - old.reserved_tokens, coalesce($8::numeric, 0) - old.reserved_cost
    FROM old CROSS JOIN LATERAL (VALUES (1, 'tenant/' || old.tenant_id), (2, '')) AS s (place, scope)
    WHERE NOT $9
    ORDER BY s.place
    ON CONFLICT (day, scope) DO UPDATE SET tokens = b.tokens + EXCLUDED.tokens, cost = b.cost + EXCLUDED.cost
)
SELECT waits, waited FROM settled
"""

PURGE: Final = """
-- model.PURGE: takes the text of old answers away; what they cost stays. An answer that was never judged is lost.
--   $1 older_than  interval
--   $2 limit       integer
WITH old AS (
    SELECT question, attempt FROM maintenance.model_calls
    WHERE response IS NOT NULL AND answered_at < now() - $1::interval
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE maintenance.model_calls c
SET response = NULL, memory_ids = NULL, memory_hashes = NULL,
    state = CASE c.state WHEN 'answered' THEN 'lost' ELSE c.state END,
    reason = CASE c.state WHEN 'answered' THEN 'claim_lost' ELSE c.reason END,
    forfeited_tokens = c.forfeited_tokens + c.reserved_tokens, forfeited_cost = c.forfeited_cost + c.reserved_cost,
    reserved_tokens = 0, reserved_cost = 0
FROM old
WHERE c.question = old.question AND c.attempt = old.attempt
"""

PURGE_STALE: Final = """
-- model.PURGE_STALE: as PURGE, of a page of answers those whose memories are gone, expired or say something else. The
-- newest first. Returns the page's last answer; no row where the page is empty. An answer that its caller has yet to
-- judge is left until its lease is over.
--   $1 answered_at timestamptz, $2 question text, $3 attempt integer   of the last answer seen; NULL: from the newest
--   $4 limit
WITH page AS MATERIALIZED (
    SELECT answered_at, question, attempt, tenant_id, memory_ids, memory_hashes
    FROM maintenance.model_calls
    WHERE response IS NOT NULL
          AND (answered_at, question, attempt)
              < (coalesce($1::timestamptz, 'infinity'), coalesce($2::text, ''), coalesce($3::integer, 0))
    ORDER BY answered_at DESC, question DESC, attempt DESC
    LIMIT $4
),
purged AS (
    UPDATE maintenance.model_calls c
    SET response = NULL, memory_ids = NULL, memory_hashes = NULL,
        state = CASE c.state WHEN 'answered' THEN 'lost' ELSE c.state END,
        reason = CASE c.state WHEN 'answered' THEN 'claim_lost' ELSE c.reason END,
        forfeited_tokens = c.forfeited_tokens + c.reserved_tokens, forfeited_cost = c.forfeited_cost + c.reserved_cost,
        reserved_tokens = 0, reserved_cost = 0
    FROM page p
    WHERE c.question = p.question AND c.attempt = p.attempt AND c.response IS NOT NULL
          AND (c.state <> 'answered' OR c.lease_until <= now())
          AND EXISTS (
              SELECT FROM unnest(p.memory_ids, p.memory_hashes) AS r (id, hash)
              WHERE (
                  SELECT true FROM memories m
                  WHERE m.id = r.id AND m.tenant_id::text = p.tenant_id AND maintenance.is_live(m.expires_at, now())
                        AND (r.hash IS NULL OR maintenance.fingerprint(m.content) = r.hash)
                  LIMIT 1
              ) IS NULL
          )
    RETURNING 1
)
SELECT answered_at, question, attempt, (SELECT count(*) FROM purged)::integer AS purged
FROM page ORDER BY answered_at, question, attempt LIMIT 1
"""
