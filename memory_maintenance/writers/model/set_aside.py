"""What the model fails at because of what it says: counted per cycle, then set aside, listed, and requeued.

A failure counts only where the same day brought an answer that was accepted: when everything
fails it is the endpoint, the model or a setting, and nothing that a memory says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import structlog

from memory_maintenance.store.pool import Executor, Pool, execute, fetch, fetch_row, fetch_value, transaction

logger = structlog.get_logger(__name__)

Kind = Literal["session", "dream", "memory"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is asked about, and set aside, as one.

    ``name`` is the id of a session's summary or of a memory, empty for a project's dreams;
    ``session_id`` is the session it belongs to.
    """

    kind: Kind
    tenant_id: str
    project: str
    name: str = ""
    session_id: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what identifies it."""
        return self.kind, self.tenant_id, self.project, self.name


COUNT_FAILURE: Final = """
-- model.COUNT_FAILURE: one more cycle in which a model failed at a unit; once a cycle, however often it is reported.
--   $1 kind, $2 tenant_id, $3 project, $4 name: the unit
--   $5 session_id  text
--   $6 round       text   the cycle
--   $7 reason      text
--   $8 model       text   NULL: whichever
INSERT INTO maintenance.set_aside AS s (kind, tenant_id, project, name, session_id, failures, last_round, reason)
SELECT $1, $2, $3, $4, $5, 1, $6, $7
WHERE EXISTS (
    SELECT 1 FROM maintenance.model_calls c
    WHERE c.response IS NOT NULL AND c.answered_at > now() - interval '1 day' AND c.state = 'accepted'
          AND ($8::text IS NULL OR c.model = $8)
)
ON CONFLICT (kind, tenant_id, project, name) DO UPDATE
SET failures = s.failures + 1, last_round = excluded.last_round, reason = excluded.reason, last_failed_at = now()
WHERE s.last_round <> excluded.last_round
RETURNING failures, set_aside_at
"""

SET_ASIDE: Final = """
-- model.SET_ASIDE: the model is asked about it no more. A project's dreams go on, without these memories.
--   $1 kind, $2 tenant_id, $3 project, $4 name: the unit
--   $5 memory_ids  uuid[]
WITH unit AS (
    UPDATE maintenance.set_aside
    SET set_aside_at = now(), failures = CASE kind WHEN 'dream' THEN 0 ELSE failures END
    WHERE (kind, tenant_id, project, name) = ($1, $2, $3, $4)
)
INSERT INTO maintenance.set_aside_memories (memory_id, kind, tenant_id, project, name)
SELECT memory_id, $1, $2, $3, $4 FROM unnest($5::uuid[]) AS memory_id
ON CONFLICT DO NOTHING
"""


async def count_failure(
    pool: Pool,
    unit: Unit,
    *,
    cycle: str,
    reason: str,
    after_cycles: int,
    memories: Sequence[UUID] = (),
    model: str | None = None,
) -> bool:
    """Count that the model failed at *unit* in a cycle; return whether that set it aside.

    Args:
        pool: of the store.
        unit: what the model was asked about.
        cycle: failures within one cycle count once.
        reason: a word from a closed set.
        after_cycles: how many cycles in a row it takes.
        memories: what is not asked about any more where the unit is a memory or a dream.
        model: the one that failed: it must have given an accepted answer today. None: any may have.
    """
    async with transaction(pool) as db:
        row = await fetch_row(db, COUNT_FAILURE, *unit.key, unit.session_id, cycle, reason, model)
        if row is None or row["failures"] < after_cycles:
            return False
        await execute(db, SET_ASIDE, *unit.key, list(memories))
    logger.warning(
        "model_question_set_aside",
        kind=unit.kind,
        tenant_id=unit.tenant_id,
        project=unit.project,
        session_id=unit.session_id,
        reason=reason,
    )
    return True


FORGIVE: Final = """
-- model.FORGIVE: the model has answered; only cycles in a row count.
--   $1 kind, $2 tenant_id, $3 project, $4 name: the unit
--   $5 session_id  text     its memories are forgiven with it,
--   $6 but         text[]   except these
WITH counted AS (
    DELETE FROM maintenance.set_aside
    WHERE tenant_id = $2 AND project = $3 AND set_aside_at IS NULL
          AND ((kind, name) = ($1, $4) OR (kind = 'memory' AND session_id = $5 AND NOT name = ANY ($6::text[])))
)
UPDATE maintenance.set_aside SET failures = 0
WHERE (kind, tenant_id, project, name) = ($1, $2, $3, $4) AND set_aside_at IS NOT NULL AND failures > 0
"""


async def forgive(db: Executor, unit: Unit, *, but: Iterable[UUID] = ()) -> None:
    """Forget the failures of a unit that the model has answered, and of its memories *but* those left out."""
    await execute(db, FORGIVE, *unit.key, unit.session_id, [str(one) for one in but])


IS_SET_ASIDE: Final = """
-- model.IS_SET_ASIDE: whether the model is not to be asked about a unit.
--   $1 kind, $2 tenant_id, $3 project, $4 name: the unit
SELECT EXISTS (
    SELECT 1 FROM maintenance.set_aside
    WHERE (kind, tenant_id, project, name) = ($1, $2, $3, $4) AND set_aside_at IS NOT NULL
)
"""


async def is_set_aside(db: Executor, unit: Unit) -> bool:
    """Return whether the model is not to be asked about *unit*."""
    return bool(await fetch_value(db, IS_SET_ASIDE, *unit.key))


@dataclass(frozen=True, slots=True)
class SetAside:
    """One unit that is set aside, with ids and numbers only; ``memories`` counts those of a dream, 1 of a memory."""

    kind: Kind
    tenant_id: str
    project: str
    name: str
    session_id: str | None
    reason: str
    set_aside_at: datetime
    memories: int


LIST_SET_ASIDE: Final = """
-- model.LIST_SET_ASIDE: the latest first.
--   $1 tenant_id  text   NULL: every tenant
SELECT s.kind, s.tenant_id, s.project, s.name, s.session_id, s.reason, s.set_aside_at,
       count(m.memory_id)::integer AS memories
FROM maintenance.set_aside s LEFT JOIN maintenance.set_aside_memories m USING (kind, tenant_id, project, name)
WHERE s.set_aside_at IS NOT NULL AND ($1::text IS NULL OR s.tenant_id = $1)
GROUP BY s.kind, s.tenant_id, s.project, s.name
ORDER BY s.set_aside_at DESC, s.tenant_id, s.project, s.kind, s.name
"""


async def all_set_aside(db: Executor, tenant_id: str | None = None) -> list[SetAside]:
    """Return what is set aside, of one tenant or of all."""
    return [SetAside(**dict(row)) for row in await fetch(db, LIST_SET_ASIDE, tenant_id)]


REQUEUE: Final = """
-- model.REQUEUE: the model may be asked again, and failures count from the beginning.
--   $1 tenant_id   text
--   $2 project     text   NULL: every project
--   $3 session_id  text   NULL: everything; else this session and its memories
WITH gone AS (
    DELETE FROM maintenance.set_aside
    WHERE tenant_id = $1 AND ($2::text IS NULL OR project = $2) AND ($3::text IS NULL OR session_id = $3)
    RETURNING set_aside_at
)
SELECT count(set_aside_at) FROM gone
"""


async def requeue(db: Executor, tenant_id: str, *, project: str | None = None, session_id: str | None = None) -> int:
    """Let the model be asked again about what was set aside; return how many units that were."""
    return int(await fetch_value(db, REQUEUE, tenant_id, project, session_id))
