"""Worker processes under a supervisor, as a container engine would keep them, and the model endpoint's process."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
from typing import Final

from embedded.exec_with_parent_death import with_parent_death
from embedded.process import opened_log

ROOT: Final = Path(__file__).parent.parent
STARTED: Final = b"worker_started"
_AGAIN_AFTER_SECONDS: Final = 0.5


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a process of the run knows: nothing of this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), **settings}


@dataclass(slots=True)
class Supervised:
    """One worker process; whenever it ends, another one takes its place."""

    name: str
    home: Path
    settings: Mapping[str, str]
    ends: Counter[int] = field(default_factory=Counter)
    """Statuses with which it ended by itself."""
    last_status: int | None = None
    _process: Process | None = None
    _killed: bool = False
    _stopping: bool = False

    @property
    def log(self) -> Path:
        """Return where all its lives write their log lines."""
        return self.home / f"{self.name}.log"

    async def keep(self) -> None:
        """Run it until ``stop``."""
        while not self._stopping:
            self._process = await self._started()
            self._killed = False
            self.last_status = await self._process.wait()
            if self._ended_by_itself():
                self.ends[self.last_status] += 1
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)

    def _ended_by_itself(self) -> bool:
        return not (self._stopping or self._killed)

    async def _started(self) -> Process:
        output = opened_log(self.log)
        try:
            return await asyncio.create_subprocess_exec(
                *with_parent_death([sys.executable, ROOT / "worker.py"], SIGKILL),
                env=environment(self.home, self.settings),
                cwd=self.home,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
            )
        finally:
            os.close(output)

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._killed = True
            with suppress(ProcessLookupError):
                self._process.kill()

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does, as a host does that is out of memory or being moved."""
        self._send(SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(SIGCONT)

    def _send(self, signal: Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal)

    def stop(self) -> None:
        """Ask it to end in peace, for good; ``keep`` returns when it has."""
        self._stopping = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def started(self) -> None:
        """Wait until it has said for the first time that it polls."""
        while not (self.log.exists() and STARTED in await asyncio.to_thread(self.log.read_bytes)):
            await asyncio.sleep(0.1)
