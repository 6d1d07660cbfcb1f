"""The blocks of RAE's "Background Workers", one function each, in the document's order.

A block of Python runs as it is written there up to the import path, with a session's id in place of a placeholder.
"""

import ast
import inspect
import json
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any, Final
from uuid import UUID

import yaml
from structlog.testing import capture_logs

import memory_maintenance
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from runtime.workers import polling
from tests.conftest import _temporal
from tests.fake_model import FakeModel
from tests.processes.conftest import ROOT, run_module
from tests.rae.rows import flags
from tests.workflows.conftest import remember_session

SESSION: Final = "7b1f0c52-6b4e-4a5e-9a0c-1d2f3a4b5c6d"
POOL: Final = "import asyncpg\npool = await asyncpg.create_pool(database_url)\n"


@dataclass
class Place:
    """Where a block is tried: a migrated store, which RAE's pool of the document opens."""

    url: str
    pool: Pool
    cli: Any

    async def run(self, block: str) -> dict[str, Any]:
        """Run *block* as the document has it, awaits and all; return its names."""
        names: dict[str, Any] = {"database_url": self.url}
        code = compile(block, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)  # noqa: S307  the blocks are in this file
        if inspect.isawaitable(running):
            await running
        if "pool" in names:
            await names["pool"].close()
        return names


async def tenants_of_the_document(place: Place, *, events: int = 12) -> None:
    """Write a session of each of the five tenants that the document's output counts."""
    for tenant in ("tenant-123", *"abcd"):
        await remember_session(place.pool, tenant, project="default", session=SESSION, events=events)


async def beat_decays_daily_at_2_am(_: Place) -> None:
    assert Settings.model_fields["maintenance_daily_cron"].default == "0 2 * * *"


async def decay_all_tenants(place: Place) -> None:
    await tenants_of_the_document(place)
    found = await place.run(f"""
from memory_maintenance import DecayWorker
{POOL}
worker = DecayWorker(pool)

# Run decay for all tenants
stats = await worker.run_decay_cycle(
    tenant_ids=None,  # None = all tenants
    decay_rate=0.01,
    consider_access_stats=True
)
""")
    assert found["stats"] == {"total_tenants": 5, "total_updated": 60}


async def from_the_command_line(place: Place) -> None:
    await tenants_of_the_document(place)
    ended = await run_module("memory_maintenance", DATABASE_URL=place.url)
    assert ended.status == 0
    stats = json.loads(ended.out)
    assert (stats["decay"]["total_tenants"], stats["decay"]["total_updated"]) == (5, 60)


async def summarize_a_session(place: Place) -> None:
    await tenants_of_the_document(place)
    found = await place.run(f"""
from memory_maintenance import SummarizationWorker
from uuid import UUID
{POOL}
worker = SummarizationWorker(pool)

summary = await worker.summarize_session(
    tenant_id="tenant-123",
    project_id="default",
    session_id=UUID("{SESSION}"),
    min_events=10
)
""")
    [stored] = await place.pool.fetch("SELECT id::text, content FROM memories WHERE source = 'summarization_worker'")
    assert {name: str(found["summary"][name]) for name in ("id", "content")} == dict(stored)


async def summarize_long_sessions(place: Place) -> None:
    await remember_session(place.pool, "tenant-123", project="default", session=SESSION, events=125)
    found = await place.run(f"""
from memory_maintenance import SummarizationWorker
{POOL}
worker = SummarizationWorker(pool)
summaries = await worker.summarize_long_sessions(
    tenant_id="tenant-123",
    project_id="default",
    event_threshold=100
)
""")
    assert [summary["session_id"] for summary in found["summaries"]] == [SESSION]


ANSWER: Final = """{
  "summary": "The user discussed database optimization strategies, focusing on indexing.",
  "key_topics": ["database", "optimization", "indexing", "performance"],
  "sentiment": "positive"
}"""


