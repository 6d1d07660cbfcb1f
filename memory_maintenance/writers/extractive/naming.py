"""Words and phrases that may name a subject, as a text holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.writers.extractive.rarity import ELISION
from memory_maintenance.writers.extractive.salience import is_role
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.noun_places import Places, place_of
from memory_maintenance.writers.language.number_words import NUMBER_WORDS
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.stop_words import (
    CHATTER,
    FILLER,
    TOPIC_LABELS,
    UNSPACED_CHATTER,
    WEEKDAY_NAMES,
)
from memory_maintenance.writers.language.words import is_content, stem

LONGEST_TERM: Final = 40
LONGEST_PHRASE: Final = 3
MARK: Final = re.compile('[.!?。！？,，、;；:：()（）「」“”„«»"\n\u2190-\u2bff\U0001f000-\U0001faff]')

_EMPTY: Final = FILLER | CHATTER | ALL_FUNCTION_WORDS | MONTH_NAMES | NUMBER_WORDS | WEEKDAY_NAMES | TOPIC_LABELS


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a term: its ``words`` as they stand, and those of them that name something.

    ``place`` is how much it stands where a noun does, from -1 to 1. ``is_capital`` leaves out the first word of a
    sentence; ``is_name`` leaves out abbreviations, too, and the nouns of a language where all have capitals.
    """

    words: tuple[str, ...]
    naming: tuple[str, ...]
    place: float
    is_capital: bool
    is_name: bool


def names_subject(token: str, silent: frozenset[str] = frozenset()) -> bool:
    """Whether a term may begin or end with *token*: a content word, no number, filler, greeting, role or speaker."""
    if is_unspaced(token):
        said = token not in silent and not is_role(token) and not token.isdigit()
        return said and UNSPACED_CHATTER.fullmatch(token) is None
    plain = not any(character.isdigit() for character in token)
    said = plain and is_content(token) and len(token) <= LONGEST_TERM
    return said and token not in _EMPTY and token not in silent and not is_role(stem(token))


def candidates(text: str, silent: frozenset[str], places: Places | None) -> Iterator[Candidate]:
    """Yield what may be a term: runs of naming words, single ones first, and nouns that a preposition joins.

    Args:
        text: of any length.
        silent: words that name nothing here, like its speakers.
        places: of the text's language, None where it is not known.
    """
    words = [*_split(text, places), "\n"]
    naming = [_names(word, silent, places) for word in words]
    begins = True
    for first, word in enumerate(words):
        ends = (
            [end for end in range(first + 1, first + LONGEST_PHRASE + 1) if all(naming[first:end])]
            if naming[first]
            else []
        )
        linked = _linked_end(words, naming, first, places)
        for end in (*ends, linked) if linked else ends:
            phrase = (*words[first : end - 1], _without_genitive(words[end - 1]))
            own = tuple(one for at, one in enumerate(phrase, first) if naming[at])
            # A phrase may go on over digits and links only where it stands as it is: blue tent, not tent with seam.
            if len({is_unspaced(one) for one in own}) == 1 and not _has_verb(phrase, places):
                ended = end == linked or not naming[end]
                place = place_of(words, first, end, ends=ended, places=places) if places else 0.0
                capital = all(one[:1].isupper() for one in own) and not (begins and _may_begin_so(own, places))
                common = own[-1].isupper() or is_unspaced(own[0]) or (places and places.capital and place > 0)
                yield Candidate(phrase, own, place, capital, capital and not common)
        begins = word in "\n.!?。！？" or (begins and MARK.fullmatch(word) is not None)


def _names(word: str, silent: frozenset[str], places: Places | None) -> bool:
    if MARK.fullmatch(word) or word[-1] == "'" or (places and places.is_known(word.lower())):
        return False
    return names_subject(word.casefold(), silent)


def _may_begin_so(words: Sequence[str], places: Places | None) -> bool:
    """Whether a sentence may begin with *words* in capitals that are no name: a word, or a verb and a name."""
    return len(words) == 1 or (places is not None and (places.capital or places.verbs.search(words[0]) is not None))


def _has_verb(phrase: Sequence[str], places: Places | None) -> bool:
    """Whether the last word is a past of English, or a phrase holds a verb of a language where these can be seen."""
    if phrase[-1].endswith("ed"):
        return True
    if places is None or len(phrase) == 1:
        return False
    return phrase[-1][:1].islower() if places.capital else places.objects and any(map(places.verbs.search, phrase))


def _linked_end(words: Sequence[str], naming: Sequence[bool], first: int, places: Places | None) -> int | None:
    """Return where a noun that a preposition joins to the one at *first* ends: operación de cadera."""
    if places is None or not naming[first] or words[first + 1].lower() not in places.links:
        return None
    article = words[first + 2].lower() in places.articles - places.links
    end = first + 3 + article
    return end if end < len(words) and naming[end - 1] else None


def _split(text: str, places: Places | None) -> Iterator[str]:
    """Yield the words of *text*, in a language with elisions the article apart from its noun: l' assurance."""
    for word in segments(text):
        elided = ELISION.match(word) if places and "l'" in places.articles else None
        if elided:
            yield f"{elided[1]}'"
        yield word[elided.end() :] if elided else word


def _without_genitive(word: str) -> str:
    return word[:-2] if word[-2:] in ("'s", "’s") and len(word) > LONGEST_PHRASE else word
