"""What makes a sentence worth keeping, or not, whatever it is about."""

from __future__ import annotations

import re
from typing import Final

from memory_maintenance.writers.language.stop_words import CHATTER, OPENINGS, ROLES
from memory_maintenance.writers.language.words import is_content, tokens

_SPEAKER: Final = re.compile(r"^\s*\[?([^\W\d_][\w.-]{0,24})\]?(?: ?\(([^()\n]{1,30})\))?: +(?=\S)")

_CUES: Final = (
    (
        0.6,
        re.compile(
            r"\b(?:decided|decision|agreed|approved|chose|chosen|settled on|signed off|concluded|go(?:ing)? with)\b"
        ),
    ),
    (0.6, re.compile(r"\b(?:root cause|caused by|because of|due to|turned out|culprit|diagnos\w+|lesson)\b")),
    (0.5, re.compile(r"[$€£¥] ?\d|\b\d[\d.,]* ?(?:k|usd|eur|gbp|chf|euros?|dollars|pounds)\b")),
    (
        0.4,
        re.compile(
            r"\b(?:fixed|resolved|shipped|released|completed|refunded|cancell?ed|merged|failed|broke|escalated)\b"
        ),
    ),
    (0.4, re.compile(r"\b(?:error|exception|fatal|panic|crash|exhausted)")),
    (0.4, re.compile(r"\b(?:deadline|due|must|never|always|allerg\w+|policy|prefers?|requires?|blocked|risk|owner)\b")),
    (0.3, re.compile(r"\b(?:found|finding|result|measured|confirmed|concern|hypothesis|evidence|plan is|next step)\b")),
)
"""Weights of words that announce a decision, a cause, money, an outcome, a constraint or a finding."""

_TALKING: Final = re.compile(
    r"\b(?:i'll|i’ll|let me|shall i|can you|could you|would you|i'm sorry|i’m sorry|you're welcome)\b"
)
_LONGEST_GREETING: Final = 10
"""Words of a sentence like ``Hello Ana, how can I help you today?``, whose one content word is a name."""

_FIGURE: Final = re.compile(r"\d")
_MOSTLY_FIGURES: Final = 0.18
"""Share of digits from which on a text is a log or a table; a sentence full of facts has 0.13."""

_FEW_DIGITS: Final = 12
"""Digits that a short sentence may have, say an order and a sum."""

_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d")
_SIGNS: Final = re.compile(r"[{}<>=|]|\(\)|->|::")
"""People write times without seconds and sentences without these; logs and code have both."""

_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+")
_CORRECTION: Final = re.compile(
    r"\b(?:correction|corrected|actually|instead|no longer|scrap (?:that|the)|changed (?:from|to|our)|moved (?:from|to)"
    r"|revised|supersedes?|was wrong|were wrong|is not the|isn't the|not true|i misread|i misspoke"
    r"|ignore (?:that|the|my)|rather than|update(?=:))\b"
)


def salience(text: str) -> float:
    """Return what *text* states beyond its subject: 1 for a plain sentence, about 3 for a decision about money.

    Adds up weights for words of decision, cause, money, outcome and constraint,
    for figures and for names. A question, talk between two people and lines of
    a log or of code count for less than a statement, down to 0.2.
    """
    folded = text.casefold()
    cues = sum(weight for weight, cue in _CUES if cue.search(folded))
    facts = 0.3 * bool(_FIGURE.search(text)) + 0.2 * bool(_NAME.search(text)) + 0.4 * is_correction(text)
    return (1.0 + cues + facts) * _discount(text, folded)


def _discount(text: str, folded: str) -> float:
    asks = 0.6 if text.rstrip().endswith("?") else 1.0
    talks = 0.7 if _TALKING.search(folded) else 1.0
    digits = len(_FIGURE.findall(text))
    machine = digits > max(_FEW_DIGITS, _MOSTLY_FIGURES * len(text)) or len(_SIGNS.findall(text)) > 1
    return asks * talks * (0.4 if machine or _CLOCK.search(text) else 1.0)


def is_correction(text: str) -> bool:
    """Whether *text* says that something said before does not hold."""
    return _CORRECTION.search(text.casefold()) is not None


def is_small_talk(text: str) -> bool:
    """Whether *text* greets, thanks or acknowledges, and says nothing else."""
    words = tokens(without_speaker(text))
    if any(word.isdigit() for word in words):
        return False
    rest = [word for word in words if is_content(word) and word not in CHATTER]
    opens = bool(words) and words[0] in OPENINGS
    return not rest or (opens and len(rest) == 1 and len(words) <= _LONGEST_GREETING)


def speaker(text: str) -> str | None:
    """Return the name before the first colon of a line of a transcript, casefolded."""
    found = _SPEAKER.match(text)
    return found.group(1).casefold() if found else None


def without_speaker(text: str) -> str:
    """Return *text* without ``Customer: `` and the like in front of it."""
    found = _SPEAKER.match(text)
    return text[found.end() :] if found else text


def is_role(name: str) -> bool:
    """Whether *name* says who speaks without naming anybody."""
    return name.casefold() in ROLES
