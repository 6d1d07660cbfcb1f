"""Checks of what the last nights of decay found: another program that sets importance."""

from __future__ import annotations

from typing import Final

from memory_maintenance.preflight.check import PreflightCheck

SET_EVERY_NIGHT: Final = """
-- preflight.SET_EVERY_NIGHT: tenants most of whose memories looked set by the agent in the last two runs of decay.
-- Of fewer than 100 memories an agent may well set most every day.
SELECT count(*) OVER () AS tenants, tenant_id,
       (decay_counts->>'rebased')::bigint AS rebased, (decay_counts->>'seen')::bigint AS seen
FROM maintenance.tenants
WHERE least((decay_counts->>'seen')::bigint, (decay_counts_before->>'seen')::bigint) >= 100
      AND (decay_counts->>'rebased')::bigint * 2 > (decay_counts->>'seen')::bigint
      AND (decay_counts_before->>'rebased')::bigint * 2 > (decay_counts_before->>'seen')::bigint
ORDER BY rebased DESC, tenant_id
LIMIT 1
"""

SAVED_BACK: Final = """
-- preflight.SAVED_BACK: tenants of whose memories more than a twentieth were set to hardly more than what decay had
-- written, in one of the last two runs: a row that is saved so every day is a new base in every second night.
SELECT count(*) OVER () AS tenants, tenant_id, saved, seen
FROM maintenance.tenants CROSS JOIN LATERAL (
    SELECT (counts->>'saved_back')::bigint AS saved, (counts->>'seen')::bigint AS seen
    FROM (VALUES (decay_counts), (decay_counts_before)) AS run (counts)
    WHERE (counts->>'saved_back')::bigint >= 10
    ORDER BY saved DESC LIMIT 1
) AS most
WHERE saved * 20 > seen
ORDER BY saved DESC, tenant_id
LIMIT 1
"""

ALTERED: Final = """
-- preflight.ALTERED: tenants of whose memories something stored another importance than the last run wrote.
SELECT count(*) OVER () AS tenants, tenant_id, (decay_counts->>'altered')::bigint AS altered
FROM maintenance.tenants
WHERE (decay_counts->>'altered')::bigint > 0
ORDER BY altered DESC, tenant_id
LIMIT 1
"""

CHECKS: Final = (
    PreflightCheck(
        name="values",
        severity="warning",
        statement=SET_EVERY_NIGHT,
        found="most memories of {tenants:,} tenants looked set by the agent two nights running "
        "({tenant_id}: {rebased:,} of {seen:,}), so they hardly decay",
        advice="stop the other decay (RAE's beat has three tasks, docs/from-rae.md), or what else sets importance",
        fine="nothing but agents and decay sets importance",
    ),
    PreflightCheck(
        name="saved_back",
        severity="warning",
        statement=SAVED_BACK,
        found="in {tenants:,} tenants memories were saved with the importance of before a night "
        "({tenant_id}: {saved:,} of {seen:,}): whole rows are saved, which undoes decay",
        advice="write importance only where it is meant: in an ORM, update the columns that changed",
        fine="no program saves the importance of before a night",
    ),
    PreflightCheck(
        name="rounding",
        severity="warning",
        statement=ALTERED,
        found="a trigger stores another importance than decay writes in {tenants:,} tenants "
        "({tenant_id}: {altered:,} memories): they decay, and are written every night",
        advice="set MEMORY_DECAY_TOLERANCE to the step that it rounds to",
        fine="the table stores the importance that decay writes",
    ),
)
