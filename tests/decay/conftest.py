"""A store for tests that drive Postgres from synchronous code, as Hypothesis needs it."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from memory_maintenance.store.pool import Pool, open_pool
from tests.agents import json_codec
from tests.conftest import _run_on_server, database_url

T = TypeVar("T")
THOROUGH = int(os.environ.get("DECAY_EXAMPLES_FACTOR", "1"))
"""How many times more examples than usual."""


def some(examples: int, **others: Any) -> settings:
    """Return Hypothesis' settings for about so many examples."""
    return settings(
        max_examples=examples * THOROUGH,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        **others,
    )


@dataclass(frozen=True)
class Lab:
    """A migrated store and the loop that its pool belongs to."""

    runner: asyncio.Runner
    pool: Pool
    digits: float
    """How far a stored importance may be from the exact one."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@pytest.fixture(scope="module")
def make_lab(postgres_url: str, templates: dict[str, str]) -> Iterator[Callable[..., Lab]]:
    """Open labs: the store's table (small or rae) and, if asked for, importance as real."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        labs: dict[str, Lab] = {}

        def make(kind: str, *, real: bool = False) -> Lab:
            name = f"lab_{uuid4().hex[:12]}"
            runner.run(_run_on_server(postgres_url, f"CREATE DATABASE {name} TEMPLATE {templates[kind]}"))
            url = database_url(postgres_url, name)
            if real:
                columns = "ALTER importance TYPE real, ALTER decayed_importance TYPE real"
                runner.run(_run_on_server(url, f"ALTER TABLE memories {columns}"))
            pool = runner.run(open_pool(url, size=4, timeout_seconds=30, init=json_codec))
            labs[name] = Lab(runner, pool, 6e-8 if real else 1e-12)
            return labs[name]

        yield make
        for name, lab in labs.items():
            runner.run(lab.pool.close())
            runner.run(_run_on_server(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))
