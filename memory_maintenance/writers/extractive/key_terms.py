"""What a conversation is about, in a few terms of its own: what recurs in it and is rare elsewhere."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from memory_maintenance.writers.extractive.cues import UNITS
from memory_maintenance.writers.extractive.naming import (
    LONGEST_PHRASE,
    LONGEST_TERM,
    MARK,
    candidates,
    names_subject,
)
from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background, word_key
from memory_maintenance.writers.extractive.salience import is_small_talk
from memory_maintenance.writers.extractive.transcript import Transcript
from memory_maintenance.writers.language.figures import figures
from memory_maintenance.writers.language.languages import Language, language_of_all
from memory_maintenance.writers.language.noun_places import NOUN, PLACES, Places
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.words import is_content, longest_run, tokens

_BUDGET: Final = 40_000
"""Characters read in all: more text no longer changes the first terms."""

_LONGEST_TEXT: Final = 600
_ENOUGH_TERMS: Final = 5
_MOST_NAMES: Final = 3
_LONG: Final = 5

_FEWEST_SHARED: Final = 4
_SHARED: Final = 0.6
_LONGEST_ENDING: Final = 3
"""First letters, and their share of the longer word, that two forms of a word have in common, and what follows them."""

_INSIDE: Final = re.compile(r"[\w,;] $|\w['’]$")


@dataclass(slots=True)
class _Term:
    """A term: the texts that hold it, how it is written, and how much its places are a noun's.

    ``names`` is how often it is written as a name inside of a sentence, ``capital`` how often with capitals.
    """

    keys: tuple[str, ...]
    held: set[int] = field(default_factory=set)
    forms: Counter[tuple[str, ...]] = field(default_factory=Counter)
    capital: int = 0
    names: int = 0
    places: float = 0.0
    weight: float = 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The form that is written most often, the shortest of several."""
        return min(self.forms, key=lambda form: (-self.forms[form], sum(map(len, form)), form))

    @property
    def place(self) -> float:
        """The mean of its places."""
        return self.places / self.forms.total()


def key_terms(texts: Sequence[str], *, most: int = 6, background: Background = NO_BACKGROUND) -> tuple[str, ...]:
    """Return up to *most* terms that *texts* are about, the strongest first, as they stand there.

    Terms of one to three words; of two that share a word the stronger stays. At
    least one when any text has a content word or number of up to 40 characters,
    none otherwise. What most of the *background* holds is no term.
    """
    return terms_of(Transcript.of(texts), most=most, background=background)


def terms_of(said: Transcript, *, most: int, background: Background) -> tuple[str, ...]:
    """Return the key terms of a conversation that was read already: subjects, and up to three names among them."""
    read = _excerpts(said)
    silent = UNITS.union(part for name in said.speakers for part in name.split())
    language = language_of_all(said.texts)
    places = PLACES[language] if language else None
    terms = sorted(_terms(read, silent, background, language), key=lambda term: (-term.weight, term.words))
    chosen: list[_Term] = []
    left: list[_Term] = []
    for term in terms:
        if len(chosen) == most or _overlaps(term, chosen):
            continue
        further = term.names > 0 and sum(other.names > 0 for other in chosen) >= _MOST_NAMES
        (left if further or _may_be_a_verb(term, places) else chosen).append(term)
    for term in left:
        if len(chosen) < min(most, _ENOUGH_TERMS) and not _overlaps(term, chosen):
            chosen.append(term)
    whole = "\n".join(read)
    return tuple(_written(term, whole) for term in chosen) or _most_frequent(said.texts)


def _overlaps(term: _Term, chosen: Sequence[_Term]) -> bool:
    own = _parts(term)
    return any(own & _parts(other) for other in chosen)


def _parts(term: _Term) -> set[str]:
    return {part for key in term.keys for part in (key, *key.split("-"))}


def _may_be_a_verb(term: _Term, places: Places | None) -> bool:
    """Whether a term is a plain word that is hardly ever where a noun is, or stands once and not there."""
    if len(term.keys) > 1 or term.capital or is_unspaced(term.keys[0]):
        return False
    return term.place < NOUN if len(term.held) == 1 else places is not None and term.place < 0


def _written(term: _Term, whole: str) -> str:
    return "".join(term.words) if is_unspaced(term.keys[0]) else as_written(term.words, whole)


def as_written(words: Sequence[str], text: str) -> str:
    """Return successive casefolded *words* as *text* writes them most often inside its sentences.

    Where they only begin sentences, a capital first letter of the only capital
    is taken for the sentence's.
    """
    parts = r"[^\w\n]{1,3}".join(re.escape(word.rstrip("'")) for word in words)
    phrase = re.compile(rf"(?<!\w){parts}(?!\w)", re.IGNORECASE)
    found = list(phrase.finditer(text))
    inside = Counter(match.group() for match in found if _INSIDE.search(text, max(0, match.start() - 2), match.start()))
    if inside:
        return max(inside, key=lambda form: (inside[form], form))
    form = found[0].group() if found else " ".join(words)
    return form[:1].lower() + form[1:] if form[1:].islower() and form[:1].lower().casefold() == words[0][:1] else form


