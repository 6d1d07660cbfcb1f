"""When two memories say the same: the rule, without clock or database.

It prefers a missed duplicate to a false one: a differing word, figure, sign, name or negation keeps two apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

from memory_maintenance.changes.candidates import Needed, needed
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.figures import figures, in_one_form
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, Language, language_of
from memory_maintenance.writers.language.number_words import numbers_in_words
from memory_maintenance.writers.language.words import sentences, tokens, word_count

Likeness = Literal["exact", "near"]

FEWEST_WORDS: Final = 3
"""A text of fewer words ("ok", "thank you") says something else each time."""

LONGEST: Final = 4_000
"""Characters of a text that is compared word by word; a longer one has exact duplicates only."""

_PLAIN: Final = frozenset(".,;:!¡¿\"'’‘“”„«»()[]…-–—*_`#。、，；：！「」（）")
_SIGNED: Final = re.compile(r"(?<![\w.,])[-+−–±]\s?(?=[\d.,])")
_QUESTION: Final = re.compile("[?？؟;]\\s*$")
_LIST_MARK: Final = re.compile(r"^\s*(?:[-*•–]\s+)+")
_CONTRACTIONS: Final = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "i'm": "i am", "it's": "it is", "don't": "do not",
    "doesn't": "does not", "didn't": "did not", "isn't": "is not", "aren't": "are not", "wasn't": "was not",
    "weren't": "were not", "hasn't": "has not", "haven't": "have not", "hadn't": "had not", "shouldn't": "should not",
    "wouldn't": "would not", "couldn't": "could not", "mustn't": "must not",
}  # fmt: skip
_CONTRACTED: Final = re.compile(rf"\b(?:{'|'.join(_CONTRACTIONS)})\b".replace("'", "['’]"))

_SPELLED: Final = frozenset(" ".join(_CONTRACTIONS.values()).split())
"""Words of contractions that are written out, which a text need not hold as they are."""

_WORD: Final = re.compile(r"[^\W\d_]\w*")
_INNER: Final = re.compile(r"(?<=[^.!?:\s])\s+[\"'(„“«]*([^\W\d_]\w*)")
"""A word that begins no sentence."""

_UNSAID: Final[Mapping[Language | None, frozenset[str]]] = {
    "en": frozenset(("a", "an", "the", "please")),
    "de": frozenset(("der", "die", "das", "bitte")),
    "fr": frozenset(("le", "la", "les")),
    "es": frozenset(("el", "la", "los", "las")),
    "it": frozenset(("il", "lo", "la", "gli", "le")),
    "pl": frozenset(("proszę",)),
}
"""Articles and courtesies, by language: a text says the same with and without them."""

LONGEST_REPHRASED: Final = 300
"""Characters of a text that may say the same in other words; a longer one says more than one thing."""

LEAST_COSINE: Final = 0.98
"""Of the vectors of two texts that may say the same in other words, measured with multilingual-e5-small."""

_EXCHANGED: Final = 2
"""Words that differ in the same place: one text with another value, subject or verb."""

LONGEST_PART: Final = 12
"""Words of a part of a sentence that may stand before or behind the verb."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLACES: Final[Mapping[Language | None, frozenset[str]]] = {
    "en": _words("at behind beside between during from in near on under"),
    "de": _words(
        "ab am an auf aus bei beim bis hinter im in nach neben seit über um unter vom von vor zu zum zur zwischen"
    ),
    "fr": _words("à au aux chez dans depuis dès en entre sous sur vers"),
    "es": _words("ante bajo desde durante en entre hacia hasta sobre"),
    "it": _words("dal dalla in nel nella negli su sul sulla tra fra"),
    "pl": _words("do na nad od po pod przed przy u w we"),
}
"""Words that begin a place or a time, by language: which part of a sentence it is shows wherever it stands."""


_NEGATIONS: Final = _words(
    """
    not no never none nobody nothing neither nor without cannot hardly barely unless except
    nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne kaum weder außer
    ne n' pas jamais rien aucun aucune sans plus personne ni sauf
    nunca jamás nada nadie ningún ninguna ninguno sin tampoco salvo
    nie nigdy nic nikt żaden żadna żadne bez ani oprócz
    non mai niente nessuno senza não ninguém nenhum sem niet geen nooit niets zonder
    не нет никогда ничего никто без ни
    """
)


