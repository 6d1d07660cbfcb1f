"""The installed command, from the wheel and from a clone, each in a fresh environment."""

import asyncio
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from memory_maintenance import __version__
from tests.processes.conftest import ROOT

OF_THE_APPLICATION = ("commands", "workflows", "runtime", "activities", "embedded", "samples", "tests")


async def _run(*command: str | Path, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "160"},
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def _environment(folder: Path) -> Path:
    """Make an environment that sees the dependencies of this one behind its own packages; return its programs."""
    await _run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    [site] = folder.glob("lib/python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def _clone(folder: Path) -> Path:
    left_out = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "docs", "benchmarks", "chaos")
    return Path(shutil.copytree(ROOT, folder, ignore=left_out))


async def test_the_command_of_a_clone_prints_its_version():
    printed = await _run(
        sys.executable, "-c", "from memory_maintenance.command import main; main()", "--version", cwd=ROOT
    )
    assert printed == f"memory-maintenance {__version__}\n"


@pytest.mark.slow
async def test_the_wheel_installs_the_library_and_its_command_alone(tmp_path):
    programs = await _environment(tmp_path / "environment")
    clone = _clone(tmp_path / "clone")
    await _run(programs / "pip", "install", "--no-deps", clone, cwd=tmp_path)
    [site] = (tmp_path / "environment").glob("lib/python3*/site-packages")
    assert not {each.name for each in site.iterdir()} & set(OF_THE_APPLICATION)
    assert (site / "memory_maintenance" / "py.typed").is_file()
    assert await _run(programs / "memory-maintenance", "--version", cwd=tmp_path) == (
        f"memory-maintenance {__version__}\n"
    )
    assert "--migrate" in await _run(programs / "memory-maintenance", "--help", cwd=tmp_path)


@pytest.mark.slow
async def test_an_editable_install_of_a_clone_has_the_whole_application(tmp_path):
    programs = await _environment(tmp_path / "environment")
    clone = _clone(tmp_path / "clone")
    await _run(programs / "pip", "install", "--no-deps", "-e", clone, cwd=tmp_path)
    assert await _run(programs / "memory-maintenance", "--version", cwd=tmp_path) == (
        f"memory-maintenance {__version__}\n"
    )
    listed = await _run(programs / "memory-maintenance", "--help", cwd=tmp_path)
    for command in ("worker", "migrate", "schedules", "tenants", "--install-completion"):
        assert command in listed
    assert "MEMORY_BASE_DECAY_RATE" in await _run(programs / "memory-maintenance", "settings", cwd=tmp_path)
