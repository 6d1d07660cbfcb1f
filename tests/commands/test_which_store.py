"""Every process names the store it works on; a ``.env`` is found, and one of two that differ is not chosen silently."""

import json
from pathlib import Path

import pytest

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import load_settings
from tests.deploy.test_deploy import ROOT
from tests.processes.conftest import run_module, run_script

STORE = "postgresql://ana:hunter2@db.example.com:5432/rae?sslmode=require"
NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "RAE_LLM_BACKEND": "extractive"}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch) -> tuple[Path, Path]:
    """The folder that a process is started in, and the program's."""
    here, program = tmp_path / "here", tmp_path / "program"
    here.mkdir()
    program.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("memory_maintenance.settings.env_file.PROGRAM", program)
    return here, program


@pytest.mark.parametrize("at", [pytest.param(0, id="in the current folder"), pytest.param(1, id="beside the program")])
def test_a_env_file_is_found(folders, at):
    (folders[at] / ".env").write_text(f"DATABASE_URL={STORE}\n")
    assert load_settings().store_name == "db.example.com:5432/rae"


def test_two_env_files_that_say_the_same_are_one(folders):
    here, program = folders
    (here / ".env").write_text(f"DATABASE_URL={STORE}\n")
    (program / ".env").write_text(f"# a comment\nDATABASE_URL='{STORE}'\n")
    assert load_settings().store_name == "db.example.com:5432/rae"


def test_two_env_files_that_differ_are_refused_by_the_names_that_differ_without_their_values(folders):
    here, program = folders
    (here / ".env").write_text("DATABASE_URL=postgresql://a:secret@one/x\nLOG_FORMAT=json\n")
    (program / ".env").write_text("DATABASE_URL=postgresql://b/y\nLOG_FORMAT=json\n")
    with pytest.raises(SettingsError, match=f"{here}/.env and {program}/.env differ in DATABASE_URL: ") as refused:
        load_settings()
    assert "secret" not in str(refused.value)


def test_an_env_file_that_is_not_utf_8_is_named_with_the_line(folders):
    (folders[0] / ".env").write_bytes("LOG_FORMAT=json\n# Schlüssel\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"/here/\.env is not UTF-8, see line 2"):
        load_settings()


@pytest.mark.parametrize("command", [("tenants", "list"), ("status",), ("schedules", "list"), ("settings",)])
async def test_a_command_names_the_store_without_password(cli, command):
    told = await cli(*command, **NOWHERE, DATABASE_URL="postgresql://ana:hunter2@127.0.0.1:1/rae?user=x")
    assert told.stderr.splitlines()[0] == "store: 127.0.0.1:1/rae"
    assert "hunter2" not in told.output


async def test_a_command_says_that_the_store_is_embedded(cli, home):
    told = await cli("settings", DATABASE_URL="", POSTGRES_HOST="")
    assert told.stderr == f"store: embedded, in {home}\n"


async def test_the_library_names_the_store_too():
    ended = await run_module("memory_maintenance", DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/rae")
    assert ended.err.splitlines()[0] == "store: 127.0.0.1:1/rae"


async def test_doctor_says_which_store_it_looked_at(cli, store_url):
    checks = json.loads((await cli("doctor", "--json", **NOWHERE)).stdout)["checks"]
    [address] = [check for check in checks if (check["subject"], check["name"]) == ("store", "address")]
    assert (address["level"], address["found"] in store_url) == ("ok", True)


NEVER = {"MEMORY_MAINTENANCE_EMBEDDED": "never"}


@pytest.mark.parametrize(
    ("command", "settings", "missing"),
    [
        pytest.param(("tenants", "list"), {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "DATABASE_URL", id="a store"),
        pytest.param(("schedules", "list"), {"DATABASE_URL": STORE}, "TEMPORAL_ADDRESS", id="Temporal"),
        pytest.param(("run", "daily"), {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "DATABASE_URL", id="a run"),
        pytest.param(("demo",), {"DATABASE_URL": STORE}, "DATABASE_URL", id="the demo"),
    ],
)
async def test_a_command_that_may_never_embed_starts_no_server(cli, home, command, settings, missing):
    told = await cli(*command, **{"DATABASE_URL": "", "TEMPORAL_ADDRESS": "", **NEVER, **settings})
    assert told.exit_code == 1
    assert f"error: {missing} is not set, and MEMORY_MAINTENANCE_EMBEDDED=never" in told.stderr
    assert not home.exists()


async def test_a_worker_that_may_never_embed_ends():
    ended = await run_script("worker.py", **NEVER)
    assert ended.status == 1
    assert ended.err.splitlines()[-1].startswith("error: DATABASE_URL is not set, and MEMORY_MAINTENANCE_EMBEDDED")


def test_image_and_manifests_never_embed():
    assert "MEMORY_MAINTENANCE_EMBEDDED=never" in (ROOT / "Dockerfile").read_text()
    assert "MEMORY_MAINTENANCE_EMBEDDED=never" in (ROOT / "deploy" / "kubernetes" / "settings.env").read_text()
    assert "MEMORY_MAINTENANCE_EMBEDDED: never" in (ROOT / "docker-compose.yml").read_text()
