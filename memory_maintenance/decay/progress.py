"""How far a tenant's decay is: the part of its control row that keeps runs in order.

A page locks the row in its own transaction: the first one by ``start``, the others by ``gate``. So the
start of a newer run waits for the page in flight, and no page of an older run can follow a newer one's. What a run did
is kept there too, in the same transaction: a killed process changes no total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from memory_maintenance.decay.policy import DecayRun
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_row, fetch_value, from_json, to_json

Halt = Literal["paused", "superseded"]

ADOPT: Final = """
-- decay.ADOPT: the store's first run decides how old its memories count; later ones find it decided.
--   $1 as_of  timestamptz
UPDATE maintenance.store SET adopted_at = maintenance.adoption($1) WHERE adopted_at IS NULL
"""

ADOPTED: Final = """
-- decay.ADOPTED: what was decided, by us or by whoever was first.
SELECT adopted_at FROM maintenance.store
"""

START: Final = """
-- decay.START: announces a run in its first page's transaction, and says what GATE does, and how far the run is.
-- Decay that was off before it is on again: rows based earlier get a new base at this as_of.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
--   $3 run_id     uuid
INSERT INTO maintenance.tenants AS t (tenant_id, decay_started_as_of) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET
    decay_started_as_of = greatest(t.decay_started_as_of, $2),
    decay_resumed_at = CASE WHEN t.decay_off_since <= $2 THEN $2 ELSE t.decay_resumed_at END,
    decay_off_since = CASE WHEN t.decay_off_since <= $2 THEN NULL ELSE t.decay_off_since END
RETURNING t.decay_started_as_of > $2 AS superseded,
          t.paused AND coalesce(t.paused_until > now(), true) AS paused,
          (SELECT adopted_at FROM maintenance.store) AS adopted_at,
          (SELECT decay_retained FROM maintenance.store) AS decay_retained, t.decay_resumed_at,
          CASE WHEN t.decay_run = $3 THEN t.decay_cursor END AS cursor,
          CASE WHEN t.decay_run = $3 THEN t.decay_counts::text END AS counts
"""

GATE: Final = """
-- decay.GATE: whether a page of this as_of may be written now; keeps newer starts and pauses out until it is.
-- Not FOR SHARE: two pages of one tenant at once would each wait for the other to write what it did.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
SELECT t.decay_started_as_of > $2 AS superseded,
       t.paused AND coalesce(t.paused_until > now(), true) AS paused,
       s.adopted_at, s.decay_retained, t.decay_resumed_at
FROM maintenance.tenants t, maintenance.store s
WHERE t.tenant_id = $1
FOR NO KEY UPDATE OF t
"""

PREVIEW: Final = """
-- decay.PREVIEW: what a run that started at this as_of would find, as START and GATE have it; nothing is written.
--   $1 tenant_id  text
--   $2 as_of      timestamptz
SELECT maintenance.adoption($2) AS adopted_at, s.decay_retained,
       CASE WHEN t.decay_off_since <= $2 THEN $2 ELSE t.decay_resumed_at END AS decay_resumed_at,
       coalesce(t.decay_started_as_of > $2, false) AS superseded,
       coalesce(t.paused AND coalesce(t.paused_until > now(), true), false) AS paused
FROM maintenance.store s LEFT JOIN maintenance.tenants t ON t.tenant_id = $1
"""

KEEP: Final = """
-- decay.KEEP: how far a run is, and what it did up to there.
--   $1 tenant_id     text
--   $2 run_id        uuid
--   $3 cursor        uuid          the last id seen
--   $4 counts        text          JSON
--   $5 completed     timestamptz   the run's as_of where this was its last page, else NULL
UPDATE maintenance.tenants
SET decay_counts_before = CASE WHEN decay_run IS DISTINCT FROM $2 THEN decay_counts ELSE decay_counts_before END,
    decay_run = $2, decay_cursor = $3, decay_counts = $4::text::jsonb,
    decay_completed_as_of = greatest(decay_completed_as_of, $5)