async def the_models_answer(_: Place) -> None:
    answer = SessionSummaryResponse.model_validate_json(ANSWER)
    assert json.loads(answer.model_dump_json()) == json.loads(ANSWER)


async def the_stored_summary(_: Place) -> None:
    assert SessionSummaryResponse.model_validate_json(ANSWER).as_text() == (
        "The user discussed database optimization strategies, focusing on indexing.\n\n"
        "Key Topics: database, optimization, indexing, performance\n\n"
        "Sentiment: positive"
    )


async def dream_for_a_tenant(place: Place) -> None:
    await tenants_of_the_document(place)
    found = await place.run(f"""
from memory_maintenance import DreamingWorker
{POOL}
worker = DreamingWorker(pool)

results = await worker.run_dreaming_cycle(
    tenant_id="tenant-123",
    project_id="default",
    lookback_hours=24,
    min_importance=0.6,
    max_samples=20
)
""")
    [ids, *_] = found["results"]  # one for each theme
    assert (list(ids), UUID(ids["reflection_id"]).version) == (["reflection_id", "strategy_id"], 5)


async def dream_by_a_task(place: Place) -> None:
    await tenants_of_the_document(place)
    async with _temporal() as client, polling(client, Settings(_env_file=None), place.pool):
        address = str(client.service_client.config.target_host)
        ended = await place.cli("dream", "tenant-123", "default", "--json", TEMPORAL_ADDRESS=address)
    assert (ended.exit_code, json.loads(ended.stdout)["dreaming"]["reflections_generated"] >= 1) == (0, True)


SAMPLE: Final = """
SELECT id, content, importance, created_at, tags, metadata
FROM memories
WHERE tenant_id = $1
  AND project = $2
  AND layer = 'em'
  AND importance >= $3
  AND created_at >= NOW() - make_interval(hours => $4)
ORDER BY importance DESC, created_at DESC
LIMIT $5
"""


async def the_sample_of_a_dream(place: Place) -> None:
    await tenants_of_the_document(place)
    await place.pool.execute(
        "UPDATE memories SET layer = 'em', importance = 0.55 + 0.01 * extract(minute FROM created_at)"
    )
    await place.pool.execute("UPDATE memories SET content = left(content, 30) || id")
    model = FakeModel()
    await memory_maintenance.DreamingWorker(place.pool, flags(), model).run_dreaming_cycle("tenant-123", "default")
    rows = await place.pool.fetch(SAMPLE, "tenant-123", "default", 0.6, 24, 20)
    [question] = model.questions
    assert len(rows) > 5
    assert [str(row["id"]) in line for row, line in zip(rows, question.sources, strict=True)] == [True] * len(rows)


async def a_daily_maintenance(place: Place) -> None:
    await tenants_of_the_document(place)
    said = StringIO()
    with redirect_stdout(said):
        await place.run(f"""
from memory_maintenance import MaintenanceScheduler
{POOL}
scheduler = MaintenanceScheduler(pool)

# Run complete daily maintenance
stats = await scheduler.run_daily_maintenance(tenant_ids=None)

print(stats)
""")
    stats = next(ast.literal_eval(line) for line in said.getvalue().splitlines() if line.startswith("{'decay'"))
    assert (stats["decay"]["total_tenants"], stats["decay"]["total_updated"]) == (5, 60)
    assert (stats["dreaming"]["tenants_processed"], stats["dreaming"]["reflections_generated"] >= 5) == (5, True)
    assert stats["summarization"]["stored"] == 5
    assert datetime.fromisoformat(stats["started_at"]) <= datetime.fromisoformat(stats["completed_at"])
    assert (stats["config"]["reflective_enabled"], stats["config"]["mode"]) == (True, "full")


async def beat_maintains_daily_at_3_am(place: Place) -> None:
    assert await scheduled(place) == ["daily", "hourly"]


