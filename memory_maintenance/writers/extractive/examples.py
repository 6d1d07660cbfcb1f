"""What an assistant only shows: examples, templates with places to fill in, sample rows and quoted drafts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from memory_maintenance.writers.language.segmentation import is_unspaced
from memory_maintenance.writers.language.words import is_content, tokens

_EXAMPLE: Final = re.compile(
    r"^\W*(?:(?:for|in this|in the above) (?:example|instance)|examples?\b|e\.g\.|such as|say,|let['’]?s say|suppose\b"
    r"|sample\b|imagine|(?:zum|in diesem) beispiel|z\. ?b\.|beispiel\b"
    r"|(?:par|dans cet) exemple|exemple\b|(?:por|en este) ejemplo|ejemplo\b|na przykład"
    r"|w tym przykładzie|przykład\b|np\.)",
    re.IGNORECASE,
)
_ANNOUNCES: Final = re.compile(
    r"\b(?:for example|for instance|an? (?:\w+ )?example|let['’]?s say|suppose|imagine|zum beispiel|ein beispiel"
    r"|par exemple|un exemple|por ejemplo|un ejemplo|na przykład)\b.*:\W*$"
    r"|^\W*(?:example|beispiel|exemple|ejemplo|przykład)[^:]{0,40}:\W*$",
    re.IGNORECASE,
)
"""The line before an example of several lines."""

_LONGEST_ANNOUNCEMENT: Final = 200
"""Characters of such a line."""

_ENTRY: Final = re.compile(r"^\s*(?:[-*+•–]|\(?\d{1,3}[.)])\s")
_FENCE: Final = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
_BLANK: Final = re.compile(r"\n\s*\n")
_PLACE: Final = re.compile(
    r"\[(?!\d)[^\W\d][^\]\n]{1,60}\]|\{[a-z_ ]{2,30}\}|<[a-z_ ]{2,30}>|_{3,}|\bX{2,}\b|\d\dXX\b", re.IGNORECASE
)
_NOBODY: Final = re.compile(r"\b(?:John|Jane) (?:Doe|Smith)\b|\bMax Mustermann\b|\bJean Dupont\b|\bJan Kowalski\b")
_QUOTED: Final = re.compile(r"^(?:[\w' -]{1,30}: ?)?[\"“„«].{25}")
_PAIR: Final = re.compile(r"(?:^|, )[^,:]{1,30}: ")
_CONTACT: Final = re.compile(r"^(?:[^\W\d]+ ?){1,2}: \(?\+?\d[\d /()-]{5,}(?:\([^)]*\))?\W*$")
_FEWEST_PAIRS: Final = 3
_FEWEST_WORDS: Final = 2
_FEWEST_OF_ENTRY: Final = 9
"""Words of an entry of a list that says something alone."""

_FEWEST_PLACES: Final = 2
"""Lines with places to fill in from which on a message holds a draft."""


def without_example_blocks(text: str) -> str:
    """Return *text* without each line that announces an example and the list or the paragraph behind it."""
    kept: list[str] = []
    shown: Literal["", "next", "list"] = ""
    for block in _BLANK.split(text):
        listed = _ENTRY.match(block) is not None
        code = _FENCE.search(block) is not None
        if not code and (shown == "next" or (shown == "list" and listed)):
            shown = "list" if listed else ""
            continue
        lines = block.split("\n")
        announced = next((at for at, line in enumerate(lines) if not code and _announces(line)), None)
        shown = "next" if announced == len(lines) - 1 else ""
        if left := "\n".join(lines[:announced]):
            kept.append(left)
    return "\n\n".join(kept)


def _announces(line: str) -> bool:
    return len(line) <= _LONGEST_ANNOUNCEMENT and _ANNOUNCES.search(line) is not None


def without_examples(sentences: Sequence[str]) -> Iterator[str]:
    """Yield what an assistant says without its examples and without what needs the list that it stands in."""
    quoting = False
    for sentence in sentences:
        odd = (sentence.count('"') + sentence.count("“") + sentence.count("”")) % 2 == 1
        shown, quoting = quoting or is_example(sentence), quoting != odd
        if not (shown or quoting or needs_its_list(sentence)):
            yield sentence


def without_templates(sentences: Sequence[str]) -> list[str]:
    """Return what a person or a tool says without rows and the lines of a draft with places to fill in.

    One such place alone may be a remark (``[laughs]``): it stays.
    """
    said = [sentence for sentence in sentences if not is_row(sentence)] or sentences
    left = [sentence for sentence in said if not _PLACE.search(sentence)]
    return left if left and len(said) - len(left) >= _FEWEST_PLACES else list(said)


def is_example(sentence: str) -> bool:
    """Whether *sentence* is an example, a template, a row of a sample or a quoted draft."""
    if any((_EXAMPLE.match(sentence), _PLACE.search(sentence), _NOBODY.search(sentence), _QUOTED.match(sentence))):
        return True
    return is_row(sentence)


def is_row(sentence: str) -> bool:
    """Whether *sentence* is a row of a table or a record: ``study: Kim 2020, roofs: 75, lower: -0.44``."""
    return len(_PAIR.findall(sentence)) >= _FEWEST_PAIRS


def needs_its_list(sentence: str) -> bool:
    """Whether *sentence* only announces a list, or is an entry that says too little without it."""
    if sentence.endswith((":", "：")) or (sentence.startswith("(") and sentence.rstrip(".").endswith(")")):
        return True
    words = sentence.split()
    if len(words) < _FEWEST_OF_ENTRY and is_entry(sentence) and ": " not in sentence:
        return True
    if _CONTACT.match(sentence):
        return True
    named = {word for word in tokens(sentence) if is_content(word) and not word.isdigit()}
    return len(named) < _FEWEST_WORDS


def is_field(text: str) -> bool:
    """Whether *text* is a value behind one word, which needs the entry that it belongs to: ``Address: 3 Elm Road``."""
    label, colon, value = text.partition(": ")
    return bool(colon) and len(label.split()) == 1 and len(value.split()) < _FEWEST_OF_ENTRY


def is_entry(text: str) -> bool:
    """Whether *text* ends without a mark, in a script whose sentences have one."""
    last = text.rstrip(')]"”’»* ')[-1:]
    return last.isalnum() and not is_unspaced(last)
