"""What the preflights of the newest cycles found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from memory_maintenance.preflight.finding import Finding
from memory_maintenance.store.pool import Executor, fetch, from_json

LATEST_FINDINGS: Final = """
-- inspection.LATEST_FINDINGS: the preflight of the newest cycle of each kind over the whole fleet. Of a kind that has
-- not run for two days nothing is said. What lies in the future was recorded by a wrong clock.
SELECT DISTINCT ON (kind) kind, cycle_id, started_at, findings::text AS findings
FROM maintenance.cycles
WHERE config->>'named_tenants' IS NULL
      AND started_at BETWEEN now() - interval '2 days' AND now() + interval '5 minutes'
ORDER BY kind, started_at DESC
"""


@dataclass(frozen=True, slots=True)
class CycleFindings:
    """What the preflight of one cycle found."""

    kind: str
    cycle_id: UUID
    started_at: datetime
    findings: tuple[Finding, ...]


async def latest_findings(db: Executor) -> list[CycleFindings]:
    """Return what the preflight of the newest cycle of each kind found; a kind without findings is left out."""
    rows = await fetch(db, LATEST_FINDINGS)
    found = [CycleFindings(**dict(row) | {"findings": findings_of(row["findings"])}) for row in rows]
    return [one for one in found if one.findings]


def findings_of(stored: str | None) -> tuple[Finding, ...]:
    """Return the findings that a cycle's row holds as JSON; NULL: a version without a preflight recorded it."""
    return tuple(map(Finding.model_validate, from_json(stored) or ()))
