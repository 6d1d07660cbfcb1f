"""What a message says without its wrapping: Markdown, HTML, JSON, tables and diffs as sentences a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from memory_maintenance.writers.extractive.cues import OPENING
from memory_maintenance.writers.extractive.payloads import payload_text
from memory_maintenance.writers.extractive.whole_sentences import whole_sentences
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.words import content_stems, longest_run

_LONGEST_RUN: Final = 60
"""Characters without a blank that a reader can do something with: a path or an address, no encoded file."""

_LONGEST_HEADING: Final = 9
_LONGEST_TITLE: Final = 12
_LONGEST_LINK: Final = 4
"""Letters of a word that a title may leave in lower case: with, your, and."""

_SAID_AGAIN: Final = 0.6
_SEVERAL: Final = 4
_MOST_CHARACTERS: Final = 40_000
"""Characters that are read of one message, half from its beginning and half from its end."""


_FENCE: Final = re.compile(r"^\s*(?:```|~~~)")
_RULE: Final = re.compile(r"^\s*(?:[-*_=~#]\s*){3,}$|^\s*[|:\-+= ]{3,}$")
_HEADING: Final = re.compile(r"^\s*#{1,6}\s+\S|^\s*(?:\*\*|__)[^*_]+(?:\*\*|__):?\s*$")
_BULLET: Final = re.compile(
    r"^\s*(?:>\s*)*(?:(?:[-*+•◦‣▪·–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z][)]|[①-⑳]|\d️?⃣)\s+)+(?:\[[ xX]\]\s+)?|^\s*>+\s*"
)
_ENUMERATOR: Final = re.compile(r"^\W*(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]?\W*$")
_LINK: Final = re.compile(r"(?<!\w)!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)(?!\w)")
_EMPHASIS: Final = re.compile(
    r"(?<![\w*`~])(?<!\d['’.,:-])(?:\*{1,3}|~~|`+)++(?=\S)|(?<=\S)(?:\*{1,3}|~~|`+)++(?!\w|['’.,:-]\d|['’](?!s\b)\w)|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)"
)
_ESCAPE: Final = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_LOGGED: Final = re.compile(r"\d\d:\d\d:\d\d")
_NUMBER: Final = re.compile(r"\d+")
_FIGURE: Final = re.compile(r"[-+−]?\d[\d.,:%]*")
_DIFF: Final = re.compile(r"^(?:diff --git |@@ .*@@|\+\+\+ |--- )", re.MULTILINE)
_DIFF_HEAD: Final = re.compile(r"^(?:diff --git|index [0-9a-f]|\+\+\+|---|@@|new file|deleted file|similarity|rename )")
_ROW: Final = re.compile(r"^\s*\|.*\|\s*$|^[^|\n]+(?:\|[^|\n]+){2,}$")
_COLUMNS: Final = re.compile(r"[^\S\n]{2,}|\t")
_ENDS: Final = re.compile(r"[.!?:;,|]$")
_FEWEST_COLUMNS: Final = 3
_FEWEST_ROWS: Final = 2
_WRAPPED: Final = re.compile(r"(?<=[a-zà-ÿ,])\n(?=[a-zà-ÿ])")
"""A sentence that a line's end cuts in two."""

_SENTENCES_OF_A_LINE: Final = 400


def plain_sentences(text: str) -> list[str]:
    """Return the sentences of *text*, in order, each once: headings, enumerators, code and markup are left out.

    Where nothing else would be left, what was left out is read as it stands.
    """
    raw = _ends(clean(with_columns(text)))
    said = _without_repeats(_spoken(payload_text(raw), strict=True))
    return said or _without_repeats(_spoken(raw, strict=False))


def with_columns(text: str) -> str:
    """Return *text* with a bar between the columns of each table that sets them apart by blanks alone."""
    lines = text.split("\n")
    cells = [_COLUMNS.split(line.strip()) for line in lines]
    rows = [len(own) >= _FEWEST_COLUMNS and not any(map(_ENDS.search, own[:-1])) for own in cells]
    if sum(rows) < _FEWEST_ROWS:
        return text
    return "\n".join(" | ".join(own) if row else line for line, own, row in zip(lines, cells, rows, strict=True))


