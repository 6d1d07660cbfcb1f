"""Sessions and events that a model keeps failing at: counted per cycle, and set aside after some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from memory_maintenance.errors import LanguageModelError, QuestionRefusedError, is_about_content
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.summarization.policy import SessionKey, summary_id
from memory_maintenance.summarization.session import Session
from memory_maintenance.writers.model.openai_errors import FILTERED
from memory_maintenance.writers.model.set_aside import Unit, count_failure, forgive

SET_EVENTS_ASIDE: Final = """
-- summarization.SET_EVENTS_ASIDE: these events are in no summary until somebody requeues them.
--   $1 tenant_id   text
--   $2 project     text
--   $3 session_id  text
--   $4 round       text    the cycle
--   $5 reason      text
--   $6 event_ids   uuid[]
WITH units AS (
    INSERT INTO maintenance.set_aside
        (kind, tenant_id, project, name, session_id, failures, last_round, reason, set_aside_at)
    SELECT 'memory', $1, $2, id::text, $3, 1, $4, $5, now() FROM unnest($6::uuid[]) AS id
    ON CONFLICT (kind, tenant_id, project, name) DO UPDATE SET set_aside_at = now(), reason = excluded.reason
)
INSERT INTO maintenance.set_aside_memories (memory_id, kind, tenant_id, project, name)
SELECT id, 'memory', $1, $2, id::text FROM unnest($6::uuid[]) AS id
ON CONFLICT DO NOTHING
"""

_REFUSED = QuestionRefusedError(FILTERED, "the endpoint's content filter refuses this event")


def session_unit(session: SessionKey) -> Unit:
    """Return what failures at a session are counted by."""
    name = str(summary_id(session))
    return Unit("session", session.tenant_id, session.project_name, name, session.session_id)


async def count_failed_session(
    pool: Pool,
    settings: Settings,
    session: SessionKey,
    *,
    attempt_group: str,
    error: LanguageModelError,
) -> None:
    """Count that a model failed at *session* in *attempt_group*, where its content is to blame."""
    await _count(pool, settings, session_unit(session), attempt_group, error)


async def count_left_out(
    pool: Pool,
    settings: Settings,
    session: SessionKey,
    events: Sequence[UUID],
    *,
    attempt_group: str,
) -> None:
    """Count the events that a summary had to leave out, and forget the session's earlier failures."""
    for event_id in events:
        unit = Unit("memory", session.tenant_id, session.project_name, str(event_id), session.session_id)
        await _count(pool, settings, unit, attempt_group, _REFUSED, [event_id])
    await forgive(pool, session_unit(session), but=events)


async def set_events_aside(pool: Pool, session: Session, reason: str, *, attempt_group: str) -> None:
    """Leave the session's new events out from now on: the extractive writer's text with them is not fit to be stored.

    The summary that is stored stays as it is. `memories requeue` lets the events in again.
    """
    key = session.key
    ids = [row.id for event in session.new for row in event.rows]
    await execute(pool, SET_EVENTS_ASIDE, key.tenant_id, key.project_name, key.session_id, attempt_group, reason, ids)


async def _count(
    pool: Pool,
    settings: Settings,
    unit: Unit,
    cycle: str,
    error: LanguageModelError,
    memories: Sequence[UUID] = (),
) -> None:
    if is_about_content(error):
        after = settings.set_aside_after_cycles
        await count_failure(
            pool,
            unit,
            cycle=cycle,
            reason=error.reason,
            after_cycles=after,
            memories=memories,
            model=settings.model_of_summaries,
        )
