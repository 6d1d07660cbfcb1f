"""Why a session is or is not summarized, by the rule that a run uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from memory_maintenance.errors import SessionNotFoundError
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.summarization.policy import HOURLY_REACH, DueRule, SessionState
from memory_maintenance.tenants.control import TenantControl, control_of

SESSION: Final = """
-- inspection.SESSION: what a session holds, in each project that has one of that name; see summarization.DUE_SESSIONS.
--   $1 tenant_id   its own type
--   $2 as_of       timestamptz
--   $3 session_id  text
--   $4 derivation_excluded, $5 model_excluded  text[]   classes that are no events; that no model is sent
WITH adoption AS (
    SELECT at FROM maintenance.adoption($2) AS known (at)
),
entries AS MATERIALIZED (
    SELECT r.id, $1::text AS tenant_id, r.project, r.created_at, r.kind,
           r.kind = 'event' AND r.created_at <= $2 AND maintenance.is_live(r.expires_at, $2)
               AND NOT maintenance.is_excluded(r.info_class, to_jsonb($4::text[])) AS is_event,
           maintenance.is_excluded(r.info_class, to_jsonb($5::text[])) AS never_sent,
           CASE WHEN r.kind = 'ours' THEN r.written END AS written,
           r.part = 0 AS counts
    FROM maintenance.session_rows($1, $3) r
),
adopted AS (
    SELECT e.project, max(e.created_at) AS until
    FROM entries e CROSS JOIN adoption a WHERE e.kind = 'theirs' AND e.created_at <= a.at
    GROUP BY e.project
),
events AS (
    SELECT e.*, c.source_id IS NOT NULL AS covered, e.created_at <= t.until AS is_adopted,
           x.memory_id IS NOT NULL AS left_out,
           c.source_id IS NULL AND x.memory_id IS NULL AND (t.until IS NULL OR e.created_at > t.until) AS is_new
    FROM entries e
         LEFT JOIN adopted t USING (project)
         LEFT JOIN maintenance.lineage c
             ON c.tenant_id = e.tenant_id AND c.source_id = e.id AND c.task = 'summarization'
         LEFT JOIN maintenance.set_aside_memories x
             ON x.memory_id = e.id AND x.kind = 'memory' AND x.tenant_id = e.tenant_id
)
SELECT e.project, a.at AS adopted_at,
       count(*) FILTER (WHERE is_event AND counts)::integer AS events,
       count(*) FILTER (WHERE is_event AND counts AND (covered OR is_adopted))::integer AS covered,
       count(*) FILTER (WHERE is_event AND counts AND left_out AND NOT covered)::integer AS left_out,
       count(*) FILTER (WHERE is_event AND counts AND is_new)::integer AS new_events,
       max(e.created_at) FILTER (WHERE is_event) AS last_event_at,
       max(e.created_at) FILTER (WHERE is_event AND is_new) AS last_new_event_at,
       count(*) FILTER (WHERE e.kind IN ('ours', 'theirs'))::integer AS summaries,
       coalesce(bool_or(e.written = 'fallback'), false) AS fallback,
       coalesce(bool_or(e.written = 'extractive'), false) AS extractive,
       coalesce(bool_or(e.written <> 'fallback'), false) AS good,
       coalesce(bool_or(e.never_sent) FILTER (WHERE is_event OR e.kind = 'ours'), false) AS never_sent,
       EXISTS (
           SELECT 1 FROM maintenance.set_aside s
           WHERE s.kind = 'session' AND s.tenant_id = e.tenant_id AND s.project = e.project AND s.session_id = $3
                 AND s.set_aside_at IS NOT NULL
       ) AS set_aside
