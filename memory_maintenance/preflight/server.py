"""Checks of the server that the store is on: a standby, clocks, time-outs."""

from __future__ import annotations

from typing import Final

from memory_maintenance.preflight.check import PreflightCheck, Surroundings

DRIFT_SECONDS: Final = 5.0
"""Clocks that are kept by NTP differ by milliseconds."""

STANDBY: Final = """
-- preflight.STANDBY: a server or a role that only reads.
SELECT CASE WHEN pg_is_in_recovery() THEN 'a standby, which only reads'
            ELSE format('read-only for %I (default_transaction_read_only)', current_user) END AS what
WHERE pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean
"""

CLOCKS: Final = """
-- preflight.CLOCKS: clocks that differ from the server's by more than $3 and at most $4 seconds.
--   $1 own       timestamptz  this process's
--   $2 temporal  timestamptz  Temporal's; NULL: it has no part in the run
--   $3 more      double       seconds
--   $4 at_most   double       seconds
SELECT string_agg(format('%s is %s s %s', name, to_char(abs(ahead), 'FM999,999,999,990'),
                         CASE WHEN ahead > 0 THEN 'ahead of it' ELSE 'behind it' END), ', ' ORDER BY name) AS clocks
FROM (VALUES ('this machine', $1::timestamptz), ('Temporal', $2::timestamptz)) AS clock (name, says)
     CROSS JOIN LATERAL (SELECT extract(epoch FROM says - clock_timestamp())::float8 AS ahead) AS difference
WHERE abs(ahead) > $3::float8 AND abs(ahead) <= $4::float8
HAVING count(*) > 0
"""

BEHIND: Final = """
-- preflight.BEHIND: whether a run has been recorded that starts later than now, beyond a tolerance. What the preflight
-- stopped has done nothing.
--   $1 tolerance  double  seconds
SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS now,
       to_char(max(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS newest
FROM (
    SELECT started_at AS at FROM maintenance.cycles
    WHERE started_at > clock_timestamp() + make_interval(secs => $1)
          AND totals->'failure'->>'error_type' IS DISTINCT FROM 'PreflightError'
    UNION ALL
    SELECT decay_started_as_of FROM maintenance.tenants
    WHERE decay_started_as_of > clock_timestamp() + make_interval(secs => $1)
) AS later
HAVING count(*) > 0
"""

TIMEOUTS: Final = """
-- preflight.TIMEOUTS: time-outs of the role, the database or the server that are shorter than a step may take.
SELECT string_agg(format('%s is %s ms (set by: %s)', s.name, s.reset_val, s.source), ', ' ORDER BY s.name) AS timeouts
FROM pg_settings AS s JOIN (VALUES
    ('statement_timeout', 5000),  -- a page of decay takes 40 ms; planning 500 large tenants takes seconds
    ('transaction_timeout', 5000),
    ('lock_timeout', 1000),  -- an agent's transaction that holds a tenant's row
    ('idle_in_transaction_session_timeout', 1000)  -- this process between two statements, on a busy machine
) AS needed (name, ms) USING (name)
WHERE CASE WHEN s.vartype = 'integer' THEN s.reset_val::bigint END BETWEEN 1 AND needed.ms - 1
HAVING count(*) > 0
"""


def _clocks(more: float | None, at_most: float | None, around: Surroundings) -> tuple[object, ...]:
    """Return the arguments of CLOCKS; None: the setting."""
    tolerance = around.settings.maintenance_clock_tolerance_seconds
    bounds = (tolerance if more is None else more, tolerance if at_most is None else at_most)
    return (around.own_clock(), around.temporal_clock, *bounds)


CHECKS: Final = (
    PreflightCheck(
        name="standby",
        severity="stop",
        statement=STANDBY,
        found="the server is {what}",
        advice="name the primary in DATABASE_URL: target_session_attrs=read-write finds it among several hosts",
        fine="it takes writes",
    ),
    PreflightCheck(
        name="clock",
        severity="stop",
        statement=CLOCKS,
        arguments=lambda around: _clocks(None, float("inf"), around),
        found="clocks disagree with Postgres' clock: {clocks}",
        advice="set them by NTP: runs reckon from an instant; MAINTENANCE_CLOCK_TOLERANCE_SECONDS is the limit",
        fine="within the tolerance of Postgres' clock",
    ),
    PreflightCheck(
        name="clock_drift",
        severity="warning",
        statement=CLOCKS,
        arguments=lambda around: _clocks(DRIFT_SECONDS, None, around),
        found="clocks differ from Postgres' clock: {clocks}",
        advice="set them by NTP: runs reckon from an instant",
        fine=f"within {DRIFT_SECONDS:g} s of Postgres' clock",
    ),
    PreflightCheck(
        name="clock_behind",
        severity="stop",
        statement=BEHIND,
        arguments=lambda around: (around.settings.maintenance_clock_tolerance_seconds,),
        found="Postgres' clock says {now} UTC, and a run has been recorded at {newest} UTC: it is behind, or was ahead",
        advice="set it by NTP; if it is right, take that night back: starter.py decay rewind",
        fine="no run has been recorded at a later time",
    ),
    PreflightCheck(
        name="timeouts",
        severity="warning",
        statement=TIMEOUTS,
        found="shorter than a step may take: {timeouts}",
        advice="ALTER ROLE ... SET statement_timeout = '60s', or whichever it is, for the role of DATABASE_URL",
        fine="none is shorter than a step may take",
    ),
)
