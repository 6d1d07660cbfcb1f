"""Sentences that are whole: not cut behind an abbreviation, inside brackets or inside a quotation."""

from __future__ import annotations

import re
from typing import Final

from memory_maintenance.writers.language.words import sentences, word_count

_INTRODUCES: Final = re.compile(
    r"(?:^|[\s(/\"“„«])(?:avg|incl|excl|approx|resp|esp|prof|dept|z\. ?b|d\. ?h|u\. ?a|ca|bzw|inkl|exkl|zzgl|evtl|ggf"
    r"|vgl|sog|bspw|ex|env|ej|sra|srta|dña|ud|uds|aprox|np|m\.in|tj|tzn|ul|godz|św|prez|dyr|inż|mgr)\.$",
    re.IGNORECASE,
)
"""Behind these a sentence always goes on."""

_COUNTS: Final = re.compile(
    r"(?:^|[^\s\d] |[(/])(?:no|nos|nr|núm|num|n\.?º|art|vol|pp|tel|ok|max|min|máx|mín|abs|tab|sec|ch"
    r"|ref|\w*str|kap|bd|poz)\.$",
    re.IGNORECASE,
)
"""Behind these a sentence goes on with a number: ``no. 5``, but ``The answer is no.``"""

_GOES_ON: Final = re.compile(
    r"(?:^|\s)(?:usw|dgl|itd|itp|jan|feb|mar|apr|aug|sept?|oct|nov|dec|dez|okt)\.$|[.!?][\"'”’)\]]$", re.IGNORECASE
)
"""Behind these a sentence goes on in lower case."""

_PAIRS: Final = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))
_LONGEST: Final = 36
"""Words up to which sentences between the same brackets are one."""


def whole_sentences(line: str) -> list[str]:
    """Return the sentences of one line, in order."""
    found: list[str] = []
    pieces = sentences(line)
    for index, piece in enumerate(pieces):
        if found and (_goes_on(found[-1], piece) or _is_closed_by(found[-1], pieces[index:])):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _goes_on(before: str, after: str) -> bool:
    end = before[-16:]
    if _INTRODUCES.search(end) or (_COUNTS.search(end) and after[:1].isdigit()):
        return True
    return after[:1].islower() and _GOES_ON.search(end) is not None


def _is_closed_by(before: str, rest: list[str]) -> bool:
    """Whether *before* opens a bracket or a quotation that ends in *rest*, close by."""
    if not is_open(before):
        return False
    joined = before
    for piece in rest:
        joined = f"{joined} {piece}"
        if word_count(joined) > _LONGEST:
            return False
        if not is_open(joined):
            return True
    return False


def is_open(text: str) -> bool:
    """Whether *text* opens a bracket or a quotation that it does not close."""
    return text.count('"') % 2 == 1 or any(text.count(begin) > text.count(end) for begin, end in _PAIRS)
