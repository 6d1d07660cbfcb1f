"""What documents tell readers to type: every command is one that exists, and README's run as printed."""

import asyncio
import re
import shlex
import tempfile
import textwrap
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from typer.main import get_command

from chaos.ports import free_port
from commands.application import app
from embedded.temporal import temporal_program
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import execute, fetch_value
from tests.documents.test_english import DOCUMENTS
from tests.documents.tour import Tour
from tests.processes.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TYPED = re.compile(r"^\$ (.+?)(?:\s+#.*)?$", re.MULTILINE)
"""A line after a prompt, without its comment."""

NAMES = {
    "FILE.jsonl": str(ROOT / "samples" / "memories.jsonl"),
    "TENANT": "d0000000-0000-4000-8000-000000000004",
    "ID": "44b9cbdc-e33e-5359-ba46-60ffae369f0b",
}
"""What is in capitals in the commands, as the samples have it."""

COMMAND = re.compile(
    r"(?:python starter\.py|^(?:\$ )?memory-maintenance) (?!worker\b)([a-z][^`|#\n;)&>]*)", re.MULTILINE
)


def _commands(page: Path) -> list[list[str]]:
    """The arguments of each command that *page* shows in a block of code, continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"^```(?:console|bash|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    return [shlex.split(found) for found in COMMAND.findall(blocks)]


@pytest.mark.parametrize("page", [page for page in DOCUMENTS if _commands(page)], ids=lambda page: page.stem)
def test_every_command_that_a_document_shows_exists(page):
    for words in _commands(page):
        command, arguments = get_command(app), list(words)
        while arguments and (commands := getattr(command, "commands", None)):
            assert arguments[0] in commands, f"{page.name}: {' '.join(words)}"
            command = commands[arguments.pop(0)]
        options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        shown = {word.partition("=")[0] for word in arguments if re.match(r"--?[a-z]", word)}
        assert shown - options <= {"--help"}, f"{page.name}: {' '.join(words)}"


async def test_the_snippet_of_the_readme_runs_with_the_pool_that_it_opens(store_url, pool, monkeypatch):
    await migrate(store_url)
    await execute(
        pool, "INSERT INTO memories (id, tenant_id, content, importance) VALUES ($1, 'acme', 'x', 0.5)", uuid4()
    )
    monkeypatch.setenv("DATABASE_URL", store_url)
    monkeypatch.setenv("RAE_LLM_BACKEND", "extractive")
    [snippet] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(f"async def snippet():\n{textwrap.indent(snippet, '    ')}\n    return stats", names)  # noqa: S102
    stats = await names["snippet"]()  # type: ignore[operator]
    assert stats["decay"]["total_tenants"] == 1
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles WHERE status = 'completed'") == 1


@pytest.mark.slow
async def test_every_command_of_the_readme_runs_as_printed():
    """In its order, after the demo; names in capitals are those of a sample, and commands that stay are ended."""
    ran, address = 0, ""
    with tempfile.TemporaryDirectory(prefix="mm-readme-") as home:
        Path(home).chmod(0o711)
        tour = Tour(Path(home))
        try:
            for line in map(_filled_in, TYPED.findall(README)):
                if line == "python worker.py":
                    [address] = re.findall(r" temporal=(\S+)", await tour.printed(line))
                elif line.startswith("temporal "):
                    await _by_temporals_cli(line, address)
                elif line.endswith(" web"):
                    await _look_at_the_pages(tour, line, free_port())
                elif line != "make test" and not line.startswith("export "):
                    await tour.printed(line)
                ran += 1
        finally:
            assert await tour.end() == 0
    assert ran > 12


def _filled_in(line: str) -> str:
    return " ".join(NAMES.get(word, word) for word in line.split(" "))


async def _by_temporals_cli(line: str, address: str) -> None:
    words = (str(temporal_program()), *shlex.split(line)[1:], "--address", address)
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


async def _look_at_the_pages(tour: Tour, line: str, port: int) -> None:
    process = await tour.started(f"{line} --port {port}")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
            while b"http://" not in await process.stdout.readline():
                pass
            assert "Tonight" in (await browser.get("/")).text
    finally:
        process.terminate()
        await process.communicate()
