"""RAE's table as RAE fills it, seen through a pool as RAE opens it; and models that behave."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.question import Question
from tests.fake_model import FakeModel, answer_to

INSERT = """
INSERT INTO memories (tenant_id, content, importance, layer, project, created_at, timestamp, last_accessed_at, tags,
                      metadata, source, memory_type)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9::jsonb, 'api [p1/1]', 'text')
RETURNING id
"""


@pytest.fixture
async def theirs(rae_url: str) -> AsyncIterator[Pool]:
    """The pool of the document, and of RAE's tasks: no codec, no settings."""
    pool = await asyncpg.create_pool(rae_url)
    yield pool
    await pool.close()


async def remember(
    pool: Pool,
    tenant: str,
    texts: Iterable[str],
    *,
    importance: float = 0.8,
    days_ago: float = 0,
    accessed_days_ago: float | None = None,
    session: str | None = None,
    project: str = "default",
    layer: str = "episodic",
    tags: list[str] | None = None,
) -> list[UUID]:
    """Write memories one second apart; the session goes into the metadata, where RAE's worker looks for it."""
    start = datetime.now(UTC) - timedelta(days=days_ago, minutes=10)
    accessed = start if accessed_days_ago is None else datetime.now(UTC) - timedelta(days=accessed_days_ago)
    metadata = json.dumps({} if session is None else {"session_id": session})
    return [
        await pool.fetchval(
            *(INSERT, tenant, text, importance, layer, project, start + timedelta(seconds=n), accessed),
            *(tags or [], metadata),
        )
        for n, text in enumerate(texts)
    ]


def events(count: int) -> list[str]:
    """Return *count* texts like those of RAE's tests."""
    return [f"Important event {n}: user {n} met an error and found a solution" for n in range(count)]


async def importance_of(pool: Pool, memory: UUID) -> float:
    return float(await pool.fetchval("SELECT importance FROM memories WHERE id = $1", memory))


def flags(**chosen: Any) -> Settings:
    """Return settings as RAE's tests patch them; a model writes."""
    return Settings(_env_file=None, **{"rae_llm_backend": "openai", **chosen})


def saying(**said: Any) -> FakeModel:
    """Return a model whose answers say so; what is not said, it says of the sources."""

    def reply(question: Question[Any]) -> dict[str, Any]:
        usual = answer_to(question)
        return usual | {name: value for name, value in said.items() if name in usual}

    return FakeModel(reply=reply)


def raising(error: Exception) -> FakeModel:
    """Return a model that raises *error*."""

    def reply(_: Question[Any]) -> dict[str, Any]:
        raise error

    return FakeModel(reply=reply)
