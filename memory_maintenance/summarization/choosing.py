"""Which sentences a summary holds: the best of each fifth of the session, then the best of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from memory_maintenance.summarization.candidates import FIFTHS, Sentence
from memory_maintenance.summarization.exchanges import partners
from memory_maintenance.writers.extractive.facts import of_one_kind
from memory_maintenance.writers.language.words import word_count

_MOST_CHARACTERS: Final = 3800
"""Below the 4000 of `SessionSummaryResponse`, so that dates, speakers and counts fit."""

_KIN: Final = 1.6
"""How much more a fact is worth once another of its kind is chosen: an enumeration is kept whole if there is room."""

_MOST_OF_A_KIND: Final = 8
"""Facts of one kind that are listed one by one; the others are counted."""

_SAID_AGAIN: Final = 0.75
"""Share of the words of a sentence from which on another one that has them says the same."""

_LIKE: Final = 0.5
"""Share of the words of a decision from which on another one is about the same thing."""

_DECIDED_AGAIN: Final = 0.6
"""Share of the words of such a second decision from which on the chosen sentences say it."""

_DECISION: Final = 0.5
"""How new a decision is at least: "I'll take the oak desks" after three offers of oak desks."""

_FIRST_OF_AN_ANSWER: Final = 1.6
_MORE_OF_AN_ANSWER: Final = 0.5
"""Worth of a second sentence of an answer beside the first: another question comes before it."""

_MOST_ROUNDS: Final = 6
"""Times that what is no use in the end is replaced; each costs as much as the first choice."""

_FEWEST_FIGURES: Final = 2
_ALIKE: Final = 0.3
"""Share of the other words from which on a sentence with the figures of another one says the same."""

_FEWEST_STEMS: Final = 4
_FEWEST_COUNTED: Final = 2
"""Facts of one kind that are left out from which on a summary counts them; of one it would say more than the fact."""


def chosen(found: Sequence[Sentence], max_words: int, *, long: bool) -> list[Sentence]:
    """Choose the best sentence of each fifth of the session, the first fifth last, and then the best of the rest."""
    kept = _chosen(found, max_words, long=long)
    for _ in range(_MOST_ROUNDS):
        lost = _unanswered(kept, found) | _said_twice(kept)
        if not lost:
            break
        found = [one for one in found if one not in lost]
        kept = _chosen(found, max_words, long=long)
    return kept


def _chosen(found: Sequence[Sentence], max_words: int, *, long: bool) -> list[Sentence]:
    spread = long and any(one.fifth > 0 for one in found)
    found = _without_echoes(found)
    best = max((one.score for one in found if not one.opens), default=0.0)
    selection = _Selection(max_words, 1 / FIFTHS if spread else 1.0, best, partners(found))
    if not spread:  # what a chat is about
        selection.add_best([one for one in found if one.opens])
    for fifth in reversed(range(FIFTHS)):
        selection.add_best([one for one in found if one.fifth == fifth])
    while selection.add_best(found):
        pass
    return sorted(selection.chosen, key=lambda one: one.position)


def _unanswered(kept: Sequence[Sentence], found: Sequence[Sentence]) -> set[Sentence]:
    """Return the chosen questions whose answer is known and not chosen."""
    kept_turns, known_turns = {one.turn for one in kept}, {one.turn for one in found}
    asked = [one for one in kept if one.answered_by is None and one.text.rstrip().endswith(("?", "？"))]
    return {one for one in asked if one.turn + 1 in known_turns - kept_turns}


def _without_echoes(found: Sequence[Sentence]) -> list[Sentence]:
    """Leave out what shares a run of words with a better sentence, unless they are facts of one kind."""
    kept: list[Sentence] = []
    for one in sorted(found, key=lambda one: (-one.score, one.position)):
        if not any(_echoes(one, other) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.position)


def _echoes(one: Sentence, other: Sentence) -> bool:
    if one.requests != other.requests or one.solves != other.solves:  # an answer, or a remedy, beside the question
        return False
    return bool(one.runs & other.runs) and not of_one_kind(one.fact, other.fact)


def siblings_left_out(kept: Sequence[Sentence], found: Sequence[Sentence]) -> dict[Sentence, int]:
    """Return, for the last chosen fact of a kind, how many of its kind are left out, where they are two or more."""
    told = set(kept)
    counted: dict[Sentence, int] = {}
    for one in found:
        if one not in told:
            kin = [other for other in kept if of_one_kind(one.fact, other.fact)]
            if kin:
                counted[kin[-1]] = counted.get(kin[-1], 0) + 1
    return {one: count for one, count in counted.items() if count >= _FEWEST_COUNTED}


def _said_twice(kept: Sequence[Sentence]) -> set[Sentence]:
    """Return the worst chosen sentence that a better or a later one holds."""
    held = [one for one in kept if any(other is not one and _holds(other, one) for other in kept)]
    return set(sorted(held, key=lambda one: one.score)[:1])


def _holds(other: Sentence, one: Sentence) -> bool:
    """Whether *other* holds nearly all words and all values of *one*; an answer does not hold what it answers."""
    return (
        (other.speaker == one.speaker or not one.opens)
        and len(one.stems) >= _FEWEST_STEMS
        and one.fact.values <= other.fact.values
        and one.fact.names <= other.fact.names | other.fact.subject
        and len(one.stems & other.stems) >= _SAID_AGAIN * len(one.stems)
        and other.decides >= one.decides
    ) or _same_figures(other, one)


def _same_figures(other: Sentence, one: Sentence) -> bool:
    """Whether *other* says the figures of *one*, two or more, of the same things: "11 kg against 17 on the right"."""
    if one.lists or one.decides > other.decides:
        return False
    figures, others = ({stem for stem in each.stems if any(map(str.isdigit, stem))} for each in (one, other))
    if len(figures) < _FEWEST_FIGURES or not figures <= others or len(others) > len(figures) + 1:
        return False
    return len(one.stems & other.stems - figures) >= _ALIKE * len(one.stems - figures)


class _Selection:
    """Sentences within a budget of words; the first fifth never has more than its share of them."""

    def __init__(self, max_words: int, first_share: float, best: float, partners: Mapping[Sentence, Sentence]) -> None:
        self.chosen: list[Sentence] = []
        self._max_words = max_words
        self._first_share = first_share
        self._partners = partners
        self._told: set[str] = set()
        self._values: set[str] = set()
        self._names: set[str] = set()
        self._best = best
        self._words = 0
        self._first_words = 0
        self._characters = 0
        self._dates: set[tuple[str, bool]] = set()
        self._turns: set[int] = set()

    def _is_one_too_many(self, one: Sentence) -> bool:
        return sum(of_one_kind(one.fact, other.fact) for other in self.chosen) >= _MOST_OF_A_KIND

    def add_best(self, candidates: Sequence[Sentence]) -> Sentence | None:
        """Add the candidate that fits and says most that is new; return None if none fits or all are padding."""
        best, worth = None, 0.0
        for one in candidates:
            if one not in self.chosen and self._fits(self._with_partner(one)) and not self._says_it_again(one):
                value = one.score * self._novelty(one)
                if (best is None or value > worth) and not self._is_one_too_many(one):
                    best, worth = one, value
        if best is None or worth < best.least * self._best:
            return None
        for one in self._with_partner(best):
            self._add(one)
        return best

    def _with_partner(self, one: Sentence) -> list[Sentence]:
        """Return *one* and the question or the answer that it needs, where that is not chosen."""
        needed = self._partners.get(one)
        return [one] if needed is None or needed in self.chosen else [one, needed]

    def _novelty(self, one: Sentence) -> float:
        """Return how much of the sentence is new, in [0, 1]; a new figure or name is, whatever stands around it."""
        if not one.stems:
            return 0.1
        share = len(one.stems - self._told) / len(one.stems)
        unasked = one not in self._partners
        if one.answers and (unasked or (one.turn in self._turns and not one.lists)):
            share *= _MORE_OF_AN_ANSWER
        elif one.answers and one.turn not in self._turns:
            share *= _FIRST_OF_AN_ANSWER
        if share < 1 and any(of_one_kind(one.fact, other.fact) for other in self.chosen):
            return min(1.0, share * _KIN + 0.3)
        return max(share, _DECISION) if one.decides else share

    def _says_it_again(self, one: Sentence) -> bool:
        """Whether a chosen sentence, or all together, hold nearly all words and all values of *one*."""
        return any(_holds(other, one) for other in self.chosen) or self._hold_together(one)

    def _hold_together(self, one: Sentence) -> bool:
        if one.opens or len(one.stems) < _FEWEST_STEMS or (one.decides and not self._decided_before(one)):
            return False
        share = len(one.stems & self._told) / len(one.stems)
        enough = _DECIDED_AGAIN if one.decides else _SAID_AGAIN
        return share >= enough and one.fact.values <= self._values and one.fact.names <= self._names

    def _decided_before(self, one: Sentence) -> bool:
        """Whether the same speaker decides something much like it."""
        return any(
            other.decides and other.speaker == one.speaker and len(one.stems & other.stems) >= _LIKE * len(one.stems)
            for other in self.chosen
        )

    def _cost(self, one: Sentence) -> tuple[int, int]:
        label = 0 if one.speaker is None or one.turn in self._turns else word_count(one.speaker)
        # Without a speaker the date may have to stand again after somebody else's words.
        date = (one.date, one.speaker is None)
        words = one.words + label + (date not in self._dates)
        return words, len(one.text) + len(one.speaker or "") + len(one.date) + 5

    def _fits(self, added: Sequence[Sentence]) -> bool:
        costs = [self._cost(one) for one in added]
        total = self._words + sum(words for words, _ in costs)
        characters = self._characters + sum(more for _, more in costs)
        early = sum(words for (words, _), one in zip(costs, added, strict=True) if one.fifth == 0)
        within_share = not early or self._first_words + early <= self._first_share * total
        return total <= self._max_words and characters <= _MOST_CHARACTERS and within_share

    def _add(self, one: Sentence) -> None:
        words, characters = self._cost(one)
        self.chosen.append(one)
        self._words += words
        self._first_words += words if one.fifth == 0 else 0
        self._characters += characters
        self._dates.add((one.date, one.speaker is None))
        self._turns.add(one.turn)
        self._told |= one.stems
        self._values |= one.fact.values
        self._names |= one.fact.names | one.fact.subject
