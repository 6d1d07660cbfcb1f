"""Celery with a task per tenant. As a program it is the client: JSON in, the sum of the rows and the seconds out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from celery import Celery, group
from celery.signals import worker_process_init

from benchmarks.speed.competitors import STATEMENTS, Statement, rows_of

ANSWER_SECONDS: Final = 60
"""For a worker to be there."""

app = Celery("speed", broker=os.environ.get("SPEED_BROKER"), backend=os.environ.get("SPEED_BROKER"))
app.conf.broker_connection_retry_on_startup = True


class Connection:
    """The one connection of a worker process, with the event loop that it belongs to."""

    loop: asyncio.AbstractEventLoop
    store: asyncpg.Connection


@worker_process_init.connect  # type: ignore[untyped-decorator]
def connect(**_: Any) -> None:
    """Open the connection when a worker process begins."""
    Connection.loop = asyncio.new_event_loop()
    Connection.store = Connection.loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))


@app.task(name="tenant")  # type: ignore[untyped-decorator]
def tenant(statement: Statement, tenant_id: str, as_of: str) -> int:
    """Run a statement for one tenant and return how many rows."""
    done = Connection.store.execute(STATEMENTS[statement], UUID(tenant_id), datetime.fromisoformat(as_of))
    return rows_of(Connection.loop.run_until_complete(done))


def send(statement: Statement, tenants: Sequence[str], as_of: str) -> tuple[int, float]:
    """Send a task for each tenant once a worker answers, and wait for all results.

    Raises:
        RuntimeError: no worker answered within ``ANSWER_SECONDS``.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    while not app.control.ping(timeout=0.5):
        if time.monotonic() > deadline:
            raise RuntimeError("no Celery worker answers")
    began = time.perf_counter()
    sent = group(app.signature("tenant", (statement, one, as_of)) for one in tenants).apply_async()
    return sum(sent.get(timeout=3600)), time.perf_counter() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps(send(**json.load(sys.stdin))))
