"""Who sends the tasks of ``celery_tasks.py``: JSON in, the sum of the results and the seconds out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence

from celery import group

from benchmarks.speed.celery_tasks import app

ANSWER_SECONDS = 60
"""For a worker to be there."""


def send(task: str, tenants: Sequence[str], as_of: str) -> tuple[int, float]:
    """Send a task per tenant, wait for all results; return their sum, and the seconds."""
    began = time.perf_counter()
    sent = group(app.signature(task, (tenant, as_of)) for tenant in tenants).apply_async()
    return sum(sent.get(timeout=3600)), time.perf_counter() - began


def wait_for_worker() -> None:
    """Return when a worker answers.

    Raises:
        RuntimeError: none did within ``ANSWER_SECONDS``.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    while not app.control.ping(timeout=0.5):
        if time.monotonic() > deadline:
            raise RuntimeError("no Celery worker answers")


if __name__ == "__main__":
    wait_for_worker()
    sys.stdout.write(json.dumps(send(**json.load(sys.stdin))))
