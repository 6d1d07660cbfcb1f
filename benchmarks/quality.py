"""How good are the summaries? Per writer: what passes the measures, what is kept of the sources, what it costs.

    python -m benchmarks.quality                          without a model: extractive, and RAE's fallback
    python -m benchmarks.quality --small-model --limit 8  and the small real model of the tests
    python -m benchmarks.quality --endpoint --limit 5     and the endpoint that the settings name: this costs money
    python -m benchmarks.quality --memories FILE          over your own memories in place of the samples

Everything but the seconds and what a model writes is the same in every run. A model writes into a store
of its own, which is thrown away afterwards: never into yours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.found_again import found_again
from benchmarks.model_writer import scratch_store, small_model, summarized
from benchmarks.quality_report import WriterReport, as_json, as_markdown, gain
from benchmarks.session_files import SessionEvents, SessionFile, read_sessions, spread
from benchmarks.summary_quality import judged
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.policy import fallback_text
from memory_maintenance.summarization.prompt import SESSION_SYSTEM
from memory_maintenance.writers.language.relative_dates import with_dates

SMALL_MODEL: Final = "SmolLM2-135M"
EXTRACTIVE: Final = "extractive"
FALLBACK: Final = "RAE's fallback"


@dataclass(frozen=True, slots=True)
class Written:
    """A summary as it would be stored, and what is measured of it: its prose, and its topics if it has any.

    ``frame`` says what the writer adds that stands in no event and is true nevertheless.
    """

    stored: str
    prose: str
    topics: Sequence[str] | None = None
    frame: str = ""


def extracted(events: Sequence[Memory]) -> Written:
    """Write a summary of chosen sentences."""
    response = extractive_summary(events)
    return Written(response.as_text(), response.prose(), response.labels())


def quoted(events: Sequence[Memory]) -> Written:
    """Write RAE's fallback: the first five events, and how many there are."""
    text = fallback_text(events)
    return Written(text, text, frame=f"Session summary of {len(events)} events: 5 and {len(events) - 5} more")


WRITERS: Final[Mapping[str, Callable[[Sequence[Memory]], Written]]] = MappingProxyType(
    {EXTRACTIVE: extracted, FALLBACK: quoted}
)


def without_model(writer: str, file: SessionFile) -> WriterReport:
    """Return what a writer of ``WRITERS`` makes of a file's sessions."""
    write = WRITERS[writer]
    began = time.perf_counter()
    written = [write(session.events) for session in file.sessions]
    seconds = time.perf_counter() - began
    answers = [
        judged(one.prose, one.topics, sources=[*_sources(session), one.frame], prompt=SESSION_SYSTEM)
        for one, session in zip(written, file.sessions, strict=True)
    ]
    found = found_again(file.sessions, lambda events: write(events).stored)
    return WriterReport(writer, len(file.sessions), tuple(answers), seconds, found=found)


def _sources(session: SessionEvents) -> list[str]:
    return [
        f"{event.created_at.date().isoformat()} {with_dates(event.content, event.created_at)}"
        for event in session.events
    ]


async def with_model(
    writer: str, pool: Pool, settings: Settings, file: SessionFile, *, limit: int | None = None
) -> WriterReport:
    """Return what the model of *settings* makes of up to *limit* sessions of a file, in an empty store."""
    sessions = spread(file.sessions, limit)
    run = await summarized(pool, settings, file, sessions)
    outcomes = dict(sorted(Counter(one.status for one in run.outcomes).items()))
    return WriterReport(
        writer,
        len(sessions),
        run.answers,
        run.seconds,
        run.tokens,
        outcomes={str(status): count for status, count in outcomes.items()},
        unaccepted=run.unaccepted,
    )


# --- the command -------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        reports = asyncio.run(_reports(asked))
    except (MaintenanceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    table = f"{as_markdown(reports)}\n\n{gain(reports[0], reports[1])}"
    print(json.dumps(as_json(reports), indent=2) if asked.json else table)
    return 0


async def _reports(asked: argparse.Namespace) -> list[WriterReport]:
    settings = load_settings()
    configure_logs(settings)  # to standard error: the table goes to standard output
    file = read_sessions(asked.memories, settings)
    if not file.sessions:
        raise InvalidRequestError(f"{file.path.name} has no session of {settings.summarization_min_events} events")
    reports = [without_model(writer, file) for writer in WRITERS]
    if asked.small_model:
        reports.append(await _modelled(SMALL_MODEL, small_model(), file, asked.limit))
    if asked.endpoint:
        reports.append(await _modelled(settings.rae_llm_model_default, nullcontext(settings), file, asked.limit))
    return reports


async def _modelled(
    writer: str, named: AbstractAsyncContextManager[Settings], file: SessionFile, limit: int | None
) -> WriterReport:
    async with named as settings, scratch_store() as pool:
        return await with_model(writer, pool, settings, file, limit=limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.split("\n")[0])
    parser.add_argument("--memories", type=Path, metavar="FILE", help="JSON lines, as `memories import` takes them")
    parser.add_argument("--small-model", action="store_true", help=f"try {SMALL_MODEL}, in a child process")
    parser.add_argument("--endpoint", action="store_true", help="try the endpoint that the settings name")
    parser.add_argument("--limit", type=_count, metavar="N", help="sessions that a model is given, evenly spread")
    parser.add_argument("--json", action="store_true", help="every number as JSON in place of the table")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


if __name__ == "__main__":
    sys.exit(main())