async def scheduled(place: Place) -> list[str]:
    """Apply the Schedules and return which the command lists."""
    async with _temporal() as client:
        address = str(client.service_client.config.target_host)
        await place.cli("schedules", "apply", TEMPORAL_ADDRESS=address)
        listed = await place.cli("schedules", "list", "--json", TEMPORAL_ADDRESS=address)
    assert listed.exit_code == 0
    return sorted(set(re.findall("daily|hourly", listed.stdout)))


async def the_log_line_of_decay(place: Place) -> None:
    await tenants_of_the_document(place)
    with capture_logs() as logs:
        await memory_maintenance.DecayWorker(place.pool, flags()).run_decay_cycle()
    [said] = [log for log in logs if log["event"] == "decay_cycle_completed"]
    assert said["stats"] == {"total_tenants": 5, "total_updated": 60}
    assert (said["log_level"], said["total_duration_seconds"] > 0) == ("info", True)


async def the_line_of_cron(place: Place) -> None:
    line = "0 2 * * * python -m apps.memory_api.workers.memory_maintenance"
    *_, python, option, module = shlex.split(line)
    assert [python, option, module.rpartition(".")[2]] == ["python", "-m", "memory_maintenance"]
    await from_the_command_line(place)


async def the_cron_job_of_kubernetes(_: Place) -> None:
    jobs = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "cronjobs.yaml").read_text()))
    daily = next(job for job in jobs if job["metadata"]["name"].endswith("daily"))
    [container] = daily["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert (daily["apiVersion"], daily["kind"], daily["spec"]["schedule"]) == ("batch/v1", "CronJob", "0 2 * * *")
    assert (container["name"], container["command"]) == ("maintenance", ["python", "-m", "memory_maintenance"])


async def the_switch_of_decay(_: Place) -> None:
    values_are_the_defaults({"MEMORY_IMPORTANCE_DECAY_ENABLED": True})


async def inspect_what_is_scheduled(place: Place) -> None:
    assert await scheduled(place) == ["daily", "hourly"]


async def the_switches_of_dreams(_: Place) -> None:
    values_are_the_defaults({"REFLECTIVE_MEMORY_ENABLED": True, "REFLECTIVE_MEMORY_MODE": "full"})
    assert [Settings(_env_file=None, dreaming_enabled=on).dreaming for on in (True, None, False)] == [True, True, False]


def values_are_the_defaults(values: dict[str, Any]) -> None:
    settings = Settings(_env_file=None)
    assert {name: getattr(settings, name.lower()) for name in values} == values


def taken(owner: str, method: str) -> dict[str, Any]:
    """Return the arguments of a public method up to those by name only, with their defaults."""
    parameters = inspect.signature(getattr(getattr(memory_maintenance, owner), method)).parameters.values()
    positional = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"]
    return {one.name: one.default for one in positional}


async def decays_arguments(_: Place) -> None:
    rule_of_the_tenant = {"decay_rate": None, "consider_access_stats": None}
    assert taken("DecayWorker", "run_decay_cycle") == {"tenant_ids": None, **rule_of_the_tenant}


async def summaries_arguments(_: Place) -> None:
    first = ["tenant_id", "project_id"]
    session, long = (taken("SummarizationWorker", name) for name in ("summarize_session", "summarize_long_sessions"))
    assert (list(session), session["min_events"]) == ([*first, "session_id", "min_events"], 10)
    assert (list(long), long["event_threshold"]) == ([*first, "event_threshold"], 100)


async def dreams_arguments(_: Place) -> None:
    found = taken("DreamingWorker", "run_dreaming_cycle")
    assert list(found)[:2] == ["tenant_id", "project_id"]
    assert dict(list(found.items())[2:]) == {"lookback_hours": 24, "min_importance": 0.6, "max_samples": 20}


async def the_schedulers_arguments(_: Place) -> None:
    assert taken("MaintenanceScheduler", "run_daily_maintenance") == {"tenant_ids": None}
    assert taken("MaintenanceScheduler", "run_hourly_maintenance") == {}
