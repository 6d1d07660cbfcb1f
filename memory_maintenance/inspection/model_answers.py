"""Whether the model's answers are of any use, as the ledger says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, Pool, fetch
from memory_maintenance.summarization.takeover import failed_night
from memory_maintenance.writers.model.next_steps import NEXT_STEPS

NEWEST_ANSWERS: Final = """
-- inspection.NEWEST_ANSWERS: how each model's newest calls for texts of the last 24 hours ended; not those under way.
--   $1 most  bigint   every scrape asks
SELECT model, CASE WHEN state = 'accepted' THEN '' ELSE coalesce(reason, state) END AS reason,
       count(*)::integer AS calls
FROM (
    SELECT model, state, reason FROM maintenance.model_calls
    WHERE claimed_at > now() - interval '1 day' AND purpose <> 'embedding' AND state NOT IN ('claimed', 'answered')
    ORDER BY claimed_at DESC LIMIT $1
) newest
GROUP BY 1, 2 ORDER BY calls DESC, reason, model
"""

MOST_CALLS: Final = 1_000
"""Calls that the verdict is about: the newest ones."""

FEWEST_CALLS: Final = 4
"""Calls below which there is no verdict: MODEL_ANSWER_ATTEMPTS of one question."""

WORRYING_SHARE: Final = 0.5
"""Share of calls without a usable answer from which the model is not worth its price."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How the newest calls of the last 24 hours ended, at most ``MOST_CALLS``."""

    calls: int
    unusable: Mapping[str, int]
    """Calls without a usable answer by reason, the most frequent first."""

    @property
    def unusable_share(self) -> float:
        """Share of the calls that gave no usable answer, in [0, 1]; 0 below ``FEWEST_CALLS``."""
        return sum(self.unusable.values()) / self.calls if self.calls >= FEWEST_CALLS else 0.0

    @property
    def worrying(self) -> bool:
        """Whether an operator should change something."""
        return self.unusable_share >= WORRYING_SHARE

    @property
    def shares(self) -> dict[str, float]:
        """Share of all calls by reason; empty below ``FEWEST_CALLS``."""
        enough = self.calls >= FEWEST_CALLS
        return {reason: count / self.calls for reason, count in self.unusable.items()} if enough else {}

    @property
    def found(self) -> str:
        """The verdict in a sentence."""
        if not self.calls:
            return "no call in the last 24 hours"
        few = ", ".join(f"{reason} {count}" for reason, count in list(self.unusable.items())[:3])
        share = sum(self.unusable.values()) / self.calls
        return f"{share:.0%} of {self.calls} calls in the last 24 hours gave no usable answer{few and f': {few}'}"

    @property
    def next_step(self) -> str | None:
        """What to do about the most frequent reason."""
        return NEXT_STEPS.get(next(iter(self.unusable), ""))


async def newest_answers(db: Executor) -> Answers:
    """Return how the newest calls for texts ended."""
    return _answers(await fetch(db, NEWEST_ANSWERS, MOST_CALLS))


def _answers(rows: Iterable[Any]) -> Answers:
    ended = Counter[str]()
    for row in rows:
        ended[row["reason"]] += row["calls"]
    return Answers(calls=ended.total(), unusable={reason: calls for reason, calls in ended.most_common() if reason})


async def answers_check(pool: Pool, settings: Settings) -> Check:
    """Return the verdict on the models' answers; of several models, on the worst ones."""
    if settings.llm_backend != "openai":
        return Check("model", "answers", "ok", "no model is asked")
    rows = await fetch(pool, NEWEST_ANSWERS, MOST_CALLS)
    by_model = {name: _answers(row for row in rows if row["model"] == name) for name in {row["model"] for row in rows}}
    worrying = {name: answers for name, answers in sorted(by_model.items()) if answers.worrying}
    if not worrying:
        return Check("model", "answers", "ok", _answers(rows).found)
    named = len(by_model) > 1
    found = "; ".join(f"{name}: {one.found}" if named else one.found for name, one in worrying.items())
    return Check("model", "answers", "warning", found, next(iter(worrying.values())).next_step)


async def fallback_check(pool: Pool, settings: Settings) -> Check:
    """Return who writes where the model fails."""
    if settings.llm_backend != "openai":
        return Check("model", "fallback", "ok", "no model is asked, so none is replaced")
    night = await failed_night(pool, settings)
    if night is None:
        writer = "RAE's first five events" if settings.summarization_fallback == "rae" else "chosen sentences"
        return Check("model", "fallback", "ok", f"where the model fails at a session, it is {writer}")
    found = f"no answer was usable in the daily cycle of {night:%Y-%m-%d %H:%M} UTC, nor since"
    advice = (
        "put the model right: its next usable answer ends this; SUMMARIZATION_FALLBACK_TAKEOVER=false keeps RAE's text"
    )
    return Check("model", "fallback", "warning", f"{found}: the extractive writer writes the fallbacks", advice)
