"""Summaries of due sessions: in a fleet of which few have anything to do, and at an endpoint with a limit."""

from __future__ import annotations

import asyncio
import json
import random
import time
from datetime import UTC, datetime
from typing import Final, Literal

from openai import AsyncOpenAI

from benchmarks.speed.competitors import by_celery, missing
from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Servers, connected, database
from benchmarks.speed.store import Fleet, fill_past, tenant_ids
from benchmarks.speed.workers import Workers, workers
from chaos.answers import good_answer
from scripted_endpoint.limits import Limited
from scripted_endpoint.replies import answer
from scripted_endpoint.server import ScriptedEndpoint
from workflows.messages import MaintenanceRequest

FLEET: Final = "Hourly run over the fleet"
BUSY: Final = "Hourly run over a store of the busy tenants alone"
IDLE: Final = "Hourly run over the fleet when nothing is due"
CELERY: Final = "Celery asking each tenant of the fleet whether something is due"
PEAK: Final = "{}: peak memory of the worker"


async def measure_hourly(bench: Bench, servers: Servers) -> None:
    """Run hourly over a fleet, and over a store of those alone that have something to do."""
    tenants, busy = bench.size(10_000, 500), bench.size(100, 10)
    size = f"{tenants:,} tenants of 100 memories, {busy} with a due session, extractive"
    async with database(servers) as fleet, database(servers) as few:
        await fill_past(fleet, Fleet(tenants, 100, busy=busy), summarized=True)
        await fill_past(few, Fleet(busy, 100, busy=busy), summarized=True)
        for _ in range(bench.repetitions):
            for name, template, note in ((BUSY, few, f"{busy} tenants"), (FLEET, fleet, size)):
                async with database(servers, template=template) as url, workers(servers, url) as ours:
                    bench.take(name, await _summarized(ours, busy), note=note)
                    bench.take(PEAK.format(name), ours.peak_megabytes, "MB", "VmHWM")
                    if name == FLEET:
                        bench.take(IDLE, await _summarized(ours, 0), note="right after it")
            if lacking := missing():
                bench.skipped[CELERY] = lacking
                continue
            async with database(servers, template=fleet) as url:
                names = await tenant_ids(url)
                due, seconds = await by_celery(servers, url, "due", datetime.now(UTC), names)
            if due != busy:
                raise RuntimeError(f"Celery found {due} due sessions of {busy}")
            bench.take(CELERY, seconds, note="asks only; two processes")
    bench.judge(Target(FLEET, bench.ratio(FLEET, BUSY), 1.5, how="by the busy tenants alone"))
    if CELERY not in bench.skipped:
        faster = bench.ratio(CELERY, FLEET)
        bench.judge(
            Target("Celery asking each tenant", faster, 5, how="by ours, which also does the work", at_least=True)
        )
    flat = bench.ratio(PEAK.format(FLEET), PEAK.format(BUSY))
    what = f"Memory of the worker from {busy:,} to {tenants:,} tenants"
    bench.judge(Target(what, flat, 1.1, how="peak in an hourly run; flat"))


async def _summarized(ours: Workers, sessions: int) -> float:
    """Return the seconds of an hourly run that has to summarize so many sessions."""
    cycle = await ours.run(MaintenanceRequest(kind="hourly"))
    if cycle.summaries != sessions:
        raise RuntimeError(f"{cycle.summaries} summaries of {sessions} due sessions")
    return cycle.seconds


# --- an endpoint with a limit ------------------------------------------------------------------------

LATENCY_SECONDS: Final = 0.5
REQUESTS_PER_SECOND: Final = 20.0

SUMMARIZED: Final = "Sessions summarized a second"
LOOP: Final = "Sessions summarized by RAE's loop with its delays"

LOOP_DELAY_SECONDS: Final = (0.5, 2.0)
"""RAE's random sleep between two calls of the model."""

LOOP_DUE: Final = """
-- speed.LOOP_DUE: sessions of any tenant, as RAE finds them: by their size.
SELECT tenant_id, project, session_id FROM memories
WHERE layer IN ('episodic', 'em') AND session_id LIKE 'due-%'
GROUP BY tenant_id, project, session_id HAVING count(*) >= 10
ORDER BY tenant_id, session_id LIMIT $1
"""

