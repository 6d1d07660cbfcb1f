"""The preflight: the list of checks, in order, and what a run does about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from memory_maintenance.errors import InvalidRequestError, PreflightError, StoreError
from memory_maintenance.preflight import server, table, values
from memory_maintenance.preflight.check import PreflightCheck, Surroundings
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.store.pool import Pool, fetch_row

logger = structlog.get_logger(__name__)

CHECKS: Final[tuple[PreflightCheck, ...]] = (*server.CHECKS, *table.CHECKS, *values.CHECKS)
"""A later one may rely on what an earlier one would have stopped: table memories exists and can be read."""


async def preflight(pool: Pool, around: Surroundings) -> tuple[Finding, ...]:
    """Return what is wrong with the store, up to the first finding that stops a run. Reads only.

    Raises:
        NotMigratedError: the store has no schema of maintenance, or an older one.
        DatabaseUnavailableError: Postgres does not answer.
    """
    found: list[Finding] = []
    for check in CHECKS:
        if finding := await made(check, pool, around):
            logger.warning("preflight_found", **finding.model_dump())
            found.append(finding)
        if stop_of(found):
            break
    return tuple(found)


async def ensure_fit(pool: Pool, around: Surroundings) -> None:
    """Raise PreflightError where the store is not fit for a run."""
    if stop := stop_of(await preflight(pool, around)):
        raise PreflightError(stop.check, str(stop))


async def made(check: PreflightCheck, pool: Pool, around: Surroundings) -> Finding | None:
    """Return what a check finds; None: nothing is wrong."""
    try:
        row = await fetch_row(pool, check.statement, *check.arguments(around))
    except (StoreError, InvalidRequestError) as error:
        if check.refusal is None or error.retryable:
            raise
        return Finding(
            check=check.name, severity=check.severity, found=f"{check.refusal} ({error})", advice=check.advice
        )
    return check.finding(dict(row)) if row else None


def stop_of(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that stops the run, if one does."""
    return next((one for one in findings if one.severity == "stop"), None)
