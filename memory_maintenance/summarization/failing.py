"""Sessions and events that a model keeps failing at: counted per cycle, and set aside after some."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from memory_maintenance.errors import LanguageModelError, QuestionRefusedError, is_about_content
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.policy import SessionKey, summary_id
from memory_maintenance.writers.model.openai_errors import FILTERED
from memory_maintenance.writers.model.set_aside import Unit, count_failure, forgive

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
        await count_failure(pool, unit, cycle=cycle, reason=error.reason, after_cycles=after, memories=memories)