def without_opening(sentence: str) -> str:
    """Return *sentence* without words that join it to the one before: ``By the way, I moved`` as ``I moved``."""
    left = sentence
    while found := OPENING.match(left):
        left = left[found.end() :]
    return left if left == sentence else left[:1].upper() + left[1:]


def without_own_label(sentence: str) -> str:
    """Return *sentence* without a beginning before a colon that it says again: ``The keel: The keel is of oak.``."""
    label, colon, rest = sentence.partition(": ")
    own = set(content_stems(label))
    if not colon or not own or len(label.split()) > _LONGEST_HEADING:
        return sentence
    return rest if len(own & set(content_stems(rest))) >= _SAID_AGAIN * len(own) and rest[:1].isupper() else sentence


def _spoken(text: str, *, strict: bool) -> Iterator[str]:
    """Yield the sentences of *text*; *strict* leaves out headings, code and what only counts."""
    diff, fenced, header = _DIFF.search(text) is not None, False, list[str]()
    lines = text.count("\n") + 1
    for line in _WRAPPED.sub(" ", text).split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif _RULE.match(line):
            continue
        elif _ROW.match(line):
            cells = [bare(cell) for cell in line.strip().strip("|").split("|")]
            # A reader can do nothing with figures whose columns have no names.
            if not strict or len(header) == len(cells):
                yield _readable(_row(header, cells))
            header = header or ([""] if any(map(_FIGURE.fullmatch, cells)) else cells)
        elif diff and line[:1] in ("+", "-") and not _DIFF_HEAD.match(line):
            yield _readable(f"{line[0]} {line[1:].strip()}")
        elif not (strict and (fenced or (diff and _is_frame_of_diff(line)) or _is_heading(line, among=lines))):
            header = []
            yield from _of_line(line, strict=strict)


def _row(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row of a table as ``column: cell``."""
    if len(cells) != len(header):
        return ", ".join(filter(None, cells))
    named = zip(header, cells, strict=True)
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _is_frame_of_diff(line: str) -> bool:
    return line[:1] == " " or _DIFF_HEAD.match(line) is not None


def _of_line(line: str, *, strict: bool) -> Iterator[str]:
    for sentence in whole_sentences(bare(_BULLET.sub("", line)))[:_SENTENCES_OF_A_LINE]:
        if any(map(str.isalnum, sentence)) and not (strict and _ENUMERATOR.match(sentence)):
            yield _readable(_BULLET.sub("", sentence) if strict else sentence)


def _is_heading(line: str, *, among: int) -> bool:
    """Whether a line only announces what follows: ``## Plan``, ``**Plan**``, ``Key points:``, ``The Plan in Short``.

    A title without a mark is one only *among* several lines.
    """
    if _HEADING.match(line):
        return True
    if among >= _SEVERAL and not _BULLET.match(line) and _is_title(line.split()):
        return True
    line = bare(_BULLET.sub("", line))
    return line.endswith((":", "：")) and len(line.split()) <= _LONGEST_HEADING


def _is_title(words: Sequence[str]) -> bool:
    if not 1 < len(words) <= _LONGEST_TITLE or not words[-1][-1:].isalpha():
        return False
    return all(word[:1].isupper() for word in words if word.isascii() and len(word) > _LONGEST_LINK) and all(
        map(str.isascii, words)
    )


def bare(text: str) -> str:
    """Return one line without its Markdown: links, emphasis and escapes."""
    return _ESCAPE.sub("", _EMPHASIS.sub("", _LINK.sub(r"\1", text))).strip()


def _readable(sentence: str) -> str:
    return " ".join(word if _is_short(word) else "…" for word in sentence.split())


def _is_short(word: str) -> bool:
    return len(word) <= _LONGEST_RUN or longest_run(word) <= _LONGEST_RUN


def _without_repeats(said: Iterator[str]) -> list[str]:
    """Return every sentence once, and of the lines of a log that differ only in figures the first."""
    different: dict[str, str] = {}
    for one in said:
        key = _NUMBER.sub("0", one) if _LOGGED.search(one) else one
        different.setdefault(key, one)
    return list(different.values())


def _ends(text: str) -> str:
    """Return *text*, or the two ends of a very long one, cut between words."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return re.sub(r"\S+\Z", "", text[:half]) + "\n" + re.sub(r"\A\S+", "", text[-half:])
