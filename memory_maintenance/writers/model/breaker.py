"""The breaker: one row per endpoint that every process sees.

No row: closed. A row whose time has not come: open, every call fails at once. A row whose time
has come: the next calls try; the first success deletes the row, a failure opens it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from memory_maintenance.observability.model_metrics import BREAKER_OPENED
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_value

logger = structlog.get_logger()

OPEN_BREAKER: Final = """
-- model.OPEN_BREAKER: opens what is closed or due to be tried; while open it stays as it is.
--   $1 endpoint  text
--   $2 open_for  interval
--   $3 reason    text
INSERT INTO maintenance.model_breaker AS b (endpoint, opened_at, opened_until, reason)
VALUES ($1, now(), now() + $2, $3)
ON CONFLICT (endpoint) DO UPDATE SET opened_at = now(), opened_until = now() + $2, reason = $3
WHERE b.opened_until <= now()
RETURNING true
"""

REOPEN_BREAKER: Final = """
-- model.REOPEN_BREAKER: a trial failed. Nothing to open where another trial has succeeded meanwhile.
--   $1 endpoint  text
--   $2 open_for  interval
--   $3 reason    text
UPDATE maintenance.model_breaker SET opened_at = now(), opened_until = now() + $2, reason = $3
WHERE endpoint = $1 AND opened_until <= now()
RETURNING true
"""

CLOSE_BREAKER: Final = """
-- model.CLOSE_BREAKER: twice is once.
--   $1 endpoint  text
DELETE FROM maintenance.model_breaker WHERE endpoint = $1
RETURNING extract(epoch FROM now() - opened_at)::float8
"""


RESET_BREAKER: Final = """
-- model.RESET_BREAKER: an operator has put right what was wrong.
--   $1 endpoint  text   NULL: all
DELETE FROM maintenance.model_breaker WHERE $1::text IS NULL OR endpoint = $1
RETURNING endpoint, reason
"""


async def reset_breakers(db: Executor, endpoint: str | None = None, *, by: str | None = None) -> list[str]:
    """Let calls to *endpoint*, or to all, through again at once; return whose breakers that closed."""
    rows = await fetch(db, RESET_BREAKER, endpoint)
    for row in rows:
        logger.warning("model_breaker_reset", endpoint=row["endpoint"], reason=row["reason"], by=by)
    return sorted(row["endpoint"] for row in rows)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens and closes the row of one endpoint."""

    pool: Pool
    endpoint: str
    open_for: timedelta

    async def open(self, reason: str) -> bool:
        """Make every process's calls fail at once for a while; return whether it was not open already."""
        return await self._opened(OPEN_BREAKER, reason)

    async def reopen(self, reason: str) -> bool:
        """Open again after a failed trial, unless another trial has closed it; return whether it did."""
        return await self._opened(REOPEN_BREAKER, reason)

    async def _opened(self, statement: str, reason: str) -> bool:
        opened = bool(await fetch_value(self.pool, statement, self.endpoint, self.open_for, reason))
        if opened:
            BREAKER_OPENED.labels(reason=reason).inc()
            logger.warning(
                "model_breaker_opened",
                endpoint=self.endpoint, reason=reason, open_seconds=self.open_for.total_seconds(),
            )  # fmt: skip
        return opened

    async def close(self) -> None:
        """Let calls through again: the endpoint has answered."""
        seconds = await fetch_value(self.pool, CLOSE_BREAKER, self.endpoint)
        if seconds is not None:
            logger.info("model_breaker_closed", endpoint=self.endpoint, after_seconds=round(seconds, 1))
