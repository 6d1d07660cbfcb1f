"""Stores as people have them: each fixture or deed makes one thing wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.figures import store_figures
from memory_maintenance.inspection.health import Check
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute

LoggedIn = Callable[..., Awaitable[Pool]]


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})


async def night(pool: Pool, kind: Any = "daily") -> dict[str, Any]:
    return await run_maintenance(pool, settings(), kind=kind)


async def doctor(pool: Pool) -> dict[str, Check]:
    return {check.name: check for check in await store_checks(pool, settings())}


async def metric(pool: Pool) -> set[tuple[str, str, str]]:
    """What the metric says was found: kind of cycle, check and severity."""
    return set((await store_figures(pool, settings())).findings)


def as_role(url: str, role: str) -> str:
    """Return *url* with another user."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture
async def role(pool: Pool) -> AsyncIterator[str]:
    """A role that may work and owns nothing, as docs/security.md makes it; Postgres keeps roles for all databases."""
    name = f"worker_{uuid4().hex[:12]}"
    await execute(pool, f"CREATE ROLE {name} LOGIN")
    yield name
    await execute(pool, f"DROP OWNED BY {name}")
    await execute(pool, f"DROP ROLE {name}")


SKEWED = """
CREATE SCHEMA skewed;
CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
RETURN pg_catalog.clock_timestamp() + interval '{by}';
CREATE FUNCTION skewed.now() RETURNS timestamptz LANGUAGE sql STABLE RETURN pg_catalog.now() + interval '{by}';
"""
"""A server whose clock is wrong, for every statement that asks it by these names."""


async def skew(pool: asyncpg.Pool, by: str) -> None:
    """Let sessions that are opened from now on see a clock that is wrong *by* an interval."""
    async with pool.acquire() as connection:
        await connection.execute("DROP SCHEMA IF EXISTS skewed CASCADE;" + SKEWED.format(by=by))
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"ALTER DATABASE {name} SET search_path = skewed, pg_catalog, public")


async def straighten(pool: asyncpg.Pool) -> None:
    """Let sessions that are opened from now on see the right clock."""
    async with pool.acquire() as connection:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"ALTER DATABASE {name} RESET search_path")
