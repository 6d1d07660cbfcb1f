"""A new task is one folder and one line: a copy of the application with a toy task added shows it everywhere."""

import asyncio
import json
import shutil
import urllib.request
from pathlib import Path

import pytest

from chaos.ports import free_port
from memory_maintenance.store.pool import execute, fetch_value
from tests.processes.conftest import ROOT, run_module, run_script

PACKAGES = ("memory_maintenance", "activities", "workflows", "runtime", "embedded", "commands", "web")

TOY = '''
"""A toy task: it marks each memory that asks a question."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch
from memory_maintenance.task import Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit

COUNTS = """
-- toy.COUNTS
SELECT tenant_id, count(*) AS questions FROM memories
WHERE tenant_id = ANY ($1) AND content LIKE '%?' AND NOT 'question' = ANY (tags) GROUP BY tenant_id
"""

DUE = """
-- toy.DUE
SELECT id FROM memories
WHERE tenant_id = $1 AND content LIKE '%?' AND NOT 'question' = ANY (tags) AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3
"""

MARK = """
-- toy.MARK
UPDATE memories SET tags = tags || '{question}' WHERE tenant_id = $1 AND id = $2 AND NOT 'question' = ANY (tags)
"""


class Question(Unit):
    memory: UUID


class Toy(Task[Question]):
    spec = TaskSpec(
        name="toy",
        activity="mark_question",
        due_activity="due_questions",
        unit="question",
        units="questions",
        results="questions marked",
        done=("marked",),
    )
    unit = Question

    def off(self, settings: Settings) -> str | None:
        return None

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int]:
        rows = await fetch(self.tools.pool, COUNTS, [tenant.tenant_id for tenant in tenants])
        return {row["tenant_id"]: row["questions"] for row in rows}

    async def due(self, tenant: Tenant, run: Run, after: Question | None, limit: int) -> Sequence[Question]:
        rows = await fetch(self.tools.pool, DUE, tenant.tenant_id, after.memory if after else None, limit)
        return [Question(memory=row["id"]) for row in rows]

    async def do(self, tenant: Tenant, unit: Question, run: Run) -> Done:
        if not run.dry_run:
            await execute(self.tools.pool, MARK, tenant.tenant_id, unit.memory)
        return Done(counts=Counts(marked=1))


TASK = Toy
'''

MEMORIES = """
INSERT INTO memories (tenant_id, content, tags, importance, layer, created_at)
SELECT $1, 'Does tent ' || n || ' leak?', '{}', 0.5, 'semantic', now() - interval '3 days'
FROM generate_series(1, $2::integer) n
"""
MARKED = "SELECT count(*) FROM memories WHERE 'question' = ANY (tags)"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the application, with one folder and one line more."""
    root = tmp_path_factory.mktemp("application")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("worker.py", "starter.py"):
        shutil.copy(ROOT / name, root / name)
    toy = root / "memory_maintenance" / "toy"
    toy.mkdir()
    (toy / "__init__.py").write_text('"""Marks questions."""\n')
    (toy / "task.py").write_text(TOY)
    tasks = root / "memory_maintenance" / "tasks.py"
    before = tasks.read_text().splitlines(keepends=True)
    place = before.index('    "embedding",\n')
    tasks.write_text("".join([*before[: place + 1], '    "toy",\n', *before[place + 1 :]]))
    return root


def read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:  # noqa: S310  a worker of the test's own
        return str(answer.read().decode())


async def test_a_toy_task_is_planned_run_counted_shown_paused_and_resumed(application, servers, pool, start_worker):
    await execute(pool, MEMORIES, "acme", 3)
    await execute(pool, MEMORIES, "globex", 2)
    port = free_port()

    async def starter(*words: str) -> str:
        ended = await run_script("starter.py", *words, root=application, COLUMNS="200", **servers)
        assert ended.status == 0, ended.err
        return ended.out

    worker = await start_worker(root=application, METRICS_PORT=str(port), **servers)
    await starter("tenants", "pause", "globex", "--by", "ana")

    foreseen = json.loads(await starter("run", "daily", "--dry-run", "--json"))
    assert (foreseen["toy"]["marked"], foreseen["largest_tenants"][0]["toy"]["marked"]) == (3, 3)
    assert await fetch_value(pool, MARKED) == 0
    assert "3 marked" in await starter("run", "daily", "--dry-run")

    assert "3 marked" in await starter("run", "daily")
    assert await fetch_value(pool, MARKED) == 3

    [cycle] = json.loads(await starter("cycles", "--json"))
    assert cycle["totals"]["toy"]["marked"] == 3
    assert "toy" in await starter("cycles")
    assert "3 questions marked" in await starter("cycles", "show")
    assert "toy" in await starter("tenants", "show", "acme")
    page = application / "report.html"
    await starter("report", "--html", str(page))
    assert "questions marked" in page.read_text()
    metrics = await asyncio.to_thread(read, f"http://127.0.0.1:{port}/metrics")
    assert 'memory_maintenance_units_total{outcome="marked",unit="question"} 3.0' in metrics
    assert 'memory_maintenance_left_undone{unit="question"} 0.0' in metrics

    await starter("tenants", "resume", "globex", "--by", "ana", "--no-run")
    resumed = json.loads(await starter("run", "daily", "--json"))
    assert (resumed["toy"]["marked"], await fetch_value(pool, MARKED)) == (2, 5)
    assert await worker.stop() == 0

    await execute(pool, MEMORIES, "initech", 4)
    ended = await run_module("memory_maintenance", root=application, DATABASE_URL=servers["DATABASE_URL"])
    assert (json.loads(ended.out)["toy"]["marked"], await fetch_value(pool, MARKED)) == (4, 9)
