"""The end of a run for people and for programs: seed, faults, invariants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from chaos.checks.verdict import NAMED, Verdict
from chaos.judgement import Facts


def show(console: Console, facts: Facts, verdicts: Sequence[Verdict]) -> None:
    """Print the tables of one run."""
    record, options = facts.record, facts.options
    console.print(
        f"\n[bold]seed {options.seed}[/]: {facts.seconds:.0f} s, {options.tenants} tenants, {facts.cycles} cycles, "
        f"{record.written} writes of agents ({record.in_doubt} in doubt, {record.given_up} given up), "
        f"{len(facts.found.derived)} derived memories, {facts.resumed} tenants still paused at the end of the faults"
    )
    console.print(_in_a_line("injected", facts.faults), highlight=False)
    console.print(_in_a_line("met a server that was away", facts.in_vain), highlight=False)
    console.print(_in_a_line("the endpoint", facts.answers), highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "invariant", "looked at", "violations", ""):
        table.add_column(column, justify="right" if column in ("looked at", "violations") else "left")
    for verdict in verdicts:
        mark = "[green]holds[/]" if verdict.holds else "[bold red]FAILS[/]"
        table.add_row(mark, verdict.invariant, str(verdict.checked), str(len(verdict.violations)), verdict.note)
    console.print(table)
    for verdict in verdicts:
        for violation in verdict.violations[:NAMED]:
            console.print(f"[red]{verdict.invariant}:[/] {violation}", highlight=False, soft_wrap=True)


def _in_a_line(title: str, counts: Mapping[str, int]) -> str:
    counted = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sorted(counts.items()))
    return f"{title}: {counted or 'nothing'}"


def as_data(facts: Facts, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the same as JSON data."""
    return {
        "seed": facts.options.seed,
        "tenants": facts.options.tenants,
        "seconds": round(facts.seconds, 1),
        "passed": all(verdict.holds for verdict in verdicts),
        "cycles": facts.cycles,
        "injected": dict(facts.faults),
        "in_vain": dict(facts.in_vain),
        "connections_cut": facts.connections_cut,
        "frozen_transactions_seconds": [round(seconds, 1) for seconds in facts.frozen_transactions],
        "endpoint": dict(facts.answers),
        "writes": {
            "committed": facts.record.written,
            "in_doubt": facts.record.in_doubt,
            "given_up": facts.record.given_up,
        },
        "invariants": [
            {
                "invariant": verdict.invariant,
                "holds": verdict.holds,
                "checked": verdict.checked,
                "violations": len(verdict.violations),
                "examples": list(verdict.violations[:NAMED]),
                "note": verdict.note,
            }
            for verdict in verdicts
        ],
    }
