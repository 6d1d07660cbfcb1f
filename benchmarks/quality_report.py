"""The figures of each writer, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from benchmarks.found_again import TOP, FoundAgain
from benchmarks.summary_quality import Judged
from memory_maintenance.writers.model.quality import DEFAULT, QualityFigures

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
        """Return the share of answers that pass a measure, of those it could be taken of; None where there are none."""
        return _mean(float(measure not in one.faults) for one in self.answers if _measurable(one, measure))

    @property
    def passing_all(self) -> float | None:
        """Return the share of answers that may be stored."""
        return _mean(float(not one.faults) for one in self.answers)


def _measurable(answer: Judged, measure: str) -> bool:
    if answer.figures is None:
        return measure == "truncated" or answer.faults == (measure,)
    return measure != "few_topics" or answer.figures.topics is not None


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
    """Return a table with a column per writer; a dash where there is nothing to measure."""
    columns = [_column(report) for report in reports]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [["", *(report.writer for report in reports)], ["---", *["---:"] * len(reports)]]
    rows += [[name, *(column.get(name, "–") for column in columns)] for name in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def gain(better: WriterReport, other: WriterReport) -> str:
    """Say how much more often the summaries of one writer are found than those of another."""
    if better.found is None or other.found is None:
        return ""
    points = [100 * (mine - theirs) for mine, theirs in zip(_rates(better.found), _rates(other.found), strict=True)]
    return (
        f"Held-out events find their session {points[0]:+.1f} points more often with {better.writer} than with "
        f"{other.writer}, important ones {points[1]:+.1f}; by chance: {100 * min(1, TOP / better.sessions):.1f} %."
    )


def _rates(found: FoundAgain) -> tuple[float, float]:
    important = found.important_found / found.important_asked if found.important_asked else 0.0
    return found.found / found.asked, important


def _column(report: WriterReport) -> dict[str, str]:
    told = _json_of(report)
    return {
        "sessions": str(report.sessions),
        "answers": str(len(report.answers)),
        "**pass every measure**": _percent(report.passing_all),
        **{name: _percent(report.passing(measure)) for measure, name in MEASURES.items()},
        "words of a summary": _number(told["words"]),
        "content words that are in no source": _percent(told["unsupported_words"]),
        "dates of the sources kept": _percent(told["dates_kept"]),
        "numbers of the sources kept": _percent(told["numbers_kept"]),
        "tokens a session": _number(told["tokens_per_session"]),
        "seconds a session": f"{told['seconds_per_session']:.2f}",
        **_found(report.found),
        **_outcomes(report),
    }


def _found(found: FoundAgain | None) -> dict[str, str]:
    if found is None:
        return {}
    return {
        "**held-out events that find their session**": _share(found.found, found.asked),
        "important ones of them": _share(found.important_found, found.important_asked),
    }


def _outcomes(report: WriterReport) -> dict[str, str]:
    if report.outcomes is None:
        return {}
    return {
        **{f"answers refused: {reason}": str(count) for reason, count in report.refused.items()},
        **{f"sessions {status}": str(count) for status, count in report.outcomes.items()},
        "**refused, and stored as a summary**": str(report.unaccepted),
    }


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "–"


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
