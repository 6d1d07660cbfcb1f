"""Escape sequences, bidirectional controls and line ends in ids, projects, sessions and tags steer no terminal."""

import io
import json
import logging
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from rich.text import Text

from commands.console import Terminal
from commands.tables import table
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.printable import in_one_line, printable
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.tenants.control import pause
from tests.agents import talk, write
from workflows.options import summary

HOSTILE = "acme\x1b[2J\x1b]0;owned\x07\u202egnp\u202c\u2066\x9b31m\x7f\nspoofed: all is well\r\U000e0041"
SHOWN = r"acme\x1b[2J\x1b]0;owned\x07\u202egnp\u202c\u2066\x9b31m\x7f\nspoofed: all is well\r\U000e0041"
NOW = datetime.now(UTC)

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]")


def harmless(text: str) -> bool:
    """Return whether a terminal shows *text* as it is, and no line in it is made up."""
    return not UNSEEN.search(text) and not any(line.strip().startswith("spoofed") for line in text.splitlines())


@pytest.fixture
async def hostile(pool):
    """A tenant whose every name is hostile, and the id of a memory, after a night."""
    [first, *_] = await write(pool, HOSTILE, talk(14), session=HOSTILE, start=NOW - timedelta(hours=5))
    await execute(
        pool,
        "UPDATE memories SET project = $1::text, layer = 'episodic', tags = ARRAY[$1::text], agent_id = $1::text",
        HOSTILE,
    )
    await run_maintenance(pool, Settings(_env_file=None))
    return first


COMMANDS = [
    ("tenants", "list"),
    ("tenants", "show", HOSTILE),
    ("tenants", "show", HOSTILE, "--session", HOSTILE),
    ("tenants", "set", HOSTILE, f"protected_tags={HOSTILE}", "--by", HOSTILE, "--reason", HOSTILE),
    ("tenants", "unset", HOSTILE, "--all", "--by", HOSTILE, "--reason", HOSTILE),
    ("tenants", "show", "unknown\x1b[2J"),
    ("tenants", "set", HOSTILE, f"{HOSTILE}=1"),
    ("memories", "restore", "--tenant", HOSTILE, "--by", HOSTILE, "--reason", HOSTILE),
    ("memories", "set-aside", "--tenant", HOSTILE),
    ("memories", "requeue", "--tenant", HOSTILE, "--session", HOSTILE),
    ("memories", "explain", "MEMORY"),
    ("memories", "explain", HOSTILE),
    ("memories", "import", f"/nowhere/{HOSTILE}"),
    ("cycles",),
    ("cycles", "show", HOSTILE),
    ("cycles", "show", "CYCLE"),
    ("simulate", "--tenant", HOSTILE),
    ("model",),
    ("status",),
    ("doctor",),
    ("settings",),
]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "json"])
async def test_no_command_prints_what_steers_a_terminal(pool, cli, hostile, form):
    await pause(pool, HOSTILE, by=HOSTILE, reason=HOSTILE)
    cycle = str(await fetch_value(pool, "SELECT cycle_id FROM maintenance.cycles LIMIT 1") or "none")
    known = {"MEMORY": str(hostile), "CYCLE": cycle}
    told = {}
    for words in COMMANDS:
        shown = await cli(*(known.get(word, word) for word in words), *form)
        told[words] = shown.output
        assert not isinstance(shown.exception, Exception) or isinstance(shown.exception, SystemExit), shown.output
    assert [words for words, output in told.items() if not harmless(output)] == []
    if not form:
        assert SHOWN in told["tenants", "show", HOSTILE]


@pytest.mark.usefixtures("hostile")
async def test_the_report_shows_hostile_names_as_escapes(cli, tmp_path):
    page = tmp_path / "report.html"
    shown = await cli("report", "--html", page)
    assert shown.exit_code == 0, shown.output
    assert not UNSEEN.search(page.read_text())


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_logs_show_hostile_values_as_escapes(monkeypatch, log_format):
    printing = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printing)
    configure_logs(Settings(_env_file=None, log_format=log_format))
    structlog.get_logger("ours").warning("seen", tenant_id=HOSTILE, many=[HOSTILE], named={HOSTILE: HOSTILE})
    logging.getLogger("a library").warning("of %s", HOSTILE)
    printed = printing.getvalue()
    assert harmless(printed)
    assert len(printed.splitlines()) == 2
    if log_format == "json":
        assert json.loads(printed.splitlines()[0])["tenant_id"] == SHOWN


def test_whatever_is_printed_and_in_whatever_it_stands_is_escaped():
    printing = io.StringIO()
    console = Terminal(file=printing, markup=False, width=400)
    rows = table(HOSTILE, HOSTILE, "b")
    rows.add_row(HOSTILE, Text(HOSTILE))
    console.print(HOSTILE, Text(HOSTILE), rows)
    assert not UNSEEN.search(printing.getvalue())


@pytest.mark.parametrize(
    "text", ["plain", "注文は明日届きます", "שלום עולם", "مرحبا", "क्‍ष", "👩‍👩‍👧 ❤️", "a\tb\nc", "naïve e\u0301"]
)
def test_what_people_read_is_shown_as_it_is(text):
    assert printable(text) == text


def test_a_summary_for_the_web_ui_is_one_line_that_the_server_takes():
    assert summary(HOSTILE) == SHOWN == in_one_line(HOSTILE)
    assert len(summary("\x1b" * 1000).encode()) <= 400
    assert len(summary("語" * 1000).encode()) <= 400