FROM events e CROSS JOIN adoption a
GROUP BY e.tenant_id, e.project, a.at
HAVING count(*) FILTER (WHERE is_event) > 0
ORDER BY e.project
"""

UNWRITTEN_SESSIONS: Final = """
-- inspection.UNWRITTEN_SESSIONS: sessions with events in no summary, of a tenant's latest events; the latest first.
--   $1 tenant_id  its own type
--   $2 as_of      timestamptz
--   $3 events     bigint   that are looked at, however many there are
--   $4 most       bigint
WITH latest AS (
    SELECT m.id, m.tenant_id, m.created_at, m.expires_at, maintenance.session_of(m.session_id, m.metadata) AS session_id
    FROM memories m
    WHERE m.tenant_id = $1 AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata) AND m.created_at <= $2
    ORDER BY m.created_at DESC
    LIMIT $3
)
SELECT l.session_id
FROM latest l
WHERE l.session_id IS NOT NULL AND maintenance.is_live(l.expires_at, $2)
      AND NOT EXISTS (
          SELECT FROM maintenance.lineage c
          WHERE c.tenant_id = l.tenant_id::text AND c.source_id = l.id AND c.task = 'summarization'
      )
GROUP BY l.session_id
ORDER BY max(l.created_at) DESC, l.session_id
LIMIT $4
"""

LATEST_EVENTS: Final = 2000
"""Events of a tenant among which its unwritten sessions are looked for."""


@dataclass(frozen=True, slots=True)
class SessionReport:
    """One session as the rule sees it. ``why`` are sentences, the decisive one first."""

    tenant_id: str
    project: str
    session_id: str
    events: int
    covered: int
    """Events that are in a summary."""
    left_out: int
    """Events that are set aside: the model failed at them."""
    new_events: int
    summaries: int
    last_event_at: datetime
    due_hourly: bool
    due_daily: bool
    why: tuple[str, ...]


async def session_reports(
    db: Executor, settings: Settings, tenant_id: str, session_id: str, *, as_of: datetime | None = None
) -> list[SessionReport]:
    """Return why a session is or is not summarized, once for each project that has one of that id.

    Raises:
        SessionNotFoundError: there is no event of it.
    """
    as_of = await checked_as_of(db, as_of)
    control = await control_of(db, tenant_id)
    reports = await _reports(db, settings, control, session_id, as_of)
    if not reports:
        raise SessionNotFoundError(tenant_id, session_id)
    return reports


async def unwritten_sessions(
    db: Executor, settings: Settings, control: TenantControl, *, as_of: datetime, most: int
) -> list[SessionReport]:
    """Return, the latest first, sessions that hold new events and that no run will summarize as things are."""
    found: list[SessionReport] = []
    for row in await fetch(db, UNWRITTEN_SESSIONS, control.tenant_id, as_of, LATEST_EVENTS, 3 * most):
        reports = await _reports(db, settings, control, row["session_id"], as_of)
        found += [one for one in reports if one.new_events and not one.due_daily]
    return found[:most]


async def _reports(
    db: Executor, settings: Settings, control: TenantControl, session_id: str, as_of: datetime
) -> list[SessionReport]:
    own = settings.for_tenant(control.overrides)
    excluded = (list(own.derivation_excluded_classes), list(own.model_excluded_classes))
    rows = await fetch(db, SESSION, control.tenant_id, as_of, session_id, *excluded)
    return [_report(row, control, settings, session_id, as_of) for row in rows]


def _report(row: Any, control: TenantControl, settings: Settings, session_id: str, as_of: datetime) -> SessionReport:
    own = settings.for_tenant(control.overrides)
    hourly, daily = (DueRule.of(own, daily=every_day) for every_day in (False, True))
    state = _state(row)
    off = _off(control, settings)
    is_due = [not off and rule.is_due(state, as_of=as_of, adopted_at=row["adopted_at"]) for rule in (hourly, daily)]
    if any(is_due):
        said = [_why_due(state, hourly, daily, as_of)]
    else:
        said = off or _why_not_due(state, daily, as_of, row["adopted_at"])
    return SessionReport(
        tenant_id=control.tenant_id,
        project=row["project"],
        session_id=session_id,
        events=row["events"],
        covered=row["covered"],
        left_out=row["left_out"],
        new_events=row["new_events"],
        summaries=row["summaries"],
        last_event_at=row["last_event_at"],
        due_hourly=is_due[0],
        due_daily=is_due[1],
        why=tuple(said),
    )


def _state(row: Any) -> SessionState:
    backend = "openai" if row["good"] and not row["extractive"] else "extractive" if row["extractive"] else None
    return SessionState(
        new_events=row["new_events"],
        last_event_at=row["last_event_at"],
        last_new_event_at=row["last_new_event_at"],
        summary_backend=backend or ("none" if row["fallback"] else None),
        fallback=row["fallback"],
        set_aside=row["set_aside"],
        never_sent=row["never_sent"],
    )


def _off(control: TenantControl, settings: Settings) -> list[str]:
    found = []
    if control.paused:
        said = ": ".join(part for part in (control.paused_by, control.paused_reason) if part)
        found.append(
            f"the tenant is paused{f' ({said})' if said else ''}: starter.py tenants resume {control.tenant_id}"
        )
    own = control.overrides.summarization_enabled
    if own is False:
        found.append(
            f"summaries are off for this tenant: starter.py tenants unset {control.tenant_id} summarization_enabled"
        )
    if own is None and not settings.summarization_enabled:
        found.append("SUMMARIZATION_ENABLED is off")
    return found


def _why_due(state: SessionState, hourly: DueRule, daily: DueRule, as_of: datetime) -> str:
    if state.last_event_at <= as_of - daily.idle and state.new_events >= daily.min_events:
        left = f"; its last new event is older than {HOURLY_REACH.days} days: left to the daily run"
        return (
            f"it is due: idle, with {state.new_events} new events (needed: {daily.min_events})"
            f"{left if hourly.is_out_of_reach(state, as_of) else ''}"
        )
    if state.new_events >= daily.event_threshold:
        return (
            f"it is due in the daily run: {state.new_events} new events ({daily.event_threshold} even while it goes on)"
        )
    return "it is due in the daily run: its summary can be written better than it is"


def _why_not_due(state: SessionState, rule: DueRule, as_of: datetime, adopted_at: datetime | None) -> list[str]:
    if replace(rule, gate=timedelta(0)).is_due(state, as_of=as_of, adopted_at=adopted_at):
        return [f"it waits: {idle_gate_reason(state.last_event_at, rule.gate, as_of)}"]
    if state.last_unwritten_at < (adopted_at or as_of) - rule.backfill:
        days = rule.backfill / timedelta(days=1)
        ended = "it ended" if state.last_unwritten_at == state.last_event_at else "its new events were written"
        return [
            f"{ended} more than {days:g} days (SUMMARIZATION_BACKFILL_DAYS) before adoption: "
            "starter.py summarize TENANT PROJECT SESSION does it all the same"
        ]
    return _not_yet(state, rule, as_of)


def idle_gate_reason(last_event_at: datetime, gate: timedelta, as_of: datetime) -> str:
    """Return why nothing is written of a session, or dreamt by a tenant, with such a last event."""
    since, minutes = (as_of - last_event_at) / timedelta(minutes=1), gate / timedelta(minutes=1)
    return (
        f"its last event is {since:.0f} minutes old, and nothing is written before {minutes:g} "
        "(MAINTENANCE_IDLE_GATE_MINUTES, or idle_gate_minutes of the tenant)"
    )


def _not_yet(state: SessionState, rule: DueRule, as_of: datetime) -> list[str]:
    found = []
    if not state.new_events and state.summary_backend is not None and not state.fallback:
        return ["every event of it is in a summary"]
    if state.new_events < rule.min_events:
        found.append(f"{state.new_events} new events, {rule.min_events} are needed (SUMMARIZATION_MIN_EVENTS)")
    if state.last_event_at > as_of - rule.idle:
        minutes, since = rule.idle / timedelta(minutes=1), (as_of - state.last_event_at) / timedelta(minutes=1)
        said = f"its last event is {since:.0f} minutes old, and {minutes:g} make it idle (SUMMARIZATION_IDLE_MINUTES)"
        long = f"; from {rule.event_threshold} new events on the daily run does not wait"
        found.append(f"it still goes on: {said}{'' if rule.waits(state, as_of) else long}")
    if state.set_aside and rule.backend == "openai" and not state.never_sent:
        found.append("it is set aside, because the model failed at it: starter.py memories set-aside")
    return found or ["all that could be written now is a fallback, and there is a better text already"]
