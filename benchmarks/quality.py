"""How good are the summaries? Per writer: what passes the measures, what is kept of the sources, what it costs.

    python -m benchmarks.quality                          without a model: extractive, and RAE's fallback
    python -m benchmarks.quality --small-model --limit 6  and the small real model of the tests
    python -m benchmarks.quality --endpoint --limit 5     and the endpoint that the settings name: this costs money
    python -m benchmarks.quality --memories FILE          over your own memories in place of the samples

Everything but the seconds and what a model writes is the same in every run. A model writes into a store
of its own, which is thrown away afterwards: never into yours.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from types import MappingProxyType
from typing import Final

from benchmarks.model_writer import ModelRun, scratch_store, summarized
from benchmarks.sessions import MIN_EVENTS, SessionFile, read_sessions
from benchmarks.summary_quality import IMPORTANT, TOP, Judged, found_again, judged
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.policy import fallback_text
from memory_maintenance.summarization.prompt import SESSION_SYSTEM
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.model.quality import DEFAULT

SMALL_MODEL: Final = "SmolLM2-135M"
EXTRACTIVE: Final = "extractive"
FALLBACK: Final = "RAE's fallback"

MEASURES: Final = {
    "truncated": "finished: not cut off",
    "off_schema": "in the asked shape",
    "empty": "not empty",
    "one_long_token": f"no word of {DEFAULT.longest_token} characters that no source has",
    "too_short": f"{DEFAULT.fewest_words} words or more",
    "repeats": "no repetition",
    "echoes_prompt": "no echo of the prompt",
    "unsupported_numbers": "every number and date in the sources",
    "unsupported_words": "few words that are in no source",
    "copied": f"at most {100 * DEFAULT.copied:.0f} % copied from one source",
    "few_topics": f"{DEFAULT.fewest_topics} topics or more",
}
"""The reasons for which an answer is refused, as what a good one does."""

FOUND: Final = "**held-out events that find their session**"


@dataclass(frozen=True, slots=True)
class Written:
    """A summary as it would be stored, and what is measured of it: its prose, and its topics if it has any.

    ``frame`` says what the writer adds that is in no event and is true nevertheless.
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


@dataclass(frozen=True, slots=True)
class Report:
    """What one writer made of some sessions; ``found`` has each held-out event with whether it found its session."""

    sessions: int
    answers: Sequence[Judged]
    seconds: float
    found: Sequence[tuple[Memory, bool]] = ()
    model: ModelRun | None = None

    def passing(self, measure: str) -> float | None:
        """Return the share of answers that pass a measure, of those it could be taken of; None where there are none.

        An answer that could not be read passes or fails by what it was refused for, and by not being cut off.
        """
        return _mean(
            measure not in one.faults
            for one in self.answers
            if (one.figures and (measure != "few_topics" or one.figures.topics is not None))
            or (not one.figures and (measure == "truncated" or one.faults == (measure,)))
        )

    @property
    def refused(self) -> dict[str, int]:
        """Return how many answers were refused, by the first reason."""
        return dict(sorted(Counter(one.faults[0] for one in self.answers if one.faults).items()))

    def found_share(self, least_importance: float = 0.0) -> float:
        """Return the share of the held-out events of such importance that found their session."""
        return _mean(found for event, found in self.found if event.importance >= least_importance) or 0.0


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def without_model(writer: str, file: SessionFile) -> Report:
    """Return what a writer of ``WRITERS`` makes of a file's sessions."""
    write, answers, began = WRITERS[writer], [], time.perf_counter()
    written = [write(session.events) for session in file.sessions]
    seconds = time.perf_counter() - began
    for one, session in zip(written, file.sessions, strict=True):
        told = [
            f"{one.created_at:%Y-%m-%d} {one.metadata.get('role', '')} {with_dates(one.content, one.created_at)}"
            for one in session.events
        ]
        answers.append(judged(one.prose, one.topics, sources=[*told, one.frame], prompt=SESSION_SYSTEM))
    return Report(len(written), answers, seconds, found_again(file.sessions, lambda events: write(events).stored))


