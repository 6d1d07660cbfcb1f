"""A table over all commands: what each says for --help, with no server, and with wrong arguments."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from commands.application import app
from tests.commands.conftest import Cli

NOWHERE = {
    "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
    "RAE_LLM_BACKEND": "extractive",
}
SOME_ID = "01a21047-b3f2-7000-8000-000000000001"

ARGUMENTS = {
    "run": ["daily"],
    "summarize": ["acme", "shop", "s"],
    "dream": ["acme", "shop"],
    "backup": ["memories.dump"],
    "report": ["--html", "report.html"],
    "schedules trigger": ["daily"],
    "schedules backfill": ["daily", "--from", "2026-03-01", "--to", "2026-03-02"],
    "schedules pause": ["daily"],
    "schedules resume": ["daily"],
    "schedules delete": ["daily"],
    "tenants show": ["acme"],
    "tenants set": ["acme", "decay_rate=0.005"],
    "tenants unset": ["acme", "decay_rate"],
    "tenants pause": ["acme"],
    "tenants resume": ["acme"],
    "tenants cancel": ["acme"],
    "cycles show": [SOME_ID],
    "memories import": [__file__],
    "memories explain": [SOME_ID],
    "memories restore": ["--all", "--yes"],
    "memories archive restore": ["--tenant", "acme"],
    "decay rewind": ["--to", "2026-03-01"],
    "changes show": ["1"],
    "review show": ["1"],
    "review accept": ["1"],
    "review reject": ["1"],
    "undo": ["1"],
    "memories forget": ["--subject", "Ana"],
    "memories certificate": [SOME_ID],
    "memories requeue": ["--tenant", "acme", "--all"],
}
"""What each command needs as arguments; the others need nothing."""

CHOOSING = {"memories restore", "memories forget", "memories archive restore", "cycles show"}
"""Those that ask for one of several options, or for none."""

MAINTENANCES = ["run", "summarize", "dream"]
"""Commands that start a maintenance: all can be tried first."""

WITHOUT_SERVER = {"settings": 0, "webhooks test": 1, "webhooks deliver": 1}
"""Commands that ask no server, and their status."""


def _leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield " ".join(words), command
    for name, each in inner.items():
        yield from _leaves(each, (*words, name))


@pytest.fixture
def cli(home: Path) -> Cli:
    """Run a command where no server answers: nothing in this table needs a store."""
    settings = {**NOWHERE, "MEMORY_MAINTENANCE_HOME": str(home), "COLUMNS": "200"}

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(words), env=settings))

    return run


COMMANDS = dict(_leaves(typer.main.get_command(app)))
NAMES = sorted(COMMANDS)


def test_the_table_names_commands_that_there_are():
    assert ARGUMENTS.keys() | WITHOUT_SERVER.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("name", NAMES)
async def test_help_says_what_it_does_and_every_option(cli, name):
    told = await cli(*name.split(), "--help")
    assert (told.exit_code, told.stderr) == (0, "")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told.stdout)
    assert f"Usage: starter.py {name}" in plain
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option"]
    assert [p.name for p in options if not p.help] == []
    assert [p.opts[0] for p in options if p.opts[0] not in plain] == []


def test_the_options_are_found():
    assert sum(p.param_type_name == "option" for command in COMMANDS.values() for p in command.params) > 50


@pytest.mark.parametrize("name", [name for name in NAMES if name != "demo"])
async def test_without_a_server_it_ends_in_one_clear_line(cli, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = await cli(*name.split(), *ARGUMENTS.get(name, []))
    assert told.exit_code == WITHOUT_SERVER.get(name, 1)
    assert "Traceback" not in told.output
    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert ("does not answer" in told.output) == (name not in WITHOUT_SERVER)
    assert list(tmp_path.iterdir()) == []


def test_every_maintenance_can_be_tried_first():
    dry = {name for name, command in COMMANDS.items() for p in command.params if "--dry-run" in p.opts}
    assert dry == {*MAINTENANCES, "memories restore", "memories archive restore", "memories archive purge"}


@pytest.mark.parametrize("name", MAINTENANCES)
@pytest.mark.parametrize("more", [[], ["--json"]])
async def test_a_dry_run_without_a_server_ends_in_one_clear_line_too(cli, name, more):
    told = await cli(*name.split(), *ARGUMENTS[name], "--dry-run", *more)
    assert (told.exit_code, told.stdout, "does not answer" in told.stderr) == (1, "", True)


@pytest.mark.parametrize("name", NAMES)
async def test_an_option_that_there_is_not_is_named(cli, name):
    told = await cli(*name.split(), *ARGUMENTS.get(name, []), "--no-such-option")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "--no-such-option" in told.stderr


@pytest.mark.parametrize("name", sorted(ARGUMENTS.keys() - CHOOSING))
async def test_a_required_argument_is_asked_for(cli, name):
    told = await cli(*name.split())
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Missing" in told.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("tenants", "no-such-command"),
        ("run", "weekly"),
        ("run", "daily", "--as-of", "soon"),
        ("run", "daily", "--as-of", "2026-02-30"),
        ("run", "hourly", "--backfill", "3"),
        ("tenants", "pause", "acme", "--until", "tomorrow"),
        ("tenants", "pause", "acme", "--until", "2020-01-01"),
        ("tenants", "set", "acme", "foo=1"),
        ("tenants", "set", "acme", "decay_rate"),
        ("tenants", "set", "acme", "decay_rate=abc"),
        ("tenants", "set", "acme", "decay_policy=foo"),
        ("tenants", "unset", "acme"),
        ("memories", "restore"),
        ("memories", "requeue", "--tenant", "acme"),
        ("schedules", "backfill", "daily", "--from", "soon", "--to", "2026-03-01"),
        ("simulate", "--days", "-5"),
        ("simulate", "--rate", "7"),
        ("simulate", "--plot", "x.gif"),
        ("simulate", "--plot", "/nope/x.png"),
        ("cycles", "--last", "0"),
        ("simulate", "--policy", "forever"),
        ("memories", "explain", "not-an-id"),
        ("schedules", "pause", "weekly"),
    ],
)
async def test_wrong_values_end_with_status_2(cli, words):
    told = await cli(*words)
    assert (told.exit_code, told.stdout, "Traceback" in told.stderr) == (2, "", False)


@pytest.mark.parametrize("name", NAMES)
async def test_no_help_shows_how_a_date_is_parsed(cli, name):
    assert "%Y" not in (await cli(*name.split(), "--help")).output


def test_every_control_action_takes_who_and_why():
    actions = {name for name in COMMANDS if name.split()[0] in ("schedules", "tenants")} - {
        "schedules apply", "schedules list", "schedules orders", "tenants list", "tenants show",
    }  # fmt: skip
    for name in [*actions, "memories restore", "memories archive restore"]:
        assert {"--by", "--reason"} <= {opt for param in COMMANDS[name].params for opt in param.opts}, name


@pytest.mark.parametrize("words", [(), ("tenants",), ("memories",), ("schedules",), ("model",)])
async def test_a_group_alone_shows_what_there_is(cli, words):
    told = await cli(*words)
    assert "Usage: starter.py" in told.output
    assert "Traceback" not in told.output
