"""Whether a model's answer is fit to be stored, by measures that need no second model.

They catch answers that are empty, repeat, echo the prompt or invent. They do
not catch swapped roles, a negation, or a date of the sources that belongs to
something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.figures import unsupported_figures
from memory_maintenance.writers.language.grounding import LIMITS, Family, grounding
from memory_maintenance.writers.language.words import longest_run, ngrams, sentences, stem, tokens

_COPY: Final = 6
"""Words in a row that are copied or echoed, and not met by chance."""

_AROUND_A_WORD: Final = ".,;:!?…\"'()[]{}<>«»„“”‘’*_`、。，；：！？（）「」"
"""Signs that a sentence puts beside a word."""

_MANY: Final = 30
"""Words from which on the share of different words says something."""


class QualityFigures(BaseModel):
    """What was measured of one answer. Shares are in [0, 1]; 0 where there is too little text to tell."""

    model_config = ConfigDict(frozen=True)

    words: int
    """Words of the answer."""

    repeated_trigrams: float
    """Share of the runs of three words of a sentence that stood there before, and more often than in all sources."""

    different_words: float
    """Share of the words that are different ones; 1 below 30 words."""

    unsupported_words: float
    """Share of the different content words that are in no source, in whatever form."""

    script: Family = "spaced"
    """How its words were compared with those of the sources; each way has its own limit."""

    unsupported_numbers: int
    """Numbers and dates that are in no source."""

    copied: float
    """Share of the runs of six words that are in one and the same source, the one with most of them."""

    echoed: float
    """Share of the runs of six words that are in the prompt and in no source."""

    longest_token: int
    """Characters of the longest stretch without a blank, unless a source has it."""

    topics: int | None
    """Different topics or tags; None when they were not asked for."""

    finish_reason: str
    """Why the model stopped, in the words of the OpenAI API."""

    def rounded(self) -> dict[str, Any]:
        """Return the figures as they are kept with a memory: shares to three digits."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in self}


class QualityThresholds(BaseModel):
    """Where an answer stops being fit to be stored.

    Set on 65 summaries and 20 reflections of models of 135 and 500 million
    parameters that a person had judged; the docstrings give what the good and
    the bad answers measured. The sample is small, so they are wide.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeated_trigrams: float = Field(default=0.20, ge=0, le=1)
    """Refused above. Good 0.00 to 0.16, bad 0.36 to 0.88."""

    different_words: float = Field(default=0.50, ge=0, le=1)
    """Refused below. Good 0.67 to 0.94, bad 0.11 to 0.44."""

    unsupported_words: float | None = Field(default=None, ge=0, le=1)
    """Refused above; None: the limit of the answer's script, see ``grounding.LIMITS``."""

    unsupported_numbers: int = Field(default=0, ge=0)
    """Refused above. Good 0, bad 1 to 28."""

    copied: float = Field(default=0.85, ge=0, le=1)
    """Refused above. Good 0.00 to 0.44, bad 0.88 to 1."""

    echoed: float = Field(default=0.20, ge=0, le=1)
    """Refused above. Good 0, bad about 1."""

    longest_token: int = Field(default=40, ge=1)
    """Characters; refused from. Good below 25, bad 40 to 200."""

    fewest_words: int = Field(default=6, ge=0)
    """Refused below. Good 15 to 47, bad 2 to 3."""

    fewest_topics: int = Field(default=2, ge=0)
    """Refused below. Good 2 and more, bad 0 to 1."""


DEFAULT: Final = QualityThresholds()


def thresholds(settings: Settings) -> QualityThresholds:
    """Return the measured thresholds with those of ``MODEL_QUALITY`` in their place.

    Raises:
        SettingsError: an unknown name, or a value out of its range.
    """
    try:
        return QualityThresholds.model_validate(settings.model_quality)
    except ValidationError as error:
        fault = error.errors()[0]
        known = QualityThresholds.model_fields
        name = fault["loc"][0] if fault["loc"][0] in known else "an unknown name"  # maybe a key in the wrong place
        raise SettingsError(f"MODEL_QUALITY: {name}: {fault['msg']}; the names are {', '.join(known)}") from None


def measure(
    answer_text: str,
    *,
    sources: Sequence[str],
    prompt: str,
    topics: Sequence[str] | None = (),
    finish_reason: str = "stop",
) -> QualityFigures:
    """Measure an answer.

    Args:
        answer_text: what would be stored, without its topics.
        sources: the texts it is about, and the dates it may name. Each memory is
            one source.
        prompt: the system text and any example that the model was shown; what
            of it is in a source is no echo.
        topics: the topics or tags of the answer; None when none were asked for.
        finish_reason: of the completion.
    """
    words, read = tokens(answer_text), [tokens(source) for source in sources]
    grounded = grounding(answer_text, sources)
    return QualityFigures(
        words=len(words),
        repeated_trigrams=_repeated(answer_text, read),
        different_words=len(set(words)) / len(words) if len(words) >= _MANY else 1.0,
        unsupported_words=grounded.unsupported,
        script=grounded.family,
        unsupported_numbers=len(unsupported_figures(answer_text, sources)),
        copied=_copied(words, read),
        echoed=_echoed(words, prompt, read),
        longest_token=_longest_token(answer_text, sources),
        topics=None if topics is None else len(_different(topics)),
        finish_reason=finish_reason,
    )


