"""What a conversation is about, in a few terms of its own: what recurs in it and is rare elsewhere."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background, word_key
from memory_maintenance.writers.extractive.salience import is_role, is_small_talk
from memory_maintenance.writers.extractive.transcript import Transcript
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.figures import figures
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.number_words import NUMBER_WORDS
from memory_maintenance.writers.language.segmentation import is_unspaced, segments
from memory_maintenance.writers.language.stop_words import (
    CHATTER,
    FILLER,
    TOPIC_LABELS,
    UNSPACED_CHATTER,
    WEEKDAY_NAMES,
)
from memory_maintenance.writers.language.words import is_content, longest_run, stem, tokens

_BUDGET: Final = 40_000
"""Characters read in all: more text no longer changes the first terms."""

_LONGEST_TEXT: Final = 600
_LONGEST_TERM: Final = 40
_LONGEST_PHRASE: Final = 3
_ENOUGH_TERMS: Final = 5
_LONG: Final = 5
_INSIDE: Final = re.compile(r"[\w,;] $")
_MARK: Final = re.compile('[.!?。！？,，、;；:：()（）「」“”„«»"\n\u2190-\u2bff\U0001f000-\U0001faff]')


_EMPTY: Final = FILLER | CHATTER | ALL_FUNCTION_WORDS | MONTH_NAMES | NUMBER_WORDS | WEEKDAY_NAMES | TOPIC_LABELS


@dataclass(slots=True)
class _Term:
    """A term as it is written, the texts that hold it and how often a capital stood inside of a sentence."""

    words: tuple[str, ...]
    keys: tuple[str, ...]
    held: set[int]
    capital: int = 0
    weight: float = 0.0


def key_terms(texts: Sequence[str], *, most: int = 6, background: Background = NO_BACKGROUND) -> tuple[str, ...]:
    """Return up to *most* terms that *texts* are about, the strongest first, as they stand there.

    Terms of one to three words; of two that share a word the stronger stays. At
    least one when any text has a content word or number of up to 40 characters,
    none otherwise. What most of the *background* holds is no term.
    """
    return terms_of(Transcript.of(texts), most=most, background=background)


def terms_of(said: Transcript, *, most: int, background: Background) -> tuple[str, ...]:
    """Return the key terms of a conversation that was read already."""
    read = _excerpts(said)
    silent = frozenset(part for name in said.speakers for part in name.split())
    terms = sorted(_terms(read, silent, background), key=lambda term: (-term.weight, term.words))
    chosen: list[_Term] = []
    for term in terms:
        # Of plain words that stand once, most are verbs: a few will do where nothing better is left.
        plain = len(term.held) == len(term.words) == 1 and not (term.capital or is_unspaced(term.words[0]))
        if len(chosen) < (min(most, _ENOUGH_TERMS) if plain else most) and not any(
            set(term.keys) & set(other.keys) for other in chosen
        ):
            chosen.append(term)
    whole = "\n".join(read)
    return tuple(_written(term, whole) for term in chosen) or _most_frequent(said.texts)


def _written(term: _Term, whole: str) -> str:
    return "".join(term.words) if is_unspaced(term.words[0]) else as_written(term.words, whole)


def as_written(words: Sequence[str], text: str) -> str:
    """Return successive casefolded *words* as *text* writes them most often inside its sentences.

    Where they only begin sentences, a capital first letter of the only capital
    is taken for the sentence's.
    """
    phrase = re.compile(r"(?<!\w)" + r"[^\w\n]{1,3}".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)
    found = list(phrase.finditer(text))
    inside = Counter(match.group() for match in found if _INSIDE.search(text, max(0, match.start() - 2), match.start()))
    if inside:
        return max(inside, key=lambda form: (inside[form], form))
    form = found[0].group() if found else " ".join(words)
    return form[:1].lower() + form[1:] if form[1:].islower() and form[:1].lower().casefold() == words[0][:1] else form


def names_subject(token: str, silent: frozenset[str] = frozenset()) -> bool:
    """Whether a term may begin or end with *token*: a content word, no number, filler, greeting, role or speaker."""
    if is_unspaced(token):
        return token not in silent and not is_role(token) and UNSPACED_CHATTER.fullmatch(token) is None
    plain = not any(character.isdigit() for character in token)
    said = plain and is_content(token) and len(token) <= _LONGEST_TERM
    return said and token not in _EMPTY and token not in silent and not is_role(stem(token))


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
    return len(word) <= _LONGEST_TERM or longest_run(word) <= _LONGEST_TERM


def _terms(texts: Sequence[str], silent: frozenset[str], background: Background) -> list[_Term]:
    found: dict[tuple[str, ...], _Term] = {}
    alone: defaultdict[str, set[int]] = defaultdict(set)
    for position, text in enumerate(texts):
        for first, words in _candidates(text, silent):
            keys = tuple(word_key(word) for word in words)
            folded = tuple(word.lower() for word in words)
            term = found.setdefault(keys, _Term(folded, keys, set()))
            term.held.add(position)
            term.capital += not first and all(word[:1].isupper() for word in words)
            for key in keys:
                alone[key].add(position)
    few = len(texts) < _LONGEST_PHRASE
    for term in found.values():
        term.weight = _weight(term, alone, background, few=few)
    return [term for term in found.values() if term.weight > 0]


def _candidates(text: str, silent: frozenset[str]) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Yield what may be a term, and whether it begins a sentence: runs of naming words, single ones first."""
    run: list[str] = []
    begins = True
    for word in [*segments(text), "\n"]:
        if not _MARK.fullmatch(word) and names_subject(word.casefold(), silent):
            run.append(word)
            continue
        # A phrase may go on over digits and links only where it stands as it is: blue tent, not tent with seam.
        for start in range(len(run)):
            for end in range(start + 1, min(start + _LONGEST_PHRASE, len(run)) + 1):
                phrase = (*run[start : end - 1], _without_genitive(run[end - 1]))
                if len({is_unspaced(one) for one in phrase}) == 1 and phrase[-1][-2:] != "ed":
                    yield begins and start == 0, phrase
        if word in "\n.!?。！？":
            begins = True
        elif not _MARK.fullmatch(word):
            begins = False
        run = []


