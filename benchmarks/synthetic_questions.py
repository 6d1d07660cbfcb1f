"""What is asked of the synthetic store: four kinds of questions, in equal numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import vocabulary as words
from benchmarks.store import CURRENT, PAST, RARE, RECENT, Question
from benchmarks.synthetic_draft import YEAR_DAYS, Draft, event_text, named

RECENT_DAYS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Questions:
    """Draws the questions; fewer than wanted where there is not enough to ask about."""

    rng: random.Random
    how_many: int
    popularity: Sequence[float]

    def of_versions(self, facts: Sequence[list[Draft]]) -> Iterator[Question]:
        """Yield questions about changing facts, busy subjects first; the newest version is the evidence."""
        # The smallest of -log(u)/weight: a weighted sample without replacement.
        odds = [self.rng.expovariate(self.popularity[fact[0].subject]) for fact in facts]
        for which in sorted(range(len(facts)), key=odds.__getitem__)[: self.how_many]:
            versions = tuple(draft.id for draft in facts[which])
            text = self._about(facts[which][0], words.CHANGING)
            yield Question(text, frozenset(versions[-1:]), CURRENT, versions)

    def of_standing(self, standing: Sequence[Draft]) -> Iterator[Question]:
        """Yield questions about standing facts, every subject alike."""
        for draft in self._some(standing):
            yield Question(self._about(draft, words.STANDING), frozenset({draft.id}), RARE)

    def of_events(self, routine: Sequence[Draft]) -> Iterator[Question]:
        """Yield questions about recent, then about past events; all events that fit are the evidence."""
        events = [draft for draft in routine if draft.topic]
        for kind in (RECENT, PAST):
            for draft in self._some([one for one in events if _age_kind(one) == kind]):
                same = [one for one in events if (one.subject, one.topic) == (draft.subject, draft.topic)]
                text = event_text(self.rng, words.EVENT_QUESTIONS, draft.subject, draft.topic)
                yield Question(text, frozenset(one.id for one in same), kind)

    def _some(self, drafts: Sequence[Draft]) -> list[Draft]:
        return self.rng.sample(drafts, min(self.how_many, len(drafts)))

    def _about(self, draft: Draft, aspects: Sequence[words.Aspect]) -> str:
        aspect = self.rng.choice(aspects[draft.topic[0]].names)
        return self.rng.choice(words.FACT_QUESTIONS).format(subject=named(self.rng, draft.subject), aspect=aspect)


def _age_kind(event: Draft) -> str:
    return RECENT if event.day >= YEAR_DAYS - RECENT_DAYS else PAST
