"""RAE's rule as a Celery task on Redis, one per tenant: what RAE's users have today.

The same SQL as ``rae_loop.py``. Celery keeps no history: what a killed worker had taken is lost or,
with late acknowledgement, done again, and this rule would then decay those memories twice.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from celery import Celery
from celery.signals import worker_process_init

from benchmarks.speed.bare_sql import rows_of
from benchmarks.speed.rae_loop import RATE, RULE

app = Celery("speed", broker=os.environ.get("SPEED_BROKER"), backend=os.environ.get("SPEED_BROKER"))
app.conf.broker_connection_retry_on_startup = True
app.conf.imports = ["benchmarks.speed.celery_due"]


class Connection:
    """The one connection of a worker process, with the event loop that it belongs to."""

    loop: asyncio.AbstractEventLoop
    store: asyncpg.Connection


@worker_process_init.connect  # type: ignore[untyped-decorator]
def connect(**_: Any) -> None:
    """Open the connection when a worker process begins."""
    Connection.loop = asyncio.new_event_loop()
    Connection.store = Connection.loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))


@app.task(name="decay_tenant")  # type: ignore[untyped-decorator]
def decay_tenant(tenant_id: str, as_of: str) -> int:
    """Decay one tenant and return how many rows were written."""
    statement = Connection.store.execute(RULE, UUID(tenant_id), datetime.fromisoformat(as_of), RATE)
    return rows_of(Connection.loop.run_until_complete(statement))
