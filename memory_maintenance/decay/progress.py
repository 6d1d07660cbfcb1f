"""How far a tenant's decay is: the part of its control row that keeps runs in order.

A page locks the row in its own transaction, and a newer run's ``start`` updates it. So the start
waits for the page in flight, and no page of an older run can follow a newer one's. What a run did
is kept there too, in the same transaction: a killed process changes no total.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from asyncpg import Record

from memory_maintenance.database.pool import Executor, execute, fetch_row, fetch_value
from memory_maintenance.decay.policy import Run

Halt = Literal["paused", "superseded"]

ADOPT: Final = """
-- decay.ADOPT: the store's first run decides how old its memories count; later ones find it decided.
--   $1 as_of  timestamptz
UPDATE maintenance.store SET adopted_at = $1 WHERE adopted_at IS NULL
"""

START: Final = """
-- decay.START: returns the newest as_of that any run of the tenant started with.
-- Decay that was off before it is on again: rows based earlier are based anew at this as_of.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
INSERT INTO maintenance.tenants AS t (tenant_id, decay_started_as_of) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET
    decay_started_as_of = greatest(t.decay_started_as_of, $2),
    decay_resumed_at = CASE WHEN t.decay_off_since <= $2 THEN $2 ELSE t.decay_resumed_at END,
    decay_off_since = CASE WHEN t.decay_off_since <= $2 THEN NULL ELSE t.decay_off_since END
RETURNING decay_started_as_of
"""

GATE: Final = """
-- decay.GATE: whether a page of this as_of may be written now; keeps newer starts and pauses out until it is.
-- Not FOR SHARE: two pages of one tenant at once would each wait for the other to write what it did.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
SELECT t.decay_started_as_of > $2 AS superseded,
       t.paused AND coalesce(t.paused_until > now(), true) AS paused,
       s.adopted_at, t.decay_resumed_at
FROM maintenance.tenants t, maintenance.store s
WHERE t.tenant_id = $1
FOR NO KEY UPDATE OF t
"""

FORESEEN: Final = """
-- decay.FORESEEN: what a run that started at this as_of would find, as START and GATE have it; nothing is written.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
SELECT coalesce(s.adopted_at, $2) AS adopted_at,
       CASE WHEN t.decay_off_since <= $2 THEN $2 ELSE t.decay_resumed_at END AS decay_resumed_at,
       coalesce(t.decay_started_as_of > $2, false) AS superseded,
       coalesce(t.paused AND coalesce(t.paused_until > now(), true), false) AS paused
FROM maintenance.store s LEFT JOIN maintenance.tenants t ON t.tenant_id = $1
"""

COMPLETE: Final = """
-- decay.COMPLETE: the tenant's last page of this as_of is written.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
UPDATE maintenance.tenants SET decay_completed_as_of = greatest(decay_completed_as_of, $2) WHERE tenant_id = $1
"""

KEEP: Final = """
-- decay.KEEP: how far a run is, and what it did up to there.
--   $1 tenant_id  text
--   $2 run_id     uuid
--   $3 cursor     uuid    the last id seen
--   $4 counts     jsonb
UPDATE maintenance.tenants SET decay_run = $2, decay_cursor = $3, decay_counts = $4 WHERE tenant_id = $1
"""

KEEP_END: Final = """
-- decay.KEEP_END: the same at the end of a batch, unless another run has begun since.
--   parameters as of KEEP
UPDATE maintenance.tenants SET decay_cursor = $3, decay_counts = $4 WHERE tenant_id = $1 AND decay_run = $2
"""

KEPT: Final = """
-- decay.KEPT: how far this run is, if it has begun.
--   $1 tenant_id  text
--   $2 run_id     uuid
SELECT decay_cursor, decay_counts FROM maintenance.tenants WHERE tenant_id = $1 AND decay_run = $2
"""

SWITCHED_OFF: Final = """
-- decay.SWITCHED_OFF: remembers since when; the first run after it begins a new base.
--   $1 tenant_ids  text[]
--   $2 as_of       timestamptz
INSERT INTO maintenance.tenants AS t (tenant_id, decay_off_since) SELECT unnest($1::text[]), $2
ON CONFLICT (tenant_id) DO UPDATE SET decay_off_since = greatest(t.decay_started_as_of, $2)
WHERE t.decay_off_since IS NULL
"""


async def start(db: Executor, tenant_id: str, as_of: datetime) -> bool:
    """Announce a run; return whether it may go on, which it may not when a newer one has started."""
    await execute(db, ADOPT, as_of)
    newest: datetime = await fetch_value(db, START, tenant_id, as_of)
    return newest <= as_of


async def gate(db: Executor, tenant_id: str, as_of: datetime) -> Run | Halt:
    """Return what a page of this run needs to know, or why it must not be written.

    *db* is the page's own transaction: the answer holds until it ends.
    """
    row = await fetch_row(db, GATE, tenant_id, as_of)
    return _run_or_halt(row, as_of) if row else "superseded"


async def foreseen_gate(db: Executor, tenant_id: str, as_of: datetime) -> Run | Halt:
    """Return what ``gate`` would after ``start``, without announcing a run or keeping anybody out."""
    row = await fetch_row(db, FORESEEN, tenant_id, as_of)
    return _run_or_halt(row, as_of) if row else Run(as_of, as_of)


async def foreseen_run(db: Executor, tenant_id: str, as_of: datetime) -> Run:
    """Return what a run of decay at *as_of* would bring to the tenant's rows, without announcing one."""
    row = await fetch_row(db, FORESEEN, tenant_id, as_of)
    return _run(row, as_of) if row else Run(as_of, as_of)


def _run_or_halt(row: Record, as_of: datetime) -> Run | Halt:
    if row["superseded"]:
        return "superseded"
    return "paused" if row["paused"] else _run(row, as_of)


def _run(row: Record, as_of: datetime) -> Run:
    return Run(as_of, row["adopted_at"], row["decay_resumed_at"])


async def keep(db: Executor, tenant_id: str, run_id: UUID, cursor: UUID | None, counts: dict[str, int]) -> None:
    """Remember how far a run is; *db* is the transaction of the page that got it there."""
    await execute(db, KEEP, tenant_id, run_id, cursor, counts)


async def keep_end(db: Executor, tenant_id: str, run_id: UUID, cursor: UUID | None, counts: dict[str, int]) -> None:
    """Remember what a batch came to with its second look."""
    await execute(db, KEEP_END, tenant_id, run_id, cursor, counts)


async def kept(db: Executor, tenant_id: str, run_id: UUID) -> tuple[UUID | None, dict[str, int]]:
    """Return the last id that a run saw and what it did up to there; nothing where it has not begun."""
    row = await fetch_row(db, KEPT, tenant_id, run_id)
    return (row["decay_cursor"], row["decay_counts"]) if row else (None, {})


async def complete(db: Executor, tenant_id: str, as_of: datetime) -> None:
    """Record that every page of the run is written."""
    await execute(db, COMPLETE, tenant_id, as_of)


async def switched_off(db: Executor, tenant_ids: Sequence[str], as_of: datetime) -> None:
    """Remember that decay is off for these tenants, so that no time until it is on again counts."""
    await execute(db, SWITCHED_OFF, list(tenant_ids), as_of)
