"""``memories findable``: which summaries and reflections vector search cannot find."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

import typer

from commands.console import AsJson, print_json, run, say, settings_for_command
from memory_maintenance.inspection.findable import Findable, count_findable
from runtime.wiring import in_store


def findable(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the summaries and reflections that vector search cannot find."""
    settings = settings_for_command()
    counts = run(in_store(settings, lambda pool: count_findable(pool, settings, tenant)))
    if as_json:
        print_json(asdict(counts))
    else:
        say(in_words(counts))


_QDRANT: Final = "; RAE's engine searches Qdrant: starter.py memories export-derived"


def in_words(counts: Findable) -> str:
    """Return the counts as a sentence, with what to do about them."""
    if counts.table is None:
        return f"this store keeps no vectors: its {counts.derived} derived memories are found by their text alone"
    of = f" of {counts.model}" if counts.model else ""
    said = f"{counts.not_found} of {counts.derived} derived memories have no vector{of} in {counts.table}"
    if counts.not_found == 0:
        return f"{said}: a search there finds them all{_QDRANT if counts.table == 'memory_embeddings' else ''}"
    advice = "the next daily run embeds them" if counts.embeds else "set EMBEDDING_MODEL, and a daily run embeds them"
    return f"{said}; {advice}"
