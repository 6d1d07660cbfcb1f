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
    r"|app|tool|event|method|approach|team|project)\b"
    r"|(?:because|since then|if (?:this|that|so|not)\b|otherwise|then|instead|in (?:this|that|such) case|weil|denn"
    r"|sonst|in diesem fall|parce que|car|sinon|dans ce cas|porque|si no|en (?:este|ese) caso|bo|ponieważ"
    r"|w takim razie)\b"
    r"|(?:does|is|are|can|will|would|do|did|should) (?:it|they|this|that|them)\b"
    r"|(?:ist|sind|kann|wird|macht) (?:es|das|sie)\b"
    r"|est-ce que (?:c['’]|ça)|c['’]est|czy to\b"
    r"|(?:\S+ ){0,3}(?:different|various|several) (?:types|kinds|sorts|ones|brands)\b(?! of\b)"
    r"|(?:\S+ ){0,3}(?:these|those|such|diese[mnrs]?|solche|ces|estos|estas|takie|then|dann|alors|luego|potem)\b)",
    re.IGNORECASE,
)
_COUNTS_ON: Final = re.compile(
    r"^(?:both|neither|none|two|three|four|five|six|beide|keine?r?|zwei|drei|vier"
    r"|(?:les|tous les) deux|aucune?|deux|trois"
    r"|ambos|ambas|ningun[oa]|dos|tres|oba|obie|żaden|dwa|dwie|trzy) (?!of\b)\w",
    re.IGNORECASE,
)
"""What may count things that the sentence before names: ``Two broke.``"""

_LONGEST: Final = 36
"""Words of two sentences that are read as one."""

_FEWEST_WORDS: Final = 3


def with_antecedents(sentences: Sequence[str]) -> list[str]:
    """Return *sentences*, each that points back joined to the one before it, and no fragment where there is more."""
    found: list[str] = []
    for sentence in sentences:
        if (
            found
            and (points_back(sentence) or _COUNTS_ON.match(sentence))
            and word_count(found[-1]) + word_count(sentence) <= _LONGEST
        ):
            found[-1] = f"{closed(found[-1])} {sentence}"
        else:
            found.append(sentence)
    whole = [one for one in found if not _is_fragment(one)]
    return whole or found


def points_back(sentence: str) -> bool:
    """Whether a reader needs the sentence before *sentence* to know what it is about."""
    return _POINTS_BACK.match(sentence) is not None


def without_beginnings_cut_off(sentences: Sequence[str]) -> list[str]:
    """Return *sentences* without those in lower case among others with capitals: what is left of a longer text.

    Who writes all in lower case cuts nothing off.
    """
    cased = [one for one in sentences if one[:1].isupper() or one[:1].islower()]
    if 2 * sum(one[:1].isupper() for one in cased) <= len(cased):
        return list(sentences)
    return [
        one for one in sentences if not (one[:1].islower() and one.split(maxsplit=1)[0].strip(",.;:!?'’").isalpha())
    ]


def _is_fragment(sentence: str) -> bool:
    """Whether *sentence* is what is left of a question or an enumeration: ``like 22?``, ``such as:``."""
    if re.match(r"(?:such as|like|wie|comme|como|jak)\b", sentence) is None:
        return False
    return sum(map(is_content, tokens(sentence))) < _FEWEST_WORDS
