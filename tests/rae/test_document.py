"""Every block of RAE's "Background Workers" works as it is written up to the import path, or differs for a reason."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from memory_maintenance.store.pool import Pool
from tests.commands.conftest import cli, home, quiet_again
from tests.rae import blocks
from tests.rae.blocks import Place

__all__ = ["cli", "home", "quiet_again"]

_SCHEDULE: Final = "a Temporal Schedule in place of Celery Beat"

BLOCKS: Final[dict[Callable[[Place], Awaitable[None]], str | None]] = {
    blocks.beat_decays_daily_at_2_am: _SCHEDULE,
    blocks.decay_all_tenants: None,
    blocks.from_the_command_line: None,
    blocks.summarize_a_session: None,
    blocks.summarize_long_sessions: None,
    blocks.the_models_answer: None,
    blocks.the_stored_summary: None,
    blocks.dream_for_a_tenant: None,
    blocks.dream_by_a_task: "a command that starts a workflow, in place of a Celery task",
    blocks.the_sample_of_a_dream: None,
    blocks.a_daily_maintenance: None,
    blocks.beat_maintains_daily_at_3_am: f"{_SCHEDULE}; one run at 02:00 does what two did",
    blocks.the_log_line_of_decay: None,
    blocks.the_line_of_cron: None,
    blocks.the_cron_job_of_kubernetes: None,
    blocks.the_switch_of_decay: None,
    blocks.inspect_what_is_scheduled: "`starter.py schedules list` in place of Celery's inspect",
    blocks.the_switches_of_dreams: None,
    blocks.decays_arguments: "unset, both are the tenant's rule: any other default would differ from the schedule's",
    blocks.summaries_arguments: None,
    blocks.dreams_arguments: None,
    blocks.the_schedulers_arguments: None,
}
"""The blocks in the document's order; why one is not as written there, or None."""


def test_every_block_is_tried_and_says_where_it_differs():
    assert (len(BLOCKS), sum(reason is None for reason in BLOCKS.values())) == (22, 17)


@pytest.fixture
def place(store_url: str, pool: Pool, cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    monkeypatch.setenv("RAE_LLM_BACKEND", "extractive")
    monkeypatch.chdir(tmp_path)
    return Place(store_url, pool, cli)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
async def test_a_block_of_the_document_works(place, block):
    await block(place)
