"""What a user of the library sees of its types: a strict type checker over a script beside nothing but the package."""

import asyncio
import shutil
import sys

from tests.processes.conftest import ROOT

SCRIPT = """
import asyncio

import asyncpg

from memory_maintenance import DecayWorker, DreamingWorker, MaintenanceScheduler, ReflectionEngineV2, SummarizationWorker, __version__


async def main(url: str) -> None:
    async with asyncpg.create_pool(url) as pool:
        stats = await MaintenanceScheduler(pool).run_daily_maintenance()
        updated = stats["decay"]["total_updated"] + stats["dreaming"]["reflections_generated"]
        summarized = await SummarizationWorker(pool).summarize_session("acme", "default", "s1")
        found = await ReflectionEngineV2(pool).query_reflections("acme", "default")
        reveal_type((__version__, stats, updated, summarized, found, DecayWorker, DreamingWorker, MaintenanceScheduler))


asyncio.run(main("postgresql://localhost/rae"))
"""


async def test_a_script_that_uses_the_public_names_has_no_type_error(tmp_path):
    shutil.copytree(ROOT / "memory_maintenance", tmp_path / "site" / "memory_maintenance")
    assert (tmp_path / "site" / "memory_maintenance" / "py.typed").is_file()
    (tmp_path / "script.py").write_text(SCRIPT)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", "script.py",
        cwd=tmp_path, env={"MYPYPATH": "site", "PATH": "/usr/bin:/bin"}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    [revealed] = [line for line in printed.decode().splitlines() if "Revealed type" in line]
    assert "Any" not in revealed
    assert "memory_maintenance.rae.scheduler.MaintenanceScheduler" in revealed
