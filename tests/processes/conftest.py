"""The application as processes: what an operator types, against real servers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process: no setting of this machine's, those given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "RAE_LLM_BACKEND": "extractive", **settings}


async def run_script(script: str, *arguments: str, root: Path | str = ROOT, **settings: str) -> Ended:
    return await _run(str(Path(root) / script), *arguments, cwd="/", **settings)


async def run_module(module: str, *arguments: str, root: Path | str = ROOT, **settings: str) -> Ended:
    """Run ``python -m`` from the root, as plain cron would where the library is not installed."""
    return await _run("-m", module, *arguments, cwd=str(root), **settings)


async def _run(*arguments: str, cwd: str, **settings: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env=environment(**settings),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(100):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def servers(temporal: Client, store_url: str) -> dict[str, str]:
    """Settings that name a fresh store and a fresh Temporal server."""
    return {"DATABASE_URL": store_url, "TEMPORAL_ADDRESS": temporal.service_client.config.target_host}


@dataclass
class WorkerProcess:
    process: asyncio.subprocess.Process

    @classmethod
    async def started(cls, *arguments: str, root: Path | str = ROOT, **settings: str) -> "WorkerProcess":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(root) / "worker.py"), *arguments),
            env=environment(LOG_FORMAT="json", **settings),
            cwd="/",
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"worker_started" not in (line := await process.stderr.readline()):
                assert line, "the worker ended before it started"
        drain = asyncio.create_task(process.stderr.read())
        drain.add_done_callback(lambda _: None)
        return cls(process)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        self.process.terminate()
        return await self.process.wait()


StartWorker = Callable[..., "asyncio.Future[WorkerProcess]"]


@pytest.fixture
async def start_worker() -> AsyncIterator[Callable[..., object]]:
    """``await start_worker(*arguments, **settings)``: a worker process that polls; killed at the end if it still runs."""
    started: list[WorkerProcess] = []

    async def start(*arguments: str, root: Path | str = ROOT, **settings: str) -> WorkerProcess:
        started.append(await WorkerProcess.started(*arguments, root=root, **settings))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.returncode is None:
            await worker.kill()