LOOP_EVENTS: Final = """
-- speed.LOOP_EVENTS: the first hundred events of a session.
SELECT content, importance FROM memories
WHERE tenant_id = $1 AND project = $2 AND session_id = $3 AND layer IN ('episodic', 'em')
ORDER BY created_at LIMIT 100
"""

LOOP_STORE: Final = """
-- speed.LOOP_STORE: the summary as a memory.
INSERT INTO memories (tenant_id, project, session_id, content, source, importance, layer, tags)
VALUES ($1, $2, $3, $4, 'summarization_worker', $5, 'episodic', '{session_summary,auto_generated}')
"""


async def measure_endpoint(bench: Bench, servers: Servers) -> None:
    """Summarize many sessions at a slow endpoint with a limit, as the application does and as RAE's loop does."""
    tenants, sample = bench.size(100, 5), bench.size(30, 3)
    fleet = Fleet(tenants, 100, busy=tenants, sessions=10)
    sessions = fleet.busy * fleet.sessions
    limited = Limited(lambda request: answer(good_answer(request)), REQUESTS_PER_SECOND, LATENCY_SECONDS)
    async with ScriptedEndpoint(limited) as endpoint, database(servers) as template:
        settings = {
            "RAE_LLM_BACKEND": "openai",
            "OPENAI_BASE_URL": endpoint.base_url,
            "OPENAI_API_KEY": "none",
            "MODEL_REQUESTS_PER_SECOND": str(REQUESTS_PER_SECOND),
            "MODEL_CONCURRENCY": f"{3 * REQUESTS_PER_SECOND * LATENCY_SECONDS:.0f}",
        }
        await fill_past(template, fleet, summarized=True)
        async with database(servers, template=template) as url, workers(servers, url, settings=settings) as ours:
            rate = sessions / await _summarized(ours, sessions)
            note = f"{sessions:,} due sessions; {limited.refused} of the endpoint's answers were 429"
            bench.take(SUMMARIZED, rate, "a second", note)
            asked = len(endpoint.requests)
            kinds: tuple[Literal["hourly", "daily"], ...] = ("hourly", "daily")
            for kind in kinds:
                await ours.run(MaintenanceRequest(kind=kind))
            calls = len(endpoint.requests) - asked
        async with database(servers, template=template) as url:
            loop = sample / await loop_seconds(url, endpoint.base_url, sample)
    note = f"measured on {sample} sessions and scaled; endpoint of {LATENCY_SECONDS} s"
    bench.take(LOOP, loop, "a second", note)
    share = 100 * rate / REQUESTS_PER_SECOND
    bench.judge(Target(SUMMARIZED, share, 90, "%", how="of the limit", at_least=True))
    what = "Model calls of an hourly and a daily run over sessions that did not change"
    bench.judge(Target(what, calls, 0, "calls"))
    bench.judge(Target("RAE's loop over the same sessions", rate / loop, 25, how=note, at_least=True))


async def loop_seconds(url: str, base_url: str, sessions: int) -> float:
    """Summarize so many sessions one after the other, with RAE's delay after each; return the seconds.

    The statements are not RAE's own; what takes the time is the same: a call, and a delay, drawn from a seed.
    """
    delays, began = random.Random(2026), time.perf_counter()
    async with connected(url) as connection, AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        for session in await connection.fetch(LOOP_DUE, sessions):
            events = await connection.fetch(LOOP_EVENTS, *session)
            prompt = "Summarize this session:\n" + "\n".join(f"- {event['content']}" for event in events)
            completion = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": prompt}], response_format={"type": "json_object"}
            )
            text = json.loads(completion.choices[0].message.content or "")["summary"]
            importance = min(1.0, 1.2 * sum(event["importance"] for event in events) / len(events))
            await connection.execute(LOOP_STORE, *session, text, importance)
            await asyncio.sleep(delays.uniform(*LOOP_DELAY_SECONDS))
    return time.perf_counter() - began
