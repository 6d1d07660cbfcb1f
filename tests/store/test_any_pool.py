"""Every public class works with whatever asyncpg connection the caller has, and leaves it as it was."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

import memory_maintenance
from memory_maintenance import (
    DecayWorker,
    DreamingWorker,
    MaintenanceScheduler,
    ReflectionEngineV2,
    SummarizationWorker,
)
from memory_maintenance.errors import StoreError
from memory_maintenance.rae.context import Event, OutcomeType, ReflectionContext
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from scripted_endpoint.server import ScriptedEndpoint
from tests.agents import AS_OF, derived, json_codec, talk, write
from tests.model_path import honest, told
from tests.steps import Decaying, Dreamer, Summarizing

TENANT = str(uuid4())
RUN = UUID(int=7)


def _refuse(_: Any) -> Any:
    raise AssertionError("the library lets a codec of the caller's touch its values")


async def _odd(connection: asyncpg.Connection) -> None:
    """Decode jsonb in a way that suits the caller alone."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_refuse, decoder=_refuse)


KINDS: dict[str, Callable[[str], Any]] = {
    "plain pool": lambda url: asyncpg.create_pool(url, min_size=1),
    "pool with a jsonb codec": lambda url: asyncpg.create_pool(url, min_size=1, init=json_codec),
    "pool with an odd jsonb codec": lambda url: asyncpg.create_pool(url, min_size=1, init=_odd),
    "pool without a statement cache": lambda url: asyncpg.create_pool(url, min_size=1, statement_cache_size=0),
    "connection": asyncpg.connect,
}


@pytest.fixture(params=KINDS)
async def theirs(request: pytest.FixtureRequest, store_url: str) -> AsyncIterator[Any]:
    """What a caller may pass as ``pool``."""
    opened = await KINDS[request.param](store_url)
    yield opened
    await opened.close()


def extractive(**more: Any) -> Settings:
    return Settings.model_validate({"rae_llm_backend": "extractive", "summarization_min_events": 5, **more})


async def _fill(pool: Pool) -> None:
    """Write a session of 12 events, eight memories to dream about, and an override."""
    texts = told(20)
    await write(pool, TENANT, texts[:12], session="s1")
    for session, told_there in (("a", texts[12:16]), ("b", texts[16:])):
        await write(pool, TENANT, told_there, session=session, importance=0.9, start=AS_OF - timedelta(hours=20))
    await override(pool, TENANT, {"decay_rate": 0.005, "protected_tags": ["pinned"]})


async def decay_cycle(theirs: Any, _pool: Pool) -> Any:
    return await DecayWorker(theirs, extractive()).run_decay_cycle(as_of=AS_OF)


async def decay_in_batches(theirs: Any, _pool: Pool) -> Any:
    worker = Decaying(theirs, extractive(memory_decay_page_size=10))
    first = await worker.decay_batch(TENANT, AS_OF, run_id=RUN, seconds=0)
    second = await worker.decay_batch(TENANT, AS_OF, run_id=RUN)
    return first.status, first.seen, second.status, second.seen, second.updated


async def decay_that_is_paused_after_a_page(theirs: Any, pool: Pool) -> Any:
    worker = Decaying(theirs, extractive(memory_decay_page_size=10))
    await worker.decay_batch(TENANT, AS_OF, run_id=RUN, seconds=0)
    await pause(pool, TENANT, by="ana")
    batch = await worker.decay_batch(TENANT, AS_OF, run_id=RUN)
    return batch.status, batch.seen


async def decay_foreseen(theirs: Any, _pool: Pool) -> Any:
    batch = await Decaying(theirs, extractive()).foresee_batch(TENANT, AS_OF)
    return batch.status, batch.updated


async def decay_switched_off(theirs: Any, pool: Pool) -> Any:
    stats = await DecayWorker(theirs, extractive(memory_importance_decay_enabled=False)).run_decay_cycle(as_of=AS_OF)
    assert stats == {"total_tenants": 1, "total_updated": 0}
    return [row[0] for row in await fetch(pool, "SELECT decay_off_since FROM maintenance.tenants")]


async def one_session(theirs: Any, _pool: Pool) -> Any:
    summary = await SummarizationWorker(theirs, extractive()).summarize_session(TENANT, "shop", "s1")
    assert summary
    return summary["tags"], summary["metadata"]["event_count"], summary["metadata"]["session_id"]


async def one_session_that_grows(theirs: Any, pool: Pool) -> Any:
    worker, key = Summarizing(theirs, extractive()), SessionKey(TENANT, "shop", "s1")
    first = await worker.summarize(key, as_of=AS_OF, cycle_id=RUN)
    again = await worker.summarize(key, as_of=AS_OF, cycle_id=RUN)
    await write(pool, TENANT, talk(6), session="s1", start=AS_OF - timedelta(hours=4))
    later = await worker.summarize(key, as_of=AS_OF)
    [kept] = await derived(pool, TENANT)
    return first.status, again.status, later.status, kept["metadata"]["event_count"], kept["metadata"]["revision"]


