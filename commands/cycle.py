"""``cycles show``: one cycle in detail, and a cycle as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from commands.abandoned import as_the_server_has_them
from commands.console import AsJson, out, print_json, run, say, settings_for_command
from commands.next_steps import steps_for_cycle, steps_for_tenant, web_ui_link
from commands.run import in_a_line
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.inspection.calls import CallCount, cycle_calls
from memory_maintenance.inspection.cycle_words import kind_of, took
from memory_maintenance.inspection.cycles import Cycle, find_cycle, outcomes_of
from memory_maintenance.inspection.report import skipped_work
from memory_maintenance.settings import Settings
from runtime.wiring import running_store

SHOWN_FAILURES: Final = 50


def show_cycle(
    cycle_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A cycle's id, or its beginning; left out: the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one cycle: totals, cost, tenants by outcome, what was skipped and why, failures and what to type next."""
    settings = settings_for_command()
    cycle, outcomes, calls = run(_one(settings, cycle_id))
    link = web_ui_link(settings, cycle)
    if as_json:
        data = [outcome.model_dump(mode="json") | steps_for_tenant(cycle, outcome) for outcome in outcomes]
        asked = [asdict(call) for call in calls]
        linked = {"web_ui": link} if link else {}
        return print_json(cycle_data(cycle) | linked | {"config": cycle.config, "calls": asked, "tenants": data})
    return _show_one(cycle, outcomes, calls, link)


def cycle_data(cycle: Cycle) -> dict[str, Any]:
    """Return a cycle as data; its configuration is left out."""
    totals = cycle.totals.model_dump(mode="json") if cycle.totals else None
    seconds = cycle.took.total_seconds() if cycle.took else None
    known = {k: v for k, v in asdict(cycle).items() if k != "config"}
    failure = cycle.failure.model_dump() if cycle.failure else None
    findings = [finding.model_dump() for finding in cycle.findings]
    more = {"totals": totals, "seconds": seconds, "failure": failure, "findings": findings}
    return known | more | (steps_for_cycle(cycle) if cycle.status == "failed" else {})


async def _one(settings: Settings, beginning: str | None) -> tuple[Cycle, list[TenantOutcome], tuple[CallCount, ...]]:
    async with running_store(settings) as pool:
        cycle = await find_cycle(pool, beginning)
        [cycle] = await as_the_server_has_them(settings, [cycle])
        return cycle, await outcomes_of(pool, cycle.cycle_id), await cycle_calls(pool, cycle.cycle_id)


def _show_one(cycle: Cycle, outcomes: Sequence[TenantOutcome], calls: Sequence[CallCount], link: str | None) -> None:
    totals = cycle.totals or CycleTotals().with_outcomes(outcomes)
    out.print(Text.assemble(f"{kind_of(cycle)} cycle {cycle.cycle_id}: ", (cycle.status, "bold")))
    out.print(
        f"as of {cycle.as_of:%Y-%m-%d %H:%M} UTC, started {cycle.started_at:%Y-%m-%d %H:%M}, took {took(cycle.took)}"
    )
    if link:
        out.print(f"in the Web UI: {link}", highlight=False, soft_wrap=True)
    if cycle.status == "abandoned":
        out.print(
            "its workflow no longer runs and did not close it; the pages below were recorded, the next cycle goes on"
        )
    for finding in cycle.findings:
        say(f"preflight, {finding.severity}: {finding}")
    say(in_a_line(totals))
    say(_cost(cycle, calls))
    by_status = Counter(outcome.status for outcome in outcomes)
    out.print("tenants: " + (", ".join(f"{n} {status}" for status, n in by_status.most_common()) or "none with work"))
    for kind, why, count in skipped_work(totals):
        say(f"skipped: {count:,} {kind}, {why}")
    if cycle.status == "failed":
        _show_whole(cycle)
    _show_failures(cycle, [outcome for outcome in outcomes if outcome.failed])


def _cost(cycle: Cycle, calls: Sequence[CallCount]) -> str:
    """Return what the cycle cost, in the currency of the prices that are configured."""
    if not calls:
        return f"cost: 0, no model was asked; texts are written by {cycle.config.get('llm_backend', 'no writer')}"
    cost, asked = sum((call.cost for call in calls), Decimal(0)), sum(call.calls for call in calls)
    read, written = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
    return f"cost: {cost:.4f} for {asked:,} questions to the model, {read:,} tokens in and {written:,} out"


def _show_failures(cycle: Cycle, failed: Sequence[TenantOutcome]) -> None:
    if not failed:
        return
    say("\nFailed tenants")
    for outcome in failed[:SHOWN_FAILURES]:
        steps = steps_for_tenant(cycle, outcome)
        say(f"{outcome.tenant_id}: {outcome.status}, {outcome.error_type or '-'} → {steps['next_command']}")
        _say_why(steps)
    if len(failed) > SHOWN_FAILURES:
        out.print(f"... and {len(failed) - SHOWN_FAILURES} more: starter.py cycles show {cycle.cycle_id} --json")


def _show_whole(cycle: Cycle) -> None:
    steps, failure = steps_for_cycle(cycle), cycle.failure
    why = f"{failure.error_type}: {failure.message}".removesuffix(": ") if failure else "why, was not recorded"
    say(f"\nThe cycle failed as a whole: {why} → {steps['next_command']}")
    _say_why(steps)


def _say_why(steps: Mapping[str, str]) -> None:
    if "workflow" in steps:
        say(f"  in the Web UI: {steps['workflow']}")
    if "log" in steps:
        say(f"  in the workers' log: {steps['log']}")
