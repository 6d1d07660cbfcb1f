"""Redis, a Celery worker and its client, each a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Final

from benchmarks.speed.workers import environment, started, tethered

PROCESSES: Final = 2
BROKER: Final = "SPEED_BROKER"
"""Name of the variable that tells the worker and the client where Redis is."""

_TASKS: Final = "benchmarks.speed.celery_tasks"
_CLIENT: Final = "benchmarks.speed.celery_client"


def missing() -> str | None:
    """Return what has to be installed first, or None."""
    if find_spec("celery") is None:
        return "Celery is not installed (dependency group bench)"
    return None if which("redis-server") else "redis-server is not on the PATH (Debian: apt-get install redis-server)"


async def by_celery(task: str, url: str, as_of: datetime, tenants: Sequence[str], *, home: Path) -> tuple[int, float]:
    """Do a task per tenant of the store at *url*, on a Celery worker of two processes that is started for it.

    Returns:
        The sum of the tasks' results, and the seconds from the first one sent to the last result.
    """
    socket = home / "redis.sock"
    redis = [str(which("redis-server")), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(home)]
    settings = {BROKER: f"redis+socket://{socket}", "DATABASE_URL": url}
    work = tethered("-m", "celery", "-A", _TASKS, "worker", "--concurrency", str(PROCESSES), "--loglevel", "WARNING")
    async with (
        started(redis, home=home, log=home / "redis.log", settings={}),
        started(work, home=home, log=home / "celery.log", settings=settings),
    ):
        question = json.dumps({"task": task, "tenants": list(tenants), "as_of": as_of.isoformat()})
        return await asyncio.to_thread(_asked, question, home, settings)


def _asked(question: str, home: Path, settings: dict[str, str]) -> tuple[int, float]:
    # A process of its own: Celery's client does not forgive that its Redis goes away before it does.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", _CLIENT],
        input=question,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment(home, settings),
        cwd=home,
    )
    rows, seconds = json.loads(done.stdout)
    return int(rows), float(seconds)
