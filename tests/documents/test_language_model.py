"""What docs/language-model.md says of the code, held against the code."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from memory_maintenance.dreaming.prompt import VERSION
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch
from memory_maintenance.summarization.prompt import MERGE_VERSION, SESSION_VERSION
from memory_maintenance.writers.language.grounding import LIMITS
from memory_maintenance.writers.model.advice import _REASONS
from memory_maintenance.writers.model.budget import Prices
from memory_maintenance.writers.model.openai_errors import BILLED_REASONS, FORBIDDEN_REASONS
from memory_maintenance.writers.model.quality import DEFAULT

TEXT = (Path(__file__).parents[2] / "docs" / "language-model.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`]+)`", TEXT))


def _rows(section: str) -> list[list[str]]:
    own = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in own.splitlines() if line.startswith("| ")]


async def test_every_column_of_the_ledger_is_explained(pool):
    columns = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema || table_name = 'maintenancemodel_calls'"
    )
    assert {row["column_name"] for row in await fetch(pool, columns)} - WORDS == set()


def test_the_versions_of_the_prompts_are_those_in_use():
    assert {word for word in WORDS if re.fullmatch(r"[a-z-]+/\d+", word)} == {VERSION, SESSION_VERSION, MERGE_VERSION}


def test_every_reason_of_a_failed_call_is_in_the_ladder_or_a_measure():
    told_by_quality = {"empty", "repeats", "echoes_prompt", "few_topics", "copied", "one_long_token", "too_short"}
    told_by_quality |= {"unsupported_numbers", "unsupported_words"}
    assert (BILLED_REASONS | FORBIDDEN_REASONS | (_REASONS.keys() - told_by_quality)) - WORDS == set()
    assert {row[3].split("`")[1] for row in _rows("Quality") if "`" in row[3]} == told_by_quality - {"empty"}


@pytest.mark.parametrize(
    ("reason", "threshold"),
    [
        ("too_short", DEFAULT.fewest_words),
        ("unsupported_words", min(LIMITS.values())),
        ("unsupported_numbers", DEFAULT.unsupported_numbers + 1),
        ("copied", DEFAULT.copied),
        ("echoes_prompt", DEFAULT.echoed),
        ("one_long_token", DEFAULT.longest_token),
        ("few_topics", DEFAULT.fewest_topics),
    ],
)
def test_thresholds_are_those_that_hold(reason, threshold):
    (cell,) = (row[3] for row in _rows("Quality") if f"`{reason}`" in row[3])
    assert float(cell.split()[-1]) == threshold


@pytest.mark.parametrize("section", ["Budgets", "What happens when it fails"])
def test_defaults_in_the_text_are_the_settings_own(section):
    own = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    named = re.findall(r"`(M[A-Z_]+|SET_[A-Z_]+)`(?: \| | \()([\d,]+)", own)
    assert len(named) >= 4
    settings = Settings(_env_file=None)
    assert {name: Decimal(value.replace(",", "")) for name, value in named} == {
        name: Decimal(str(getattr(settings, name.lower()))) for name, _ in named
    }


def test_costs_are_tokens_times_prices():
    rows = [row for row in _rows("What it costs") if re.fullmatch(r"[\d,]+", row[1])]
    assert len(rows) == 5
    for _, read, written, cheap, dear in rows:
        tokens = int(read.replace(",", "")), int(written.replace(",", ""))
        costs = [Prices(*map(Decimal, pair)).cost(*tokens) for pair in (("0.15", "0.60"), ("2.50", "10.00"))]
        assert [cheap, dear] == [f"{cost:.4f}" for cost in costs]


def test_a_setting_that_is_named_exists():
    named = set(re.findall(r"`([A-Z][A-Z_]{5,})`", TEXT)) | set(re.findall(r"^    ([A-Z_]+)=", TEXT, re.MULTILINE))
    ours = {name.upper() for name in Settings.model_fields}
    assert named - ours == {"OLLAMA_CONTEXT_LENGTH"}
