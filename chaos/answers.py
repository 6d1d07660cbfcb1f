"""What the scripted model writes: good answers that say, by marker words, which memories they were given.

A summary's text therefore shows what it covers, whatever the tables say.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

CANARY: Final = "zq"
"""Every marker begins so: where these words turn up, text of memories has got to."""

REFLECTION_IMPORTANCE: Final = 0.7
STRATEGY_IMPORTANCE: Final = min(1.0, 1.1 * REFLECTION_IMPORTANCE)

_SYLLABLES: Final = [c + v for c in "bdgkmnprtv" for v in "aou"]
_MARKER: Final = re.compile(rf"\b{CANARY}(?:{'|'.join(_SYLLABLES)})+\b")
_NUMBERED: Final = re.compile(r"^\d+\. ", re.MULTILINE)


def marker(number: int) -> str:
    """Return the word for a memory's number: different numbers, different words and different stems."""
    syllables = []
    for _ in range(5):
        number, digit = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[digit])
    return CANARY + "".join(syllables)


def markers(text: str) -> frozenset[str]:
    """Return the markers in *text*."""
    return frozenset(_MARKER.findall(text))


def good_answer(request: dict[str, Any]) -> str:
    """Return the content of a good answer to a chat request: JSON in the shape that was asked for."""
    prompt = str(request["messages"][-1]["content"])
    words = _in_own_order(markers(prompt))
    if "evidence" in json.dumps(request["response_format"]):
        return json.dumps(_reflection(words, len(_NUMBERED.findall(prompt))))
    return json.dumps({"summary": _told(words), "key_topics": words[:2], "sentiment": "neutral"})


def _in_own_order(words: frozenset[str]) -> list[str]:
    # Another order for every number of words: what continues a summary must not read like a copy of it.
    return sorted(words, key=lambda word: hashlib.sha256(f"{len(words)} {word}".encode()).digest())


def _told(words: list[str]) -> str:
    return f"They had a talk about {', '.join(words)}."


def _reflection(words: list[str], memories: int) -> dict[str, Any]:
    return {
        "reflection": _told(words),
        "strategy": f"First talk about {', '.join(reversed(words))}." if words[0] < words[1] else None,
        "importance": round(10 * REFLECTION_IMPORTANCE),
        "confidence": 8,
        "tags": words[:2],
        "evidence": list(range(1, memories + 1)),
    }
