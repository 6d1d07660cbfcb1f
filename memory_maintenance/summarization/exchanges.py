"""Questions and their answers: a summary of a chat with an assistant holds both or neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from memory_maintenance.summarization.candidates import Sentence


def partners(found: Sequence[Sentence]) -> Mapping[Sentence, Sentence]:
    """Return what the user says for each answer of an assistant, and the best answer for each request of a user.

    An answer belongs to the request of the turn before it that has most of its words, or to the best sentence of that
    turn where nothing is requested.
    """
    asked: defaultdict[int, list[Sentence]] = defaultdict(list)
    answers: defaultdict[int, list[Sentence]] = defaultdict(list)
    for one in found:
        (answers if one.answers else asked)[one.turn].append(one)
    both: dict[Sentence, Sentence] = {}
    for turn, own in answers.items():
        said = asked.get(turn - 1, [])
        for answer in own if said else ():
            both[answer] = max(said, key=lambda one: (one.requests, len(one.stems & answer.stems), one.score))
        for request in said:
            if request.requests:
                both[request] = max(own, key=lambda one: (1 + len(one.stems & request.stems)) * one.score)
    return both
