"""What the demo shows at its end: counts, importance and why, one summary, one reflection, what next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from rich.panel import Panel
from rich.text import Text

from commands.console import out, say
from commands.tables import table
from memory_maintenance.inspection.cycles import outcomes_of
from memory_maintenance.inspection.decay import explain_decay
from memory_maintenance.inspection.derived import WrittenMemory, written_memories
from memory_maintenance.inspection.task_words import counts_of, left_in_words, specs
from memory_maintenance.store.pool import Pool, fetch
from runtime.wiring import Application

EXAMPLES: Final = """
-- demo.EXAMPLES: of each stage (recalled lately, not for a while, long forgotten) the memory that lost most.
--   $1 tenant_ids  text[]
--   $2 as_of       timestamptz
SELECT DISTINCT ON (stage) id, left(content, 60) AS content
FROM (
    SELECT id, content, base_importance - importance AS lost,
           CASE WHEN since < interval '168 hours' THEN 1 WHEN since <= interval '720 hours' THEN 2 ELSE 3 END AS stage
    FROM memories, LATERAL (SELECT $2 - coalesce(last_accessed_at, created_at) AS since) AS access
    WHERE tenant_id = ANY ($1) AND base_importance IS NOT NULL
) AS staged
ORDER BY stage, lost DESC, id
"""


async def show_results(
    app: Application, names: Mapping[str, str], stats: dict[str, Any], again: dict[str, Any]
) -> None:
    """Print what the maintenance did to the sample tenants."""
    out.print("4. What happened", style="bold")
    await _show_tenants(app.pool, names, stats)
    await _show_decay(app, names, stats)
    for title, source in (("A summary", "summarization_worker"), ("A reflection", "reflection_engine_v2")):
        if found := await written_memories(app.pool, list(names), [source]):
            _show_written(title, max(found, key=lambda memory: len(memory.sources)), names)
    _show_closing(app, stats, again)


async def _show_tenants(pool: Pool, names: Mapping[str, str], stats: dict[str, Any]) -> None:
    shown = [spec for spec in specs() if spec.always_shown]
    rows = table(None, "   tenant", "status", *(f"{spec.results}#" for spec in shown), "skipped", "seconds#")
    for outcome in await outcomes_of(pool, UUID(stats["cycle_id"])):
        rows.add_row(
            f"   {names[outcome.tenant_id]}",
            outcome.status,
            *(f"{outcome.of(spec.name).of(*spec.done)}" for spec in shown),
            ", ".join(filter(None, (left_in_words(spec, outcome.of(spec.name)) for spec in shown))) or "-",
            f"{outcome.seconds:.1f}",
        )
    out.print(rows)


async def _show_decay(app: Application, names: Mapping[str, str], stats: dict[str, Any]) -> None:
    examples = await fetch(app.pool, EXAMPLES, list(names), _time(stats["as_of"]))
    explained = await explain_decay(
        app.pool, app.settings, [row["id"] for row in examples], as_of=_time(stats["as_of"])
    )
    rows = table("\n   Importance before and after, and why", "   memory", "before#", "after#", "why")
    for row, why in zip(examples, explained, strict=True):
        base = why.outcome.base or 0.0
        rows.add_row(f"   {row['content']}…", f"{base:.4f}", f"{why.stored or 0:.4f}", why.in_words())
    out.print(rows)
    if examples:
        say(f"   in full: starter.py memories explain {examples[len(examples) // 2]['id']}")


def _show_written(title: str, memory: WrittenMemory, names: Mapping[str, str]) -> None:
    meta = memory.metadata
    by = f"{meta.get('backend')}" + (f", {meta['model']}" if meta.get("model") else "")
    tokens = f"{meta.get('input_tokens') or 0} + {meta.get('output_tokens') or 0} tokens"
    about = f"{names[memory.tenant_id]}, project {memory.project}: {len(memory.sources)} memories, by {by}, {tokens}"
    out.print(Text.assemble("\n   ", (title, "bold"), f" ({about})"))
    out.print(Panel(memory.content, padding=(0, 1)))
    if "confidence" in meta:  # a reflection
        for source in memory.sources:
            when = f"{source.created_at:%Y-%m-%d %H:%M}"
            said = Text.assemble("     ", (when, "dim"), f" {source.content}")
            out.print(said, no_wrap=True, overflow="ellipsis")


def _show_closing(app: Application, stats: dict[str, Any], again: dict[str, Any]) -> None:
    counts = [(spec, counts_of(stats, spec.name)) for spec in specs() if spec.always_shown]
    tokens = sum(each.input_tokens + each.output_tokens for _, each in counts)
    done = ", ".join(f"{each.of(*spec.done)} {spec.results}" for spec, each in counts)
    took = _time(stats["completed_at"]) - _time(stats["started_at"])
    written = again["summarization"]["stored"] + again["dreaming"]["reflections_generated"]
    say(
        f"\n   {done} in {took / timedelta(seconds=1):.1f} s; "
        f"written by {app.settings.llm_backend}, {tokens} tokens used"
    )
    say(
        f"   the same run again, as of the same instant: {again['decay']['total_updated']} memories moved, "
        f"{written} texts written"
    )
    out.print(Text.assemble(("5. Next", "bold"), _next_commands()))


def _next_commands() -> str:
    return (
        " (in .venv/bin, or after `source .venv/bin/activate`)\n"
        "   python worker.py                         keeps servers, Web UI and a worker running, on the same data\n"
        "   python starter.py run daily              another maintenance, now\n"
        "   python starter.py schedules apply        every night at 02:00, and idle sessions every hour\n"
        "   python starter.py tenants list           whom it works for\n"
        '   RAE_LLM_BACKEND=openai OPENAI_BASE_URL=… a language model writes instead (README: "Your own servers")'
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