def _excerpts(said: Transcript) -> list[str]:
    """Return the sentences of messages without small talk and labels, evenly spread within the budget."""
    spoken = []
    for message in said.messages:
        kept = [one for turn in message for one in turn.sentences if not is_small_talk(one)]
        if kept:
            whole = "\n".join(kept)
            spoken.append(whole if len(whole) <= _LONGEST_TEXT else whole[:_LONGEST_TEXT].rsplit(maxsplit=1)[0])
    step = max(1, math.ceil(sum(map(len, spoken)) / _BUDGET))
    return [
        "\n".join(" ".join(word for word in line.split() if _is_short(word)) for line in text.split("\n"))
        for text in spoken[::step]
    ]


def _is_short(word: str) -> bool:
    return len(word) <= LONGEST_TERM or longest_run(word) <= LONGEST_TERM


def _terms(
    texts: Sequence[str], silent: frozenset[str], background: Background, language: Language | None
) -> list[_Term]:
    places = PLACES[language] if language else None
    found: dict[tuple[str, ...], _Term] = {}
    alone: defaultdict[str, set[int]] = defaultdict(set)
    read = [list(candidates(text, silent, places)) for text in texts]
    same = _one_for_its_forms({word_key(word) for own in read for one in own for word in one.naming}, language)
    for position, own in enumerate(read):
        for one in own:
            keys = tuple(same.get(key, key) for key in map(word_key, one.naming))
            term = found.setdefault(keys, _Term(keys))
            term.held.add(position)
            term.forms[tuple(word.lower() for word in one.words)] += 1
            term.capital += one.is_capital
            term.names += one.is_name
            term.places += one.place
            for key in keys:
                alone[key].add(position)
    few = len(texts) < LONGEST_PHRASE
    for term in found.values():
        term.weight = _weight(term, alone, background, places, few=few)
    return [term for term in found.values() if term.weight > 0]


def _one_for_its_forms(keys: AbstractSet[str], language: Language | None) -> dict[str, str]:
    """Return for each word the first in the alphabet that it is a form of, by its beginning: kolęd, kolędzie."""
    if language is None:
        return {}
    if language == "en":  # whose stems are one for most forms, but not for cookie and cookies
        return {key: f"{key[:-1]}y" for key in keys if key.endswith("i") and f"{key[:-1]}y" in keys}
    same: dict[str, str] = {}
    last = ""
    for key in sorted(keys):
        common = sum(1 for _ in itertools.takewhile(lambda both: operator.eq(*both), zip(last, key, strict=False)))
        longest = max(len(last), len(key))
        is_form = common >= max(_FEWEST_SHARED, _SHARED * longest) and longest - common <= _LONGEST_ENDING
        last = last if is_form and key.isalpha() else key
        same[key] = last
    return same


def _weight(
    term: _Term, alone: dict[str, set[int]], background: Background, places: Places | None, *, few: bool
) -> float:
    """Return how strongly a term names its texts: how many hold it, how rare its words are, how fixed the phrase is."""
    if any(background.is_everywhere(key) for key in term.keys):
        return 0.0
    if places and not (term.capital or is_unspaced(term.keys[0]) or places.is_noun(term.words, term.place)):
        return 0.0
    count, length = len(term.held), len(term.keys)
    if length > 1:
        # A phrase is one where its words seldom stand apart; met once, only capitals make it a name.
        apart = max(len(alone[key]) for key in term.keys)
        if count == 1 and not (term.capital or few or (term.place >= NOUN and length == 2)):  # noqa: PLR2004
            return 0.0
        fixed = count / apart
        once = 1.25 if term.capital else 1.1 if len(term.words) > length else 1.0
        bonus = (1.0 + 0.9 * (length - 1) * fixed) if count > 1 else once
    else:
        bonus = _single_bonus(term, count)
    rarity = sum(background.rarity(key) for key in term.keys) / length
    return float(count**0.75 * rarity * bonus)


def _single_bonus(term: _Term, count: int) -> float:
    """Words in lower case that stand once, and short ones, are often verbs, unless they stand where nouns do."""
    if term.capital or is_unspaced(term.words[0]):
        return 1.0 if term.names else 1.2
    if term.place >= NOUN:
        return 1.0 if count > 1 else 0.8
    return (0.6 if count == 1 else 0.8) * (0.8 if len(term.words[0]) < _LONG else 1.0)


def _most_frequent(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the most frequent content word, one that names a subject if there is any; else a number."""
    words = [word.casefold() for text in texts for word in segments(text) if not MARK.fullmatch(word)]
    content = [word for word in words if (is_unspaced(word) or is_content(word)) and any(map(str.isalpha, word))]
    content = content or [one for text in texts for one in tokens(text) if is_content(one) and not one.isdecimal()]
    counted = Counter(word for word in content if len(word) <= LONGEST_TERM)
    counted = counted or Counter(one for text in texts for one in sorted(figures(text)) if len(one) <= LONGEST_TERM)
    return tuple(sorted(counted, key=lambda word: (not names_subject(word), -counted[word], word))[:1])
