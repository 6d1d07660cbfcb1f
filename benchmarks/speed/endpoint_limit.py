"""Many due sessions at a slow endpoint with a limit: how close to the limit we come, beside RAE's loop."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from benchmarks.speed.bench import Bench
from benchmarks.speed.limited_endpoint import LATENCY_SECONDS, REQUESTS_PER_SECOND
from benchmarks.speed.rae_summaries import summarize_in_a_row
from benchmarks.speed.servers import database
from benchmarks.speed.session_store import Fleet, fill_sessions
from benchmarks.speed.workers import Worker, environment, run_cycle, tethered, worker
from workflows.messages import MaintenanceRequest

SESSIONS_EACH: Final = 10
MEMORIES_EACH: Final = 100

OURS: Final = "Sessions summarized a second"
LOOP: Final = "Sessions summarized by RAE's loop with its delays"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint's process."""

    port: int

    @property
    def base_url(self) -> str:
        """Return the root for an openai client."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def counts(self) -> dict[str, int]:
        """Return how many requests it has answered and how many it has refused so far."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /count HTTP/1.1\r\n\r\n")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


@asynccontextmanager
async def limited_endpoint(home: Path) -> AsyncIterator[Endpoint]:
    """Run the endpoint meanwhile."""
    command = tethered("-m", "benchmarks.speed.limited_endpoint")
    process = await asyncio.create_subprocess_exec(*command, env=environment(home, {}), cwd=home, stdout=PIPE)
    assert process.stdout is not None  # noqa: S101  asked for
    try:
        yield Endpoint(int(await process.stdout.readline()))
    finally:
        process.terminate()
        await process.wait()


def settings(endpoint: Endpoint) -> dict[str, str]:
    """Return those of a worker that may ask *endpoint* at its limit, with enough slots for its latency."""
    return {
        "RAE_LLM_BACKEND": "openai",
        "OPENAI_BASE_URL": endpoint.base_url,
        "OPENAI_API_KEY": "none",
        "MODEL_REQUESTS_PER_SECOND": f"{REQUESTS_PER_SECOND:g}",
        "MODEL_CONCURRENCY": f"{3 * REQUESTS_PER_SECOND * LATENCY_SECONDS:.0f}",
    }


async def measure(bench: Bench) -> None:
    """Summarize every due session, run again, and let RAE's loop do some of the same on a copy."""
    tenants = bench.size(100, 6)
    sessions, sample = tenants * SESSIONS_EACH, bench.size(30, 3)
    fleet = Fleet(tenants, MEMORIES_EACH, busy=tenants, sessions=SESSIONS_EACH)
    with bench.folder() as home:
        async with bench.servers() as servers, limited_endpoint(home) as endpoint, database(servers) as template:
            await fill_sessions(template, fleet)
            async with (
                database(servers, template=template) as url,
                worker(servers, url, home=home, settings=settings(endpoint)) as ours,
            ):
                rate = await _ours(bench, ours, endpoint, sessions)
                await _unchanged(bench, ours, endpoint)
            async with database(servers, template=template) as url:
                seconds = await summarize_in_a_row(url, endpoint.base_url, sample)
    note = f"measured on {sample} sessions and scaled; endpoint of {LATENCY_SECONDS} s"
    bench.results.measured(LOOP, sample / seconds, "a second", note)
    bench.tell(LOOP, f"{sample / seconds:.2f} a second")
    faster = rate * seconds / sample
    bench.results.judged("RAE's loop over the same sessions", faster, 25, sense="at_least", how=note)


async def _ours(bench: Bench, ours: Worker, endpoint: Endpoint, sessions: int) -> float:
    done = await run_cycle(ours, MaintenanceRequest(kind="hourly"))
    if (stored := done.stats["summarization"]["stored"]) != sessions:
        raise RuntimeError(f"{stored} summaries of {sessions} sessions: see {ours.log}")
    rate, counts = sessions / done.seconds, await endpoint.counts()
    note = f"{sessions:,} due sessions; endpoint of {LATENCY_SECONDS} s and at most {REQUESTS_PER_SECOND:g} a second"
    bench.results.measured(OURS, rate, "a second", f"{note}; {counts['refusals']} of its answers were 429")
    bench.results.judged(OURS, 100 * rate / REQUESTS_PER_SECOND, 90, sense="at_least", unit="%", how="of the limit")
    bench.tell(OURS, f"{rate:.1f} a second, {counts['refusals']} refusals ({done.processors})")
    return rate


async def _unchanged(bench: Bench, ours: Worker, endpoint: Endpoint) -> None:
    """Run hourly and daily again where no session has changed."""
    before = await endpoint.counts()
    kinds: tuple[Literal["hourly", "daily"], ...] = ("hourly", "daily")
    for kind in kinds:
        await run_cycle(ours, MaintenanceRequest(kind=kind))
    calls = sum((await endpoint.counts()).values()) - sum(before.values())
    what = "Model calls of an hourly and a daily run over sessions that did not change"
    bench.results.judged(what, calls, 0, unit="calls")
    bench.tell(what, str(calls))
