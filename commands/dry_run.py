"""What ``--dry-run`` prints: what a run would change, what it would take, and the command that does it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import typer

from commands.console import err, out, print_json, say
from commands.tables import show_titled, table
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.inspection.task_words import (
    columns_of,
    counts_of,
    done_in_words,
    left_in_words,
    results_in_words,
    specs,
)
from workflows.messages import MaintenanceRequest

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what it would change and take; write nothing, ask no model.")
]

_MOST_TENANTS: Final = 10


def show_preview(stats: dict[str, Any], request: MaintenanceRequest, *, as_json: bool) -> None:
    """Print the statistics of a dry run and, on standard error where they are JSON, the command that does it."""
    if as_json:
        print_json(stats)
    else:
        show_titled(f"Dry run as of {stats['as_of']}", _totals(stats))
        if stats["largest_tenants"]:
            out.print(_tenants(stats["largest_tenants"], of=stats["tenants"]["with_work"]))
        for line in _costs(stats):
            say(line)
    for tenant in stats["failed_tenants"]:
        err.print(f"failed: tenant {tenant}", highlight=False)
    command = shlex.join(["python", "starter.py", *for_real(request, stats["as_of"])])
    say(f"Nothing was written. To do it: {command}", on=err if as_json else out)


def preview_in_a_line(totals: CycleTotals) -> str:
    """Return what a dry run has found so far, for a progress line."""
    return f"{totals.tenants} tenants looked at: {results_in_words(totals)} to come"


def for_real(request: MaintenanceRequest, as_of: str) -> list[str]:
    """Return the words of the command that does what was foreseen."""
    [*tenants] = request.tenants or ()
    if request.session is not None:
        fewest = [] if request.min_events == 1 else ["--min-events", str(request.min_events)]
        return ["summarize", *fewest, "--", *tenants, str(request.project), request.session]
    if request.project is not None:
        return ["dream", "--", *tenants, request.project]
    backfill = [] if request.backfill_days is None else ["--backfill", str(request.backfill_days)]
    return ["run", request.kind, *(f"--tenant={tenant}" for tenant in tenants), "--as-of", as_of, *backfill]


def _totals(stats: dict[str, Any]) -> Any:
    rows = table(None, "", "would", "left")
    tenants = stats["tenants"]
    rows.add_row("tenants", f"work for {tenants['with_work']} of {tenants['looked_at']}", tenants_left(tenants))
    for spec in specs():
        counts = counts_of(stats, spec.name)
        if counts or spec.always_shown:
            rows.add_row(spec.name, done_in_words(spec, counts), left_in_words(spec, counts))
    return rows


def _tenants(outcomes: Sequence[dict[str, Any]], *, of: int) -> Any:
    shown = outcomes[:_MOST_TENANTS]
    title = f"The {len(shown)} of {of} tenants with most to change" if len(shown) < of else None
    found = [TenantOutcome.model_validate(one) for one in shown]
    tasks = columns_of(found)
    rows = table(title, "tenant", *(f"{spec.name}#" for spec in tasks), "tokens#", "status")
    for one in found:
        counts = [one.of(spec.name) for spec in tasks]
        rows.add_row(
            one.tenant_id,
            *(f"{each.of(*spec.done):,}" for spec, each in zip(tasks, counts, strict=True)),
            f"{sum(each.input_tokens + each.output_tokens for each in counts):,}",
            "" if one.status == "completed" else one.status,
        )
    return rows


def _costs(stats: dict[str, Any]) -> Iterator[str]:
    estimate = stats["estimate"]
    if not estimate["input_tokens"]:
        yield f"No model would be asked ({stats['config']['llm_backend']}): it costs nothing."
        return
    yield (
        f"A model would take at most {estimate['input_tokens']:,} + {estimate['output_tokens']:,} tokens, "
        f"{estimate['cost']:.2f}; today's budget still has {estimate['tokens_left']:,}, {estimate['cost_left']:.2f}."
    )
    if not estimate["within_budget"]:
        yield "That may not suffice (MODEL_DAILY_TOKENS, MODEL_DAILY_COST): what is left is due again tomorrow, UTC."
    for tenant in estimate["tenants_over_budget"]:
        yield f"The budget of tenant {tenant} may not suffice: what is left is due again tomorrow, UTC."


def tenants_left(tenants: dict[str, int]) -> str:
    """Return, of the counts of tenants in a run's statistics, those of tenants that were left, and why."""
    rest = {name: n for name, n in tenants.items() if name not in ("looked_at", "with_work", "completed")}
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in rest.items() if n)