async def one_session_foreseen(theirs: Any, _pool: Pool) -> Any:
    key = SessionKey(TENANT, "shop", "s1")
    outcome = await Summarizing(theirs, extractive()).summarize(key, as_of=AS_OF, dry_run=True)
    return outcome.status, outcome.events


async def long_sessions(theirs: Any, _pool: Pool) -> Any:
    found = await SummarizationWorker(theirs, extractive()).summarize_long_sessions(TENANT, "shop", 10)
    return [(one["session_id"], one["metadata"]["backend"]) for one in found]


async def a_dream(theirs: Any, pool: Pool) -> Any:
    worker = Dreamer(theirs, extractive())
    first = await worker.dream(TENANT, "shop", as_of=AS_OF, cycle_id=RUN)
    again = await worker.dream(TENANT, "shop", as_of=AS_OF, cycle_id=RUN)
    other = await worker.dream(TENANT, "shop", as_of=AS_OF)
    [kept] = await derived(pool, TENANT, "reflection_engine_v2")
    return first.status, first == again, other.status, kept["metadata"]["backend"]


async def a_dream_as_rae_has_it(theirs: Any, pool: Pool) -> Any:
    lately = {"importance": 0.9, "start": await _now(pool) - timedelta(minutes=5), "project": "today"}
    for session in ("a", "b"):
        await write(pool, TENANT, talk(4), session=session, **lately)
    worker = DreamingWorker(theirs, extractive())
    return [list(ids) for ids in await worker.run_dreaming_cycle(TENANT, "today")]


async def a_reflection(theirs: Any, _pool: Pool) -> Any:
    engine = ReflectionEngineV2(theirs, extractive())
    events = tuple(
        Event(event_id=f"e{n}", timestamp=AS_OF - timedelta(days=n), content=text) for n, text in enumerate(talk(4))
    )
    result = await engine.generate_reflection(
        ReflectionContext(events=events, outcome=OutcomeType.SUCCESS, tenant_id=TENANT, project="shop")
    )
    assert result
    ids = await engine.store_reflection(result, TENANT, "shop")
    [found] = await engine.query_reflections(TENANT, "shop", min_importance=0)
    ranked = await engine.query_reflections(TENANT, "shop", "courier Gent", min_importance=0, tags=result.tags)
    return found["id"] == ids["reflection_id"], found["metadata"]["outcome"], len(ranked)


async def a_night_and_the_next(theirs: Any, pool: Pool) -> Any:
    scheduler = MaintenanceScheduler(theirs, extractive())
    first = await scheduler.run_daily_maintenance(as_of=AS_OF)
    second = await scheduler.run_daily_maintenance([TENANT], as_of=AS_OF + timedelta(days=1))
    kept = await fetch(pool, "SELECT config->>'llm_backend', totals->>'looked_at' FROM maintenance.cycles")
    counts = await fetch(pool, "SELECT counts->'decay'->>'updated' FROM maintenance.tenant_runs ORDER BY 1")
    return (
        (first["decay"]["total_updated"], first["summarization"]["stored"]),
        (first["dreaming"]["reflections_generated"], second["dreaming"]["reflections_generated"]),
        [tuple(row) for row in kept],
        [row[0] for row in counts],
    )


async def a_night_foreseen(theirs: Any, _pool: Pool) -> Any:
    stats = await MaintenanceScheduler(theirs, extractive()).run_daily_maintenance(as_of=AS_OF, dry_run=True)
    return stats["decay"]["total_updated"], stats["summarization"]["stored"]


async def an_hour(theirs: Any, _pool: Pool) -> Any:
    stats = await MaintenanceScheduler(theirs, extractive()).run_hourly_maintenance(as_of=AS_OF)
    return stats["decay"]["total_updated"], stats["summarization"]["stored"]


CASES: dict[Callable[[Any, Pool], Awaitable[Any]], Any] = {
    decay_cycle: {"total_tenants": 1, "total_updated": 20},
    decay_in_batches: ("more", 10, "done", 20, 20),
    decay_that_is_paused_after_a_page: ("paused", 10),
    decay_foreseen: ("done", 20),
    decay_switched_off: [AS_OF],
    one_session: (["session_summary", "auto_generated"], 12, "s1"),
    one_session_that_grows: ("stored", "stored", "updated", 18, 2),
    one_session_foreseen: ("stored", 12),
    long_sessions: [("s1", "extractive")],
    a_dream: ("stored", True, "skipped", "extractive"),
    a_dream_as_rae_has_it: [["reflection_id", "strategy_id"]],
    a_reflection: (True, "success", 1),
    a_night_and_the_next: (
        (20, 1),
        (1, 0),
        [("extractive", "1")] * 2,
        ["20", "22"],
    ),  # the second also what the first derived
    a_night_foreseen: (20, 1),
    an_hour: (0, 1),
}