def refusal(figures: QualityFigures, thresholds: QualityThresholds = DEFAULT) -> str | None:
    """Return why an answer may not be stored, None when it may: the first of its ``faults``."""
    return next(iter(faults(figures, thresholds)), None)


def faults(figures: QualityFigures, thresholds: QualityThresholds = DEFAULT) -> tuple[str, ...]:
    """Return every reason why an answer may not be stored, none when it may.

    In this order: ``empty``, ``truncated``, ``one_long_token``, ``too_short``,
    ``repeats``, ``echoes_prompt``, ``unsupported_numbers``, ``unsupported_words``,
    ``copied``, ``few_topics``.
    """
    limit = thresholds.unsupported_words
    most_unsupported = LIMITS[figures.script] if limit is None else limit
    few_topics = figures.topics is not None and figures.topics < thresholds.fewest_topics
    reasons = (
        ("empty", figures.words == 0),
        ("truncated", figures.finish_reason != "stop"),
        ("one_long_token", figures.longest_token >= thresholds.longest_token),
        ("too_short", figures.words < thresholds.fewest_words),
        ("repeats", figures.repeated_trigrams > thresholds.repeated_trigrams),
        ("repeats", figures.different_words < thresholds.different_words),
        ("echoes_prompt", figures.echoed > thresholds.echoed),
        ("unsupported_numbers", figures.unsupported_numbers > thresholds.unsupported_numbers),
        ("unsupported_words", figures.unsupported_words > most_unsupported),
        ("copied", figures.copied > thresholds.copied),
        ("few_topics", few_topics),
    )
    return tuple(dict.fromkeys(reason for reason, holds in reasons if holds))


_TRUE_OF_ANY_EXTRACT: Final = frozenset({"copied", "too_short", "few_topics"})
"""A session of one event is its own summary, short as it may be, with one topic."""


def extractive_fault(figures: QualityFigures) -> str | None:
    """Return why a text of the built-in writer may not be stored, None when it may.

    It is made of the sources' sentences, so copying them, being as short or as alike as they are and having no
    second topic speak against nothing; repetition, endless words and what is in no source do.
    """
    varied = figures.model_copy(update={"different_words": 1.0})
    return next((reason for reason in faults(varied) if reason not in _TRUE_OF_ANY_EXTRACT), None)


def _repeated(text: str, sources: Sequence[Sequence[str]]) -> float:
    """Return the share of repeated runs: the doses of four patients repeat words, as their sources do.

    No run goes from one sentence into the next: facts of one kind, listed one after the other, end and begin alike.
    """
    runs = Counter(run for sentence in sentences(text) for run in ngrams(tokens(sentence), 3))
    again = {run: count for run, count in runs.items() if count > 1}
    if not again:
        return 0.0
    in_sources = Counter(run for source in sources for run in ngrams(source, 3) if run in again)
    return _share(sum(max(0, count - max(1, in_sources[run])) for run, count in again.items()), runs.total())


def _copied(words: Sequence[str], sources: Sequence[Sequence[str]]) -> float:
    runs = set(ngrams(words, _COPY))
    return max((_share(len(runs & set(ngrams(source, _COPY))), len(runs)) for source in sources), default=0.0)


def _echoed(words: Sequence[str], prompt: str, sources: Sequence[Sequence[str]]) -> float:
    runs = set(ngrams(words, _COPY))
    shared = runs & set(ngrams(tokens(prompt), _COPY))
    echoed = shared.difference(*(ngrams(source, _COPY) for source in sources)) if shared else shared
    return _share(len(echoed), len(runs))


def _longest_token(text: str, sources: Sequence[str]) -> int:
    # A source's word may be in brackets, before a full stop, or behind the sign of a link.
    known = "\n".join(map(clean, sources))
    return longest_run(" ".join(word for word in clean(text).split() if word.strip(_AROUND_A_WORD) not in known))


def _different(topics: Sequence[str]) -> set[frozenset[str]]:
    """Return the topics as sets of stems, so that ``Refunds`` and ``refund`` are one, and blank ones none."""
    return {frozenset(map(stem, tokens(topic))) for topic in topics} - {frozenset()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
