"""Questions and their answers: a summary of a chat with an assistant holds both or neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from memory_maintenance.summarization.candidates import Sentence


def partners(found: Sequence[Sentence]) -> Mapping[Sentence, Sentence]:
    """Return what the user says for each answer of an assistant, and the best answer for each request of a user.

    An answer belongs to the best request of the turn before it, or to its best sentence where nothing is requested.
    """
    asked: dict[int, Sentence] = {}
    answers: defaultdict[int, list[Sentence]] = defaultdict(list)
    for one in found:
        if one.answers:
            answers[one.turn].append(one)
        elif one.turn not in asked or _rank(asked[one.turn]) < _rank(one):
            asked[one.turn] = one
    both: dict[Sentence, Sentence] = {}
    for turn, own in answers.items():
        if said := asked.get(turn - 1):
            both |= dict.fromkeys(own, said)
            if said.requests:
                both[said] = max(own, key=lambda one: one.score)
    return both


def _rank(one: Sentence) -> tuple[bool, float]:
    return one.requests, one.score
