"""How ``memories explain`` shows what a derived memory was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table

from commands.explanation import digits, facts_table, utc
from commands.tables import show_titled, table
from memory_maintenance.inspection.derived import Dependent, WrittenMemory

_SHOWN: Final = 10
"""Sources that are printed; JSON has all."""


def show_derivation(written: WrittenMemory) -> None:
    """Print who wrote a derived memory, what was paid for it and which memories it stands on."""
    kept = written.metadata
    facts = facts_table()
    facts.add_row("by", f"{written.metadata.get('backend', 'unknown')}{_model(kept)}")
    if kept.get("fallback"):
        facts.add_row("fallback", "yes: the model failed; the next daily run replaces it")
    for name in ("cycle_id", "revision", "confidence", "quality"):
        if kept.get(name) is not None:
            facts.add_row(name.replace("_", " "), str(kept[name]))
    if written.question:
        facts.add_row("question", f"{written.question} in the ledger")
    show_titled("Written by maintenance", facts)
    if written.calls:
        show_titled("Model calls", _calls(written))
    show_titled(_title(written), _sources(written))


def show_dependents(dependents: Sequence[Dependent]) -> None:
    """Print what maintenance made from a memory."""
    rows = table(None, "by", "when", "id", "about")
    for one in dependents:
        rows.add_row(one.task, utc(one.derived_at), str(one.id), one.subject or "")
    show_titled("What was made from it", rows)


def _title(written: WrittenMemory) -> str:
    edited = sum(source.is_edited for source in written.sources)
    counts = {"edited since": edited, "gone": written.gone}
    return "; ".join(
        [f"Made from {len(written.sources)} memories", *(f"{what}: {n}" for what, n in counts.items() if n)]
    )


def _model(kept: dict[str, Any]) -> str:
    if not kept.get("model"):
        return ""
    tokens = f"{kept.get('input_tokens') or 0} + {kept.get('output_tokens') or 0} tokens"
    return f", {kept['model']}, prompt {kept.get('prompt_version')}, {tokens}"


def _calls(written: WrittenMemory) -> Table:
    rows = table(None, "attempt#", "state", "answered", "seconds#", "tokens#", "cost#")
    for call in written.calls:
        tokens = f"{call.input_tokens or 0} + {call.output_tokens or 0}"
        seconds = "-" if call.latency_seconds is None else f"{call.latency_seconds:.1f}"
        answered = utc(call.answered_at) if call.answered_at else "-"
        state = f"{call.state} ({call.reason})" if call.reason else call.state
        rows.add_row(str(call.attempt), state, answered, seconds, tokens, f"{call.cost or 0}")
    return rows


def _sources(written: WrittenMemory) -> Table:
    count = len(written.sources)
    rows = table(None, "when", "id", "importance#", "memory")
    for source in written.sources[:_SHOWN]:
        text = " ".join(source.content.split())[:60]
        rows.add_row(utc(source.created_at), str(source.id), digits(source.importance), text)
    if count > _SHOWN:
        rows.add_row("", f"... and {count - _SHOWN} more: --json", "", "")
    return rows