WHERE tenant_id = $1
"""

KEEP_END: Final = """
-- decay.KEEP_END: the same after a second look at rows that were locked, unless another run has begun since.
--   parameters as of KEEP
UPDATE maintenance.tenants
SET decay_cursor = $3, decay_counts = $4::text::jsonb, decay_completed_as_of = greatest(decay_completed_as_of, $5)
WHERE tenant_id = $1 AND decay_run = $2
"""

KEPT: Final = """
-- decay.KEPT: what this run did, if it has begun.
--   $1 tenant_id  text
--   $2 run_id     uuid
SELECT decay_counts::text FROM maintenance.tenants WHERE tenant_id = $1 AND decay_run = $2
"""

SWITCHED_OFF: Final = """
-- decay.SWITCHED_OFF: remembers since when; the first run after it begins a new base.
--   $1 tenant_ids  text[]
--   $2 as_of       timestamptz
INSERT INTO maintenance.tenants AS t (tenant_id, decay_off_since) SELECT unnest($1::text[]), $2
ON CONFLICT (tenant_id) DO UPDATE SET decay_off_since = greatest(t.decay_started_as_of, $2)
WHERE t.decay_off_since IS NULL
"""


async def adopt(db: Executor, as_of: datetime) -> None:
    """Let the store be adopted as of this instant, unless an earlier run has done so.

    The adoption is at most a day before the database's clock, or as early as ``allow_adoption`` says.
    """
    await execute(db, ADOPT, as_of)


ALLOW_ADOPTION: Final = """
-- decay.ALLOW_ADOPTION: lets the first run adopt the store as early as this, if there was none yet.
--   $1 earliest  timestamptz
UPDATE maintenance.store SET earliest_adoption = $1 WHERE adopted_at IS NULL
"""


async def allow_adoption(db: Executor, earliest: datetime) -> datetime | None:
    """Let the store's first run adopt it as of an instant as early as *earliest*.

    Returns:
        None, or when the store was adopted already: then nothing is changed.
    """
    if await execute(db, ALLOW_ADOPTION, earliest):
        return None
    adopted_at: datetime = await fetch_value(db, ADOPTED)
    return adopted_at


@dataclass(frozen=True, slots=True)
class Started:
    """A run as it begins or goes on: whether it may, and how far it is."""

    run: DecayRun | Halt
    cursor: UUID | None
    """The last id that it has seen; None: it has seen nothing yet."""
    counts: Mapping[str, int]
    """What it has done up to there."""


async def start(db: Executor, tenant_id: str, as_of: datetime, run_id: UUID) -> Started:
    """Announce a run, and return whether it may write, which it may not when a newer one has started.

    *db* is the transaction of its first page: the answer holds until it ends.
    """
    row = await fetch_row(db, START, tenant_id, as_of, run_id)
    if row is None:
        raise RuntimeError("an insert that cannot conflict returns its row")
    found = dict(row)
    if found["adopted_at"] is None:
        await adopt(db, as_of)
        found["adopted_at"] = await fetch_value(db, ADOPTED)
    return Started(_run_or_halt(found, as_of), found["cursor"], from_json(found["counts"]) or {})


async def gate(db: Executor, tenant_id: str, as_of: datetime) -> DecayRun | Halt:
    """Return what a page of this run needs to know, or why it must not be written.

    *db* is the page's own transaction: the answer holds until it ends.
    """
    row = await fetch_row(db, GATE, tenant_id, as_of)
    return _run_or_halt(dict(row), as_of) if row else "superseded"


async def preview_gate(db: Executor, tenant_id: str, as_of: datetime) -> DecayRun | Halt:
    """Return what ``gate`` would after ``start``, without announcing a run or keeping anybody out."""
    row = await fetch_row(db, PREVIEW, tenant_id, as_of)
    return _run_or_halt(dict(row), as_of) if row else DecayRun(as_of, as_of)


async def preview_instants(db: Executor, tenant_id: str, as_of: datetime) -> DecayRun:
    """Return what a run of decay at *as_of* would bring to the tenant's rows, without announcing one."""
    row = await fetch_row(db, PREVIEW, tenant_id, as_of)
    return _run(dict(row), as_of) if row else DecayRun(as_of, as_of)


def _run_or_halt(row: Mapping[str, Any], as_of: datetime) -> DecayRun | Halt:
    if row["superseded"]:
        return "superseded"
    return "paused" if row["paused"] else _run(row, as_of)


def _run(row: Mapping[str, Any], as_of: datetime) -> DecayRun:
    return DecayRun(as_of, row["adopted_at"], row["decay_resumed_at"], row["decay_retained"])


@dataclass(frozen=True, slots=True)
class DecayProgress:
    """How far a run is and what it did up to there."""

    cursor: UUID | None
    """The last id seen."""
    counts: dict[str, int]
    completed: datetime | None
    """The run's as_of where no page is left, else None."""


async def keep(db: Executor, tenant_id: str, run_id: UUID, progress: DecayProgress) -> None:
    """Remember where a run stands; *db* is the transaction of the page that got it there."""
    await execute(db, KEEP, tenant_id, run_id, progress.cursor, to_json(progress.counts), progress.completed)


async def keep_end(db: Executor, tenant_id: str, run_id: UUID, progress: DecayProgress) -> None:
    """Remember what a batch came to with its second look, unless another run has begun since."""
    await execute(db, KEEP_END, tenant_id, run_id, progress.cursor, to_json(progress.counts), progress.completed)


async def kept(db: Executor, tenant_id: str, run_id: UUID) -> dict[str, int]:
    """Return what a run did; nothing where it has not begun."""
    return from_json(await fetch_value(db, KEPT, tenant_id, run_id)) or {}


DUE: Final = """
-- decay.DUE: which of these tenants no run as of this instant or a later one has been through, and which are small:
-- by what their last run saw, else counted by the index as far as it matters.
--   $1 tenant_ids  array of the column's type
--   $2 as_of       timestamptz
--   $3 small       bigint        the most memories of a small tenant
SELECT k.tenant_id::text AS tenant_id,
       coalesce(
           (t.decay_counts->>'seen')::bigint <= $3::bigint,
           NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = k.tenant_id OFFSET $3)
       ) AS small
FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
     LEFT JOIN maintenance.tenants t ON t.tenant_id = k.tenant_id::text
WHERE t.decay_completed_as_of IS NULL OR t.decay_completed_as_of < $2
"""


async def due_tenants(db: Executor, tenant_ids: Sequence[str], as_of: datetime, *, small: int) -> dict[str, bool]:
    """Return which of these tenants are to be decayed as of this instant, and whether each is small.

    A tenant that has grown since its last run may count as small once more.
    """
    return {row["tenant_id"]: row["small"] for row in await fetch(db, DUE, list(tenant_ids), as_of, small)}


async def switched_off(db: Executor, tenant_ids: Sequence[str], as_of: datetime) -> None:
    """Remember that decay is off for these tenants, so that no time until it is on again counts."""
    await execute(db, SWITCHED_OFF, list(tenant_ids), as_of)
