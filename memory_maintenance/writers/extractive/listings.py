"""The lists in an answer, each as one sentence of its names: "Good ferries: Texel, Vlieland, Ameland."."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from memory_maintenance.writers.extractive.phrases import and_more
from memory_maintenance.writers.extractive.plain_text import bare, without_opening
from memory_maintenance.writers.language.languages import language_of
from memory_maintenance.writers.language.words import word_count

_FENCE: Final = re.compile(r"^\s*(?:```|~~~)")
_ENTRY: Final = re.compile(r"^(?P<indent>\s*)(?P<mark>[-*+•–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][)])\s+(?P<text>\S.*)$")
_BOLD: Final = re.compile(r"^(?:\*\*|__)\s*(?P<name>[^*\n]+?)\s*:?\s*(?:\*\*|__)")
_NAMED: Final = re.compile(r"^(?P<name>[^:\n]{2,80}?)(?::(?:\s|$)|\s[-–—]\s)")
_ANNOUNCES: Final = re.compile(
    r"^.*?\b(?:here(?:['’]s| is| are)|hier (?:sind|ist)|voici|aquí (?:tienes|tiene|están|hay|van)|oto)\s+"
    r"(?=\S+\s+\S)",
    re.IGNORECASE,
)
_ANNOUNCES_ONLY: Final = re.compile(
    r"^.*?\b(?:here(?:['’]s| is| are)|hier (?:sind|ist)|voici|aquí (?:tienes|tiene|están|hay|van)|oto)"
    r"(?: (?:why|how|what|(?:a )?few|some|several|more"
    r"|warum|wie|einige|ein paar|quelques-un[es]s|pourquoi|algun[oa]s|kilka|dlaczego))*$",
    re.IGNORECASE,
)
_HOW_MANY: Final = re.compile(
    r"^(?:(?:some|a few|few|several|a list of|the|an?|more|other|einige|ein paar|quelques|des|algun[oa]s|un[oa]s|kilka)"
    r"(?:\s+|$))+",
    re.IGNORECASE,
)
_SHOWS: Final = re.compile(r"(?:an? )?(?:example|sample|template|beispiel|exemple|ejemplo|przykład)\b", re.IGNORECASE)
_PLACE: Final = re.compile(r"\[[^\]\d][^\]]*\]|_{3,}")
_ENDS: Final = (".", "!", "?")
_LOOSE: Final = " \t:;,.-–—"
_LONGEST_LINK: Final = 3
"""Letters of a word that a name may hold in lower case: of, the, van."""

_MOST_CHARACTERS: Final = 40_000
"""What is read of one answer, from its beginning."""

_LONGEST_LINE: Final = 2_000
_LONGEST_NAME: Final = 7
_LONGEST_INTRODUCTION: Final = 16
_FEWEST: Final = 3
_MOST_WORDS: Final = 32
"""Words of a list, what it is of included, behind which the other entries are counted."""

_NAMED_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: what it is of and the names of its entries; ``text`` is both as one sentence."""

    text: str
    names: tuple[str, ...]

    @property
    def holds_names(self) -> bool:
        """Whether most entries are names by their capitals, not the beginnings of advice."""
        return 2 * sum(map(_is_proper, self.names)) > len(self.names)


def _is_proper(name: str) -> bool:
    words = [word for word in name.split() if len(word) > _LONGEST_LINK]
    return bool(words) and not any(word[:1].islower() for word in words)


@dataclass(slots=True)
class _List:
    """A list that is being read; ``depth`` and ``ordered`` tell its entries from those of lists inside of it."""

    introduction: str
    depth: int
    ordered: bool
    entries: list[str] = field(default_factory=list)


def listings(text: str) -> list[Listing]:
    """Return the lists of three entries or more in *text* that say what they are of and whose entries have names."""
    found = [listing for one in _lists(_lines(text)) if (listing := _named(one))]
    # What several lists have alike are the headings of a form: "Pros: ...", "Cons: ...".
    often = Counter(one.names for one in found)
    return [one for one in found if often[one.names] == 1]


def entries(text: str) -> str:
    """Return the entries of all lists in *text*, one a line."""
    return "\n".join(bare(found["text"]) for line in _lines(text) if (found := _ENTRY.match(line)))


def _lines(text: str) -> list[str]:
    return [line[:_LONGEST_LINE] for line in text[:_MOST_CHARACTERS].split("\n")]


def _lists(lines: Sequence[str]) -> Iterator[_List]:
    current: _List | None = None
    before, fenced = "", False
    for line in lines:
        fenced ^= _FENCE.match(line) is not None
        entry = None if fenced else _ENTRY.match(line)
        if entry is None:
            if line.strip() and current and not line[:1].isspace():
                yield current
                current = None
            before = line if line.strip() and not fenced else before
            continue
        depth, ordered = len(entry["indent"].expandtabs(4)), any(map(str.isdigit, entry["mark"]))
        if current is None:
            current = _List(before, depth, ordered)
        if (depth, ordered) == (current.depth, current.ordered):
            current.entries.append(entry["text"])
    if current:
        yield current


def _named(one: _List) -> Listing | None:
    introduction = _introduction(one.introduction)
    announced = _ANNOUNCES_ONLY.match(introduction) is not None
    names = [name for entry in one.entries if (name := _name(entry))]
    different = {re.sub(r"\d+", "", name) for name in names}
    if not introduction or len(names) < _NAMED_SHARE * len(one.entries) or len(different) < _FEWEST:
        return None
    if any(map(_PLACE.search, names)):
        return None
    between = "; " if any("," in name for name in names) else ", "
    text = names[0] if announced else f"{introduction}: {names[0]}"
    for position, name in enumerate(names[1:], start=1):
        if position >= _FEWEST and word_count(text) + word_count(name) > _MOST_WORDS:
            left = and_more(len(names) - position, language_of(" ".join([one.introduction, *one.entries])))
            return Listing(f"{text} ({left}).", tuple(names))
        text = f"{text}{between}{name}"
    return Listing(f"{text}.", tuple(names))


def _introduction(line: str) -> str:
    """Return what a list is of: its heading, or the last sentence before it without its "Here are some"."""
    said = bare(line.strip().lstrip("#").strip())
    if not said.endswith((":", "：")) and not re.match(r"\s*(?:#|\*\*)", line):
        return ""
    last = without_opening(re.split(r"(?<=[.!?])\s+", said)[-1].strip(_LOOSE))
    if _ANNOUNCES_ONLY.match(last):
        return last
    subject = _ANNOUNCES.sub("", last)
    subject = last if subject == last else _HOW_MANY.sub("", subject)
    if not subject or _SHOWS.match(subject) or word_count(subject) > _LONGEST_INTRODUCTION:
        return ""
    return subject[:1].upper() + subject[1:]


def _name(entry: str) -> str:
    """Return what an entry is called: its bold beginning, what is before its colon or dash, or all of a short one."""
    found = _BOLD.match(entry) or _NAMED.match(entry)
    name = bare(found["name"] if found else entry).strip(_LOOSE)
    if word_count(name) > _LONGEST_NAME or (found is None and (entry[:1].isdigit() or entry.rstrip().endswith(_ENDS))):
        return ""
    return name