def _without_genitive(word: str) -> str:
    return word[:-2] if word[-2:] in ("'s", "’s") and len(word) > _LONGEST_PHRASE else word


def _weight(term: _Term, alone: dict[str, set[int]], background: Background, *, few: bool) -> float:
    """Return how strongly a term names its texts: how many hold it, how rare its words are, how fixed the phrase is."""
    if any(background.is_everywhere(key) for key in term.keys):
        return 0.0
    count, length = len(term.held), len(term.words)
    if length > 1:
        # A phrase is one where its words seldom stand apart; met once, only capitals make it a name.
        apart = max(len(alone[key]) for key in term.keys)
        named = term.capital > 0
        if count == 1 and not (named or few):
            return 0.0
        fixed = count / apart
        bonus = (1.0 + 0.9 * (length - 1) * fixed) if count > 1 else (1.25 if named else 0.9)
    else:
        bonus = 1.2 if term.capital or is_unspaced(term.words[0]) else _plain_bonus(term.words[0], count)
    rarity = sum(background.rarity(key) for key in term.keys) / length
    return float((count**0.75) * rarity**1.5 * bonus)


def _plain_bonus(word: str, count: int) -> float:
    """Words in lower case that stand once, and short ones, are often verbs and particles."""
    return (0.6 if count == 1 else 1.0) * (0.8 if len(word) < _LONG else 1.0)


def _most_frequent(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the most frequent content word, one that names a subject if there is any; else a number."""
    words = [word.casefold() for text in texts for word in segments(text) if not _MARK.fullmatch(word)]
    content = [word for word in words if (is_unspaced(word) or is_content(word)) and any(map(str.isalpha, word))]
    content = content or [one for text in texts for one in tokens(text) if is_content(one) and not one.isdecimal()]
    counted = Counter(word for word in content if len(word) <= _LONGEST_TERM)
    counted = counted or Counter(one for text in texts for one in sorted(figures(text)) if len(one) <= _LONGEST_TERM)
    return tuple(sorted(counted, key=lambda word: (not names_subject(word), -counted[word], word))[:1])
