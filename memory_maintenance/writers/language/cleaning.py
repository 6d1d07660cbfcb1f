"""Text of unknown origin as text that can be shown, stored and compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNPRINTABLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Controls other than the line feed, lone surrogates and noncharacters. Postgres refuses the first and the third."""

_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
"""Soft hyphens, zero-width spaces and marks of direction, which can make a line read as what it does not say; tags,
further variation selectors and private use: invisible to people, readable to a model."""

_SPACES: Final = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Return *text* in Unicode's NFC, without invisible marks, and with a space for each run of blanks or controls.

    Line feeds stay. Cleaning twice is cleaning once, so text that was cleaned
    before it was cut still has the words of its source.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # most of what is cleaned is a sentence or a word that needs nothing
    newlines = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = _INVISIBLE.sub("", _UNPRINTABLE.sub(" ", newlines))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", visible)).strip()
