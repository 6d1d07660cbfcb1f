"""The tables of trials: every test that they name exists, and the invariants are those that are checked."""

import re
from pathlib import Path

import pytest

from chaos.faults import WEIGHTS

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize(("page", "least"), [("chaos.md", 40), ("security.md", 12)])
def test_every_test_that_a_table_names_exists(page, least):
    named = set(NAMED.findall(text_of(page)))
    assert len(named) >= least
    missing = [
        f"{file}::{test}"
        for file, test in sorted(named)
        if not (TESTS / file).exists() or not re.search(rf"def {test}\(", (TESTS / file).read_text())
    ]
    assert missing == []


def test_the_invariants_of_the_page_are_those_of_the_checks():
    checks = "".join(file.read_text() for file in (ROOT / "chaos" / "checks").glob("*.py"))
    said = re.findall(r"Verdict\(\s*f?\"([^\"]+)\"", checks)
    said = [one.replace("{MOST_FROZEN}", "14") for one in said]
    page = text_of("chaos.md").partition("| invariant |")[2]
    rows = [line.split("|")[1].strip() for line in page.splitlines()[2:] if line.startswith("|")]
    assert sorted(rows) == sorted(said)


def test_every_fault_that_is_drawn_is_named_on_the_page():
    page = text_of("chaos.md").partition("## make chaos")[2]
    words = {
        "kill_worker": "kills of one worker",
        "kill_all_workers": "or\nall",
        "kill_temporal": "of Temporal",
        "stop_postgres": "and Postgres",
        "cut_connections": "cut connections",
        "pause": "pauses",
        "resume": "resumes",
        "cancel": "cancels",
        "odd_signal": "signals of odd shapes",
        "second_cycle": "second",
        "cancel_cycle": "cancelled cycles",
        "terminate": "terminations",
        "reset": "and resets",
        "freeze_worker": "frozen workers",
        "freeze_in_transaction": "inside an open transaction",
        "read_only": "read-only",
    }
    assert words.keys() == WEIGHTS.keys()
    assert [word for word in words.values() if word not in page] == []
