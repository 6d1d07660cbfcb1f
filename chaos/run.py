"""One run: start everything, let faults happen, bring it to its end, look at what is left."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

from chaos import evidence
from chaos.agent import Agent
from chaos.clock import SPAN, Clock, clock_until_now
from chaos.cycles import Cycles
from chaos.faults import Faults, plan
from chaos.judgement import Facts
from chaos.misbehaviour import Misbehaviour
from chaos.operators import Operators
from chaos.processes import Supervised
from chaos.record import Record
from chaos.servers import Killable, postgres, temporal
from chaos.settings import Options, worker_settings
from chaos.tenants import Newborn, fill, tenant_names
from memory_maintenance.decay.progress import allow_adoption
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, fetch_value, open_pool
from runtime.client import connect
from scripted_endpoint.server import ScriptedEndpoint

Say = Callable[[str], None]

QUIET_SECONDS: Final = 200
"""Longest wait for the next workflow to close after the last fault; a killed worker is missed after 15 to 120."""

AGENT_PAUSE_SECONDS: Final = 0.08


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    options: Options
    home: Path
    postgres: Killable
    temporal: Killable
    model: Misbehaviour
    workers: Sequence[Supervised]
    pool: Pool
    client: Client
    record: Record
    newborn: Newborn
    tenants: list[str]

    def drawn(self, purpose: str) -> random.Random:
        """Return random choices of their own for each purpose, all from the seed."""
        return random.Random(f"{self.options.seed} {purpose}")


async def run(options: Options, home: Path, say: Say) -> Facts:
    """Do one run in *home*; return what was found."""
    began = time.monotonic()
    async with AsyncExitStack() as servers:
        stage = await _set_up(options, home, servers)
        async with _worked_on(stage):
            say(f"started in {time.monotonic() - began:.0f} s; faults for {options.fault_seconds:.0f} s")
            cycles, faults, operators = await _go_wrong(stage)
            say(f"{sum(faults.done.values())} faults happened; now everything stays up")
            facts = await _come_to_an_end(stage, cycles, faults, operators, say)
        await stage.pool.close()
        left_connections = await evidence.connections(stage.postgres.address)
    facts.after_the_workers(
        connections=left_connections,
        ends=sum((worker.ends for worker in stage.workers), Counter[int]()),
        last=[worker.last_status for worker in stage.workers],
    )
    facts.after_the_servers(
        bill=stage.model.bill(),
        answers=dict(stage.model.ways),
        alarms=evidence.alarms(worker.log for worker in stage.workers),
        texts=evidence.texts_of_memories([*home.glob("*.log"), *home.glob("temporal.db*")]),
        processes=evidence.processes_of(home),
        seconds=time.monotonic() - began,
    )
    return facts


# --- setting up ---------------------------------------------------------------------------------------


async def _set_up(options: Options, home: Path, servers: AsyncExitStack) -> Stage:
    database, workflows = postgres(home), temporal(home)
    for server in (database, workflows):
        await server.start()
        servers.push_async_callback(server.stop)
    model = Misbehaviour(options.seed)
    endpoint = await servers.enter_async_context(ScriptedEndpoint(model))
    await migrate(database.address)
    pool = await open_pool(database.address, size=4, timeout_seconds=10)
    await allow_adoption(pool, datetime.now(UTC) - 2 * SPAN)
    settings = worker_settings(home, database=database.address, temporal=workflows.address, endpoint=endpoint.base_url)
    return Stage(
        options=options,
        home=home,
        postgres=database,
        temporal=workflows,
        model=model,
        workers=[Supervised(f"worker-{n}", home, settings) for n in range(options.workers)],
        pool=pool,
        client=await connect(workflows.address, Settings(_env_file=None), runtime=_quiet_runtime()),
        record=Record(),
        newborn=Newborn(random.Random(f"{options.seed} memories")),
        tenants=tenant_names(options.tenants),
    )


@cache
def _quiet_runtime() -> Runtime:
    """Return the SDK's engine of this process, which keeps to itself that servers are away: they are to be."""
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="OFF")))


@asynccontextmanager
async def _worked_on(stage: Stage) -> AsyncIterator[None]:
    """Keep the workers while the body runs, then let them end in peace."""
    keeping = [asyncio.create_task(worker.keep()) for worker in stage.workers]
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(worker.started() for worker in stage.workers))
        yield
    finally:
        for worker in stage.workers:
            worker.stop()
        await asyncio.gather(*keeping)


# --- the run ------------------------------------------------------------------------------------------


async def _go_wrong(stage: Stage) -> tuple[Cycles, Faults, Operators]:
    """Let agents write, cycles run and faults happen; return when the last fault is over and the agents are gone."""
    clock = clock_until_now(stage.options.fault_seconds)
    past = await fill(stage.postgres.address, stage.tenants, stage.newborn, clock.begins)
    stage.record.memories.update(past.memories)
    stage.record.written += past.written
    cycles = Cycles(stage.client, clock)
    await cycles.start(as_of=clock.begins)
    await _adopted(stage.pool)
    operators = Operators(stage.pool, stage.client, cycles, stage.tenants, stage.drawn("operators"))
    faults = Faults(stage.postgres, stage.temporal, stage.workers, operators.orders(), stage.drawn("targets"))
    stop = asyncio.Event()
    agents = [asyncio.create_task(agent.live(stop)) for agent in _agents(stage, clock)]
    cycling = asyncio.create_task(cycles.one_after_the_other(stop))
    try:
        await faults.happen(plan(stage.drawn("faults"), stage.options.fault_seconds))
    finally:
        stop.set()
        await asyncio.gather(*agents)
        cycling.cancel()  # what it has started is waited for with all else
    stage.model.calm = True
    await operators.resume_all()
    return cycles, faults, operators


def _agents(stage: Stage, clock: Clock) -> list[Agent]:
    number = stage.options.agents
    return [
        Agent(
            stage.postgres.address,
            stage.tenants[n::number],
            stage.record,
            clock,
            stage.drawn(f"agent {n}"),
            stage.newborn,
            AGENT_PAUSE_SECONDS,
        )
        for n in range(min(number, len(stage.tenants)))
    ]


async def _adopted(pool: Pool) -> None:
    """Wait until the first cycle has adopted the store: all of decay is reckoned from there."""
    async with asyncio.timeout(60):
        while await fetch_value(pool, "SELECT adopted_at FROM maintenance.store") is None:
            await asyncio.sleep(0.1)


async def _come_to_an_end(stage: Stage, cycles: Cycles, faults: Faults, operators: Operators, say: Say) -> Facts:
    quiet = await cycles.quiet(QUIET_SECONDS)
    say("no workflow runs any more" if quiet else "workflows still run: this will fail")
    resumed = await operators.resume_all()
    last = datetime.now(UTC)
    stats = await cycles.to_the_end(last) if quiet else None
    say(f"final cycles as of {last:%H:%M:%S} found nothing left" if stats else "final cycles came to no end")
    return Facts(
        options=stage.options,
        record=stage.record,
        found=await evidence.in_the_store(stage.postgres.address),
        workflows=await evidence.workflows(stage.client),
        last=last,
        quiet=quiet,
        nothing_due=stats is not None,
        first_as_of=cycles.clock.begins,
        faults=dict(faults.done),
        in_vain=dict(faults.in_vain),
        connections_cut=faults.connections_cut,
        frozen_transactions=faults.frozen_transactions,
        terminations=operators.terminations,
        resumed=resumed,
        cycles=len(cycles.started),
    )
