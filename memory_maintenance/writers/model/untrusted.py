"""Text of memories inside a prompt: data on lines of its own, never a delimiter, a turn or an instruction.

A memory becomes one line without angle brackets, so it can neither close its
block, nor begin a line that looks like another memory, nor hold a control token of a
chat template (``<|im_end|>``, ``[INST]``, ``[gMASK]``), which some servers read even inside a message.
Servers normalize what they read (NFKC), so text counts here as it is after that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.relative_dates import with_dates

_BRACKETS: Final = str.maketrans(
    {"<": "‹", ">": "›", "＜": "‹", "＞": "›", "﹤": "‹", "﹥": "›", "≮": "‹", "≯": "›"}
    | {"［": "[", "］": "]", "﹇": "[", "﹈": "]", "｜": "|"}
)
"""Every character that one of Unicode's normal forms makes a bracket or a bar of; a test looks at all of Unicode."""

_IN_BRACKETS: Final = re.compile(r"\[([^\[\]]{1,60})\]")
_TOKEN: Final = re.compile(
    r"/?\|?(?:\w*[A-Z]{2}\w*|"  # [INST], [/INST], [gMASK], [TOOL_CALLS]
    r"(?i:[gs]?mask|[sb]op|eop|[be]os|pad|unk|sep|cls|inst|sys|system|user|human|assistant|bot|round\d+))\|?"
)
"""What is in square brackets in the templates of chat models, without blanks and marks."""

_LEFT_OUT: Final = " … "


def as_line(text: str, most_characters: int) -> str:
    """Return *text* as one line of at most *most_characters*, harmless inside ``delimited``.

    Of a longer text the first two thirds of the room go to its beginning, the rest to its end.
    """
    # A slice first: cleaning ten megabytes to keep a thousand characters would take seconds.
    raw = text if len(text) <= 4 * most_characters else text[: 2 * most_characters] + text[-2 * most_characters :]
    line = " ".join(clean(raw).translate(_BRACKETS).split())
    line = _IN_BRACKETS.sub(_without_token, line)
    return line if len(line) <= most_characters else _shortened(line, most_characters)


def _without_token(found: re.Match[str]) -> str:
    marked = unicodedata.normalize("NFKD", found[1])
    letters = "".join(letter for letter in marked if not (unicodedata.combining(letter) or letter in " \u200c\u200d"))
    return f"({found[1]})" if _TOKEN.fullmatch(letters) else found[0]


def as_dated_line(text: str, most_characters: int, at: datetime) -> str:
    """Return *text* as ``as_line`` does, with the dates of what it says relative to *at* (``tomorrow``)."""
    return as_line(with_dates(as_line(text, most_characters), at), most_characters)


def _shortened(line: str, most_characters: int) -> str:
    room = most_characters - len(_LEFT_OUT)
    head = room * 2 // 3
    return f"{line[:head]}{_LEFT_OUT}{line[len(line) - (room - head) :]}"


def delimited(name: str, lines: Iterable[str]) -> str:
    """Return *lines*, made by ``as_line``, between ``<name>`` and ``</name>``."""
    return "\n".join([f"<{name}>", *lines, f"</{name}>"])
