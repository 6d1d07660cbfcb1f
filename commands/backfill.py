"""What ``run daily --backfill`` says and asks before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import typer

from commands.console import err, run, say
from memory_maintenance.cycles.planner import estimate_run
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.summarization.estimate import SummaryEstimate
from memory_maintenance.work import Run
from memory_maintenance.writers.model.backend import deployment_backend
from runtime.wiring import running_store


def confirm_backfill(
    settings: Settings, days: int, tenants: Sequence[str] | None, *, as_of: datetime | None, yes: bool
) -> None:
    """Print what the summaries of a back-fill take at most, and ask; without a yes the command ends."""
    estimate = run(_estimate(settings, days, tenants, as_of))
    for line in in_words(estimate, settings, days):
        say(line, on=err)
    if not yes:
        typer.confirm("Start it?", err=True, abort=True)


async def _estimate(
    settings: Settings, days: int, tenants: Sequence[str] | None, as_of: datetime | None
) -> SummaryEstimate:
    async with running_store(settings) as pool:
        instant = await checked_as_of(pool, as_of)
        asked = Run(cycle_id=uuid4(), as_of=instant, dry_run=True, backfill_days=days)
        return await estimate_run(pool, settings, asked, tenants)


def in_words(estimate: SummaryEstimate, settings: Settings, days: int) -> list[str]:
    """Return the estimate in sentences."""
    reach = f"{estimate.sessions} sessions with {estimate.events} events are due, back to {days} days before adoption"
    if not estimate.calls:
        writer = deployment_backend(settings)
        return [f"{reach}; their summaries are written without a model ({writer}) and cost nothing"]
    lines = [
        f"{reach}: at most {estimate.calls} calls, {estimate.input_tokens} + {estimate.output_tokens} tokens, "
        f"{estimate.cost:.2f} for the model {settings.model_of_summaries}"
    ]
    if estimate.tokens > settings.model_daily_tokens or estimate.cost > settings.model_daily_cost:
        lines.append(
            f"a day's budget ({settings.model_daily_tokens} tokens, {settings.model_daily_cost}) may not suffice: "
            "what is left is due again in the next run with --backfill"
        )
    return lines
