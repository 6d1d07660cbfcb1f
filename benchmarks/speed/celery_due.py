"""Celery asking each tenant whether something is due: a task per tenant, and nothing is done about it.

What an hourly run over a fleet is without set-based planning. The same broker and worker as ``celery_tasks.py``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from benchmarks.speed.celery_tasks import Connection, app

DUE: Final = """
-- speed.DUE: how many sessions of one tenant have ten events that are in no summary, the last of them half an hour old.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
SELECT count(*) FROM (
    SELECT session_id FROM memories m
    WHERE tenant_id = $1 AND layer IN ('episodic', 'em') AND source = 'agent' AND session_id IS NOT NULL
          AND NOT EXISTS (
              SELECT 1 FROM maintenance.covered_events c WHERE c.tenant_id = m.tenant_id::text AND c.event_id = m.id
          )
    GROUP BY session_id
    HAVING count(*) >= 10 AND max(created_at) <= $2::timestamptz - interval '30 minutes'
) AS due
"""


@app.task(name="due_sessions")  # type: ignore[untyped-decorator]
def due_sessions(tenant_id: str, as_of: str) -> int:
    """Return how many sessions of one tenant are due."""
    asked = Connection.store.fetchval(DUE, UUID(tenant_id), datetime.fromisoformat(as_of))
    found: Any = Connection.loop.run_until_complete(asked)
    return int(found)