async def _now(pool: Pool) -> Any:
    [row] = await fetch(pool, "SELECT now()")
    return row[0]


def test_every_public_method_has_a_case():
    tried = "".join(map(inspect.getsource, CASES))
    methods = [
        name
        for owner in memory_maintenance.__all__
        for name, _ in inspect.getmembers(getattr(memory_maintenance, owner), inspect.isfunction)
        if not name.startswith("_")
    ]
    assert len(methods) == 9
    assert [name for name in methods if f".{name}(" not in tried] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_every_method_does_the_same_with_any_connection(theirs, pool, case):
    await _fill(pool)
    assert await case(theirs, pool) == CASES[case]


async def test_an_answer_that_was_paid_for_is_stored_with_any_connection(theirs, pool, endpoint: ScriptedEndpoint):
    await _fill(pool)
    endpoint.otherwise = honest
    chosen = {"rae_llm_backend": "openai", "openai_base_url": endpoint.base_url, "openai_api_key": "none"}
    scheduler = MaintenanceScheduler(theirs, extractive(**chosen))
    stats = await scheduler.run_daily_maintenance(as_of=AS_OF)
    assert (stats["summarization"]["stored"], stats["dreaming"]["reflections_generated"]) == (1, 1)
    assert len(endpoint.requests) == 2


SHOWN = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name"
BOUNDS = {
    "idle_in_transaction_session_timeout": "10000",
    "lock_timeout": "30000",
    "plan_cache_mode": "force_custom_plan",
}


async def test_a_transaction_has_its_bounds_on_any_connection(theirs):
    async with transaction(theirs) as db:
        assert [tuple(row) for row in await fetch(db, SHOWN, list(BOUNDS))] == list(BOUNDS.items())


async def test_a_tighter_bound_of_the_callers_stays(store_url):
    tighter = {
        "idle_in_transaction_session_timeout": "5000",
        "lock_timeout": "900",
        "plan_cache_mode": "force_custom_plan",
    }
    theirs = await asyncpg.connect(store_url, server_settings={**tighter, "plan_cache_mode": "auto"})
    async with transaction(theirs) as db:
        assert [tuple(row) for row in await fetch(db, SHOWN, list(tighter))] == list(tighter.items())
    await theirs.close()


async def test_a_transaction_whose_statement_failed_does_not_end_as_if_it_had_written(theirs):
    async def write_in_spite_of_an_error() -> None:
        async with transaction(theirs) as db:
            with pytest.raises(StoreError):
                await execute(db, "SELECT FROM nowhere")

    with pytest.raises(StoreError, match="nothing was written"):
        await write_in_spite_of_an_error()


GENERIC = "SELECT statement FROM pg_prepared_statements WHERE generic_plans > 0 AND parameter_types <> '{}'"


@pytest.mark.parametrize("inside", [False, True])
async def test_a_statement_is_planned_for_its_arguments_however_often_it_runs(theirs, inside):
    async with transaction(theirs) if inside else nullcontext(theirs) as db:
        for n in range(12):
            assert await fetch_value(db, "SELECT $1::integer + 1", n) == n + 1
            assert [tuple(row) for row in await fetch(db, "SELECT $1::integer + 2", n)] == [(n + 2,)]
            assert await execute(db, "UPDATE memories SET usage_count = $1", n) == 0
        assert await fetch(db, GENERIC) == []


async def _session(theirs: Any) -> Any:
    """Return what a caller's next statement depends on, and how it gets jsonb back."""
    async with nullcontext(theirs) if isinstance(theirs, asyncpg.Connection) else theirs.acquire() as db:
        # Without those of PL/pgSQL, which are there from the first trigger on that is written in it.
        settings = await db.fetch("SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%'")
        try:
            value = await db.fetchval("SELECT '{}'::jsonb")
        except AssertionError as error:
            value = str(error)
        return settings, db.is_in_transaction(), value


async def test_a_callers_connection_is_given_back_as_it_was(theirs, pool):
    await _fill(pool)
    before = await _session(theirs)
    await MaintenanceScheduler(theirs, extractive()).run_daily_maintenance(as_of=AS_OF)
    assert await _session(theirs) == before


async def test_a_connection_in_a_callers_transaction_writes_nothing_until_the_caller_commits(pool, store_url):
    await _fill(pool)
    theirs = await asyncpg.connect(store_url)
    undone = theirs.transaction()
    await undone.start()
    stats = await MaintenanceScheduler(theirs, extractive()).run_daily_maintenance(as_of=AS_OF)
    assert stats["decay"]["total_updated"] == 20
    await undone.rollback()
    await theirs.close()
    assert await fetch(pool, "SELECT FROM maintenance.cycles") == []
    assert await fetch(pool, "SELECT FROM memories WHERE base_importance IS NOT NULL") == []
