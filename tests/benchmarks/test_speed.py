"""The speed benchmark: its stores, its competitors, what it says of its figures, and all of it in small."""

import os
import shutil
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from benchmarks.decay_policies import rae_run
from benchmarks.speed import __main__ as command
from benchmarks.speed import decay, fleet, sessions
from benchmarks.speed.competitors import RATE, by_celery, missing, tenant_by_tenant, whole_table
from benchmarks.speed.pictures import draw
from benchmarks.speed.results import FOLDER, Bench, Target, as_text, keep, kept
from benchmarks.speed.scaling import GROWTH
from benchmarks.speed.servers import Servers, connected, database, peak_megabytes, processor_seconds, value, written
from benchmarks.speed.sessions import LOOP_DELAY_SECONDS, loop_seconds
from benchmarks.speed.store import DUE_EVENTS, Fleet, fill_nights, fill_past, night, tenant_ids
from chaos.answers import good_answer
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.settings import Settings
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import open_pool
from memory_maintenance.summarization.policy import fallback_text
from memory_maintenance.summarization.task import Summarization
from memory_maintenance.task import Tools
from memory_maintenance.work import Run
from scripted_endpoint.replies import answer

MEMORIES = """
SELECT id, importance, created_at, last_accessed_at, base_importance FROM memories ORDER BY id
"""
PAST = Fleet(tenants=4, memories_each=100, busy=2, sessions=3)


@pytest.fixture(scope="module")
def home():
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-speed-"))
    folder.chmod(0o711)  # root's Postgres runs as another user, who has to pass through
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def on(postgres_url, home):
    return Servers(home, postgres_url)


@pytest.fixture(scope="module")
async def filled(on):
    async with database(on) as url:
        await fill_nights(url, Fleet(4, 50))
        yield url


@pytest.fixture
async def store(on, filled):
    async with database(on, template=filled) as url:
        yield url


@pytest.fixture(scope="module")
async def past(on):
    async with database(on) as url:
        await fill_past(url, PAST, summarized=True)
        yield url


async def _memories(url):
    async with connected(url) as connection:
        return await connection.fetch(MEMORIES)


# --- the stores --------------------------------------------------------------------------------------


async def test_the_same_fleet_is_the_same_store_with_as_many_memories_for_each_tenant(on, store):
    async with database(on) as url:
        await fill_nights(url, Fleet(4, 50))
        assert await _memories(url) == await _memories(store)
    async with connected(store) as connection:
        rows = await connection.fetch("SELECT tenant_id::text FROM memories")
    assert Counter(row["tenant_id"] for row in rows) == dict.fromkeys(await tenant_ids(store), 50)


async def test_a_skewed_store_gives_one_tenant_its_share(on):
    async with database(on) as url:
        await fill_nights(url, Fleet(5, 40, large=100))
        sizes = "SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) n FROM memories GROUP BY tenant_id)"
        assert await value(url, sizes) == [25, 25, 25, 25, 100]


async def test_every_memory_is_there_before_the_first_night_and_has_the_indexes_of_production(store):
    assert await value(store, "SELECT max(created_at) <= $1 FROM memories", night(0))
    assert await value(store, "SELECT count(*) FROM pg_indexes WHERE tablename = 'memories'") == 18
    assert night(2) - night(1) == timedelta(days=1)


async def test_the_planner_finds_exactly_the_sessions_that_were_made_due(past):
    pool = await open_pool(past, size=1, timeout_seconds=30)
    settings = Settings(_env_file=None, rae_llm_backend="extractive")
    task = Summarization(Tools(pool, settings))
    page = await Planner(pool, settings, [task]).plan_page(
        Run(cycle_id=uuid4(), as_of=datetime.now(UTC), kind="hourly")
    )
    await pool.close()
    assert page.looked_at == PAST.tenants
    assert [plan.units for plan in page.plans] == [{"summarization": PAST.sessions}] * PAST.busy
    assert await tenant_by_tenant(past, "due", datetime.now(UTC), await tenant_ids(past)) == PAST.sessions * PAST.busy


