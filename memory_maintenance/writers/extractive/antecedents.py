"""Sentences that a reader understands alone: "It" and "The program" bring the sentence before along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memory_maintenance.writers.extractive.gist import closed
from memory_maintenance.writers.language.words import is_content, tokens, word_count

_POINTS_BACK: Final = re.compile(
    r"^(?:(?:it|this|that|they|these|those|he|she|es|das|dies|dieser?s?|er|sie|ça|cela|elle|ils|elles|eso|esto|ella|ellos"
    r"|ona|oni|one)\b(?!['’]s (?:always|important|worth|possible|essential|good|a good|best|hard|easy)"
    r"| (?:is|seems) (?:always|important)| gibt\b)|the (?:program|initiative|course|report|study|company"
    r"|app|tool|event|method|approach|team|project)\b)",
    re.IGNORECASE,
)
_LONGEST: Final = 30
"""Words of two sentences that are read as one."""

_FEWEST_WORDS: Final = 3


def with_antecedents(sentences: Sequence[str]) -> list[str]:
    """Return *sentences*, each that points back joined to the one before it, and no fragment where there is more."""
    found: list[str] = []
    for sentence in sentences:
        if found and _POINTS_BACK.match(sentence) and word_count(found[-1]) + word_count(sentence) <= _LONGEST:
            found[-1] = f"{closed(found[-1])} {sentence}"
        else:
            found.append(sentence)
    whole = [one for one in found if not _is_fragment(one)]
    return whole or found


def _is_fragment(sentence: str) -> bool:
    """Whether *sentence* is what is left of a question or an enumeration: ``like 22?``, ``such as:``."""
    if re.match(r"(?:such as|like|wie|comme|como|jak)\b", sentence) is None:
        return False
    return sum(map(is_content, tokens(sentence))) < _FEWEST_WORDS
