"""docs/tour.md as steps that can be run: ``python -m tests.documents.tour`` writes what they print into it again."""

import asyncio
import fcntl
import re
import shlex
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from tests.processes.conftest import ROOT, environment
from tests.usual_port import usual_port

PAGE = ROOT / "docs" / "tour.md"
ELLIPSIS = "..."
BLOCK = re.compile(r"^```console\n\$ (?P<command>.+)\n(?P<shown>(?:.*\n)*?)```$", re.MULTILINE)

_UNITS = r"(?:d|h|min|s|days?|hours?|minutes?|seconds?)"
VARIES = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|\+00:00)?"), "TIME"),
    (re.compile(rf"\b\d+(?:\.\d+)? {_UNITS}\b(?: \d+ {_UNITS}\b)?"), "SPAN"),
    (re.compile(r"(?<![\w/])/[\w./-]+"), "PATH"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "N"),
)
"""What differs from run to run: ids, beginnings of ids, times, lengths of time, paths, numbers."""


USUAL_HOME = "~/.local/share/memory-maintenance"
"""Where the embedded servers keep their data; here it is a folder of its own."""

STORE = re.compile(r"^(store: embedded, in .*|.* temporal_port_taken .*)\n", re.MULTILINE)
"""What the page leaves out: the first line of every command on standard error, and that another test has the usual port."""


@dataclass(frozen=True)
class Step:
    command: str
    shown: str


def steps(page: str) -> list[Step]:
    return [Step(found["command"], found["shown"]) for found in BLOCK.finditer(page)]


def words(text: str) -> list[str]:
    """What is left of *text* when numbers, ids, times and paths are one each; tables and lines wrap as they like."""
    for pattern, name in VARIES:
        text = pattern.sub(name, text)
    return text.split()


def as_shown(printed: str, shown: str) -> bool:
    """Whether *printed* has the words of *shown* in its order; an ellipsis stands for any number of words."""
    parts = [words(part) for part in re.split(rf"^{re.escape(ELLIPSIS)}$", shown, flags=re.MULTILINE)]
    pattern = r"(?: .*)? ".join(re.escape(" ".join(part)) for part in parts)
    return re.fullmatch(pattern, " ".join(words(printed))) is not None


def made_by(target: str) -> str:
    """The command that ``make TARGET`` ends in; what it installs first is what runs the tests."""
    recipe = re.search(rf"^{target}: .*\n\t@\$\(BIN\)/(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe, f"the Makefile has no one-line target {target}"
    return recipe[1]


class Tour:
    """The commands of the tour, in *folder*, with a home of their own in it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.home = folder, folder / "home"
        self.home.mkdir(mode=0o711)
        self._environment = environment(MEMORY_MAINTENANCE_HOME=str(self.home))
        self._worker: asyncio.subprocess.Process | None = None

    async def printed(self, command: str) -> str:
        """What *command* prints, on either stream; of a worker, which stays, until it is at work.

        A worker before it is ended, as by whoever starts the next one or removes its data.
        """
        if command.startswith("make "):
            command = made_by(command.removeprefix("make "))
        if "worker.py" in command or command.startswith("rm "):
            assert await self.end() in (0, None)
        if command.startswith("rm "):
            await asyncio.to_thread(self._wait_for_servers)
        with usual_port():  # the first command that needs them starts the servers
            return await self._to_its_end(command)

    async def _to_its_end(self, command: str) -> str:
        process = await self.started(command)
        assert process.stdout is not None
        async with asyncio.timeout(100):
            if "worker.py" in command:
                self._worker = process
                while line := (await process.stdout.readline()).decode():
                    if shown := STORE.sub("", line):
                        return shown
                raise AssertionError("the worker ended")
            out, _ = await process.communicate()
        assert process.returncode == 0, f"{command}: {out.decode()}"
        return STORE.sub("", out.decode())

    async def started(self, command: str) -> asyncio.subprocess.Process:
        program, *arguments = shlex.split(command.replace(USUAL_HOME, str(self.home)))
        if program == "python":
            program, arguments = sys.executable, [str(ROOT / arguments[0]), *arguments[1:]]
        else:
            assert program == "rm", command
        return await asyncio.create_subprocess_exec(
            *(program, *arguments),
            env=self._environment,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def _wait_for_servers(self) -> None:
        """Wait until the embedded servers have ended, which hold a lock while they run."""
        for path in self.home.glob("*.lock"):
            with path.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)

    async def end(self) -> int | None:
        """End the worker and return its status."""
        if self._worker is None:
            return None
        worker, self._worker = self._worker, None
        worker.terminate()
        await worker.communicate()
        return worker.returncode


async def taken(page: str) -> AsyncGenerator[tuple[Step, str], None]:
    """Each step of *page* with what its command prints, in order; the worker ends with status 0 at the end."""
    # Not pytest's own folder: as root, Postgres runs as a user who could not enter it.
    with tempfile.TemporaryDirectory(prefix="mm-tour-") as folder:
        Path(folder).chmod(0o711)
        tour = Tour(Path(folder))
        try:
            for step in steps(page):
                yield step, await tour.printed(step.command)
        finally:
            status = await tour.end()
        assert status in (0, None)
        assert not tour.home.exists()  # the last step removes it


async def _regenerate() -> None:
    page = PAGE.read_text()
    async with aclosing(taken(page)) as transcript:
        async for step, printed in transcript:
            if not as_shown(printed, step.shown):
                lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
                block = f"```console\n$ {step.command}\n"
                page = page.replace(f"{block}{step.shown}```", f"{block}{lines}```", 1)
    PAGE.write_text(page)


if __name__ == "__main__":
    asyncio.run(_regenerate())
