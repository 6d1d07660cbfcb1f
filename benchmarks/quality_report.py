"""The figures of each writer, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from benchmarks.found_again import FoundAgain
from benchmarks.summary_quality import Judged
from memory_maintenance.language_model.quality import DEFAULT, QualityFigures

MEASURES: Final = {
    "truncated": "finished: not cut off",
    "off_schema": "in the asked shape",
    "empty": "not empty",
    "one_long_token": f"no word of {DEFAULT.longest_token} characters that no source has",
    "too_short": f"{DEFAULT.fewest_words} words or more",
    "repeats": "no repetition",
    "echoes_prompt": "no echo of the prompt",
    "unsupported_numbers": "every number and date in the sources",
    "unsupported_words": f"at most {DEFAULT.unsupported_words:.0%} words that are in no source",
    "copied": f"at most {DEFAULT.copied:.0%} copied from one source",
    "few_topics": f"{DEFAULT.fewest_topics} topics or more",
}
"""The reasons for which an answer is refused, as what a good one does."""

UNREAD: Final = frozenset({"truncated", "off_schema", "model_refused", "filtered"})
"""Reasons for which an answer is not read at all, so that nothing else is measured of it."""


@dataclass(frozen=True, slots=True)
class WriterReport:
    """What one writer made of some sessions.

    ``tokens`` are both directions, of all answers; ``seconds`` of all sessions. ``outcomes`` counts what became of
    the sessions in the store, None for a writer that was tried without one. ``unaccepted`` counts stored summaries
    that are neither an accepted answer nor marked as a fallback.
    """

    writer: str
    sessions: int
    answers: tuple[Judged, ...]
    seconds: float
    tokens: int = 0
    found: FoundAgain | None = None
    outcomes: dict[str, int] | None = None
    unaccepted: int | None = None

    @property
    def read(self) -> list[QualityFigures]:
        """Return the figures of the answers that could be read."""
        return [one.figures for one in self.answers if one.figures]

    @property
    def refused(self) -> dict[str, int]:
        """Return how many answers were refused, by the reason that the ledger gives."""
        return dict(sorted(Counter(one.faults[0] for one in self.answers if one.faults).items()))

    def passing(self, measure: str) -> float | None:
        """Return the share of answers that pass a measure: of all, or of those that could be read. None: of none."""
        asked = [one for one in self.answers if measure in UNREAD or one.figures]
        if measure == "few_topics":
            asked = [one for one in asked if one.figures and one.figures.topics is not None]
        return _mean(float(measure not in one.faults) for one in asked)

    @property
    def passing_all(self) -> float | None:
        """Return the share of answers that may be stored."""
        return _mean(float(not one.faults) for one in self.answers)


def as_json(reports: Sequence[WriterReport]) -> dict[str, Any]:
    """Return every number; shares in [0, 1]."""
    return {report.writer: _json_of(report) for report in reports}


def _json_of(report: WriterReport) -> dict[str, Any]:
    return {
        "sessions": report.sessions,
        "answers": len(report.answers),
        "passing_all": report.passing_all,
        "passing": {measure: report.passing(measure) for measure in MEASURES},
        "refused": report.refused,
        "words": _mean(one.words for one in report.read),
        "unsupported_words": _mean(one.unsupported_words for one in report.read),
        "unsupported_numbers": _mean(one.unsupported_numbers for one in report.read),
        "dates_kept": _mean(one.dates_kept for one in report.answers if one.dates_kept is not None),
        "numbers_kept": _mean(one.numbers_kept for one in report.answers if one.numbers_kept is not None),
        "tokens_per_session": report.tokens / report.sessions,
        "seconds_per_session": report.seconds / report.sessions,
        "found_again": asdict(report.found) if report.found else None,
        "outcomes": report.outcomes,
        "stored_unaccepted": report.unaccepted,
    }


def as_markdown(reports: Sequence[WriterReport]) -> str:
    """Return a table with a column per writer."""
    rows = [("", [report.writer for report in reports]), ("---", ["---:"] * len(reports))]
    rows += [(name, [cell(report) for report in reports]) for name, cell in _rows(reports)]
    return "\n".join(f"| {' | '.join([name, *cells])} |" for name, cells in rows)


Cell = Callable[[WriterReport], str]


def _rows(reports: Sequence[WriterReport]) -> Iterable[tuple[str, Cell]]:
    yield "sessions", lambda report: str(report.sessions)
    yield "answers", lambda report: str(len(report.answers))
    yield "**pass every measure**", lambda report: _percent(report.passing_all)
    for measure, name in MEASURES.items():
        yield name, lambda report, measure=measure: _percent(report.passing(measure))  # type: ignore[misc]
    yield from _means()
    if any(report.outcomes for report in reports):
        yield from _outcomes(reports)
    yield from _found()


def _means() -> Iterable[tuple[str, Cell]]:
    figures: dict[str, Callable[[dict[str, Any]], str]] = {
        "words of a summary": lambda of: _number(of["words"]),
        "of them in no source": lambda of: _percent(of["unsupported_words"]),
        "dates of the sources kept": lambda of: _percent(of["dates_kept"]),
        "numbers of the sources kept": lambda of: _percent(of["numbers_kept"]),
        "tokens a session": lambda of: _number(of["tokens_per_session"]),
        "seconds a session": lambda of: f"{of['seconds_per_session']:.2f}",
    }
    for name, cell in figures.items():
        yield name, lambda report, cell=cell: cell(_json_of(report))  # type: ignore[misc]


def _outcomes(reports: Sequence[WriterReport]) -> Iterable[tuple[str, Cell]]:
    for status in sorted({status for report in reports for status in report.outcomes or ()}):
        yield (
            f"sessions: {status}",
            lambda report, status=status: "–" if report.outcomes is None else str(report.outcomes.get(status, 0)),  # type: ignore[misc]
        )
    for reason in sorted({reason for report in reports for reason in report.refused}):
        yield f"answers refused: {reason}", lambda report, reason=reason: str(report.refused.get(reason, 0))  # type: ignore[misc]
    yield (
        "**refused and stored nevertheless**",
        lambda report: "–" if report.unaccepted is None else str(report.unaccepted),
    )


def _found() -> Iterable[tuple[str, Cell]]:
    yield (
        "**held-out events that find their session**",
        lambda report: _share(report.found.found, report.found.asked) if report.found else "–",
    )
    yield (
        "important ones of them",
        lambda report: _share(report.found.important_found, report.found.important_asked) if report.found else "–",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "–"


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