async def test_a_store_for_nights_has_the_sessions_that_were_made_due_and_no_others(on):
    async with database(on) as url:
        await fill_nights(url, Fleet(4, 50, busy=2, sessions=3))
        sessions = (
            "SELECT tenant_id::text, count(DISTINCT session_id) FROM memories WHERE session_id IS NOT NULL GROUP BY 1"
        )
        async with connected(url) as connection:
            found: dict[str, int] = dict(map(tuple, await connection.fetch(sessions)))
        assert found == dict.fromkeys(await tenant_ids(url, due=True), 3)
    assert len(found) == 2


# --- what others do ----------------------------------------------------------------------------------


async def test_the_loop_writes_what_raes_rule_says(store):
    before = await _memories(store)
    await tenant_by_tenant(store, "rae", night(1), await tenant_ids(store))
    after = [row["importance"] for row in await _memories(store)]
    days = [(night(1) - (row["last_accessed_at"] or row["created_at"])) / timedelta(days=1) for row in before]
    said = rae_run(np.array([row["importance"] for row in before]), np.array(days), RATE)
    assert after == pytest.approx(said.tolist(), rel=1e-12)


@pytest.mark.system
@pytest.mark.skipif(missing() is not None, reason="needs redis-server on the PATH and celery")
async def test_celery_writes_what_the_loop_writes(on, filled, store):
    tenants = await tenant_ids(store)
    rows, seconds = await by_celery(on, store, "rae", night(1), tenants)
    async with database(on, template=filled) as other:
        assert rows == await tenant_by_tenant(other, "rae", night(1), tenants)
        assert await _memories(store) == await _memories(other)
    assert seconds > 0


@pytest.mark.parametrize("connections", [None, 1, 2], ids=["one statement", "one connection", "two connections"])
async def test_the_bare_update_writes_every_memory_and_keeps_what_it_was(store, connections):
    before, counted = await _memories(store), await written(store)
    if connections:
        tenants = await tenant_ids(store)
        assert await tenant_by_tenant(store, "bare", night(1), tenants, connections=connections) == 200
    else:
        assert await whole_table(store, night(1)) == 200
    rows = await _memories(store)
    assert [row["base_importance"] for row in rows] == [row["importance"] for row in before]
    assert all(row["importance"] == 0.999 * row["base_importance"] for row in rows)
    assert (await written(store)).rows - counted.rows == 200


async def test_the_fallback_of_a_due_session_is_raes_text(on, past):
    async with database(on, template=past) as url:
        [tenant, _] = await tenant_ids(url, due=True)
        await tenant_by_tenant(url, "fallback", night(1), [tenant])
        async with connected(url) as connection:
            rows = await connection.fetch(
                "SELECT * FROM memories WHERE tenant_id = $1 AND session_id LIKE 'due-%' ORDER BY created_at",
                UUID(tenant),
            )
    due: dict[str, list[Memory]] = {row["session_id"]: [] for row in rows}
    assert len(due) == PAST.sessions
    for row in rows:
        if row["source"] == "agent":
            due[row["session_id"]].append(Memory(row["id"], tenant, row["content"], row["created_at"]))
    written = {row["session_id"]: row["content"] for row in rows if row["source"] == "summarization_worker"}
    assert written == {session: fallback_text(events) for session, events in due.items()}


async def test_raes_loop_stores_what_the_endpoint_answers_and_sleeps_after_each(on, past, endpoint):
    endpoint.otherwise = lambda request: answer(good_answer(request))
    async with database(on, template=past) as url:
        seconds = await loop_seconds(url, endpoint.base_url, 1)
        text = await value(url, "SELECT content FROM memories ORDER BY created_at DESC LIMIT 1")
    assert endpoint.answers == 1
    assert text.count("zq") == DUE_EVENTS
    assert seconds > LOOP_DELAY_SECONDS[0]


# --- what is said ------------------------------------------------------------------------------------