@dataclass(frozen=True)
class Wording:
    """A memory as it is compared; ``scope`` is its project and class, across which nothing is folded."""

    id: UUID
    text: str
    scope: tuple[str, str]
    importance: float
    created_at: datetime | None
    fingerprint: bytes
    protected: bool = False

    @cached_property
    def normalized(self) -> str:
        """Return the text without case, kinds of white space and a full stop at its end."""
        return " ".join(clean(self.text).casefold().split()).rstrip(".。 ")

    @cached_property
    def is_statement(self) -> bool:
        """Whether it has words enough to say the same thing again."""
        return word_count(self.text) >= FEWEST_WORDS

    @cached_property
    def language(self) -> Language | None:
        """Return the language it is written in, where that is known."""
        return language_of(self.normalized)

    @cached_property
    def dated(self) -> str:
        """Return the text with each day and time in one form."""
        return in_one_form(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the words in order, contractions written out, without articles and courtesies."""
        dated = self.dated.casefold()
        spelled = _CONTRACTED.sub(lambda found: _CONTRACTIONS[found.group().replace("’", "'")], dated)
        unsaid = _UNSAID.get(self.language, frozenset())
        return tuple(word for word in tokens(spelled) if word not in unsaid)

    @cached_property
    def guards(self) -> tuple[object, ...]:
        """Return what must not differ: figures, signs, symbols, negations, and whether it asks."""
        symbols = sorted(mark for mark in self.normalized if not mark.isalnum() and not mark.isspace())
        return (
            figures(self.text) | frozenset(numbers_in_words(self.normalized)),
            len(_SIGNED.findall(_LIST_MARK.sub("", self.text))),
            tuple(mark for mark in symbols if mark not in _PLAIN),
            tuple(sorted(word for word in self.words if word in _NEGATIONS)),
            _QUESTION.search(self.text) is not None,
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the words with a capital that begin no sentence."""
        return frozenset(word for word in _INNER.findall(self.dated) if not word.islower())

    @cached_property
    def capitals(self) -> frozenset[str]:
        """Return the words with a capital, those at the beginning of a sentence too."""
        return frozenset(word for word in _WORD.findall(self.dated) if not word.islower())

    @cached_property
    def figures_in_order(self) -> tuple[str, ...]:
        """Return the words with a digit, as they are written but for days and times."""
        return tuple(word for word in self.words if any(map(str.isdigit, word)))

    @cached_property
    def first_name(self) -> frozenset[str]:
        """Return the first word where it may be a name: of a sentence's first word the capital says nothing."""
        first = {found.group().casefold() for found in [_WORD.search(self.dated)] if found}
        return frozenset(first & set(self.words)) - ALL_FUNCTION_WORDS

    @property
    def near_key(self) -> tuple[object, ...] | None:
        """Return what near duplicates share; None: the text is compared as a whole only."""
        if not self.is_statement or len(self.text) > LONGEST:
            return None
        return (self.scope, tuple(sorted(self.words)))

    @property
    def words_needed(self) -> Needed:
        """Return words that each text with this one's ``near_key`` holds as they are, whatever its dates look like."""
        return needed({word for word in self.words if _is_literal(word)})


def _is_literal(word: str) -> bool:
    """Whether a word is written in one way but for its case: no figure, and no part of a contraction."""
    if word in _SPELLED or "'" in word or any(map(str.isdigit, word)):
        return False
    return word.isalpha() or not any(map(str.isascii, word))


def likeness(one: Wording, other: Wording) -> Likeness | None:
    """Say whether both say the same, and how surely; None: they do not, or not in the same project and class."""
    if one.scope != other.scope or not one.is_statement or not other.is_statement:
        return None
    if one.normalized == other.normalized:
        return "exact" if one.text == other.text or _same_names(one, other) else None
    if max(len(one.text), len(other.text)) > LONGEST or one.guards != other.guards or not _same_names(one, other):
        return None
    if len(one.words) != len(other.words) or len(one.words) < FEWEST_WORDS:
        return None
    places = _PLACES.get(one.language, frozenset())
    return "near" if _rotated(one.words, other.words) or _inverted(one.words, other.words, places) else None


def may_be_rephrased(one: Wording, other: Wording) -> bool:
    """Whether two texts whose vectors are near may say the same in other words, which only a person can decide.

    Vectors do not tell "bought" from "sold". So neither text has another figure, name, sign or negation, or another
    word in the same place, and both are one short sentence.
    """
    return (
        one.scope == other.scope
        and all(text.is_statement and len(text.text) <= LONGEST_REPHRASED for text in (one, other))
        and len(sentences(one.text)) == len(sentences(other.text)) == 1
        and one.guards == other.guards
        and one.figures_in_order == other.figures_in_order
        and _same_names(one, other)
        and _names_shared(one, other) == _names_shared(other, one)
        and one.first_name <= set(other.words)
        and other.first_name <= set(one.words)
        and not _exchanged(one.words, other.words)
    )


def _names_shared(one: Wording, other: Wording) -> list[str]:
    """Return the words with a capital in both, in the order in which *one* has them."""
    return [word for word in _WORD.findall(one.dated) if word in one.capitals & other.capitals]


def _exchanged(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether words changed places or took the place of others, also where a part stands at the other end."""
    if sorted(one) == sorted(other):
        return True
    turned = ([*one[at:], *one[:at]] for at in range(len(one)))
    return len(one) == len(other) and any(
        sum(word != instead for word, instead in zip(words, other, strict=True)) <= _EXCHANGED for words in turned
    )


def _same_names(one: Wording, other: Wording) -> bool:
    """Return whether the two differ in nothing that case alone makes a name: "Turkey", "turkey"."""
    if one.text.isupper() or other.text.isupper():
        return True
    return one.names <= other.capitals and other.names <= one.capitals


def _rotated(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both have the same words in the same order, except for a part at one end that stands at the other."""
    return any(tuple(one[at:]) + tuple(one[:at]) == tuple(other) for at in range(len(one)))


def _inverted(one: Sequence[str], other: Sequence[str], places: Set[str]) -> bool:
    """Whether a place or a time stands before the verb in one and behind it in the other: "am Montag endet X"."""
    ends = range(1, LONGEST_PART + 1)
    return any(
        one[before] == other[behind]
        and (one[0] in places) != (other[0] in places)
        and one[:before] == other[behind + 1 : behind + 1 + before]
        and one[before + 1 : before + 1 + behind] == other[:behind]
        and one[before + 1 + behind :] == other[behind + 1 + before :]
        for before in ends
        for behind in ends
        if before + behind < len(one)
    )


def survivor(group: Iterable[Wording]) -> Wording:
    """Return the one that stays as it is: protected, the most important, the oldest."""
    return min(
        group, key=lambda one: (not one.protected, -one.importance, one.created_at is None, one.created_at, one.id)
    )


def folds(group: Sequence[Wording], like: Likeness) -> list[tuple[Wording, Wording]]:
    """Return which memories of *group* are folded into which, as pairs of the two; a protected one never is."""
    left, pairs = list(group), list[tuple[Wording, Wording]]()
    while len(left) > 1:
        stays = survivor(left)
        same = [one for one in left if one is not stays and likeness(one, stays) == like]
        pairs += [(one, stays) for one in same if not one.protected]
        left = [one for one in left if one is not stays and one not in same]
    return pairs


def rephrasings(pairs: Iterable[tuple[Wording, Wording]]) -> list[tuple[Wording, Wording]]:
    """Return which memories may be folded into which, as pairs of the two, each memory once; the first pairs first."""
    found, gone = list[tuple[Wording, Wording]](), set[UUID]()
    for pair in pairs:
        stays = survivor(pair)
        [goes] = (one for one in pair if one is not stays)
        if not goes.protected and not gone & {stays.id, goes.id} and may_be_rephrased(*pair):
            found.append((goes, stays))
            gone.add(goes.id)
    return found