async def with_model(pool: Pool, settings: Settings, file: SessionFile, *, limit: int | None = None) -> Report:
    """Return what the model of *settings* makes of up to *limit* sessions, evenly spread, in an empty store."""
    count = len(file.sessions)
    most = min(limit or count, count)
    sessions = [file.sessions[index * count // most] for index in range(most)]
    run = await summarized(pool, settings, file, sessions)
    return Report(len(sessions), run.answers, run.seconds, model=run)


# --- the table ---------------------------------------------------------------------------------------


def as_markdown(reports: Mapping[str, Report]) -> str:
    """Return a table with a column per writer; a dash where there is nothing to measure."""
    columns = [column(report) for report in reports.values()]
    names = dict.fromkeys(name for one in columns for name in one)
    rows = [["", *reports], ["---", *["---:"] * len(reports)]]
    rows += [[name, *(one.get(name, "–") for one in columns)] for name in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def column(report: Report) -> dict[str, str]:
    """Return the figures of one writer by their names."""

    def percent(share: float | None, digits: int = 0) -> str:
        return "–" if share is None else f"{100 * share:.{digits}f} %"

    figures = [one.figures for one in report.answers if one.figures]
    rows = {
        "sessions": str(report.sessions),
        "answers": str(len(report.answers)),
        "**pass every measure**": percent(_mean(not one.faults for one in report.answers)),
        **{name: percent(report.passing(measure)) for measure, name in MEASURES.items()},
        "words of a summary": f"{_mean(one.words for one in figures) or 0:.0f}",
        "content words that are in no source": percent(_mean(one.unsupported_words for one in figures)),
        "dates of the sources kept": percent(_mean(one.dates_kept for one in report.answers)),
        "numbers of the sources kept": percent(_mean(one.numbers_kept for one in report.answers)),
        "tokens a session": f"{report.model.tokens / report.sessions if report.model else 0:.0f}",
        "seconds a session": f"{report.seconds / report.sessions:.2f}",
    }
    if report.found:
        important = sum(event.importance >= IMPORTANT for event, _ in report.found)
        rows[FOUND] = f"{percent(report.found_share(), 1)} of {len(report.found)}"
        rows["important ones of them"] = f"{percent(report.found_share(IMPORTANT), 1)} of {important}"
    if report.model:
        rows |= {f"answers refused: {reason}": str(count) for reason, count in report.refused.items()}
        rows |= {f"sessions {status}": str(count) for status, count in report.model.outcomes.items()}
        rows["**refused, and stored as a summary**"] = str(report.model.unaccepted)
    return rows


def gain(ours: Report, theirs: Report) -> str:
    """Say how much more often an extractive summary is found than RAE's fallback."""
    every, important = (100 * (ours.found_share(least) - theirs.found_share(least)) for least in (0.0, IMPORTANT))
    return (
        f"Held-out events find their session {every:+.1f} points more often with {EXTRACTIVE} than with "
        f"{FALLBACK}, important ones {important:+.1f}; by chance: {100 * min(1, TOP / ours.sessions):.1f} %."
    )


# --- the command -------------------------------------------------------------------------------------


async def reported(asked: argparse.Namespace) -> dict[str, Report]:
    """Return the report of each writer that was asked for."""
    settings = load_settings()
    configure_logs(settings)  # to standard error: the table goes to standard output
    file = read_sessions(asked.memories)
    if not file.sessions:
        raise InvalidRequestError(f"{file.path.name} has no session of {MIN_EVENTS} events")
    reports = {writer: without_model(writer, file) for writer in WRITERS}
    with ExitStack() as stack:
        models = {settings.rae_llm_model_default: settings} if asked.endpoint else {}
        if asked.small_model:
            from tests.small_model import serving  # noqa: PLC0415  needs the development requirements

            models[SMALL_MODEL] = Settings(
                _env_file=None,
                rae_llm_backend="openai",
                openai_base_url=stack.enter_context(serving()),
                rae_llm_model_default="local",
                model_context_tokens=2048,
                model_answer_tokens=256,
            )
        for writer, chosen in models.items():
            async with scratch_store() as pool:
                reports[writer] = await with_model(pool, chosen, file, limit=asked.limit)
    return reports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.split("\n")[0])
    parser.add_argument("--memories", type=Path, metavar="FILE", help="JSON lines, as `memories import` takes them")
    parser.add_argument("--small-model", action="store_true", help=f"try {SMALL_MODEL}, in a child process")
    parser.add_argument("--endpoint", action="store_true", help="try the endpoint that the settings name")
    parser.add_argument("--limit", type=int, metavar="N", help="sessions that a model is given, evenly spread")
    try:
        reports = asyncio.run(reported(parser.parse_args(arguments)))
    except (MaintenanceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{as_markdown(reports)}\n\n{gain(reports[EXTRACTIVE], reports[FALLBACK])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
