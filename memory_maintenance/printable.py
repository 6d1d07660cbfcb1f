"""Other people's text on its way to a terminal, a page or a log line: what a reader would not see is written out.

Ids, projects, sessions, tags and reasons are what agents and operators have stored. An escape sequence in one would
steer the operator's terminal, a bidirectional control would show another id than there is.
"""

from __future__ import annotations

import re
from typing import Any, Final

_UNSEEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, Arabic letter mark, fillers
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # zero width space, marks, line ends, embeddings, isolates
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # fillers, variants, byte order mark, annotations
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates without their other half, private use
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # format controls, tags
    "\U000f0000-\U0010ffff"  # private use
    "]"
)
"""What no terminal shows, or obeys. The joiners U+200C and U+200D and U+FE0F stay: words and emoji are spelled so."""


def printable(text: str) -> str:
    r"""Return *text* with each character that is not seen as its escape: ``\x1b``, ``\u202e``."""
    return _UNSEEN.sub(_escape, text)


def in_one_line(text: str) -> str:
    r"""Return *text* as ``printable`` does, with ``\n`` and ``\t`` for line ends and tabs."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def printable_value(value: Any) -> Any:
    """Return *value* with ``in_one_line`` applied to each text in it, names included."""
    if isinstance(value, str):
        return in_one_line(value)
    if isinstance(value, dict):
        return {printable_value(name): printable_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable_value(each) for each in value]
    return value


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