def test_processor_time_and_memory_of_a_process_are_read():
    before, until = processor_seconds(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert processor_seconds(os.getpid()) - before >= 0.08
    assert peak_megabytes(os.getpid()) > 10


def test_medians_are_judged_and_shown_and_a_missed_goal_is_no_missed_target():
    bench = Bench(quick=True)
    for seconds in (9.0, 1.0, 2.0):
        bench.take("ours", seconds, note="a note")
    bench.take("theirs", [1234.5, 1234.5])
    bench.skipped["Celery"] = "redis-server is not on the PATH"
    bench.judge(Target("fast", bench.ratio("ours", "theirs"), 1, how="by theirs"))
    bench.judge(Target("rate", 0.2, 0.25, "%", at_least=True, goal=True))
    bench.judge(Target("small", 300, 200, "MB"))
    lines = "\n".join(bench.lines()).splitlines()
    assert "| fast (by theirs) | 0.00162 × | ≤ 1 × | yes |" in lines
    assert "| rate | 0.2 % | ≥ 0.25 % (goal) | no |" in lines
    assert "| small | 300 MB | ≤ 200 MB | **no** |" in lines
    assert "| ours | 2 s | 1–9 | 3 | a note |" in lines
    assert "| theirs | 1,234 s | 1,234–1,234 | 2 |  |" in lines
    assert "Not measured: Celery: redis-server is not on the PATH." in lines
    assert [target.what for target in bench.missed()] == ["small"]


def test_a_part_that_is_measured_again_replaces_itself_alone_and_what_was_never_measured_is_listed(tmp_path):
    def part(day, seconds):
        bench = Bench(quick=False, day=day, release="1.2.3")
        bench.take("it", seconds, note="a note")
        bench.judge(Target("fast", seconds, 1))
        return bench

    names = ("decay", "month", "growth")
    keep(tmp_path, {"growth": part("2026-01-01", 1.0), "decay": part("2026-01-01", 2.0)}, names)
    parts = keep(tmp_path, {"growth": part("2026-02-02", 3.0)}, names)
    assert parts == kept(tmp_path)
    assert [(name, bench.day, bench.median("it")) for name, bench in parts.items()] == [
        ("decay", "2026-01-01", 2.0),
        ("growth", "2026-02-02", 3.0),
    ]
    text = (tmp_path / "results.md").read_text()
    assert [line for line in text.splitlines() if line.startswith(("## ", "Measured on", "| fast", "- "))] == [
        "## decay",
        f"Measured on 2026-01-01, release 1.2.3; {parts['decay'].machine}.",
        "| fast | 2 × | ≤ 1 × | **no** |",
        "## growth",
        f"Measured on 2026-02-02, release 1.2.3; {parts['growth'].machine}.",
        "| fast | 3 × | ≤ 1 × | **no** |",
        "## Not measured",
        "- month",
    ]


def test_the_files_that_are_kept_are_of_the_parts_that_there_are():
    parts = kept(FOLDER)
    assert set(parts) <= set(command.PARTS)
    assert (FOLDER / "results.md").read_text(encoding="utf-8") == as_text(parts, command.PARTS)


def test_pictures_are_drawn_of_what_was_measured_and_others_are_left_as_they_are(tmp_path):
    bench = Bench(quick=False)
    for size, seconds in ((10, 1.0), (1_000, 2.0), (1_000, 4.0)):
        bench.take(GROWTH.format(size, "tenants", 2, "s", "time"), seconds)
    draw([bench], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["speed-growth.svg"]
    assert "2 workers" in (tmp_path / "speed-growth.svg").read_text()


@pytest.mark.slow
async def test_a_part_that_fails_does_not_lose_the_others(home, capsys, monkeypatch):
    async def fails(_bench, _servers):
        raise RuntimeError("no such store")

    async def works(bench, servers):
        bench.take("it", await value(servers.postgres_url, "SELECT $1::int", bench.size(2, 1)))

    monkeypatch.setattr(command, "PARTS", {"first": fails, "second": works})
    first, second = [await command.measured(name, home, quick=True, repetitions=1) for name in ("first", "second")]
    assert second.measurements["it"].values == [1.0]
    assert (first.error, second.error) == ("RuntimeError", "")
    assert "no such store" in capsys.readouterr().err


@pytest.mark.slow
async def test_the_quick_benchmark_measures_every_part(home):
    parts = {name: await command.measured(name, home, quick=True, repetitions=1) for name in command.PARTS}
    assert {name: bench.error for name, bench in parts.items()} == dict.fromkeys(command.PARTS, "")
    measured = {name for bench in parts.values() for name in bench.measurements}
    assert {decay.OURS, decay.CHILDREN, decay.BARE, decay.MONTH, fleet.DUE} <= measured
    assert {sessions.FLEET, sessions.SUMMARIZED} <= measured
    assert parts["decay"].measurements[decay.AGAIN_ROWS].values == [0]
    draw(parts.values(), home)
    assert all((home / f"speed-{name}.svg").read_text().count("<svg") == 1 for name in ("decay", "growth"))
