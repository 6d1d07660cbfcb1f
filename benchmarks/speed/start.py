"""What starting costs: a worker with its servers, the command line, a workflow in the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, Final

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.speed.bench import Bench
from benchmarks.speed.workers import ROOT, START_SECONDS, environment, free_port, ready, started, tethered
from runtime.workers import WORKFLOWS

HISTORIES: Final = ROOT / "tests" / "histories"
PATH: Final = "daily--*.json"
"""A recorded daily run: its root, its page and its tenants."""

FRESH: Final = "Start of a worker with its own Postgres and Temporal, first time"
AGAIN: Final = "Start of a worker with its own Postgres and Temporal, afterwards"
SANDBOX: Final = "Processor time to create a workflow in the sandbox"
HELP: Final = "Processor time of starter.py --help"

MILLISECONDS: Final = 1e3


async def measure(bench: Bench) -> None:
    """Take all of it."""
    times = bench.size(5, 2)
    await _starts(bench, times)
    await _sandbox(bench, 5 * times)
    with bench.folder() as home:
        seconds = [await asyncio.to_thread(_help, home) for _ in range(times + 1)][1:]
    helped = bench.results.measured(HELP, [MILLISECONDS * value for value in seconds], "ms", "user and system")
    bench.tell(HELP, f"{helped.median:.0f} ms")


async def _starts(bench: Bench, times: int) -> None:
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(times):
        with bench.folder() as home:
            for name in (FRESH, AGAIN):
                taken[name].append(await _until_it_polls(home))
    for name, values in taken.items():
        note = "from the process's start to /readyz" + (", which also makes the database" if name == FRESH else "")
        bench.tell(name, f"{bench.results.measured(name, values, 's', note).median:.2f} s")


async def _until_it_polls(home: Path) -> float:
    """Return the seconds until /readyz says that all is well."""
    port = free_port()
    settings = {"MEMORY_MAINTENANCE_HOME": str(home), "HEALTH_PORT": str(port), "RAE_LLM_BACKEND": "extractive"}
    began = time.perf_counter()
    command = tethered(str(ROOT / "worker.py"))
    async with started(command, home=home, log=home / "worker.log", settings=settings) as process:
        while not await ready(port):
            if process.returncode is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError("the worker is not ready")
            await asyncio.sleep(0.01)
        return time.perf_counter() - began


def _help(home: Path) -> float:
    """Return the processor seconds of one ``starter.py --help``."""
    command = [sys.executable, str(ROOT / "starter.py"), "--help"]
    with subprocess.Popen(command, env=environment(home, {}), cwd=home, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError("starter.py --help failed")
    return used.ru_utime + used.ru_stime


class TimedRunner(WorkflowRunner):
    """The worker's own sandbox, with a watch on the creation of each workflow: this thread's processor time."""

    def __init__(self) -> None:
        """Begin with no times."""
        self.milliseconds: defaultdict[str, list[float]] = defaultdict(list)
        self._sandbox = SandboxedWorkflowRunner()

    def prepare_workflow(self, defn: Any) -> None:
        """Let the sandbox validate it: once per worker, not timed."""
        self._sandbox.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create it as the worker does for every first task."""
        began = time.thread_time()
        instance = self._sandbox.create_instance(det)
        self.milliseconds[det.defn.cls.__name__].append(MILLISECONDS * (time.thread_time() - began))
        return instance


async def creation_milliseconds(times: int) -> dict[str, list[float]]:
    """Replay a recorded daily run so many times; return what the creation of each workflow took, by its class."""
    runner = TimedRunner()
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=runner)
    histories = [_history(path) for path in sorted(HISTORIES.glob(PATH))]
    for _ in range(times):
        for history in histories:
            await replayer.replay_workflow(history)
    return dict(runner.milliseconds)


def _history(path: Path) -> WorkflowHistory:
    text = path.read_text(encoding="utf-8")
    attributes = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(attributes["workflowId"], text)


async def _sandbox(bench: Bench, times: int) -> None:
    taken = await creation_milliseconds(times)
    for name, values in taken.items():
        bench.results.measured(f"{SANDBOX}: {name}", values, "ms", "at the replay of a recorded daily run")
        bench.tell(f"{SANDBOX}: {name}", f"{median(values):.2f} ms")
    worst = max(median(values) for values in taken.values())
    bench.results.judged(SANDBOX, worst, 3, unit="ms", how="the slowest of the three workflows")
